//! [`WaitList`]: a worker's slots that wait for a connection, those that go out once more before the others.

use std::collections::VecDeque;

use crate::engine::seat::{Job, Wanted};
use crate::time::Offset;

/// Slots in the order of their turn.
#[derive(Default)]
pub(super) struct WaitList {
    /// To be sent once more; they may not take just any connection.
    again: VecDeque<Job>,
    first: VecDeque<Job>,
}

impl WaitList {
    /// Adds a slot behind all others.
    pub(super) fn push(&mut self, job: Job) {
        self.first.push_back(job);
    }

    /// Adds a slot that has been under way: before the others of its kind.
    pub(super) fn push_front(&mut self, job: Job) {
        let job = Job { dialed: false, ..job };
        match job.wanted {
            Wanted::Any => self.first.push_front(job),
            Wanted::Fresh | Wanted::OtherThan(_) => self.again.push_back(job),
        }
    }

    /// The connection that the first of those to be sent once more wants.
    pub(super) fn wanted_again(&self) -> Option<Wanted> {
        self.again.front().map(|job| job.wanted)
    }

    /// Chooses the slot that a connection is to be opened for: the latest, or the first for which none is
    /// being opened yet.
    pub(super) fn choose(&mut self) -> Option<u64> {
        let latest = self.first.back_mut().filter(|job| !job.dialed);
        let job = match latest {
            Some(job) => Some(job),
            None => self.again.iter_mut().chain(&mut self.first).find(|job| !job.dialed),
        }?;
        job.dialed = true;
        Some(job.slot)
    }

    /// Takes this slot, if it still waits.
    pub(super) fn take(&mut self, slot: u64) -> Option<Job> {
        let queues = [&mut self.again, &mut self.first];
        queues.into_iter().find_map(|queue| {
            let place = queue.iter().position(|job| job.slot == slot)?;
            queue.remove(place)
        })
    }

    /// Takes the first of those to be sent once more.
    pub(super) fn pop_again(&mut self) -> Option<Job> {
        self.again.pop_front()
    }

    /// Takes the first of those that any connection may carry.
    pub(super) fn pop(&mut self) -> Option<Job> {
        self.first.pop_front()
    }

    /// When the first of those that any connection may carry was taken up.
    pub(super) fn first_taken(&self) -> Option<Offset> {
        self.first.front().map(|job| job.taken)
    }

    /// When the first of either kind was taken up.
    pub(super) fn earliest_taken(&self) -> Option<Offset> {
        let first = [&self.again, &self.first].map(|queue| queue.front().map(|job| job.taken));
        first.into_iter().flatten().min()
    }

    /// Takes the first that is past a limit of its own, by `expired`. They wait in about the order of those.
    pub(super) fn pop_expired(&mut self, expired: impl Fn(&Job) -> bool) -> Option<Job> {
        let queues = [&mut self.again, &mut self.first];
        queues.into_iter().find_map(|queue| queue.pop_front_if(|job| expired(job)))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.again.len() + self.first.len()
    }

    /// How many connections they call for, where each may carry `streams` at once. Those to be sent once
    /// more need one each: what has just refused some may refuse them together again.
    pub(super) fn connections(&self, streams: usize) -> usize {
        self.again.len() + self.first.len().div_ceil(streams)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Job> {
        self.again.iter().chain(&self.first)
    }
}
