//! The engine: sends every slot of a schedule when it is due and records what became of it.
//!
//! A [`fleet::Fleet`] is a set of worker threads, each with its own runtime, connections, pacer and
//! tally; nothing is shared between them while they send. The engine judges nothing and prints nothing.

mod alarm;
mod arrivals;
pub mod bystander;
mod connection;
mod cookies;
mod desk;
mod dispatch;
mod entries;
#[cfg(test)]
mod example;
pub mod fleet;
mod helm;
pub mod issuer;
mod journeys;
mod keeper;
mod kept;
mod lanes;
mod learnt;
pub mod leg;
pub mod once;
mod overtime;
mod pacer;
mod pools;
pub mod prepare;
mod prepared;
mod probe;
mod pulse;
mod recorder;
mod rehearsal;
pub mod renewal;
mod ruling;
mod seat;
mod session;
pub mod single;
mod timer;
mod tokens;
mod wait_list;
mod worker;

pub use leg::Pacing;
