//! The engine: sends every slot of a schedule when it is due and records what became of it.
//!
//! A [`fleet::Fleet`] is a set of worker threads, each with its own runtime, connections, pacer and
//! tally; nothing is shared between them while they send. The engine judges nothing and prints nothing.

mod alarm;
mod connection;
mod dispatch;
#[cfg(test)]
mod example;
pub mod fleet;
mod learnt;
pub mod leg;
pub mod once;
mod pacer;
pub mod prepare;
mod prepared;
mod recorder;
mod rehearsal;
mod seat;
mod session;
mod timer;
pub mod token;
mod worker;

pub use leg::Pacing;
