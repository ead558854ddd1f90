//! The engine: sends every slot of a schedule when it is due and records what became of it.
//!
//! A [`worker_pool::WorkerPool`] is a set of worker threads, each with its own runtime, connections, pacer and
//! tally; nothing is shared between them while they send. The engine judges nothing and prints nothing.

mod alarm;
mod arrivals;
pub mod bystander;
mod connection;
mod cookies;
mod dispatch;
mod entries;
#[cfg(test)]
mod example;
mod journeys;
mod keeper;
mod kept;
mod lanes;
pub mod leg;
mod load_control;
pub mod once;
mod overtime;
mod pacer;
mod pools;
pub mod prepare;
mod prepared;
mod probe;
mod pulse;
mod quantile_estimator;
mod recorder;
mod rehearsal;
pub mod renewal;
mod ruling;
mod seat;
mod session;
mod setup_client;
pub mod single;
mod timer;
pub mod token_provider;
mod tokens;
mod wait_list;
mod worker;
pub mod worker_pool;

pub use leg::Pacing;
