//! Importers: what another tool wrote → a profile with comments.
//!
//! Pure translators: text in, a [`Draft`] or one [`ImportError`] out; [`yaml::write`] makes the profile of
//! it. Nothing is dropped silently: what has no equivalent becomes a note of the draft, and secrets become
//! `${VARIABLES}`.

use std::fmt;

pub mod access_log;
mod credentials;
pub mod curl;
pub mod draft;
pub mod har;
mod headers;
pub mod k6_options;
pub mod locust_stats;
mod multipart;
pub mod openapi;
mod recorded;
mod shell;
mod text;
mod url;
mod vault;
pub mod vegeta;
pub mod yaml;

#[cfg(test)]
mod tests;

pub use draft::Draft;

/// Largest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 64 << 20;

/// What becomes of requests that change the server's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Writes {
    /// Listed with weight 0, so that they are not sent.
    #[default]
    Listed,
    /// Sent as well.
    Sent,
}

/// What becomes of images, scripts, styles and fonts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaticFiles {
    /// Left out and counted.
    #[default]
    LeftOut,
    /// Requests like any other.
    Kept,
}

/// What the user may choose about an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Address of the server whose requests are kept, and that the profile names.
    pub host: Option<String>,
    /// Requests that write.
    pub writes: Writes,
    /// Static files.
    pub static_files: StaticFiles,
}

/// Why an input cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    /// Line and column, both from 1, as far as they are known.
    pub place: Option<(usize, Option<usize>)>,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
}

impl ImportError {
    fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: None, cause: cause.into(), remedy: remedy.into() }
    }

    fn at_line(line: usize, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: Some((line, None)), ..Self::new(cause, remedy) }
    }

    fn json(error: &serde_json::Error, remedy: impl Into<String>) -> Self {
        // The parser's message without its place, which stands in front.
        let cause = error.to_string();
        let cause = cause.split(" at line ").next().unwrap_or_default();
        let place = (error.line() > 0).then(|| (error.line(), Some(error.column())));
        Self { place, ..Self::new(format!("not JSON: {cause}"), remedy) }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, Some(column))) => write!(f, "line {line}, column {column}: ")?,
            Some((line, None)) => write!(f, "line {line}: ")?,
            None => {}
        }
        write!(f, "{}; {}", self.cause, self.remedy)
    }
}

impl std::error::Error for ImportError {}
