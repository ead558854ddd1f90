//! Comparison: whether one side is better or worse than another, or the data cannot tell.
//!
//! [`decision`] turns changes with their errors into words; [`comparison`] asks the questions of two sides
//! of stored runs. The unit is the slice of time, never the single request: requests share a queue, and a
//! test that takes them for independent finds a difference between a server and itself.

pub mod comparison;
pub mod decision;
pub mod noise;
pub mod quantile;
pub mod rates;
pub mod sentence;
pub mod timeline;
