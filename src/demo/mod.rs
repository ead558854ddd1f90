//! The demo backend: a chat-center API with a known capacity and faults to order, to try a load generator on.
//!
//! Pure parts first: what it is like ([`Settings`]), how long requests take ([`queue`]), what they are answered
//! (`api`). Then the shells: one server ([`serve`]), a server inside this process ([`DemoBackend`]).
//! Invariant: the target never holds back a client for a reason its settings don't name.

mod accounts;
mod api;
mod backend;
mod catalogue;
mod clock;
mod endpoint;
mod framing;
mod host;
mod http2;
mod insight;
mod instant;
mod query;
pub mod queue;
mod reply;
mod route;
mod server;
mod settings;
mod strike;
mod token;
mod work_time;

pub use backend::DemoBackend;
pub use endpoint::{CHAT_CENTER_MIX, Endpoint};
pub use server::{listen, serve};
pub use settings::{
    COLLAPSE_WAIT, Faults, Freezes, Mode, Overload, Seeding, ServiceTime, Settings, SettingsError,
    Stalls, TEST_EMAIL, TEST_PASSWORD,
};
