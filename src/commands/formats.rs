//! [`FormatArgs`]: the formats that were asked for and where each goes, the same for a run and for a stored one.

use std::path::{Path, PathBuf};

use clap::builder::TypedValueParser as _;
use clap::{Arg, ArgMatches, Command};

use crate::commands::{Failure, stdout};
use crate::render::formats::{FORMATS, Format, JournalUse, Output, Source};
use crate::render::text::{self, Form};

/// The file name that means stdout.
pub(super) const STDOUT: &str = "-";
const SUMMARY: &str = "summary";

/// Formats to print and to write, and the form of the text that is printed otherwise.
#[derive(Clone, Debug, Default)]
pub struct FormatArgs {
    requests: Vec<FormatRequest>,
    form: Form,
}

#[derive(Clone, Debug)]
struct FormatRequest {
    format: &'static Format,
    /// A file, what several begin with, or [`STDOUT`].
    path: PathBuf,
}

impl FormatRequest {
    fn is_printed(&self) -> bool {
        self.format.output == Output::StdoutOrFile && self.path.as_os_str() == STDOUT
    }

    /// Writes its files; errors name the flag.
    fn write(&self, source: &Source<'_>) -> Result<(), String> {
        let flag = self.format.flag;
        let Some(files) = self.format.files(source) else {
            return Err(format!(
                "--{flag} {}: there is no journal beside the result; name the run's folder",
                self.path.display()
            ));
        };
        let mut faults = Vec::new();
        for (end, content) in files {
            let mut path = self.path.clone().into_os_string();
            path.push(end);
            let path = PathBuf::from(path);
            if let Err(error) = write(&path, &content) {
                faults.push(format!("--{flag} {}: {error}", path.display()));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\nerror: ")) }
    }
}

impl FormatArgs {
    fn new(formats: &'static [Format], matches: &ArgMatches, form: Form) -> Self {
        let requested = |format: &'static Format| {
            let path = matches.get_one::<PathBuf>(format.flag)?.clone();
            Some(FormatRequest { format, path })
        };
        Self { requests: formats.iter().filter_map(requested).collect(), form }
    }

    /// Ends what cannot be done, before any load.
    ///
    /// # Errors
    /// Two formats that are both to be printed.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let mut printed = self.requests.iter().filter(|request| request.is_printed());
        let (Some(first), Some(second)) = (printed.next(), printed.next()) else { return Ok(()) };
        let (first, second) = (first.format.flag, second.format.flag);
        Err(Failure::usage(format!(
            "--{first} and --{second}: only one can be printed; write the other to a file, as \
             --{second}=FILE"
        )))
    }

    /// Where the format with this flag goes, if it was asked for.
    pub(super) fn path(&self, flag: &str) -> Option<&Path> {
        let mut requests = self.requests.iter();
        requests.find(|request| request.format.flag == flag).map(|request| request.path.as_path())
    }

    /// Whether the journal has anything to tell to what was asked for.
    pub(super) fn use_journal(&self) -> bool {
        self.requests.iter().any(|request| request.format.journal != JournalUse::None)
    }

    /// Prints the result, as text if no format is to be printed.
    pub(super) fn print(&self, source: &Source<'_>) {
        let printed = self.requests.iter().find(|request| request.is_printed());
        stdout::print(&match printed.and_then(|request| request.format.files(source)) {
            Some(texts) => texts.into_iter().map(|(_, text)| text).collect(),
            None => text::render(source.report, self.form, stdout::style()),
        });
    }

    /// Writes the files of those formats that can go to `output`, and reports what could not be written; all
    /// others are.
    ///
    /// # Errors
    /// Files that could not be written.
    pub(super) fn write(&self, output: Output, source: &Source<'_>) -> Result<(), Failure> {
        let requests = self.requests.iter().filter(|request| request.format.output == output);
        let files = requests.filter(|request| !request.is_printed());
        let faults: Vec<String> = files.filter_map(|file| file.write(source).err()).collect();
        if faults.is_empty() {
            return Ok(());
        }
        Err(Failure::unexpected(anyhow::anyhow!(faults.join("\nerror: "))))
    }
}

/// A folder that is not there yet is made: reports go where builds collect them.
fn write(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, content)
}

impl clap::Args for FormatArgs {
    fn augment_args(command: Command) -> Command {
        flags(command, FORMATS).arg(summary_flag())
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for FormatArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let form = matches.get_one(SUMMARY).copied().unwrap_or_default();
        Ok(Self::new(FORMATS, matches, form))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `command` with a flag for each format.
fn flags(command: Command, formats: &'static [Format]) -> Command {
    let flag = |format: &Format| {
        let flag = Arg::new(format.flag)
            .long(format.flag)
            .value_name(format.value_name)
            .value_parser(clap::value_parser!(PathBuf))
            .help_heading("Output")
            .help(format.help);
        match format.output {
            Output::StdoutOrFile => {
                flag.num_args(0..=1).require_equals(true).default_missing_value(STDOUT)
            }
            Output::File => flag,
        }
    };
    command.args(formats.iter().map(flag))
}

fn summary_flag() -> Arg {
    let forms = clap::builder::PossibleValuesParser::new(Form::ALL.map(Form::name))
        .map(|name| Form::ALL.into_iter().find(|form| form.name() == name).unwrap_or_default());
    Arg::new(SUMMARY)
        .long(SUMMARY)
        .value_name("FORM")
        .value_parser(forms)
        .default_value(Form::Full.name())
        .help_heading("Output")
        .help(
            "Form of the text summary: full; detailed adds where the time of each request went; locust \
             ends with the summary block of a Locust suite",
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::clean::CleanReport;
    use crate::render::formats::Render;
    use crate::report::detail::Detail;
    use crate::report::example;
    use crate::store::folder::DERIVED_FILES;

    /// All that an output format takes: a renderer and this row.
    const WITH_LINES: &[Format] = &[Format {
        flag: "lines",
        value_name: "FILE",
        help: "Print a line for each request name, or write it to FILE",
        output: Output::StdoutOrFile,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| lines(source.report)),
    }];

    fn lines(report: &CleanReport<'_>) -> String {
        let line = |(name, p95)| format!("{name} {p95}\n");
        let requests = report.requests.iter();
        requests.map(|one| (&one.name, one.response_time.p95)).map(line).collect()
    }

    fn parsed(formats: &'static [Format], words: &[&str]) -> FormatArgs {
        let matches = flags(Command::new("report"), formats);
        let words = ["report"].iter().chain(words);
        FormatArgs::new(formats, &matches.try_get_matches_from(words).unwrap(), Form::Full)
    }

    #[test]
    fn a_format_takes_one_row() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("made/lines.txt");
        let args = parsed(WITH_LINES, &[&format!("--lines={}", file.display())]);
        let report = example::report(example::GOOD);
        let clean = CleanReport::new(&report);
        let source = Source { report: &clean, detail: &Detail::default(), hlog: None };
        args.check().unwrap();
        assert!(args.path("lines").is_some() && !args.use_journal());
        args.write(Output::File, &source).unwrap();
        assert!(!file.exists());
        args.write(Output::StdoutOrFile, &source).unwrap();
        let written = std::fs::read_to_string(file).unwrap();
        assert_eq!(written.lines().count(), report.requests.len());
        assert!(parsed(WITH_LINES, &["--lines"]).requests[0].is_printed());
    }

    #[test]
    fn a_file_that_cannot_be_written_keeps_no_other_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("file"), "").unwrap();
        let (hgrm, hlog, svg) = (path("file/a.hgrm"), path("a.hlog"), path("a.svg"));
        let args = parsed(FORMATS, &["--hgrm", &hgrm, "--hlog", &hlog, "--svg", &svg]);
        let report = example::report(example::GOOD);
        let clean = CleanReport::new(&report);
        let source = Source { report: &clean, detail: &Detail::default(), hlog: None };
        let told = args.write(Output::File, &source).unwrap_err().to_string();
        assert!(told.contains("--hgrm") && told.contains("--hlog") && !told.contains("--svg"));
        assert!(Path::new(&svg).exists());
    }

    #[test]
    fn the_store_knows_what_is_kept_in_a_folder() {
        let kept: Vec<&str> = FORMATS.iter().filter_map(|format| format.kept_as).collect();
        assert_eq!(kept, DERIVED_FILES);
    }
}
