//! Intent: what is to be sent, when, and what it must meet. Pure values; nothing here has happened yet.
//!
//! A [`plan::Plan`] is one resolved, validated run: if it exists, it can run.

pub mod answer;
pub mod auth;
pub mod body;
pub mod control;
pub mod cookies;
mod divisor;
pub mod endpoint;
pub mod expect;
pub mod expression;
pub mod extract;
pub mod feeder;
pub mod flow;
pub mod footprint;
pub mod generate;
pub mod json_path;
pub mod json_text;
pub mod mix;
pub mod monitor;
pub mod outline;
pub mod plain_port;
pub mod plan;
pub mod random;
pub mod rate;
pub mod redirect;
pub mod request;
pub mod request_cost;
pub mod schedule;
pub mod secrets;
pub mod selector;
pub mod set_cookie;
pub mod slo;
pub mod stages;
pub mod steering;
pub mod table;
pub mod threshold;
pub mod trace;
pub mod url;
pub mod url_text;
pub mod way;

pub(crate) use divisor::greatest_common_divisor;
