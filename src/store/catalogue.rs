//! [`Catalogue`]: the folder of runs: what is in it, under which names and tags.
//!
//! A tag names a build: several runs may bear it, and each keeps its own in a file beside its result, so
//! that two writers never touch the same file and a removed run takes its tags along. Runs in other folders are
//! known as long as they bear tags.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::report::Report;
use crate::store::folder::{DERIVED_FILES, JOURNAL, PLAN, RESULT, read_result, replace};
use crate::store::trials::TRIALS;
use crate::store::{Action, StoreError};

/// The file with a run's tags.
const TAGS: &str = "tags.json";
/// The file with the folders of runs elsewhere that bear tags.
const ELSEWHERE: &str = "elsewhere.json";
/// Tags a run bears at most.
const TAGS_MAX: usize = 32;
/// Characters of a tag.
const TAG_LENGTH_MAX: usize = 64;
/// The word for the run that began last, which no tag may be.
pub const LATEST: &str = "latest";
/// Files a run's folder may hold and still be removed, beside [`DERIVED_FILES`].
const OWN_FILES: [&str; 5] = [PLAN, RESULT, JOURNAL, TRIALS, TAGS];

/// A folder of runs.
#[derive(Clone, Debug)]
pub struct Catalogue {
    folder: PathBuf,
}

/// A run in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name of its folder.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// Its tags, in alphabetical order.
    pub tags: Vec<String>,
}

/// Why a run is not found or not changed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The disk.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing of that name.
    #[error("no run, tag or file is called {name:?}; 'steadfire runs' lists what there is")]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A beginning that several runs share.
    #[error("{name:?} begins the names of {} and {} more; write one out", candidates[0], candidates.len() - 1)]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// All that begin so.
        candidates: Vec<String>,
    },
    /// There is no run yet.
    #[error("there is no run in {} yet", folder.display())]
    Empty {
        /// Where it was sought.
        folder: PathBuf,
    },
    /// Not fit for a tag.
    #[error(
        "{tag:?} cannot be a tag: write up to 64 letters, digits, '.', '-' or '_', and not 'latest'"
    )]
    BadTag {
        /// What was asked for.
        tag: String,
    },
    /// One tag too many.
    #[error("{id} bears {TAGS_MAX} tags already; take one off with 'steadfire runs untag'")]
    ManyTags {
        /// The run.
        id: String,
    },
    /// Not to be removed.
    #[error("{} is not removed: {reason}", path.display())]
    Kept {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Catalogue {
    /// The runs in `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All runs, the one that began last first: names begin with the time. Those elsewhere come last.
    pub fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.own()?;
        for path in self.elsewhere()? {
            entries.push(Entry::at(path)?);
        }
        Ok(entries)
    }

    /// The run in the folder `path`, wherever that is; nothing if it is none.
    pub fn at(&self, path: &Path) -> Result<Option<Entry>, CatalogueError> {
        if !is_run(path) {
            return Ok(None);
        }
        let path = path.canonicalize().map_err(StoreError::at(Action::Read, path))?;
        let own = self.folder.canonicalize().is_ok_and(|own| path.parent() == Some(&own));
        let own = path.file_name().filter(|_| own).map(|name| self.folder.join(name));
        Ok(Some(Entry::at(own.unwrap_or(path))?))
    }

    fn own(&self) -> Result<Vec<Entry>, StoreError> {
        let listed = match fs::read_dir(&self.folder) {
            Ok(listed) => listed,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(StoreError::at(Action::Read, &self.folder)(fault)),
        };
        let mut entries = Vec::new();
        for item in listed {
            let path = item.map_err(StoreError::at(Action::Read, &self.folder))?.path();
            if is_run(&path) {
                entries.push(Entry::at(path)?);
            }
        }
        entries.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(entries)
    }

    /// The runs that `name` stands for: `latest`, those that bear it as a tag, or the one whose name it is
    /// or alone begins.
    pub fn find(&self, name: &str) -> Result<Vec<Entry>, CatalogueError> {
        let entries = self.entries()?;
        if name == LATEST {
            let empty = CatalogueError::Empty { folder: self.folder.clone() };
            let finished = entries.into_iter().find(|entry| entry.path.join(RESULT).is_file());
            return finished.map(|latest| vec![latest]).ok_or(empty);
        }
        let tagged: Vec<Entry> =
            entries.iter().filter(|entry| entry.bears(name)).cloned().collect();
        if !tagged.is_empty() {
            return Ok(tagged);
        }
        if let Some(exact) = entries.iter().find(|entry| entry.id == name) {
            return Ok(vec![exact.clone()]);
        }
        let begun: Vec<Entry> = entries
            .into_iter()
            .filter(|entry| !name.is_empty() && entry.id.starts_with(name))
            .collect();
        match begun.len() {
            0 => Err(CatalogueError::Unknown { name: name.to_owned() }),
            1 => Ok(begun),
            _ => Err(CatalogueError::Ambiguous {
                name: name.to_owned(),
                candidates: begun.into_iter().map(|entry| entry.id).collect(),
            }),
        }
    }

    /// Gives `entry` a tag.
    pub fn tag(&self, entry: &Entry, tag: &str) -> Result<(), CatalogueError> {
        let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let length = tag.len();
        if tag == LATEST || !(1..=TAG_LENGTH_MAX).contains(&length) || !tag.chars().all(fit) {
            return Err(CatalogueError::BadTag { tag: tag.to_owned() });
        }
        let mut tags = entry.tags.clone();
        if entry.bears(tag) {
            return Ok(());
        }
        if tags.len() == TAGS_MAX {
            return Err(CatalogueError::ManyTags { id: entry.id.clone() });
        }
        tags.push(tag.to_owned());
        tags.sort();
        if entry.path.parent() != Some(&self.folder) {
            self.remember(&entry.path)?;
        }
        Ok(entry.write_tags(&tags)?)
    }

    /// Folders elsewhere, as far as they still hold a run with a tag.
    fn elsewhere(&self) -> Result<Vec<PathBuf>, StoreError> {
        let file = self.folder.join(ELSEWHERE);
        let Ok(bytes) = fs::read(&file) else { return Ok(Vec::new()) };
        let mut paths: Vec<PathBuf> = serde_json::from_slice(&bytes)
            .map_err(|fault| StoreError::at(Action::Read, &file)(fault.into()))?;
        paths.retain(|path| is_run(path) && path.join(TAGS).is_file());
        Ok(paths)
    }

    /// Adds a folder elsewhere.
    fn remember(&self, path: &Path) -> Result<(), StoreError> {
        let mut paths = self.elsewhere()?;
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
        let file = self.folder.join(ELSEWHERE);
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            replace(&file, &serde_json::to_vec(&paths)?)
        };
        write().map_err(StoreError::at(Action::Write, &file))
    }

    /// Takes `tag` off `entry`, or all its tags.
    pub fn untag(&self, entry: &Entry, tag: Option<&str>) -> Result<(), CatalogueError> {
        let kept = |one: &&String| tag.is_some_and(|tag| tag != one.as_str());
        let tags: Vec<String> = entry.tags.iter().filter(kept).cloned().collect();
        Ok(entry.write_tags(&tags)?)
    }

    /// Removes a run's folder. One that holds anything but a run's files stays, and so does one with a tag.
    pub fn remove(&self, entry: &Entry) -> Result<(), CatalogueError> {
        let path = &entry.path;
        let kept = |reason: String| CatalogueError::Kept { path: path.clone(), reason };
        if !entry.tags.is_empty() {
            let tags = entry.tags.join(", ");
            return Err(kept(format!("it is tagged {tags}; 'steadfire runs untag' comes first")));
        }
        if path.parent() != Some(&self.folder) || !is_run(path) {
            let folder = self.folder.display();
            return Err(kept(format!("it is not the folder of a run in {folder}")));
        }
        for item in fs::read_dir(path).map_err(StoreError::at(Action::Read, path))? {
            let name = item.map_err(StoreError::at(Action::Read, path))?.file_name();
            if !OWN_FILES.iter().chain(&DERIVED_FILES).any(|own| name == *own) {
                let name = Path::new(&name).display();
                return Err(kept(format!("{name} in it was not written by steadfire")));
            }
        }
        Ok(fs::remove_dir_all(path).map_err(StoreError::at(Action::Remove, path))?)
    }
}

impl Entry {
    /// The run in the folder `path`.
    pub fn at(path: PathBuf) -> Result<Self, StoreError> {
        let id = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = path.join(TAGS);
        let tags = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|fault| StoreError::at(Action::Read, &file)(fault.into()))?,
            Err(_) => Vec::new(),
        };
        Ok(Self { id: id.unwrap_or_default(), path, tags })
    }

    /// Its result.
    pub fn result(&self) -> Result<Report, StoreError> {
        read_result(&self.path)
    }

    fn bears(&self, tag: &str) -> bool {
        self.tags.iter().any(|one| one == tag)
    }

    fn write_tags(&self, tags: &[String]) -> Result<(), StoreError> {
        let path = self.path.join(TAGS);
        let write = || match tags {
            [] if path.exists() => fs::remove_file(&path),
            [] => Ok(()),
            tags => replace(&path, &serde_json::to_vec(tags)?),
        };
        write().map_err(StoreError::at(Action::Write, &path))
    }
}

/// Whether `path` is the folder of a run; a link to one is not.
fn is_run(path: &Path) -> bool {
    let folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    folder && [RESULT, JOURNAL].iter().any(|file| path.join(file).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use crate::store::folder::RunFolder;

    fn catalogue(runs: &[&str]) -> (tempfile::TempDir, Catalogue) {
        let parent = tempfile::tempdir().unwrap();
        for name in runs {
            let folder = RunFolder::create_at(&parent.path().join(name)).unwrap();
            folder.write_result(&example::report(example::GOOD)).unwrap();
        }
        fs::create_dir_all(parent.path().join("not-a-run")).unwrap();
        let catalogue = Catalogue::new(parent.path().to_owned());
        (parent, catalogue)
    }

    fn found(catalogue: &Catalogue, name: &str) -> String {
        match catalogue.find(name) {
            Ok(entries) => entries.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn runs_are_found_by_name_beginning_tag_and_age() {
        let (_parent, catalogue) = catalogue(&["20260101-a", "20260102-a", "20260102-b"]);
        let one = |name| catalogue.find(name).unwrap().remove(0);
        catalogue.tag(&one("20260101-a"), "baseline").unwrap();
        catalogue.tag(&one("20260102-b"), "baseline").unwrap();
        for (name, expected) in [
            ("latest", "20260102-b"),
            ("20260101", "20260101-a"),
            ("20260102-a", "20260102-a"),
            ("baseline", "20260102-b 20260101-a"),
        ] {
            assert_eq!(found(&catalogue, name), expected, "{name}");
        }
        assert!(found(&catalogue, "20260102").contains("begins the names of"));
        assert!(found(&catalogue, "nothing").contains("no run, tag or file"));
        assert_eq!(catalogue.entries().unwrap().len(), 3);
        catalogue.untag(&one("20260102-b"), Some("baseline")).unwrap();
        assert_eq!(found(&catalogue, "baseline"), "20260101-a");
    }

    #[test]
    fn tags_are_words() {
        let (_parent, catalogue) = catalogue(&["a"]);
        let run = catalogue.find("a").unwrap().remove(0);
        for tag in ["", "latest", "a b", "../x", &"x".repeat(65)] {
            assert!(catalogue.tag(&run, tag).is_err(), "{tag}");
        }
        catalogue.tag(&run, "v1.2_rc-3").unwrap();
        catalogue.tag(&catalogue.find("a").unwrap()[0], "v1.2_rc-3").unwrap();
        assert_eq!(catalogue.find("a").unwrap()[0].tags, ["v1.2_rc-3"]);
    }

    #[test]
    fn only_runs_without_tags_and_guests_are_removed() {
        let (parent, catalogue) = catalogue(&["a", "b", "c"]);
        let one = |name| catalogue.find(name).unwrap().remove(0);
        catalogue.tag(&one("b"), "baseline").unwrap();
        fs::write(parent.path().join("c/notes.txt"), "mine").unwrap();
        catalogue.remove(&one("a")).unwrap();
        for (name, reason) in [("b", "tagged baseline"), ("c", "notes.txt")] {
            let error = catalogue.remove(&one(name)).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        let stranger = Entry::at(parent.path().join("not-a-run")).unwrap();
        assert!(catalogue.remove(&stranger).is_err());
        assert_eq!(catalogue.entries().unwrap().len(), 2);
        assert!(parent.path().join("not-a-run").is_dir());
    }

    #[test]
    fn a_run_elsewhere_is_known_by_its_tag() {
        let (parent, catalogue) = catalogue(&["20260101-a"]);
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("before");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(RESULT), "{}").unwrap();
        let entry = catalogue.at(&folder).unwrap().unwrap();
        catalogue.tag(&entry, "baseline").unwrap();
        assert_eq!(found(&catalogue, "baseline"), "before");
        assert_eq!(found(&catalogue, "latest"), "20260101-a");
        let own = catalogue.at(&parent.path().join("20260101-a")).unwrap().unwrap();
        assert_eq!(own, catalogue.find("20260101").unwrap()[0]);
        assert_eq!(catalogue.at(outside.path()).unwrap(), None);
        let tagged = catalogue.find("baseline").unwrap().remove(0);
        catalogue.untag(&tagged, None).unwrap();
        assert!(catalogue.remove(&catalogue.at(&folder).unwrap().unwrap()).is_err());
        assert_eq!(catalogue.entries().unwrap(), [own]);
    }

    #[test]
    fn no_folder_is_no_run() {
        let (parent, _) = catalogue(&[]);
        let none = Catalogue::new(parent.path().join("none"));
        assert_eq!(none.entries().unwrap(), []);
        assert!(found(&none, "latest").contains("there is no run"));
    }
}
