//! The one integration binary: a module per theme, so that everything links once.
//!
//! Tests here run the public API or the real binary, on free loopback ports only.

mod ab;
mod actions;
mod addresses;
mod answers;
mod blame;
mod browser;
mod causes;
mod cli;
mod compare;
mod corpus;
mod ends;
mod engine;
mod examples;
mod false_alarms;
mod feeders;
mod flows;
mod http2;
mod import;
mod interrupt;
mod ledger;
#[cfg(unix)]
mod live;
mod login;
mod machine;
mod old_tls;
#[cfg(target_os = "linux")]
mod pauses;
mod profiles_page;
mod queueing;
mod reach;
mod report;
mod safety;
mod scripts;
mod search;
mod server;
mod situations;
mod stall;
mod support;
mod tidy;
mod tls;
mod watched;
mod wire;
