//! [`RunFolder`]: one run's folder, made once and never written over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::measure::slice::Slice;
use crate::measure::window::Interval;
use crate::report::header::{self, Header};
use crate::report::{Report, SCHEMA};
use crate::store::{Action, StoreError, journal};

/// The result's file name.
pub const RESULT: &str = "result.json";
/// The file name of what was known before the load.
pub const PLAN: &str = "plan.json";
/// Files that are made from the result and the journal: the report for browsers, and the response times as an
/// HdrHistogram log.
pub const DERIVED_FILES: [&str; 2] = ["report.html", "run.hlog"];
/// The journal's file name.
pub const JOURNAL: &str = "intervals.jsonl";
/// Folders of one name that are told apart by a number.
const SAME_NAME_MAX: u32 = 100;
/// Longer names are cut, since file systems bound the length of a name.
const SLUG_MAX: usize = 40;

/// The folder of a run in flight.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    journal: File,
}

impl RunFolder {
    /// Makes a new folder in `parent`, itself made if missing, named after `started_at` and `name`, both
    /// reduced to what any file system takes. If that exists, a number is added; nothing is written over.
    pub fn create(parent: &Path, started_at: &str, name: &str) -> Result<Self, StoreError> {
        fs::create_dir_all(parent).map_err(StoreError::at(Action::Create, parent))?;
        let base = format!("{}-{}", slug(started_at), slug(name));
        Self::begin(create_unique(parent, &base)?)
    }

    /// Uses the folder `path` itself, made if missing. One that already holds a run is refused.
    pub fn create_at(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(StoreError::at(Action::Create, path))?;
        Self::begin(path.to_owned())
    }

    /// Why [`Self::create_at`] would refuse `path`, as far as that can be known without making anything.
    pub fn refusal(path: &Path) -> Option<&'static str> {
        if path.exists() && !path.is_dir() {
            return Some("it is a file, and a run takes a folder");
        }
        let taken = [JOURNAL, RESULT].iter().any(|file| path.join(file).exists());
        taken.then_some("it holds a run already, and no run is written over another")
    }

    /// Goes on in a folder that an earlier sitting left; a last line of its journal that was cut short is
    /// dropped.
    pub fn reopen(path: &Path) -> Result<Self, StoreError> {
        let file = path.join(JOURNAL);
        let journal = open_whole_lines(&file).map_err(StoreError::at(Action::Read, &file))?;
        Ok(Self { path: path.to_owned(), journal })
    }

    fn begin(path: PathBuf) -> Result<Self, StoreError> {
        let file = path.join(JOURNAL);
        let journal = File::create_new(&file).map_err(StoreError::at(Action::Write, &file))?;
        Ok(Self { path, journal })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its journal, to be written by one at a time.
    pub fn journal(&self) -> Result<JournalFile, StoreError> {
        let path = self.path.join(JOURNAL);
        let file = self.journal.try_clone().map_err(StoreError::at(Action::Write, &path))?;
        Ok(JournalFile { path, file })
    }

    /// Writes `plan.json`, whole or not at all: what a killed run is told from.
    pub fn write_header(&self, header: &Header) -> Result<(), StoreError> {
        self.write_json(PLAN, header)
    }

    /// Writes `result.json`, whole or not at all, and waits until the disk has it. May be called again.
    pub fn write_result(&self, report: &Report) -> Result<(), StoreError> {
        self.write_json(RESULT, report)
    }

    /// Writes a file that can be made again from the others, whole or not at all.
    pub fn write_derived(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path.join(name);
        replace(&path, bytes).map_err(StoreError::at(Action::Write, &path))
    }

    fn write_json(&self, name: &str, document: &impl Serialize) -> Result<(), StoreError> {
        let path = self.path.join(name);
        let write = || -> io::Result<()> {
            let mut bytes = serde_json::to_vec_pretty(document)?;
            bytes.push(b'\n');
            replace(&path, &bytes)
        };
        write().map_err(StoreError::at(Action::Write, &path))
    }
}

/// The journal of a run in flight: a line per interval, so that a run that is killed is not lost.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    file: File,
}

impl JournalFile {
    /// Adds an interval, and the slice that ends with it, and waits until the disk has it.
    pub fn append(&mut self, interval: &Interval, slice: Option<&Slice>) -> Result<(), StoreError> {
        let line = journal::encode(interval, slice);
        let written = self.file.write_all(line.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(StoreError::at(Action::Write, &self.path))
    }
}

/// Reads a stored result; `path` is a run's folder or the file itself.
pub fn read_result(path: &Path) -> Result<Report, StoreError> {
    let path = if path.is_dir() { path.join(RESULT) } else { path.to_owned() };
    let read = || -> io::Result<Report> { decode(&fs::read(&path)?, SCHEMA) };
    read().map_err(StoreError::at(Action::Read, &path))
}

/// Reads what was known of the run in `folder` before its load.
pub fn read_header(folder: &Path) -> Result<Header, StoreError> {
    let path = folder.join(PLAN);
    let read = || -> io::Result<Header> { decode(&fs::read(&path)?, header::SCHEMA) };
    read().map_err(StoreError::at(Action::Read, &path))
}

/// A document of `schema`; of a later version it is told which it is, whatever else it holds.
fn decode<T: DeserializeOwned>(bytes: &[u8], schema: &str) -> io::Result<T> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Version {
        schema: String,
    }
    let version: Version = serde_json::from_slice(bytes)?;
    if version.schema != schema {
        let cause = format!("it is of version {:?}, this program reads {schema}", version.schema);
        return Err(io::Error::new(io::ErrorKind::Unsupported, cause));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Hands the intervals of a run's journal to `take`, in order. Returns whether the last line was cut
/// short, as it is after a power failure; that line is left out.
pub fn read_intervals(folder: &Path, mut take: impl FnMut(Interval)) -> Result<Ending, StoreError> {
    read_lines(folder, |line| journal::decode(line).map(&mut take))
}

/// The same for the slices that end with them. Journals of older versions hold none.
pub fn read_slices(folder: &Path, mut take: impl FnMut(Slice)) -> Result<Ending, StoreError> {
    read_lines(folder, |line| {
        journal::decode_slice(line).map(|slice| slice.into_iter().for_each(&mut take))
    })
}

fn read_lines(
    folder: &Path,
    mut take: impl FnMut(&str) -> io::Result<()>,
) -> Result<Ending, StoreError> {
    let path = folder.join(JOURNAL);
    let file = File::open(&path).map_err(StoreError::at(Action::Read, &path))?;
    let mut lines = BufReader::new(file);
    let mut line = String::new();
    loop {
        line.clear();
        let length = lines.read_line(&mut line).map_err(StoreError::at(Action::Read, &path))?;
        if length == 0 {
            return Ok(Ending::Whole);
        }
        if !line.ends_with('\n') {
            return Ok(Ending::CutShort);
        }
        take(&line).map_err(StoreError::at(Action::Read, &path))?;
    }
}

/// How a journal ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With a whole line.
    Whole,
    /// Within a line.
    CutShort,
}

fn create_unique(parent: &Path, base: &str) -> Result<PathBuf, StoreError> {
    let mut path = parent.join(base);
    for number in 2..=SAME_NAME_MAX {
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {
                path = parent.join(format!("{base}-{number}"));
            }
            Err(fault) => return Err(StoreError::at(Action::Create, &path)(fault)),
        }
    }
    fs::create_dir(&path).map_err(StoreError::at(Action::Create, &path))?;
    Ok(path)
}

/// Opens a file of lines to add to it; half a last line is cut off.
pub(super) fn open_whole_lines(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let (mut whole, mut at) = (0, 0);
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        if let Some(end) = chunk[..read].iter().rposition(|byte| *byte == b'\n') {
            whole = at + end as u64 + 1;
        }
        at += read as u64;
    }
    file.set_len(whole)?;
    Ok(file)
}

/// Puts `bytes` at `path` by way of a temporary file beside it, so that no reader sees half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("part");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The rename itself lives in the folder; elsewhere than on Unix a folder cannot be opened.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Lower-case letters, digits and single hyphens; `run` if nothing remains.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(4 * SLUG_MAX) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(SLUG_MAX);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "run".to_owned() } else { slug.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::store::journal::tests::interval;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn folders_never_meet() {
        let parent = tempfile::tempdir().unwrap();
        let parent = parent.path().join("runs");
        for _ in 0..3 {
            RunFolder::create(&parent, "2026-01-02T03:04:05Z", "Chat Center/../x").unwrap();
        }
        let base = "2026-01-02t03-04-05z-chat-center-x";
        assert_eq!(names(&parent), [base.to_owned(), format!("{base}-2"), format!("{base}-3")]);
    }

    #[test]
    fn a_chosen_folder_takes_one_run() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/results");
        assert_eq!(RunFolder::create_at(&path).unwrap().path(), path);
        let again = RunFolder::create_at(&path).unwrap_err().to_string();
        assert!(again.contains("--out"), "{again}");
    }

    #[test]
    fn a_run_comes_back_from_its_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), "now", "").unwrap();
        for second in 1..=3 {
            folder.journal().unwrap().append(&interval(second), None).unwrap();
        }
        let report = example::report(example::CENSORED);
        folder.write_result(&example::report(example::GOOD)).unwrap();
        folder.write_result(&report).unwrap();
        assert_eq!(names(folder.path()), [JOURNAL, RESULT]);
        assert_eq!(read_result(folder.path()).unwrap(), report);
        assert_eq!(read_result(&folder.path().join(RESULT)).unwrap(), report);

        let mut read: Vec<Interval> = Vec::new();
        let ending = read_intervals(folder.path(), |interval| read.push(interval)).unwrap();
        assert_eq!((ending, read.len()), (Ending::Whole, 3));
        assert_eq!(read[2].window.fates, interval(3).window.fates);
    }

    #[test]
    fn a_journal_that_was_cut_short_gives_what_it_has() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(parent.path(), "now", "cut").unwrap();
        folder.journal().unwrap().append(&interval(1), None).unwrap();
        folder.journal().unwrap().append(&interval(2), None).unwrap();
        let path = folder.path().join(JOURNAL);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        let mut count = 0;
        assert_eq!(read_intervals(folder.path(), |_| count += 1).unwrap(), Ending::CutShort);
        assert_eq!(count, 1);
    }

    #[test]
    fn errors_name_the_path_and_a_remedy() {
        let parent = tempfile::tempdir().unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "not json").unwrap();
        let fault = RunFolder::create(&file, "now", "x").unwrap_err().to_string();
        assert!(fault.contains(&*file.to_string_lossy()) && fault.contains("--out"), "{fault}");
        let fault = read_result(&parent.path().join("none.json")).unwrap_err().to_string();
        assert!(fault.ends_with("check the path"), "{fault}");
        let fault = read_result(&file).unwrap_err().to_string();
        assert!(fault.contains("not written by steadfire"), "{fault}");
        let full = StoreError {
            action: Action::Write,
            path: file,
            source: io::Error::from(io::ErrorKind::StorageFull),
        };
        assert!(full.to_string().contains("free some space"), "{full}");
    }

    #[test]
    fn names_are_fit_for_any_file_system() {
        let table = [
            ("Chat Center", "chat-center"),
            ("../..", "run"),
            ("http://h:80/a?b", "http-h-80-a-b"),
        ];
        for (name, expected) in table {
            assert_eq!(slug(name), expected);
        }
        assert_eq!(slug(&"x".repeat(500)).len(), SLUG_MAX);
    }
}
