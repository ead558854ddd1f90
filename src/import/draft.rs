//! [`Draft`]: a profile before it is written, and what every importer does to it at the end: names, weights
//! and what is sent at all.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::import::text::{Text, one_line};
use crate::import::{ImportError, Writes};

mod auth;

pub use auth::{AuthDraft, KeyPlace, LoginDraft};

/// Most requests that an importer keeps; the rarest are left out.
pub const REQUESTS_MAX: usize = 1_000;
/// What weights add up to where they come from larger counts.
const WEIGHTS_SUM: u64 = 10_000;
/// Characters of a request's name.
const NAME_CHARS_MAX: usize = 120;
/// Most notes that are kept of one import.
const NOTES_MAX: usize = 200;

/// A profile before it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The profile's name.
    pub name: String,
    /// What it was made of, for the first comment.
    pub origin: String,
    /// Address of the server.
    pub host: Option<String>,
    /// Flags of `run` that go with it, such as `-r 20/s -d 5m`.
    pub flags: Option<String>,
    /// What has no equivalent, or needs the user's eye.
    pub notes: Vec<String>,
    /// Values for `{{ name }}`, each with a comment.
    pub variables: BTreeMap<String, (String, String)>,
    /// Sent with every request.
    pub headers: Vec<(String, Text)>,
    /// What proves who sends the requests.
    pub auth: Option<AuthDraft>,
    /// Sent once before the load.
    pub setup: Vec<SetupDraft>,
    /// The mix.
    pub requests: Vec<RequestDraft>,
    /// Limits, in the grammar of `--slo`.
    pub slo: Option<String>,
    /// Rates and lengths one after the other, such as `20/s` and `1m`.
    pub stages: Vec<(String, String)>,
}

/// A request that fills pools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupDraft {
    /// The exchange.
    pub exchange: Exchange,
    /// Pool name and `JSONPath` of its values.
    pub pools: Vec<(String, String)>,
    /// What to do when a pool stays empty.
    pub hint: String,
}

/// A request of the mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestDraft {
    /// The exchange.
    pub exchange: Exchange,
    /// How often it occurred; weights come from these.
    pub count: u64,
    /// Why it is not sent although it is listed.
    pub withheld: Option<Withheld>,
    /// For `--tags`.
    pub tags: Vec<String>,
    /// Lines above it.
    pub comments: Vec<String>,
}

/// Why a request is listed with weight 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// It changes the server's state.
    Write,
    /// It removes what other requests need.
    Delete,
    /// A part of it is missing or a guess; a comment says which.
    Incomplete,
}

/// What is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exchange {
    /// Of a request of the mix, unique in the end.
    pub name: String,
    /// HTTP method in capitals.
    pub method: String,
    /// Begins with a slash; percent-encoded.
    pub path: Text,
    /// Names and values, not encoded.
    pub query: Vec<(String, Text)>,
    /// Names and values.
    pub headers: Vec<(String, Text)>,
    /// Absent sends none.
    pub body: Option<Body>,
    /// Accepted statuses; empty accepts 200 to 399.
    pub statuses: Vec<u16>,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    /// Sent as JSON.
    Json(Json),
    /// Sent as `application/x-www-form-urlencoded`.
    Form(Vec<(String, Text)>),
    /// Sent as `multipart/form-data`; at least one part.
    Multipart(Vec<PartDraft>),
    /// Sent as it is.
    Text(Text),
}

/// A part of a multipart form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartDraft {
    /// Of the field.
    pub name: String,
    /// What it holds.
    pub content: PartContent,
}

/// What a part of a multipart form holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartContent {
    /// A text.
    Text(Text),
    /// A file, which the user has.
    File {
        /// Where it is.
        path: Text,
        /// Its name for the server, if it is another.
        name: Option<String>,
        /// Its media type.
        kind: Option<String>,
    },
}

/// A JSON value whose texts may have holes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Json {
    /// `null`, a truth value or a number, as it is written.
    Plain(String),
    /// A string.
    Text(Text),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Map(Vec<(String, Self)>),
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        match value {
            serde_json::Value::String(text) => Self::Text(Text::literal(text)),
            serde_json::Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => Self::Map(
                entries.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect(),
            ),
            plain => Self::Plain(plain.to_string()),
        }
    }
}

impl RequestDraft {
    /// A request that occurred `count` times.
    pub fn counted(exchange: Exchange, count: u64) -> Self {
        Self { exchange, count, withheld: None, tags: Vec::new(), comments: Vec::new() }
    }
}

/// Whether a method changes the server's state (RFC 9110, 9.2.1).
pub fn writes(method: &str) -> bool {
    !matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

impl Draft {
    /// Adds a note once.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = one_line(&note.into(), 400);
        if self.notes.len() < NOTES_MAX && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Withholds what may not be sent, bounds and names the requests.
    ///
    /// # Errors
    /// Nothing is left that could be sent.
    pub(super) fn settle(mut self, writes: Writes) -> Result<Self, ImportError> {
        self.bound();
        for request in &mut self.requests {
            request.withhold(writes);
            request.leave_files_out();
        }
        self.send_something()?;
        self.name_requests();
        Ok(self)
    }

    /// Keeps the requests that occurred most often, in their order.
    fn bound(&mut self) {
        let excess = self.requests.len().saturating_sub(REQUESTS_MAX);
        if excess == 0 {
            return;
        }
        let mut counts: Vec<u64> = self.requests.iter().map(|request| request.count).collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let bar = counts[REQUESTS_MAX - 1];
        let mut at_bar = counts[..REQUESTS_MAX].iter().filter(|count| **count == bar).count();
        self.requests.retain(|request| {
            let tied = request.count == bar && at_bar > 0;
            at_bar -= usize::from(tied);
            request.count > bar || tied
        });
        self.note(format!(
            "{excess} of the rarest requests are left out, {REQUESTS_MAX} are kept at most"
        ));
    }

    /// A profile must send something: reads that are guesses are sent rather than nothing.
    fn send_something(&mut self) -> Result<(), ImportError> {
        if self.requests.is_empty() {
            return Err(ImportError::new(
                "it holds no request that could be sent",
                "look at what it was made of; hosts and static files that were left out are named above",
            ));
        }
        if self.requests.iter().any(|request| request.withheld.is_none()) {
            return Ok(());
        }
        let guesses = self.requests.iter_mut().filter(|r| r.withheld == Some(Withheld::Incomplete));
        let mut sent = false;
        for request in guesses {
            request.withheld = None;
            sent = true;
        }
        if !sent {
            return Err(ImportError::new(
                "every request in it changes the server's state",
                "add --include-writes to send them all the same",
            ));
        }
        self.note("requests that hold guesses have a weight, since there are no others");
        Ok(())
    }

    fn name_requests(&mut self) {
        let mut taken = HashSet::new();
        for request in &mut self.requests {
            let name = &mut request.exchange.name;
            let base = one_line(name, NAME_CHARS_MAX);
            let base = if base.is_empty() { "request".to_owned() } else { base };
            name.clone_from(&base);
            for number in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                *name = format!("{base} ({number})");
            }
        }
    }

    /// The weight of each request: its count, scaled where the counts are large; 0 where it is withheld.
    pub fn weights(&self) -> Vec<u64> {
        let sent = self.requests.iter().filter(|request| request.withheld.is_none());
        let sum: u64 = sent.map(|request| request.count).fold(0, u64::saturating_add);
        let scaled = |count: u64| {
            if sum <= WEIGHTS_SUM {
                return count.max(1);
            }
            let share = u128::from(count) * u128::from(WEIGHTS_SUM) / u128::from(sum);
            u64::try_from(share).unwrap_or(WEIGHTS_SUM).max(1)
        };
        let weight = |request: &RequestDraft| match request.withheld {
            Some(_) => 0,
            None => scaled(request.count),
        };
        self.requests.iter().map(weight).collect()
    }

    /// Every environment variable that the profile needs.
    pub fn environment(&self) -> BTreeSet<String> {
        let login = match &self.auth {
            Some(AuthDraft::Login(login)) => Some(&login.exchange),
            _ => None,
        };
        let setup = self.setup.iter().map(|setup| &setup.exchange);
        let requests = self.requests.iter().map(|request| &request.exchange);
        let mut names = BTreeSet::new();
        let mut keep = |text: &Text| names.extend(text.environment_names().map(str::to_owned));
        self.headers.iter().for_each(|(_, value)| keep(value));
        match &self.auth {
            Some(AuthDraft::Basic { user, password }) => {
                keep(user);
                keep(password);
            }
            Some(AuthDraft::Key { value, .. }) => keep(value),
            Some(AuthDraft::Login(_)) | None => {}
        }
        for exchange in login.into_iter().chain(setup).chain(requests) {
            keep(&exchange.path);
            exchange.query.iter().chain(&exchange.headers).for_each(|(_, value)| keep(value));
            match &exchange.body {
                Some(Body::Json(json)) => json.each_text(&mut keep),
                Some(Body::Form(pairs)) => pairs.iter().for_each(|(_, value)| keep(value)),
                Some(Body::Multipart(parts)) => parts.iter().for_each(|part| match &part.content {
                    PartContent::Text(text) => keep(text),
                    PartContent::File { path, .. } => keep(path),
                }),
                Some(Body::Text(text)) => keep(text),
                None => {}
            }
        }
        names
    }
}

impl RequestDraft {
    fn withhold(&mut self, writes_are: Writes) {
        let method = self.exchange.method.as_str();
        if method == "DELETE" {
            self.withheld = Some(Withheld::Delete);
        } else if writes(method) && writes_are == Writes::Listed {
            self.withheld = Some(Withheld::Write);
        }
    }
}

impl RequestDraft {
    /// What is not sent needs no files: a comment says where they go.
    fn leave_files_out(&mut self) {
        let (Some(_), Some(Body::Multipart(parts))) = (self.withheld, &mut self.exchange.body)
        else {
            return;
        };
        let is_file = |part: &mut PartDraft| matches!(part.content, PartContent::File { .. });
        let comments = parts.extract_if(.., is_file).map(|part| {
            let name = one_line(&part.name, NAME_CHARS_MAX);
            format!("Uploads a file: write files: {{{name}: PATH}} under `multipart`.")
        });
        self.comments.extend(comments);
        if parts.is_empty() {
            self.exchange.body = None;
        }
    }
}

impl Json {
    fn each_text(&self, keep: &mut impl FnMut(&Text)) {
        match self {
            Self::Plain(_) => {}
            Self::Text(text) => keep(text),
            Self::List(items) => items.iter().for_each(|item| item.each_text(keep)),
            Self::Map(entries) => entries.iter().for_each(|(_, value)| value.each_text(keep)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, path: &str, count: u64) -> RequestDraft {
        let exchange = Exchange {
            name: format!("{method} {path}"),
            method: method.into(),
            path: Text::literal(path),
            ..Exchange::default()
        };
        RequestDraft::counted(exchange, count)
    }

    fn settled(requests: Vec<RequestDraft>, writes: Writes) -> Result<Draft, ImportError> {
        Draft { requests, ..Draft::default() }.settle(writes)
    }

    #[test]
    fn writes_are_listed_and_deletes_never_sent() {
        let requests =
            vec![request("GET", "/", 3), request("POST", "/", 2), request("DELETE", "/", 1)];
        let weights = |writes| settled(requests.clone(), writes).unwrap().weights();
        assert_eq!(weights(Writes::Listed), [3, 0, 0]);
        assert_eq!(weights(Writes::Sent), [3, 2, 0]);
        let refused = settled(vec![request("POST", "/", 1)], Writes::Listed).unwrap_err();
        assert!(refused.to_string().contains("--include-writes"));
    }

    #[test]
    fn names_become_unique_and_large_counts_small_weights() {
        let requests = vec![request("GET", "/a", 3_000_000), request("GET", "/a", 1)];
        let draft = settled(requests, Writes::Listed).unwrap();
        assert_eq!(draft.requests[1].exchange.name, "GET /a (2)");
        assert_eq!(draft.weights(), [9_999, 1]);
    }

    #[test]
    fn the_rarest_are_left_out() {
        let requests = (0..1_010).map(|n| request("GET", &format!("/{n}"), 1 + n % 2)).collect();
        let draft = settled(requests, Writes::Listed).unwrap();
        assert_eq!(draft.requests.len(), REQUESTS_MAX);
        assert_eq!(draft.requests.iter().filter(|request| request.count == 2).count(), 505);
        assert_eq!(draft.notes.len(), 1);
    }
}
