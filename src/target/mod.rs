//! target
mod accounts;
mod api;
mod catalogue;
pub mod endpoint;
mod insight;
mod query;
pub mod queue;
mod random;
mod reply;
mod route;
pub mod settings;
mod token;
mod work_time;
