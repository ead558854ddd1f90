//! House style as tests: what a reviewer would have to say twice is checked here.
//!
//! Every checker is a function from sources to complaints, and is itself shown a good and a bad sample.

mod cli_page;
mod code;
mod direction;
mod documents;
mod effects;
mod flags;
mod layout;
mod machine_paths;
mod numbers;
mod source;

/// Fails with every complaint at once, one a line.
#[track_caller]
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "{} complaint(s):\n{}", complaints.len(), complaints.join("\n"));
}
