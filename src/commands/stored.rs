//! Stored runs by the names that users give them, and what a comparison needs of them.

use std::path::{Path, PathBuf};

use crate::analysis::compare::comparison::Run;
use crate::analysis::compare::rates::{MaxRate, ServedRate};
use crate::analysis::compare::timeline::{Moment, Timeline};
use crate::commands::{Failure, environment};
use crate::exit::Exit;
use crate::measure::slice::RequestSlice;
use crate::render::clean::CleanReport;
use crate::render::formats::Source;
use crate::render::hlog::HlogWriter;
use crate::report::detail::{Detail, DetailBuilder};
use crate::report::rebuild::Rebuilder;
use crate::report::{Kind, Report};
use crate::store::StoreError;
use crate::store::catalogue::{Catalogue, CatalogueError, Entry};
use crate::store::folder::{
    JOURNAL, RESULT, read_header, read_intervals, read_result, read_slices,
};

/// Slices from which on a run says something of its own spread.
const SLICES_MIN: usize = 10;

/// A run with its result.
#[derive(Clone, Debug)]
pub(super) struct StoredRun {
    /// The name of its folder, or the path that was given.
    pub(super) name: String,
    /// Its folder.
    pub(super) folder: PathBuf,
    pub(super) report: Report,
}

/// The user's folder of runs.
pub(super) fn catalogue() -> Catalogue {
    Catalogue::new(environment::runs_folder())
}

/// The runs that `word` stands for: a run's folder, a result file, or whatever the catalogue knows by it.
pub(super) fn find(word: &str, catalogue: &Catalogue) -> Result<Vec<StoredRun>, Failure> {
    let path = Path::new(word);
    if path.join(RESULT).is_file() || path.is_file() {
        let report = read_result(path).map_err(Failure::usage)?;
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        let folder = folder.unwrap_or(path).to_owned();
        return Ok(vec![StoredRun { name: word.to_owned(), folder, report }]);
    }
    catalogue.find(word).map_err(Failure::from)?.into_iter().map(StoredRun::of).collect()
}

/// The same, and a run that was killed as far as its journal goes.
pub(super) fn find_or_rebuild(
    word: &str,
    catalogue: &Catalogue,
) -> Result<Vec<StoredRun>, Failure> {
    let path = Path::new(word);
    let killed = |folder: &Path| folder.join(JOURNAL).is_file() && !folder.join(RESULT).exists();
    let rebuilt = |folder: &Path, name: &str| {
        let report = rebuild(folder)?;
        Ok(vec![StoredRun { name: name.to_owned(), folder: folder.to_owned(), report }])
    };
    if path.is_dir() {
        if killed(path) {
            return rebuilt(path, word);
        }
        return find(&path.join(RESULT).to_string_lossy(), catalogue);
    }
    if !path.exists()
        && let Ok(entries) = catalogue.find(word)
        && let [entry] = entries.as_slice()
        && killed(&entry.path)
    {
        return rebuilt(&entry.path, &entry.id);
    }
    find(word, catalogue)
}

/// What the journal of a killed run tells.
fn rebuild(folder: &Path) -> Result<Report, Failure> {
    let header = read_header(folder).map_err(Failure::usage)?;
    if header.kind == Kind::FindMaxRps {
        return Err(Failure::usage(format!(
            "{}: the search was killed before any rate had held; go on with --find-max-rps --resume {}",
            folder.display(),
            folder.display()
        )));
    }
    let mut rebuilder = Rebuilder::new(header);
    read_intervals(folder, |interval| rebuilder.push(&interval)).map_err(Failure::usage)?;
    read_slices(folder, |slice| rebuilder.push_slice(&slice)).map_err(Failure::usage)?;
    Ok(rebuilder.finish())
}

/// What a run's journal tells besides its result; nothing where there is none.
#[derive(Debug, Default)]
pub(super) struct Journal {
    detail: Detail,
    /// As an HdrHistogram log.
    hlog: Option<String>,
}

impl Journal {
    /// Reads the journal in `folder`, which belongs to `report`. Whatever is wrong with it leaves the report
    /// with less, never without anything.
    pub(super) fn read(folder: &Path, report: &CleanReport<'_>) -> Self {
        let (mut detail, mut log) = (DetailBuilder::new(report), HlogWriter::new(report));
        let read = read_intervals(folder, |interval| {
            log.push(&interval);
            // The journals of searches and comparisons hold many legs, one over the other.
            if report.kind == Kind::Run {
                detail.push(&interval);
            }
        });
        if report.kind == Kind::Run {
            // A slice that cannot be read costs the request names their time axis, and nothing else.
            let _ = read_slices(folder, |slice| detail.push_slice(&slice));
        }
        match read {
            Ok(_) => Self { detail: detail.finish(), hlog: Some(log.finish()) },
            Err(_) => Self::default(),
        }
    }

    /// What formats are made from: `report`, and what this adds to it.
    pub(super) fn source<'a>(&'a self, report: &'a CleanReport<'a>) -> Source<'a> {
        Source { report, detail: &self.detail, hlog: self.hlog.as_deref() }
    }
}

/// What a comparison needs of a result that stands for itself; of a search, that is all.
pub(super) fn searched(report: &Report) -> Run {
    let max_rate = report.search.as_ref().map(|search| MaxRate {
        estimate: search.max_rps.estimate,
        low: search.max_rps.low,
        high: search.max_rps.high,
        confidence: search.max_rps.confidence,
    });
    let length = std::time::Duration::from_nanos(report.duration);
    let served = ServedRate { asked: report.rate.target, good: report.rate.throughput_ok };
    Run { served, length, max_rate, ..Run::default() }
}

impl StoredRun {
    pub(super) fn of(entry: Entry) -> Result<Self, Failure> {
        let report = entry.result().map_err(Failure::usage)?;
        Ok(Self { name: entry.id, folder: entry.path, report })
    }

    /// What a comparison needs; an error is a reason not to compare.
    pub(super) fn measured(&self) -> Result<Run, String> {
        let run = searched(&self.report);
        if run.max_rate.is_some() {
            return Ok(run);
        }
        let (total, requests) = self.timelines().map_err(|error| {
            format!(
                "{} has no journal that could be read, which a comparison needs ({error})",
                self.name
            )
        })?;
        let slices = total.moments.len();
        if slices < SLICES_MIN {
            let name = &self.name;
            return Err(format!(
                "{name} has {slices} slices of a second or more; fewer than {SLICES_MIN} say nothing of \
                 their spread, so measure longer"
            ));
        }
        Ok(Run { total, requests, ..run })
    }

    /// All request names together and each alone, as far as the journal tells them apart.
    fn timelines(&self) -> Result<(Timeline, Vec<(String, Timeline)>), StoreError> {
        let names = self.report.requests.iter().map(|request| request.name.clone());
        let mut requests: Vec<(String, Timeline)> =
            names.map(|name| (name, Timeline::default())).collect();
        let mut total = Timeline::default();
        read_slices(&self.folder, |slice| {
            let mut all = RequestSlice::default();
            let nothing = RequestSlice::default();
            for (place, (_, timeline)) in requests.iter_mut().enumerate() {
                let one = slice.requests.get(place).unwrap_or(&nothing);
                all.merge(one);
                timeline.moments.push(Moment::from(one));
            }
            total.moments.push(Moment::from(&all));
        })?;
        if !total.moments.is_empty() {
            return Ok((total, requests));
        }
        read_intervals(&self.folder, |interval| {
            let window = interval.window;
            let all = RequestSlice { fates: window.fates, response_time: window.response_time };
            total.moments.push(Moment::from(&all));
        })?;
        Ok((total, Vec::new()))
    }
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        match &error {
            CatalogueError::Store(_) => Self::unexpected(error),
            _ => Self::usage(error),
        }
    }
}

/// Whether a wish that has two ways leads to an error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Grade {
    /// Exit with 0
    Pass,
    /// Exit with 99
    Fail,
}

impl Grade {
    pub(super) const fn exit(self) -> Exit {
        match self {
            Self::Pass => Exit::Ok,
            Self::Fail => Exit::Threshold,
        }
    }
}
