//! [`FORMATS`]: what a result can be written as, one row per format.

use crate::render::clean::CleanReport;
use crate::render::{bench, csv, hgrm, html, json, junit, markdown, svg};
use crate::report::detail::Detail;

/// An output format.
#[derive(Debug)]
pub struct Format {
    /// Its flag, without dashes.
    pub flag: &'static str,
    /// Placeholder of the flag's value in the help.
    pub value_name: &'static str,
    /// The flag's help.
    pub help: &'static str,
    /// Where it can go.
    pub output: Output,
    /// Whether it shows more than the result holds.
    pub journal: JournalUse,
    /// The file of the run's folder that always holds it; `None` if it is only written when asked for.
    pub kept_as: Option<&'static str>,
    /// Makes its content.
    pub render: Render,
}

/// Where a format can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Stdout, instead of the text that is printed otherwise, or a file.
    StdoutOrFile,
    /// A file, whatever is printed.
    File,
}

/// How a format uses the journal of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JournalUse {
    /// It shows the result alone.
    None,
    /// It shows more if there is one.
    Optional,
    /// It is made from it.
    Required,
}

/// How a format's content is made.
#[derive(Clone, Copy, Debug)]
pub enum Render {
    /// One text, which goes to the path that the user names.
    Text(fn(&Source<'_>) -> String),
    /// Several texts, each with the end of its file's name; the user names how all of them begin.
    Files(fn(&Source<'_>) -> Vec<(&'static str, String)>),
}

/// What formats are made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The result.
    pub report: &'a CleanReport<'a>,
    /// What the journal tells beyond it; empty if there is none.
    pub detail: &'a Detail,
    /// The journal as an HdrHistogram log; `None` if there is no journal.
    pub hlog: Option<&'a str>,
}

impl Format {
    /// Its files, each with the end of its name; `None` if it requires a journal and there is none.
    pub fn files(&self, source: &Source<'_>) -> Option<Vec<(&'static str, String)>> {
        if self.journal == JournalUse::Required && source.hlog.is_none() {
            return None;
        }
        Some(match self.render {
            Render::Text(render) => vec![("", render(source))],
            Render::Files(render) => render(source),
        })
    }
}

/// Every format, in the order of the help.
pub const FORMATS: &[Format] = &[
    Format {
        flag: "json",
        value_name: "FILE",
        help: "Print the result as JSON, or write it to FILE",
        output: Output::StdoutOrFile,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| json::render(source.report)),
    },
    Format {
        flag: "markdown",
        value_name: "FILE",
        help: "Print the result as Markdown, for a pull request, or write it to FILE",
        output: Output::StdoutOrFile,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| markdown::render(source.report)),
    },
    Format {
        flag: "html",
        value_name: "FILE",
        help: "Write the report as a self-contained HTML page",
        output: Output::File,
        journal: JournalUse::Optional,
        kept_as: Some("report.html"),
        render: Render::Text(|source| html::render(source.report, source.detail)),
    },
    Format {
        flag: "csv",
        value_name: "PREFIX",
        help: "Write tables with Locust's columns: PREFIX_stats.csv, _stats_history, _failures, _exceptions",
        output: Output::File,
        journal: JournalUse::Optional,
        kept_as: None,
        render: Render::Files(|source| csv::render(source.report, source.detail).into()),
    },
    Format {
        flag: "junit",
        value_name: "FILE",
        help: "Write the objectives as JUnit tests",
        output: Output::File,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| junit::render(source.report)),
    },
    Format {
        flag: "hlog",
        value_name: "FILE",
        help: "Write response times as an HdrHistogram interval log",
        output: Output::File,
        journal: JournalUse::Required,
        kept_as: Some("run.hlog"),
        render: Render::Text(|source| source.hlog.unwrap_or_default().to_owned()),
    },
    Format {
        flag: "hgrm",
        value_name: "FILE",
        help: "Write the percentile spectrum of response times in HdrHistogram's text form",
        output: Output::File,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| hgrm::render(source.report)),
    },
    Format {
        flag: "svg",
        value_name: "FILE",
        help: "Write the charts as a static SVG picture",
        output: Output::File,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| svg::render(source.report)),
    },
    Format {
        flag: "bench-json",
        value_name: "FILE",
        help: "Write the figures for github-action-benchmark (smaller is better; for a search, bigger is better)",
        output: Output::File,
        journal: JournalUse::None,
        kept_as: None,
        render: Render::Text(|source| bench::render(source.report)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_printed_is_one_text() {
        for format in FORMATS.iter().filter(|format| format.output == Output::StdoutOrFile) {
            assert!(matches!(format.render, Render::Text(_)), "{}", format.flag);
        }
    }
}
