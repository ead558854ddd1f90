//! Transport: one connection at a time, HTTP/1.1 or HTTP/2, with every instant noted where it happens.
//!
//! No pool, no retry, no hidden queue: which connection carries which request is the engine's decision.
//! A failed exchange is data ([`exchange::Exchange`]), never an `Err` that climbs.

mod addresses;
mod broken;
pub mod clock;
pub mod connect;
pub mod exchange;
mod fault;
pub mod foresight;
mod gate;
mod interim;
pub mod io;
mod keep_alive;
#[cfg_attr(not(target_os = "linux"), path = "no_kernel_clock.rs")]
pub mod kernel_clock;
pub mod multiplexed;
pub mod patience;
pub mod proxy;
mod reason;
pub mod route;
pub mod single;
pub mod socket;
pub mod stamped;
pub mod stream;
pub mod tls;
mod trust;
#[cfg(target_os = "linux")]
mod wall_clock;
