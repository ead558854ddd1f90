//! [`LoadOutline`]: a load in outline, for whoever follows it from its beginning.

use std::time::Duration;

use crate::time::Offset;

/// A load that begins: a run, a trial of a search, or a block of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOutline {
    /// Which part of a search or comparison it is; empty for a run.
    pub label: String,
    /// Arrivals per second; of stages the highest.
    pub rate: f64,
    /// The length of what is not measured at its beginning.
    pub warmup: Duration,
    /// Where arrivals end.
    pub end: LoadEnd,
    /// Slots at most, warm-up included.
    pub slots_max: u64,
}

/// Where the arrivals of a load end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadEnd {
    /// At an instant.
    At(Offset),
    /// After so many slots, warm-up included.
    Slots(u64),
}
