//! [`Files`]: the journal and the samples of a load, written while it goes on, on a thread of its own.
//!
//! Trouble with the disk never ends a run: it is reported once, and the file ends there.

use crate::analysis::words::{Count, counted};
use crate::commands::run::screen::Screen;
use crate::measure::sample::Sample;
use crate::session::event::{MeasuredInterval, Observer, RunEvent};
use crate::session::queue::Queued;
use crate::store::folder::JournalFile;
use crate::store::samples::SampleLog;

/// What is written while a load goes on; a file that the disk has refused is gone.
pub(super) struct Files {
    journal: Option<JournalFile>,
    samples: Option<SampleLog>,
    screen: Screen,
}

impl Files {
    /// Begins to write, on a thread of its own: each second waits until the disk has it.
    pub(super) fn start(
        journal: JournalFile,
        samples: Option<SampleLog>,
        screen: Screen,
    ) -> std::io::Result<Queued<Self>> {
        Queued::start("files", Self { journal: Some(journal), samples, screen })
    }

    fn append_interval(&mut self, measured: &MeasuredInterval) {
        let Some(journal) = &mut self.journal else { return };
        if let Err(error) = journal.append(&measured.interval, measured.slice.as_ref()) {
            self.screen.warn(&format!("{error}; the run goes on without its journal"));
            self.journal = None;
        }
    }

    fn append_samples(&mut self, samples: &[Sample]) {
        let Some(log) = &mut self.samples else { return };
        if let Err(error) = log.append(samples) {
            self.screen.warn(&format!("{error}; the run goes on without its samples"));
            self.samples = None;
        }
    }

    /// Ends the files and says what is in them; `dropped` events came faster than the disk took them.
    pub(super) fn close(self, dropped: u64) {
        if dropped > 0 {
            self.screen.warn(&format!(
                "the disk was too slow for {} of the journal and the samples, which are missing there; the \
                 figures of the report are whole",
                counted(dropped, "interval")
            ));
        }
        let Some(mut log) = self.samples else { return };
        if let Err(error) = log.flush() {
            self.screen.warn(&format!("{error}; the last samples are lost"));
        }
        match log.counts() {
            (written, 0) => self.screen.note(&format!("{} written", counted(written, "sample"))),
            (written, left_out) => self.screen.warn(&format!(
                "{} written and {} left out, all from the end: --samples-max is reached; a \
                 larger one takes them all, --samples-share a fair part",
                counted(written, "sample"),
                Count(left_out)
            )),
        }
    }
}

impl Observer for Files {
    fn observe(&mut self, event: &RunEvent) {
        match event {
            RunEvent::LoadBegan(_) => {
                if let Some(log) = &mut self.samples {
                    log.begin_trial();
                }
            }
            RunEvent::Interval(event) => {
                self.append_samples(&event.interval.window.samples);
                if let Some(measured) = &event.measured {
                    self.append_interval(measured);
                }
            }
            _ => {}
        }
    }
}
