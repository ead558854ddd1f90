//! [`SilentConnections`]: connections on which one side never said a word.

use std::ops::AddAssign;

/// How often nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SilentConnections {
    /// Connections that this side closed since it had nothing to send on them.
    pub unused: u64,
    /// Slots without an answer whose HTTP/1.1 connection had never brought one.
    pub unanswered: u64,
}

impl AddAssign for SilentConnections {
    fn add_assign(&mut self, more: Self) {
        self.unused += more.unused;
        self.unanswered += more.unanswered;
    }
}
