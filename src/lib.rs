//! steadfire: an open-loop, constant-arrival-rate HTTP benchmarker.
//!
//! Begin with [`session`]: it sets a plan up, sends its load and judges what was measured; the folder
//! `examples/` has three small programs that do. Nothing here is stable before version 1.0: names and shapes
//! change from release to release, and only the command line, the profile and `result.json` keep theirs.
//!
//! The layers, lowest first; a module uses only those before it (`docs/architecture.md` has the picture,
//! `tests/it/tidy/direction.rs` the check): `time` · `load`, `profile` and `import` (intent) · `measure`
//! (what happened) · `analysis` (judgement) · `report` (the contract) · `render` and `live` (bytes and
//! screens) · `machine`, `transport`, `engine`, `monitor`, `stream`, `demo`, `store` (shells) · `session`
//! (the application) · `commands` and `exit` (the command line).

pub mod analysis;
pub mod commands;
pub mod demo;
pub mod engine;
pub mod exit;
pub mod import;
pub mod live;
pub mod load;
pub mod machine;
pub mod measure;
pub mod monitor;
pub mod profile;
pub mod render;
pub mod report;
pub mod session;
pub mod store;
pub mod stream;
pub mod time;
pub mod transport;
