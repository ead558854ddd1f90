//! [`LoadControl`]: how the worker pool ends or turns the arrivals of a leg that is under way.
//!
//! Workers look at two numbers with each slot. Whatever is asked lies a window ahead of the clock, so every
//! worker knows of it before it takes up the first slot that it is about.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::load::steering::Turn;
use crate::time::Offset;

/// Shared by the worker pool and the workers of a leg.
#[derive(Debug)]
pub(super) struct LoadControl {
    /// Offset from which no slot is due any more.
    stop: AtomicU64,
    /// Whether nothing is waited for any more.
    abandoned: AtomicBool,
    /// The number of turns.
    turned: AtomicUsize,
    turns: Mutex<Vec<Turn>>,
}

impl Default for LoadControl {
    fn default() -> Self {
        Self {
            stop: AtomicU64::new(u64::MAX),
            abandoned: AtomicBool::new(false),
            turned: AtomicUsize::new(0),
            turns: Mutex::default(),
        }
    }
}

impl LoadControl {
    /// Ends arrivals at `at`, or earlier if that was asked before.
    pub(super) fn stop_at(&self, at: Offset) {
        self.stop.fetch_min(at.as_nanos(), Ordering::Relaxed);
    }

    /// From when on no slot is due any more.
    pub(super) fn stop(&self) -> Offset {
        Offset::from_nanos(self.stop.load(Ordering::Relaxed))
    }

    /// Ends the leg where arrivals end: what is unanswered then is not waited for.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is waited for once arrivals have ended.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Turns arrivals.
    pub(super) fn turn(&self, turn: Turn) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.push(turn);
        self.turned.store(turns.len(), Ordering::Release);
    }

    /// How often arrivals have been turned.
    pub(super) fn turned(&self) -> usize {
        self.turned.load(Ordering::Acquire)
    }

    /// The turn after so many others, if there is one.
    pub(super) fn turn_after(&self, heeded: usize) -> Option<Turn> {
        if self.turned() == heeded {
            return None;
        }
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).get(heeded).copied()
    }

    /// All turns so far.
    pub(super) fn turns(&self) -> Vec<Turn> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
