//! steadfire: an open-loop, constant-arrival-rate HTTP benchmarker.
//!
//! The layers, lowest first; a module uses only those before it
//! (`docs/architecture.md` has the picture, `tests/it/tidy.rs` the check):
//! `time` · `load`, `profile` and `import` (intent) · `measure` (what happened) · `analysis` (judgement) ·
//! `report` (the contract) · `render` (bytes) · `machine`, `transport`, `engine`, `monitor`, `stream`,
//! `target`, `store` (shells) · `commands` (wiring).

pub mod analysis;
pub mod commands;
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
pub mod store;
pub mod stream;
pub mod target;
pub mod time;
pub mod transport;
