//! Judgement: what measured figures mean. Pure functions and state machines over plain data.

pub mod search;
pub mod trial;
