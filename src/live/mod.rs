//! A run while it lasts, for whoever watches and steers it: [`State`] is fed with what happens, [`Scene`]
//! is what there is to show, [`draw`] paints it, [`Keyboard`] tells what a key means.
//!
//! Nothing here knows a terminal, a clock or a thread. Memory is bounded however long a run lasts.

pub mod draw;
mod keyboard;
mod scene;
mod state;

pub use keyboard::{Action, Key, Keyboard, Keys};
pub use scene::{Failed, Row, Scene, Share, Stage, Times};
pub use state::{Kind, Point, State, Subject};

#[cfg(test)]
mod tests;
