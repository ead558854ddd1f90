//! The machine under the generator: what it offers before a load, and what it did while one was sent.
//!
//! Each file reads one corner of it. Parsers are pure functions over text; reading is a thin shell, and
//! what is missing or reads otherwise than expected is unknown, never an error. Nothing here judges.

pub mod capacity;
pub mod cgroup;
pub mod descriptors;
pub mod ports;
mod processors;
pub mod snapshot;
mod tcp;
pub mod thread;
pub mod wall_clock;

/// The text of one of the kernel's files; `None` where there is no such file.
fn read(path: impl AsRef<std::path::Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
