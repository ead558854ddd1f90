//! What a user sees on stderr while a run goes on: a bar on a terminal, a line per second elsewhere.
//!
//! Nothing here can fail a run: a closed stderr is ignored.

use std::io::{IsTerminal as _, Write as _};

use crate::measure::snapshot::Snapshot;
use crate::render::{Style, progress};

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Silent,
    Lines,
    Bar,
}

/// The user's stderr.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct Screen {
    mode: Mode,
}

impl Screen {
    pub(in crate::commands) fn new(quiet: bool, plain: bool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
        let in_ci = std::env::var("CI").is_ok();
        let mode = if quiet {
            Mode::Silent
        } else if plain || in_ci || !std::io::stderr().is_terminal() {
            Mode::Lines
        } else {
            Mode::Bar
        };
        Self { mode }
    }

    /// Progress of the load; `label` says which part of a search it is.
    pub(super) fn progress(self, label: &str, snapshot: &Snapshot) {
        let gap = if label.is_empty() { "" } else { "  " };
        match self.mode {
            Mode::Silent => {}
            Mode::Lines => write(&format!("{label}{gap}{}\n", progress::line(snapshot))),
            Mode::Bar => {
                write(&format!("\r\x1b[2K{label}{gap}{}", progress::bar(snapshot, Style::Colour)));
            }
        }
    }

    /// One line that stays.
    pub(in crate::commands) fn note(self, text: &str) {
        match self.mode {
            Mode::Silent => {}
            Mode::Lines => write(&format!("{text}\n")),
            Mode::Bar => write(&format!("\r\x1b[2K{text}\n")),
        }
    }

    /// A warning: shown also when progress is not.
    pub(in crate::commands) fn warn(self, text: &str) {
        let start = if self.mode == Mode::Bar { "\r\x1b[2K" } else { "" };
        write(&format!("{start}warning: {text}\n"));
    }

    /// Takes the bar away before results are printed.
    pub(in crate::commands) fn clear(self) {
        if self.mode == Mode::Bar {
            write("\r\x1b[2K");
        }
    }
}

fn write(text: &str) {
    let mut stderr = anstream::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
