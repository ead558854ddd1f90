//! [`ChangePoint`]: when a series left its level for good.
//!
//! Whether it did is Pettitt's test (1979), which compares ranks and so asks for no distribution; since when is
//! where it left the band around its earlier level. It takes a change that matters beside its noise.

use crate::analysis::drift::order::{median, ranks};
use crate::time::Offset;

/// Points that must lie before a change, so that there was a level to leave.
pub(super) const BEFORE_MIN: usize = 5;
/// The chance that a series turns by itself, over all that are looked at together, up to which it is told
/// without a doubt.
pub(super) const CERTAIN: f64 = 0.01;
/// Widths of the noise that a level must move by.
const WIDTHS: f64 = 3.0;
/// Noise that is assumed at least, as a share of the level.
const NOISE_SHARE_MIN: f64 = 0.03;

/// When a series left its level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first point beyond the band around the earlier level.
    pub at: Offset,
    /// The level before.
    pub from: f64,
    /// The level after.
    pub to: f64,
    /// The chance of as large a difference of ranks without any turn, 0 to 1.
    pub p: f64,
}

impl ChangePoint {
    /// Whether chance hardly explains it, for a series that is looked at by itself.
    pub fn is_certain(&self) -> bool {
        self.p < CERTAIN
    }
}

/// When and how the values of a series turned, if they did. Ten points are the least.
pub fn find(points: &[(Offset, f64)]) -> Option<ChangePoint> {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let count = values.len();
    if count < 2 * BEFORE_MIN {
        return None;
    }
    let mut sum = 0.0;
    let walk = ranks(&values).into_iter().enumerate().map(|(place, rank)| {
        sum += rank;
        let departure: f64 = 2.0 * sum - (place + 1) as f64 * (count + 1) as f64;
        (place + 1, departure.abs())
    });
    let inner = walk.take(count - 1).skip(BEFORE_MIN - 1);
    let (place, departure) = inner.max_by(|a, b| a.1.total_cmp(&b.1))?;
    let cube = (count as f64).powi(3) + (count as f64).powi(2);
    let p = (2.0 * (-6.0 * departure * departure / cube).exp()).min(1.0);
    let (from, to) = (median(&values[..place]), median(&values[place..]));
    let spread: Vec<f64> = values[..place].iter().map(|value| (value - from).abs()).collect();
    // 1.4826 makes the median deviation that of a normal distribution.
    let noise = (1.4826 * median(&spread)).max(NOISE_SHARE_MIN * from.abs().max(to.abs()));
    let beyond = |value: f64| (value - from) * (to - from).signum() > WIDTHS * noise;
    if !beyond(to) {
        return None;
    }
    let outside = |at: &usize| beyond(values[*at]);
    let first = (place.saturating_sub(1)..count).find(outside)?;
    let begin = (0..first).rev().take_while(outside).last().unwrap_or(first);
    Some(ChangePoint { at: points[begin].0, from, to, p })
}
