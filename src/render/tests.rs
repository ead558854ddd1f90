//! What tests of several formats share.

pub(super) mod golden;
mod hostile;
