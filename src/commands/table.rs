//! Tables that a profile names: CSV files (RFC 4180) whose first line names the columns.
//!
//! An error tells a line's number and never what stands there, which may be a password.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::load::auth::TOKENS_MAX;
use crate::profile::Table;

/// Largest file read, in bytes.
const BYTES_MAX: u64 = 16 << 20;

/// Reads the table in a file, up to one row more than may be used.
pub(super) fn read(path: &Path) -> Result<Table, String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown}: {error}"))?;
    parse(file.take(BYTES_MAX)).map_err(|reason| format!("{shown}: {reason}"))
}

fn parse(text: impl std::io::Read) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text);
    let columns = reader.headers().map_err(|error| reason(&error))?;
    let columns: Vec<String> = columns.iter().map(str::to_owned).collect();
    if columns.iter().all(String::is_empty) {
        return Err("it is empty".to_owned());
    }
    let mut rows = Vec::new();
    for record in reader.records().take(TOKENS_MAX + 1) {
        let record = record.map_err(|error| reason(&error))?;
        rows.push(record.iter().map(str::to_owned).collect());
    }
    Ok(Table { columns, rows })
}

fn reason(error: &csv::Error) -> String {
    let line = error.position().map(csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::Io(error) => return error.to_string(),
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8 text",
        csv::ErrorKind::UnequalLengths { .. } => "has more or fewer columns than the first line",
        _ => "cannot be read",
    };
    line.map_or_else(|| format!("a line {what}"), |line| format!("line {line} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_under_the_first_line() {
        let table = parse("email, password\na@b.c,\"x,\"\"y\"\nd@e.f,\u{fc}\n".as_bytes()).unwrap();
        assert_eq!(table.columns, ["email", "password"]);
        assert_eq!(table.rows, [["a@b.c", "x,\"y"], ["d@e.f", "\u{fc}"]]);
    }

    #[test]
    fn a_bad_line_is_told_by_its_number() {
        for (text, expected) in [
            (&b"email,password\na@b.c,s3cret\nd@e.f\n"[..], "line 3 has more or fewer columns"),
            (b"email\ns3cret\xff\n", "line 2 is not UTF-8"),
            (b"", "it is empty"),
        ] {
            let reason = parse(text).err().unwrap();
            assert!(reason.contains(expected) && !reason.contains("s3cret"), "{reason}");
        }
    }
}
