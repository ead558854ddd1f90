//! Output: a report or a snapshot to text. Pure functions; the caller prints.

pub mod actions;
mod auth;
pub mod bench;
mod chart;
pub mod clean;
mod client;
pub mod comparison;
pub mod csv;
pub mod exchange;
pub mod explanation;
pub mod exposition;
mod failures;
mod families;
pub mod formats;
pub mod hgrm;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod otlp;
pub mod progress;
pub mod protobuf;
mod rates;
pub mod runs;
pub mod svg;
pub mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod units;
mod verdict;

/// Whether text carries colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// No escape sequences.
    #[default]
    Plain,
    /// ANSI colours.
    Colour,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// A limit is broken.
    Bad,
    /// To be doubted.
    Doubtful,
    /// A heading.
    Strong,
    /// Less important.
    Faint,
}

impl Style {
    /// `text` in the colour of `tone`, or as it is.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self, tone) {
            (Self::Plain, _) => return text.to_owned(),
            (Self::Colour, Tone::Good) => "1;32",
            (Self::Colour, Tone::Bad) => "1;31",
            (Self::Colour, Tone::Doubtful) => "1;33",
            (Self::Colour, Tone::Strong) => "1",
            (Self::Colour, Tone::Faint) => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
