//! Measurement: what became of every planned slot, and how long it took. Pure values; no clock is read.
//!
//! Workers own a [`tally::Tally`] for the run and a [`window::Window`] for the current interval; both
//! merge without loss, in any order. A [`summary::Summary`] is what remains when the run is over.

pub mod address_tally;
pub mod answering;
pub mod attempts;
pub mod auth;
pub mod exposition;
pub mod failure;
pub mod fate;
pub mod flow;
pub mod generator;
pub mod histogram;
pub mod late;
pub mod millionths;
pub mod monitored;
pub mod pauses;
pub mod running;
pub mod sample;
pub mod sampling;
pub mod series;
pub mod silence;
pub mod silent_connections;
pub mod slice;
pub mod snapshot;
pub mod summary;
pub mod tally;
pub mod traffic;
pub mod window;
