//! [`SampleLog`]: samples one by one, as lines of JSON or rows of CSV, up to a bound.
//!
//! Times are in ns: `due_ns` since the beginning of the run or trial, its warm-up included, the others as
//! lengths. What a slot never came to is empty, or `null`.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::measure::fate::Fate;
use crate::measure::sample::{Phase, Sample};
use crate::store::{Action, StoreError};
use crate::time::whole_nanos;

/// How samples are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleForm {
    /// Comma-separated, with a header.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

impl SampleForm {
    /// By the end of a file's name; `None` if that says neither `csv` nor `jsonl`.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            _ => None,
        }
    }
}

/// A file that samples are written to while a load goes on.
pub struct SampleLog {
    path: PathBuf,
    writer: Writer,
    /// The names of requests, by their row in the ledger.
    names: Vec<String>,
    trial: u64,
    /// How many more are written.
    room: u64,
    /// How many were.
    written: u64,
    /// How many there was no room for.
    left_out: u64,
}

enum Writer {
    Csv(Box<csv::Writer<File>>),
    JsonLines(BufWriter<File>),
}

/// One slot that has ended.
#[derive(Serialize)]
struct Row<'a> {
    trial: u64,
    request: &'a str,
    due_ns: u64,
    fate: &'static str,
    error: Option<&'static str>,
    status: Option<u16>,
    bytes: u64,
    response_ns: u64,
    service_ns: Option<u64>,
    send_lag_ns: Option<u64>,
    client_ns: Option<u64>,
    wait_ns: u64,
    connect_ns: u64,
    tls_ns: u64,
    first_byte_ns: Option<u64>,
    body_ns: Option<u64>,
}

impl SampleLog {
    /// Begins the file, in place of one that may be there, with room for `rows` samples.
    pub fn create(
        path: &Path,
        form: SampleForm,
        names: Vec<String>,
        rows: u64,
    ) -> Result<Self, StoreError> {
        let file = File::create(path).map_err(StoreError::at(Action::Write, path))?;
        let writer = match form {
            SampleForm::Csv => Writer::Csv(Box::new(csv::Writer::from_writer(file))),
            SampleForm::JsonLines => Writer::JsonLines(BufWriter::new(file)),
        };
        let (trial, written, left_out) = (0, 0, 0);
        Ok(Self { path: path.to_owned(), writer, names, trial, room: rows, written, left_out })
    }

    /// What follows belongs to the next trial.
    pub fn begin_trial(&mut self) {
        self.trial += 1;
    }

    /// Adds samples, as many as there is room for.
    ///
    /// # Errors
    /// The disk refuses them.
    pub fn append(&mut self, samples: &[Sample]) -> Result<(), StoreError> {
        let fitting = samples.len().min(usize::try_from(self.room).unwrap_or(usize::MAX));
        self.left_out += (samples.len() - fitting) as u64;
        for sample in &samples[..fitting] {
            let name = self.names.get(sample.request).map_or("", String::as_str);
            let row = row(sample, self.trial, name);
            self.writer.write(&row).map_err(StoreError::at(Action::Write, &self.path))?;
            (self.written, self.room) = (self.written + 1, self.room - 1);
        }
        Ok(())
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    /// The disk refuses it.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        let flushed = match &mut self.writer {
            Writer::Csv(writer) => writer.flush(),
            Writer::JsonLines(writer) => writer.flush(),
        };
        flushed.map_err(StoreError::at(Action::Write, &self.path))
    }

    /// How many samples were written, and how many there was no room for.
    pub const fn counts(&self) -> (u64, u64) {
        (self.written, self.left_out)
    }
}

impl Writer {
    fn write(&mut self, row: &Row<'_>) -> io::Result<()> {
        match self {
            Self::Csv(writer) => writer.serialize(row).map_err(io::Error::other),
            Self::JsonLines(writer) => {
                serde_json::to_writer(&mut *writer, row)?;
                writer.write_all(b"\n")
            }
        }
    }
}

fn row<'a>(sample: &Sample, trial: u64, request: &'a str) -> Row<'a> {
    let phase = |phase| whole_nanos(sample.phase(phase));
    Row {
        trial,
        request,
        due_ns: sample.due.as_nanos(),
        fate: sample.fate.name(),
        error: match sample.fate {
            Fate::TransportError(kind) => Some(kind.name()),
            _ => None,
        },
        status: sample.status,
        bytes: sample.bytes,
        response_ns: whole_nanos(sample.response_time()),
        service_ns: sample.service_time().map(whole_nanos),
        send_lag_ns: sample.send_lag().map(whole_nanos),
        client_ns: sample.dispatch_lag().map(whole_nanos),
        wait_ns: phase(Phase::Wait),
        connect_ns: phase(Phase::Connect),
        tls_ns: phase(Phase::Tls),
        first_byte_ns: sample.first_byte().map(whole_nanos),
        body_ns: sample.first_byte.map(|_| phase(Phase::Body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::TransportError;
    use crate::measure::sample::Wait;
    use crate::time::Offset;

    fn samples() -> Vec<Sample> {
        let at = Offset::from_nanos;
        let answered = Sample {
            request: 1,
            due: at(1_000),
            taken: Some(at(1_000)),
            wait: Wait::default(),
            sent: Some(at(1_010)),
            first_byte: Some(at(1_500)),
            done: at(1_600),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 7,
        };
        let reset = Fate::TransportError(TransportError::Reset);
        vec![answered, Sample::unsent(0, at(2_000), reset, at(2_050)), answered]
    }

    fn written(name: &str, rows: u64) -> (String, (u64, u64)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let names = vec!["list, all".to_owned(), "get".to_owned()];
        let form = SampleForm::of(&path).unwrap();
        let mut log = SampleLog::create(&path, form, names, rows).unwrap();
        log.begin_trial();
        log.append(&samples()[..1]).unwrap();
        log.append(&samples()[1..]).unwrap();
        log.flush().unwrap();
        (std::fs::read_to_string(&path).unwrap(), log.counts())
    }

    #[test]
    fn both_forms_hold_the_same() {
        let (text, counts) = written("s.csv", 10);
        assert_eq!(counts, (3, 0));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "trial,request,due_ns,fate,error,status,bytes,response_ns,service_ns,send_lag_ns,\
                 client_ns,wait_ns,connect_ns,tls_ns,first_byte_ns,body_ns",
                "1,get,1000,ok,,200,7,600,590,10,10,0,0,0,490,100",
                "1,\"list, all\",2000,transport_error,reset,,0,50,,,,0,0,0,,",
            ]
        );
        let (text, _) = written("s.jsonl", 10);
        let rows: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((rows.len(), &rows[1]["request"]), (3, &"list, all".into()));
        let (response, service) = (&rows[0]["response_ns"], &rows[1]["service_ns"]);
        assert_eq!((response.as_u64(), service), (Some(600), &serde_json::Value::Null));
    }

    #[test]
    fn no_more_is_written_than_there_is_room_for() {
        let (text, counts) = written("s.jsonl", 2);
        assert_eq!((text.lines().count(), counts), (2, (2, 1)));
    }

    #[test]
    fn the_form_follows_the_name() {
        let form = |name: &str| SampleForm::of(Path::new(name));
        assert_eq!(form("a/b.csv"), Some(SampleForm::Csv));
        assert_eq!(form("b.jsonl"), Some(SampleForm::JsonLines));
        assert_eq!((form("csv"), form("b.json"), form("b.csv.gz")), (None, None, None));
    }
}
