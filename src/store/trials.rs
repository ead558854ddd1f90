//! [`TrialLog`]: the trials of a search, one synced line each, so that a search that was broken off can go
//! on from its folder.
//!
//! What is stored is what was observed, not what was concluded: judged again, it gives the same search.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::analysis::search::CompletedTrial;

use crate::load::slo::Slo;
use crate::report::echo::PlanEcho;
use crate::store::folder::open_whole_lines;
use crate::store::trials::line::{Line, decode};
use crate::store::{Action, StoreError};

mod line;

/// The file's name.
pub const TRIALS: &str = "trials.jsonl";
/// The value of [`Header::schema`].
pub const SCHEMA: &str = "steadfire.trials/1";

/// The first line: what a search must be, to go on here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `steadfire.trials/1`.
    pub schema: String,
    /// `quick`, `normal` or `thorough`.
    pub effort: String,
    /// First rate, per second.
    pub start: f64,
    /// Highest rate to offer, per second.
    pub max_rate: f64,
    /// What is searched.
    pub plan: PlanEcho,
}

/// A log that is gone on with.
#[derive(Debug)]
pub struct ReopenedLog {
    /// The log.
    pub log: TrialLog,
    /// What is searched.
    pub header: Header,
    /// The trials that ended, in order.
    pub trials: Vec<CompletedTrial>,
    /// Slots that each trial has taken, in order; of one that did not end, all that it might have taken.
    pub legs: Vec<u64>,
}

/// The log of a search in flight.
#[derive(Debug)]
pub struct TrialLog {
    path: PathBuf,
    file: File,
}

impl TrialLog {
    /// Begins the log of a new search in `folder`.
    pub fn create(folder: &Path, header: &Header) -> Result<Self, StoreError> {
        let path = folder.join(TRIALS);
        let file = File::create_new(&path).map_err(StoreError::at(Action::Write, &path))?;
        let mut log = Self { path, file };
        log.write(header)?;
        Ok(log)
    }

    /// Goes on with the log in `folder`, whose objectives are `slo`; a last line that was cut short is
    /// dropped.
    pub fn reopen(folder: &Path, slo: &Slo) -> Result<ReopenedLog, StoreError> {
        let path = folder.join(TRIALS);
        let read = || -> io::Result<_> {
            let file = open_whole_lines(&path)?;
            let text = fs::read_to_string(&path)?;
            let mut lines = text.lines();
            let header: Header = serde_json::from_str(lines.next().unwrap_or_default())?;
            if header.schema != SCHEMA {
                return Err(invalid("another version of steadfire wrote it"));
            }
            let (mut trials, mut legs) = (Vec::new(), Vec::new());
            for line in lines {
                match serde_json::from_str(line)? {
                    Entry::Begun { begun } => legs.push(begun),
                    Entry::Ended(line) => {
                        let trial = decode(*line, slo)?;
                        // It took no more than it might have.
                        legs.pop();
                        legs.push(trial.slots);
                        trials.push(trial);
                    }
                }
            }
            Ok((file, header, trials, legs))
        };
        let (file, header, trials, legs) = read().map_err(StoreError::at(Action::Read, &path))?;
        Ok(ReopenedLog { log: Self { path, file }, header, trials, legs })
    }

    /// Notes that a trial begins which takes up to `slots` slots, and waits until the disk has it.
    pub fn begin(&mut self, slots: u64) -> Result<(), StoreError> {
        self.write(&Entry::Begun { begun: slots })
    }

    /// Adds a trial and waits until the disk has it.
    pub fn append(&mut self, trial: &CompletedTrial) -> Result<(), StoreError> {
        self.write(&Entry::Ended(Box::new(trial.into())))
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), StoreError> {
        let mut write = || -> io::Result<()> {
            let mut bytes = serde_json::to_vec(line)?;
            bytes.push(b'\n');
            self.file.write_all(&bytes)?;
            self.file.sync_data()
        };
        write().map_err(StoreError::at(Action::Write, &self.path))
    }
}

fn invalid(cause: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

/// A line after the first.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    /// A trial begins.
    Begun {
        /// Slots that it may take up.
        begun: u64,
    },
    /// The one that has begun last has ended.
    Ended(Box<Line>),
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::analysis::capacity_curve::RequestBreaches;
    use crate::analysis::goals::Confidence;
    use crate::analysis::trial::{
        ClientState, ObjectiveFigure, Point, SloMiss, Test, TimeInterval, Trial, TrialPurpose,
        TrialResult, TrialTuning,
    };
    use crate::load::slo::Objective;
    use crate::report::example;

    pub(crate) fn header() -> Header {
        Header {
            schema: SCHEMA.to_owned(),
            effort: "quick".to_owned(),
            start: 10.0,
            max_rate: 1e6,
            plan: PlanEcho::from(&example::plan()),
        }
    }

    fn stored(rate: f64, objectives: &[Objective]) -> CompletedTrial {
        let s = Duration::from_secs;
        let test = Test {
            excess: 0.1 + 0.2,
            decisive: 19_f64.ln(),
            from: s(3),
            pass_from: s(4),
            until: s(5),
            noise: 1.0 / 3.0,
            stall_rate: 0.05,
            tuning: &TrialTuning::STANDARD,
        };
        let point = Point { at: s(1), planned: 9, answered_ok: 3, overdue: 2, ..Point::default() };
        let measured = objectives.iter().map(|one| ObjectiveFigure {
            objective: *one,
            value: 1.0 / rate,
            at_least: rate > 100.0,
        });
        CompletedTrial {
            trial: Trial { rate, head: s(1), length: s(5), purpose: TrialPurpose::Refine, test },
            result: TrialResult {
                points: vec![Point::default(), point],
                length: s(4),
                took: s(6),
                planned: 9,
                ok: 3,
                error_rate: 2.0 / 3.0,
                measured: measured.collect(),
                missed: vec![SloMiss {
                    row: 3,
                    measured: ObjectiveFigure {
                        objective: "p99.9<250ms".parse().unwrap(),
                        value: 0.7,
                        at_least: true,
                    },
                    confidence: Confidence::Doubtful,
                }],
                achieved: rate * 0.999,
                send_lag_p99: Duration::from_micros(17),
                median: Duration::from_nanos(123_456_789),
                interval: Some(TimeInterval { low: s(1), high: None }),
                client: ClientState::Limited { reason: "the processor".to_owned() },
            },
            broken: vec![RequestBreaches {
                request: "list \"all\"".to_owned(),
                planned: 9,
                broken: 6,
            }],
            slots: 11,
        }
    }

    #[test]
    fn a_search_comes_back_from_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let slo = Slo::standard();
        let trials = [stored(80.0, &slo.objectives), stored(160.0, &slo.objectives)];
        let mut log = TrialLog::create(folder.path(), &header()).unwrap();
        log.append(&trials[0]).unwrap();
        drop(log);
        let mut reopened = TrialLog::reopen(folder.path(), &slo).unwrap();
        assert_eq!((reopened.header, reopened.trials.as_slice()), (header(), &trials[..1]));
        reopened.log.append(&trials[1]).unwrap();
        // A power failure within the last line.
        let path = folder.path().join(TRIALS);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{{\"rate\":3")).unwrap();
        let mut reopened = TrialLog::reopen(folder.path(), &slo).unwrap();
        assert_eq!(reopened.trials, trials);
        reopened.log.append(&trials[0]).unwrap();
        assert_eq!(TrialLog::reopen(folder.path(), &slo).unwrap().trials.len(), 3);
    }

    #[test]
    fn a_trial_that_did_not_end_has_taken_what_it_might_have() {
        let folder = tempfile::tempdir().unwrap();
        let slo = Slo::standard();
        let trial = |slots| CompletedTrial { slots, ..stored(80.0, &slo.objectives) };
        let mut log = TrialLog::create(folder.path(), &header()).unwrap();
        let legs = || TrialLog::reopen(folder.path(), &slo).unwrap().legs;
        assert!(legs().is_empty());
        for (begun, ended) in [(90, Some(50)), (70, None), (60, Some(60)), (30, None)] {
            log.begin(begun).unwrap();
            if let Some(slots) = ended {
                log.append(&trial(slots)).unwrap();
            }
        }
        assert_eq!(legs(), [50, 70, 60, 30]);
    }

    #[test]
    fn what_is_no_log_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let slo = Slo::standard();
        let path = folder.path().join(TRIALS);
        let header = serde_json::to_string(&header()).unwrap();
        let other = header.replace(SCHEMA, "steadfire.trials/9");
        let line = serde_json::to_string(&Line::from(&stored(80.0, &slo.objectives))).unwrap();
        let fewer = serde_json::to_string(&Line::from(&stored(80.0, &[]))).unwrap();
        let none = line.replace("\"rate\":80.0", "\"rate\":-1.0");
        for text in [
            "",
            "{}\n",
            &format!("{other}\n"),
            &format!("{header}\n{fewer}\n"),
            &format!("{header}\n{none}\n"),
            &format!("{header}\n7\n"),
        ] {
            fs::write(&path, text).unwrap();
            let fault = TrialLog::reopen(folder.path(), &slo).unwrap_err().to_string();
            assert!(fault.contains(TRIALS), "{text}: {fault}");
        }
        fs::write(&path, format!("{header}\n{line}\n")).unwrap();
        assert!(TrialLog::reopen(folder.path(), &slo).is_ok());
    }
}
