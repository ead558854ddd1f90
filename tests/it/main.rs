//! The one integration binary: a module per theme, so that everything links once.
//!
//! Tests here run the public API or the real binary, on free loopback ports only.

mod engine;
mod tidy;
