//! [`Table`]: rows of text in aligned columns, and [`wrap`] for sentences.
//!
//! Widths count characters, so a table never mixes coloured and plain cells.

use std::collections::BTreeSet;

/// Columns a line takes at most.
pub const WIDTH_MAX: usize = 100;
const GAP: usize = 2;
/// Longer names in the first column are cut, so that they cannot push the figures off the screen.
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
        self.rows.push(cells.into_iter().collect());
    }

    /// One line per row, the header first, without line ends.
    pub fn lines(&self) -> Vec<String> {
        let mut rows = self.rows.clone();
        let names: Vec<&str> =
            self.rows.iter().skip(1).filter_map(|row| Some(row.first()?.as_str())).collect();
        for (row, name) in rows.iter_mut().skip(1).zip(abridged(&names, NAME_MAX)) {
            row[0] = name;
        }
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        rows.iter()
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

/// `names` in at most `width` characters each, cut in the middle, where names of one API differ least. The cut
/// moves until different names stay different; names that no cut tells apart stay whole.
pub fn abridged(names: &[&str], width: usize) -> Vec<String> {
    let different = |texts: &[String]| texts.iter().collect::<BTreeSet<_>>().len();
    let whole: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let heads = (0..width).map(|step| {
        let half = width / 2;
        if step % 2 == 0 { half - step / 2 } else { half + step.div_ceil(2) }
    });
    let cut = |head: usize| names.iter().map(|name| cut_after(name, head, width)).collect();
    let mut cuts = heads.filter(|head| *head < width).map(cut);
    cuts.find(|cut: &Vec<String>| different(cut) == different(&whole)).unwrap_or(whole)
}

/// `text` in at most `width` characters, of which the first `head` stay.
fn cut_after(text: &str, head: usize, width: usize) -> String {
    let count = text.chars().count();
    if count <= width {
        return text.to_owned();
    }
    let end = count - (width - 1 - head);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(end)).collect()
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
        assert_eq!(lines[2], format!("{}…{}   12", "x".repeat(15), "x".repeat(14)));
    }

    #[test]
    fn long_names_are_cut_where_they_are_alike() {
        let table: [(&[&str], &[&str]); 4] = [
            (&["GET /api/v1/items", "short"], &["GET /a…items", "short"]),
            (&["GET /api/v1/items/a", "GET /api/v1/items/b"], &["GET /a…ems/a", "GET /a…ems/b"]),
            (
                &["a-very-long-beginning-xx", "b-very-long-beginning-xx"],
                &["a-very…ng-xx", "b-very…ng-xx"],
            ),
            // Only the seventh character differs, and then the sixth from the end.
            (
                &["GET /a1bbbbbbbbbbbbbbb", "GET /a2bbbbbbbbbbbbbbb"],
                &["GET /a1…bbbb", "GET /a2…bbbb"],
            ),
        ];
        for (names, cut) in table {
            assert_eq!(abridged(names, 12), cut);
        }
        let alike = ["aaaaaaaaaaaa1bbbbbbbbbbbb", "aaaaaaaaaaaa2bbbbbbbbbbbb"];
        assert_eq!(abridged(&alike, 12), alike, "no cut tells them apart");
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
    }
}
