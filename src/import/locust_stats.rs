//! Locust's `_stats.csv`: names and counts → requests with weights, and the rate that was reached.

use crate::import::draft::{Draft, Exchange, RequestDraft, Withheld, writes};
use crate::import::text::{Text, path_text};
use crate::import::url::split_target;
use crate::import::{Choices, ImportError};

const REMEDY: &str = "name the file that `locust --csv PREFIX` writes as PREFIX_stats.csv";

/// Translates a table of statistics.
///
/// # Errors
/// Another table, or one without requests.
pub fn translate_locust_stats(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| broken(&error))?.clone();
    let column = |name: &str| {
        headers.iter().position(|header| header.trim() == name).ok_or_else(|| {
            let cause = format!("its first line has no column '{name}'");
            ImportError::at_line(1, cause, REMEDY)
        })
    };
    let (kind, name, count) = (column("Type")?, column("Name")?, column("Request Count")?);
    let rate = column("Requests/s").ok();
    let mut draft = Draft {
        name: "locust".to_owned(),
        origin: "Locust's statistics".to_owned(),
        host: choices.host.clone(),
        ..Draft::default()
    };
    for record in reader.records() {
        let record = record.map_err(|error| broken(&error))?;
        let field = |at: usize| record.get(at).unwrap_or_default().trim();
        if field(name) == "Aggregated" {
            let rate = rate.and_then(|rate| field(rate).parse::<f64>().ok());
            draft.flags = rate.filter(|rate| rate.is_finite() && *rate > 0.0).map(flags);
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let occurred: u64 = field(count).parse().map_err(|_| {
            let line = usize::try_from(line).unwrap_or(0);
            ImportError::at_line(line, "its request count is not a whole number", REMEDY)
        })?;
        if occurred > 0 {
            draft.requests.push(request(field(kind), field(name), occurred));
        }
    }
    if draft.requests.is_empty() {
        return Err(ImportError::new("it holds no requests", REMEDY));
    }
    draft.note(
        "Locust's statistics hold names and counts, no bodies, headers or log-in: look at each \
         request, and add `auth`",
    );
    draft.settle(choices.writes)
}

fn broken(error: &csv::Error) -> ImportError {
    let line = error.position().map(|position| usize::try_from(position.line()).unwrap_or(0));
    ImportError {
        place: line.map(|line| (line, None)),
        ..ImportError::new("it is not a table of comma-separated values", REMEDY)
    }
}

fn flags(rate: f64) -> String {
    format!("-r {:.2}/s -d 5m", rate.max(0.01))
}

/// The path is the part of the name that begins with a slash; `[id]`, `{id}` and `:id` are parts that varied.
fn request(kind: &str, name: &str, count: u64) -> RequestDraft {
    let method = if kind.is_empty() { "GET".to_owned() } else { kind.to_ascii_uppercase() };
    let method_is_one = method.bytes().all(|byte| byte.is_ascii_uppercase());
    let method = if method_is_one { method } else { "GET".to_owned() };
    let target = name.split_whitespace().find(|word| word.starts_with('/'));
    let (path, query) = split_target(target.unwrap_or("/"));
    let varies = path.split('/').any(|part| part.starts_with(['[', '{', '<', ':']));
    let query: Vec<(String, Text)> =
        query.into_iter().map(|(name, value)| (name, Text::literal(value))).collect();
    let label = if target == Some(name) { format!("{method} {name}") } else { name.to_owned() };
    let mut request = RequestDraft::counted(
        Exchange {
            name: label,
            method: method.clone(),
            path: Text::literal(path_text(&path)),
            query,
            ..Exchange::default()
        },
        count,
    );
    if target.is_none() {
        request.comments.push("The name holds no path; write it here.".to_owned());
        request.withheld = Some(Withheld::Incomplete);
    } else if varies {
        request.comments.push(
            "A part of the path varied; fill it from a pool: {{ pick(ids) }}, see `setup`."
                .to_owned(),
        );
        request.withheld = Some(Withheld::Incomplete);
    } else if writes(&method) {
        request.comments.push("The statistics do not hold its body; add it.".to_owned());
    }
    request
}
