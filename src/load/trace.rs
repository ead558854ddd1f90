//! [`Trace`]: arrivals that were recorded: when each slot is due, and which request it sends.

use std::sync::Arc;
use std::time::Duration;

use crate::load::mix::CYCLE_MAX;
use crate::time::Offset;

/// Recorded arrivals in the order of their due instants; the first is due as the schedule begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    log: Arc<str>,
    speed: f64,
    due: Arc<[Offset]>,
    requests: Arc<[u32]>,
}

/// Why arrivals make no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// None at all.
    #[error("there are no arrivals")]
    Empty,
    /// More than [`CYCLE_MAX`].
    #[error("{0} arrivals, more than {CYCLE_MAX}")]
    TooMany(usize),
}

impl Trace {
    /// A trace of `arrivals`, which stood in `log`: instants since any origin, and the request that each
    /// sends. `speed` divides every distance; it is above 0.
    ///
    /// # Errors
    /// No arrivals, or too many.
    pub fn new(
        log: &str,
        mut arrivals: Vec<(Duration, u32)>,
        speed: f64,
    ) -> Result<Self, TraceError> {
        let first = arrivals.iter().map(|(at, _)| *at).min().ok_or(TraceError::Empty)?;
        if arrivals.len() as u64 > CYCLE_MAX {
            return Err(TraceError::TooMany(arrivals.len()));
        }
        // Stable: of the same instant, the order of the recording.
        arrivals.sort_by_key(|(at, _)| *at);
        let due =
            arrivals.iter().map(|(at, _)| Offset::ZERO + at.saturating_sub(first).div_f64(speed));
        Ok(Self {
            log: log.into(),
            speed,
            due: due.collect(),
            requests: arrivals.iter().map(|(_, request)| *request).collect(),
        })
    }

    /// What it was recorded in: a file's name, without its folder.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// So many times as fast as it was recorded.
    pub const fn speed(&self) -> f64 {
        self.speed
    }

    /// When slot `index` is due; nothing behind the last.
    pub fn due(&self, index: u64) -> Option<Offset> {
        self.due.get(usize::try_from(index).ok()?).copied()
    }

    /// The request that each slot sends.
    pub fn requests(&self) -> &[u32] {
        &self.requests
    }

    /// Number of slots; at least one.
    pub fn slots(&self) -> u64 {
        self.due.len() as u64
    }

    /// Until the last slot is due, and a mean gap more.
    pub fn length(&self) -> Duration {
        let last = self.due.last().map_or(Duration::ZERO, |last| last.since(Offset::ZERO));
        let gaps = u32::try_from(self.due.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let gap = last.checked_div(gaps).filter(|gap| !gap.is_zero());
        last + gap.unwrap_or(Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_are_sorted_begin_at_zero_and_are_sped_up() {
        let at = Duration::from_millis;
        let trace =
            Trace::new("log", vec![(at(5_300), 1), (at(5_000), 0), (at(6_000), 2)], 2.0).unwrap();
        let due = |index| trace.due(index).map(|due| due.since(Offset::ZERO));
        assert_eq!((due(0), due(1), due(2)), (Some(at(0)), Some(at(150)), Some(at(500))));
        assert_eq!(due(3), None);
        assert_eq!(trace.requests(), [0, 1, 2]);
        assert_eq!(trace.length(), at(750));
        assert_eq!(
            Trace::new("log", vec![(at(7), 0)], 1.0).unwrap().length(),
            Duration::from_secs(1)
        );
        assert_eq!(Trace::new("log", Vec::new(), 1.0), Err(TraceError::Empty));
    }
}
