//! Intent: what is to be sent, when, and what it must meet. Pure values; nothing here has happened yet.
//!
//! A [`plan::Plan`] is one resolved, validated run: if it exists, it can run.

pub mod body;
mod divisor;
pub mod expression;
pub mod feeder;
pub mod footprint;
pub mod generate;
pub mod mix;
pub mod plan;
pub mod random;
pub mod rate;
pub mod request;
pub mod schedule;
pub mod secrets;
pub mod slo;
pub mod stages;
pub mod table;
pub mod trace;
pub mod way;

pub(crate) use divisor::greatest_common_divisor;
