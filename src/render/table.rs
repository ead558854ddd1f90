//! [`Table`]: rows of text in aligned columns, and [`wrap`] for sentences.
//!
//! Widths count characters, so a table never mixes coloured and plain cells.

/// Columns a line takes at most.
pub const WIDTH_MAX: usize = 100;
const GAP: usize = 2;
/// A longer first cell is cut, so that a long name cannot push the figures off the screen.
const NAME_MAX: usize = 30;

/// Rows under a header; the first column is left-aligned, the others right-aligned.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this header.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        Self { rows: vec![header.map(str::to_owned).to_vec()] }
    }

    /// Adds a row; it has as many cells as the header, or fewer.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<_> = cells.into_iter().collect();
        if let Some(name) = cells.first_mut() {
            *name = shortened(name, NAME_MAX);
        }
        self.rows.push(cells);
    }

    /// One line per row, the header first, without line ends.
    pub fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.rows
            .iter()
            .map(|row| {
                let mut line = String::new();
                for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                    let blanks = width - cell.chars().count();
                    if column == 0 {
                        line.push_str(cell);
                        line.extend(std::iter::repeat_n(' ', blanks));
                    } else {
                        line.extend(std::iter::repeat_n(' ', GAP + blanks));
                        line.push_str(cell);
                    }
                }
                line.truncate(line.trim_end().len());
                line
            })
            .collect()
    }
}

/// `text` in at most `width` characters, with `…` where it was cut.
pub fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// `text` broken between words into lines of at most `width` characters; a longer word stays whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let used = lines[last].chars().count();
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if used > 0 {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_by_characters() {
        let mut table = Table::new(["name", "p95"]);
        table.row(["wörter".to_owned(), "≥ 4".to_owned()]);
        table.row(["x".repeat(40), "12".to_owned()]);
        let lines = table.lines();
        assert_eq!(lines[0], format!("{:<30}  p95", "name"));
        assert_eq!(lines[1], format!("{:<30}  ≥ 4", "wörter"));
        assert_eq!(lines[2], format!("{}…   12", "x".repeat(29)));
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
