//! Comparison: whether one side is better or worse than another, or the data cannot tell.
//!
//! [`decision`] turns a change with its error into a word and several words into one.

pub mod decision;
