//! [`Table`]: the rows of a feeder, kept compactly: one buffer of text, and where each cell ends.
//!
//! A million rows of 40 bytes take some 50 MB; a string of its own for each cell would take three times
//! as much.

use std::fmt;

/// Rows of as many cells as there are columns.
#[derive(Clone)]
pub struct Table {
    columns: Vec<String>,
    text: String,
    /// Of each cell, row by row, its end in the text; it begins where the one before ends.
    ends: Vec<u32>,
}

/// Why a row cannot be taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// Not as many cells as columns.
    #[error("its fields number {found}, the columns {columns}")]
    Length {
        /// Cells of the row.
        found: usize,
        /// Columns of the table.
        columns: usize,
    },
    /// More text than [`Table::BYTES_MAX`].
    #[error("with it the rows are longer than {} MiB", Table::BYTES_MAX >> 20)]
    TooLong,
    /// More rows than [`Table::ROWS_MAX`].
    #[error("it is one more than {} rows", Table::ROWS_MAX)]
    TooMany,
}

impl Table {
    /// Most text, in bytes.
    pub const BYTES_MAX: usize = 1 << 30;
    /// Most rows.
    pub const ROWS_MAX: usize = 20_000_000;

    /// A table without rows.
    pub const fn new(columns: Vec<String>) -> Self {
        Self { columns, text: String::new(), ends: Vec::new() }
    }

    /// Appends a row.
    ///
    /// # Errors
    /// When it does not fit; nothing of it is kept.
    pub fn push<'c>(&mut self, cells: impl Iterator<Item = &'c str>) -> Result<(), RowError> {
        let (text_before, cells_before) = (self.text.len(), self.ends.len());
        for cell in cells {
            self.text.push_str(cell);
            self.ends.push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        }
        let (found, columns) = (self.ends.len() - cells_before, self.columns.len());
        let error = if found != columns {
            RowError::Length { found, columns }
        } else if self.text.len() > Self::BYTES_MAX {
            RowError::TooLong
        } else if self.rows() > Self::ROWS_MAX as u64 {
            RowError::TooMany
        } else {
            return Ok(());
        };
        self.text.truncate(text_before);
        self.ends.truncate(cells_before);
        Err(error)
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        (self.ends.len() / self.columns.len().max(1)) as u64
    }

    /// The columns' names, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The text of a cell.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn cell(&self, row: u64, column: usize) -> &str {
        let row = usize::try_from(row).expect("rows are counted by a usize");
        let at = row * self.columns.len() + column;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// All cells of a column, in order.
    pub fn column(&self, column: usize) -> impl Iterator<Item = &str> {
        (0..self.rows()).map(move |row| self.cell(row, column))
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}

/// Without the cells, which may be passwords.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("columns", &self.columns)
            .field("rows", &self.rows())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[&[&str]]) -> Table {
        let mut table = Table::new(vec!["a".into(), "b".into()]);
        for row in rows {
            table.push(row.iter().copied()).unwrap();
        }
        table
    }

    #[test]
    fn cells_come_back_as_they_went_in() {
        let table = table(&[&["1", "x"], &["", "ü"], &["3", ""]]);
        assert_eq!(table.rows(), 3);
        assert_eq!((table.cell(0, 0), table.cell(1, 0), table.cell(1, 1)), ("1", "", "ü"));
        assert_eq!(table.column(1).collect::<Vec<_>>(), ["x", "ü", ""]);
    }

    #[test]
    fn a_row_of_another_length_leaves_nothing_behind() {
        let mut table = table(&[&["1", "x"]]);
        let error = RowError::Length { found: 3, columns: 2 };
        assert_eq!(table.push(["p", "q", "r"].into_iter()), Err(error));
        table.push(["2", "y"].into_iter()).unwrap();
        assert_eq!((table.rows(), table.cell(1, 0)), (2, "2"));
    }

    #[test]
    fn cells_are_not_shown() {
        let shown = format!("{:?}", table(&[&["s3cret", "x"]]));
        assert!(shown.contains("rows: 1") && !shown.contains("s3cret"), "{shown}");
    }
}
