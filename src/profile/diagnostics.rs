//! [`Diagnostics`]: every mistake of a profile at once, each with its place, cause and remedy.
//!
//! Shows the file's own text only, `${VAR}` as it is written: a value from the environment never gets here.

use std::fmt;

use crate::profile::node::Span;

/// A profile file: what to call it in messages, and its whole text.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Path or other name, for messages.
    pub name: &'a str,
    /// The file's content.
    pub text: &'a str,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    excerpt: Excerpt,
}

/// All mistakes of a profile, in the order of the file; at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Rendered(self))]
pub struct Diagnostics {
    /// The source's name.
    pub file: String,
    /// At most [`SHOWN_MAX`].
    pub mistakes: Vec<Diagnostic>,
    /// How many more there are.
    pub omitted: usize,
}

/// How many mistakes are shown; more help nobody.
pub const SHOWN_MAX: usize = 50;

/// Characters of a source line that are shown, so that a whole profile on one line stays readable.
const LINE_CHARS_MAX: usize = 120;

/// Gathers mistakes while a profile is read.
pub(super) struct Mistakes<'a> {
    pub(super) source: Source<'a>,
    found: Vec<(Span, String, Option<String>)>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn new(source: Source<'a>) -> Self {
        Self { source, found: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn report(&mut self, span: Span, message: impl Into<String>) {
        self.found.push((span, message.into(), None));
    }

    pub(super) fn report_with(
        &mut self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.found.push((span, message.into(), Some(hint.into())));
    }

    /// Sorted by place; what an alias repeats is said once.
    pub(super) fn into_diagnostics(mut self) -> Diagnostics {
        self.found.sort_by(|a, b| (a.0.start, &a.1).cmp(&(b.0.start, &b.1)));
        self.found.dedup();
        let omitted = self.found.len().saturating_sub(SHOWN_MAX);
        self.found.truncate(SHOWN_MAX);
        let text = self.source.text;
        let mistakes = self
            .found
            .into_iter()
            .map(|(span, message, hint)| Diagnostic::new(span, message, hint, text))
            .collect();
        Diagnostics { file: self.source.name.to_owned(), mistakes, omitted }
    }
}

impl Diagnostic {
    fn new(span: Span, message: String, hint: Option<String>, text: &str) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = &text[line_start..];
        let source_line = rest.lines().next().unwrap_or_default();
        let column = text[line_start..start].chars().count();
        let marked = text.get(start..span.end).and_then(|part| part.lines().next());
        let width = marked.map_or(0, |part| part.trim_end().chars().count());
        Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            message,
            hint,
            excerpt: Excerpt::around(source_line, column, width),
        }
    }
}

/// The part of a source line that is shown, and what is marked in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// In characters, from 0.
    caret: usize,
    width: usize,
}

impl Excerpt {
    fn around(line: &str, column: usize, width: usize) -> Self {
        let length = line.chars().count();
        let from =
            if length > LINE_CHARS_MAX { column.saturating_sub(LINE_CHARS_MAX / 2) } else { 0 };
        let mut text = String::new();
        if from > 0 {
            text.push('…');
        }
        text.extend(line.chars().skip(from).take(LINE_CHARS_MAX).map(visible));
        if from + LINE_CHARS_MAX < length {
            text.push('…');
        }
        let caret = column - from + usize::from(from > 0);
        Self { text, caret, width: width.clamp(1, LINE_CHARS_MAX / 2) }
    }
}

/// Stands in for characters that could drive a terminal or move the caret.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

struct Rendered<'a>(&'a Diagnostics);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostics { file, mistakes, omitted } = self.0;
        for (place, mistake) in mistakes.iter().enumerate() {
            if place > 0 {
                f.write_str("\n\n")?;
            }
            mistake.render(file, f)?;
        }
        match omitted {
            0 => Ok(()),
            more => write!(f, "\n\n… and {more} more mistakes in {file}"),
        }
    }
}

impl Diagnostic {
    fn render(&self, file: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Excerpt { text, caret, width } = &self.excerpt;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "error: {}", shown(&self.message))?;
        writeln!(f, "{margin}--> {file}:{number}:{}", self.column)?;
        writeln!(f, "{margin} |")?;
        writeln!(f, "{number} | {}", text.trim_end())?;
        write!(f, "{margin} | {}{}", " ".repeat(*caret), "^".repeat(*width))?;
        match &self.hint {
            Some(hint) => write!(f, "\n{margin} = help: {}", shown(hint)),
            None => Ok(()),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// The candidate that `word` is most likely a slip of, if one is close.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word: Vec<char> = word.to_lowercase().chars().take(64).collect();
    let slips_max = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= slips_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many characters to insert, remove, replace or swap with their neighbour (optimal string alignment).
fn edit_distance(from: &[char], to: &str) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=from.len()).collect();
    let mut previous = None;
    for (line, target) in to.chars().enumerate() {
        let mut row = vec![line + 1];
        for (column, source) in from.iter().enumerate() {
            let replaced = last[column] + usize::from(*source != target);
            let mut distance = replaced.min(row[column] + 1).min(last[column + 1] + 1);
            if column > 0 && previous == Some(*source) && from[column - 1] == target {
                distance = distance.min(before_last[column - 1] + 1);
            }
            row.push(distance);
        }
        before_last = std::mem::replace(&mut last, row);
        previous = Some(target);
    }
    last[from.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnose(text: &str, span: Span) -> String {
        let mut mistakes = Mistakes::new(Source { name: "p.yaml", text });
        mistakes.report_with(span, "wrong", "make it right");
        mistakes.into_diagnostics().to_string()
    }

    #[test]
    fn the_marked_part_stands_above_its_carets() {
        let shown = diagnose("a: 1\nnäme: [x]\n", Span { start: 12, end: 13 });
        assert_eq!(
            shown,
            "error: wrong\n --> p.yaml:2:7\n  |\n2 | näme: [x]\n  |       ^\n  = help: make it right"
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_mistake() {
        let text = format!("{}HERE{}", "a".repeat(500), "b".repeat(500));
        let shown = diagnose(&text, Span { start: 500, end: 504 });
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1], " --> p.yaml:1:501");
        assert_eq!(lines[3], format!("1 | …{}HERE{}…", "a".repeat(60), "b".repeat(56)));
        assert_eq!(lines[4], format!("  | {}^^^^", " ".repeat(61)));
    }

    #[test]
    fn terminal_codes_are_disarmed() {
        assert!(diagnose("\u{1b}[2J", Span::default()).contains("1 | \u{fffd}[2J"));
    }

    #[test]
    fn mistakes_past_the_limit_are_counted() {
        let mut mistakes = Mistakes::new(Source { name: "p", text: "x" });
        for number in 0..SHOWN_MAX + 7 {
            mistakes.report(Span::default(), format!("{number:03}"));
        }
        let diagnostics = mistakes.into_diagnostics();
        assert_eq!((diagnostics.mistakes.len(), diagnostics.omitted), (SHOWN_MAX, 7));
        assert!(diagnostics.to_string().ends_with("… and 7 more mistakes in p"));
    }

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["weight", "name", "method", "path"];
        assert_eq!(nearest("wieght", known), Some("weight"));
        assert_eq!(nearest("Metod", known), Some("method"));
        assert_eq!(nearest("pth", known), Some("path"));
        assert_eq!(nearest("nmae", known), Some("name"));
        assert_eq!(nearest("frequency", known), None);
    }
}
