//! The verb `runs`: stored runs: list, show, tag, untag, remove.

use std::ffi::OsString;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;

use crate::commands::stored::{self, StoredRun};
use crate::commands::{Failure, stdout};
use crate::exit::Exit;
use crate::render::clean::CleanReport;
use crate::render::json;
use crate::render::runs::{self as render, ListedRun};
use crate::render::text::{self, Form};
use crate::store::catalogue::{Catalogue, Entry};

/// List, show, tag and remove stored runs.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "A run is identified by its id or a prefix of it, by a tag, or by 'latest'."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// List all runs, the latest first (the default)
    List {
        /// Print the list as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the result of a run
    Show {
        /// Run to show
        run: String,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Tag a run, for example as baseline; runs with the same tag count as runs of one build
    Tag {
        /// Run to tag
        run: String,
        /// Tag to add
        tag: String,
        /// Remove the tag from all other runs
        #[arg(long = "move")]
        moved: bool,
    },
    /// Remove one tag or all tags from a run
    Untag {
        /// Run to untag
        run: String,
        /// Tag to remove [default: all]
        tag: Option<String>,
    },
    /// Remove runs; tagged runs are kept
    Rm {
        /// Runs to remove
        #[arg(required = true)]
        runs: Vec<String>,
        /// Do not ask for confirmation; without a terminal there is none
        #[arg(short, long)]
        yes: bool,
    },
}

/// Does what was asked.
///
/// # Errors
/// A run that is not there, a tag that is none, or trouble with the disk.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let catalogue = stored::catalogue();
    match args.action.as_ref().unwrap_or(&Action::List { json: false }) {
        Action::List { json } => {
            let entries = catalogue.entries().map_err(Failure::unexpected)?;
            let listed: Vec<ListedRun> = entries.into_iter().map(listed).collect();
            stdout::print(&if *json { render::json(&listed) } else { render::text(&listed) });
        }
        Action::Show { run, json } => show(run, *json, &catalogue)?,
        Action::Tag { run, tag, moved } => {
            let entry = one(run, &catalogue)?;
            catalogue.tag(&entry, tag)?;
            if *moved {
                let others = catalogue.find(tag)?.into_iter().filter(|other| other.id != entry.id);
                for other in others {
                    catalogue.untag(&other, Some(tag))?;
                }
            }
        }
        Action::Untag { run, tag } => {
            catalogue.untag(&one(run, &catalogue)?, tag.as_deref())?;
        }
        Action::Rm { runs, yes } => remove(runs, *yes, &catalogue)?,
    }
    Ok(Exit::Ok)
}

fn show(run: &str, as_json: bool, catalogue: &Catalogue) -> Result<(), Failure> {
    for StoredRun { report, .. } in stored::find(run, catalogue)? {
        let report = CleanReport::new(&report);
        let shown = if as_json {
            json::render(&report)
        } else {
            text::render(&report, Form::Full, stdout::style())
        };
        stdout::print(&shown);
    }
    Ok(())
}

/// The one run that `name` stands for: its folder, or whatever the catalogue knows by it.
fn one(name: &str, catalogue: &Catalogue) -> Result<Entry, Failure> {
    if let Some(entry) = catalogue.at(Path::new(name))? {
        return Ok(entry);
    }
    let mut entries = catalogue.find(name)?;
    if entries.len() > 1 {
        return Err(Failure::usage(format!(
            "{} runs bear the tag {name:?}; name one by its id",
            entries.len()
        )));
    }
    Ok(entries.remove(0))
}

fn remove(names: &[String], yes: bool, catalogue: &Catalogue) -> Result<(), Failure> {
    // All are found before the first is removed, so that a mistake in one name costs nothing.
    let entries: Vec<Entry> =
        names.iter().map(|name| one(name, catalogue)).collect::<Result<_, _>>()?;
    if !yes && std::io::stdin().is_terminal() && !agreed(&entries) {
        return Ok(());
    }
    for entry in entries {
        catalogue.remove(&entry)?;
    }
    Ok(())
}

fn agreed(entries: &[Entry]) -> bool {
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "remove {}? [y/N] ", ids.join(", "));
    let _ = stderr.flush();
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "yes")
}

/// A run that was killed has no result; it is listed all the same.
fn listed(entry: Entry) -> ListedRun {
    let report = entry.result().ok();
    ListedRun { id: entry.id, path: OsString::from(entry.path), tags: entry.tags, report }
}
