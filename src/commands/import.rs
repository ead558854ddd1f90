//! The verb `import`: what another tool wrote → a commented profile.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::analysis::words::counted;
use crate::commands::environment::read_bounded;
use crate::commands::fetch::fetch;
use crate::commands::{Failure, stdout};
use crate::exit::Exit;
use crate::import::{
    Choices, Draft, INPUT_BYTES_MAX, ImportError, StaticFiles, Writes, access_log, curl, har,
    k6_options, locust_stats, openapi, vegeta, yaml,
};
use crate::load::url::is_url;
use crate::profile::TEXT_BYTES_MAX;

/// Create a profile from what another tool wrote.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Requests that write (POST, PUT, PATCH, DELETE) and come from an OpenAPI document, a recording, a log \
                  or statistics get weight 0, so they are not sent. Secrets become ${VARIABLES}. \
                  Anything without an equivalent is listed in comments and on stderr.\n\n\
                  Examples:\n  \
                  steadfire import openapi http://127.0.0.1:8000/openapi.json -o api.yaml\n  \
                  steadfire import har recording.har --host https://api.example.com\n  \
                  steadfire import access-log /var/log/nginx/access.log -o mix.yaml\n  \
                  pbpaste | steadfire import curl -"
)]
pub struct Args {
    /// Format of the input
    pub format: Format,
    /// File, '-' for stdin, or a URL (openapi only)
    #[arg(value_name = "FILE|URL|-")]
    pub input: String,
    /// Write the profile to this file, which must not exist, instead of to stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Base URL of the server whose requests are kept; becomes `host` in the profile
    #[arg(long, value_name = "URL")]
    pub host: Option<String>,
    /// Also send POST, PUT and PATCH, for OpenAPI with a tenth of the reads' weight; never DELETE
    #[arg(long)]
    pub include_writes: bool,
    /// Keep images, scripts, styles and fonts
    #[arg(long = "static")]
    pub static_files: bool,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// OpenAPI 3.0 to 3.2, JSON or YAML, as FastAPI publishes it
    #[value(name = "openapi")]
    OpenApi,
    /// A browser's recording (HTTP Archive)
    Har,
    /// curl commands, for example a browser's "Copy as cURL (bash)"
    Curl,
    /// An access log in common or combined format, or JSON lines
    AccessLog,
    /// Locust's statistics
    #[value(help = "Locust's statistics, PREFIX_stats.csv")]
    LocustStats,
    /// vegeta targets, http or json
    Vegeta,
    /// k6 options as JSON, as printed by 'k6 inspect'
    K6Options,
}

/// Prints or writes the profile.
///
/// # Errors
/// An input that cannot be read or translated, or a file that is already there.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let text = String::from_utf8(read(args)?)
        .map_err(|_| Failure::usage(format!("{}: not UTF-8 text", args.input)))?;
    let draft = translate(args.format, &text, &choices(args))
        .map_err(|error| Failure::usage(format!("{}: {error}", args.input)))?;
    let profile = yaml::write(&draft);
    if profile.len() > TEXT_BYTES_MAX {
        return Err(Failure::usage(format!(
            "{}: the profile would be larger than {} MiB; import a part of it",
            args.input,
            TEXT_BYTES_MAX >> 20
        )));
    }
    match &args.output {
        Some(path) => write_new(path, &profile)?,
        None => stdout::print(&profile),
    }
    tell(&draft, args.output.as_deref());
    Ok(Exit::Ok)
}

fn translate(format: Format, text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let translate = match format {
        Format::OpenApi => openapi::translate_openapi,
        Format::Har => har::translate_har,
        Format::Curl => curl::translate_curl,
        Format::AccessLog => access_log::translate_access_log,
        Format::LocustStats => locust_stats::translate_locust_stats,
        Format::Vegeta => vegeta::translate_vegeta,
        Format::K6Options => k6_options::translate_k6_options,
    };
    // Editors on Windows put a mark in front.
    translate(text.strip_prefix('\u{feff}').unwrap_or(text), choices)
}

fn choices(args: &Args) -> Choices {
    let from_url = || {
        let (scheme, rest) = args.input.split_once("://").filter(|_| is_url(&args.input))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        Some(format!("{scheme}://{authority}"))
    };
    Choices {
        host: args.host.clone().or_else(from_url),
        writes: if args.include_writes { Writes::Sent } else { Writes::Listed },
        static_files: if args.static_files { StaticFiles::Kept } else { StaticFiles::LeftOut },
    }
}

fn read(args: &Args) -> Result<Vec<u8>, Failure> {
    let bytes_max = INPUT_BYTES_MAX as u64;
    if args.input == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes);
        read.map_err(|error| Failure::usage(format!("stdin: cannot be read ({error})")))?;
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(Failure::usage(format!("stdin: larger than {} MiB", bytes_max >> 20)));
        }
        return Ok(bytes);
    }
    if is_url(&args.input) {
        if args.format != Format::OpenApi {
            return Err(Failure::usage(format!(
                "{}: only openapi is read from a URL; save it to a file first",
                args.input
            )));
        }
        return fetch(&args.input);
    }
    read_bounded(Path::new(&args.input), bytes_max, "import")
}

fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let file = std::fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AlreadyExists => "remove it first, or name another file",
            _ => "name a file that can be written",
        };
        Failure::usage(format!("--output {}: {error}; {remedy}", path.display()))
    })
}

/// What the user should know besides the profile.
fn tell(draft: &Draft, output: Option<&Path>) {
    let mut lines: Vec<String> = draft.notes.iter().map(|note| format!("note: {note}")).collect();
    let sent = draft.requests.iter().filter(|request| request.withheld.is_none()).count();
    let listed = draft.requests.len() - sent;
    let place = output.map_or_else(String::new, |path| format!("{}: ", path.display()));
    lines.push(format!(
        "{place}{}, {listed} more listed with weight 0",
        counted(sent as u64, "request")
    ));
    let names: Vec<String> = draft.environment().into_iter().collect();
    if !names.is_empty() {
        lines.push(format!("needs the variables {}", names.join(", ")));
    }
    // Nobody reads a closed stderr.
    let _ = writeln!(anstream::stderr(), "{}", lines.join("\n"));
}
