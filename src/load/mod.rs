//! Intent: what is to be sent, when, and what it must meet. Pure values; nothing here has happened yet.
//!
//! A [`plan::Plan`] is one resolved, validated run: if it exists, it can run.

mod divisor;
pub mod footprint;
pub mod mix;
pub mod plan;
pub mod random;
pub mod rate;
pub mod request;
pub mod schedule;
pub mod slo;
pub mod stages;
pub mod steering;
pub mod way;

pub(crate) use divisor::greatest_common_divisor;
