//! `feeders`: where their rows come from, read into tables before any template is.
//!
//! Messages name line and column of the data and never its values.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::Arc;
use std::time::Duration;

use crate::load::feeder::{AtEnd, Feeder, Order};
use crate::load::table::{RowError, Table};
use crate::profile::compiler::Compiler;
use crate::profile::fields::{FEEDER, Fields, one_or_many};
use crate::profile::node::{Key, Node, Span, Value};
use crate::profile::quotes::{QuoteScan, Quoted};
use crate::profile::template::{is_name, is_reserved};
use crate::profile::{FEEDERS_MAX, Outside, Process};

/// Rows that a process is waited for, unless the profile says.
const PROCESS_ROWS: u64 = 10_000;
/// Most rows of a process: they are all read before the load.
const PROCESS_ROWS_MAX: u64 = 1_000_000;
/// The longest wait for a process's next line, unless the profile says.
const PROCESS_WAIT: Duration = Duration::from_secs(10);
/// The longest line of JSON, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;
/// The column of a list of plain values.
const ONLY_COLUMN: &str = "value";

/// How rows are written.
#[derive(Clone, Debug)]
enum Format {
    Csv {
        delimiter: u8,
        /// Absent takes the first row for them.
        columns: Option<Vec<String>>,
    },
    JsonLines,
}

impl Compiler<'_> {
    /// Reads all feeders; those with mistakes, which are reported, are left out.
    pub(super) fn read_feeders(&mut self, node: &Node) {
        let entries = self.mistakes.mapping(node, "`feeders`").unwrap_or_default();
        if entries.len() > FEEDERS_MAX {
            return self.mistakes.report(node.span, format!("more than {FEEDERS_MAX} feeders"));
        }
        for (key, value) in entries {
            let Some(name) = &key.text else { continue };
            self.check_feeder_name(key, name);
            match self.feeder_of(name, value) {
                Some(feeder) => self.feeders.push(Arc::new(feeder)),
                None => self.broken_feeders.push(name.clone()),
            }
        }
    }

    fn check_feeder_name(&mut self, key: &Key, name: &str) {
        let taken = self.variables.iter().any(|(variable, _)| variable == name);
        if taken || is_reserved(name) || !is_name(name) {
            let message = format!("`{name}` can't be the name of a feeder");
            let hint = "use letters, digits and _, and no name of a variable or a function";
            self.mistakes.report_with(key.span, message, hint);
        }
    }

    fn feeder_of(&mut self, name: &str, node: &Node) -> Option<Feeder> {
        let fields = self.mistakes.fields(node, &FEEDER)?;
        let order = fields.get("order").and_then(|node| {
            let orders = [
                ("sequential", Order::Sequential),
                ("random", Order::Random),
                ("unique", Order::Unique),
            ];
            self.mistakes.choice(node, "`order`", &orders)
        });
        let order = order.unwrap_or_default();
        let at_end = self.at_end(&fields, order);
        let (table, span) = self.rows(&fields)?;
        if table.rows() == 0 {
            let hint = "give it at least one row";
            self.mistakes.report_with(span, format!("the feeder `{name}` has no rows"), hint);
            return None;
        }
        Some(Feeder { name: name.to_owned(), table, order, at_end })
    }

    fn at_end(&mut self, fields: &Fields<'_>, order: Order) -> AtEnd {
        let default = if order == Order::Unique { AtEnd::Stop } else { AtEnd::Rewind };
        let Some(node) = fields.get("at_end") else { return default };
        let ends = [("rewind", AtEnd::Rewind), ("stop", AtEnd::Stop)];
        let at_end = self.mistakes.choice(node, "`at_end`", &ends).unwrap_or(default);
        let (message, hint) = match (order, at_end) {
            (Order::Random, _) => ("random rows have no end", "remove `at_end`"),
            (Order::Unique, AtEnd::Rewind) => {
                ("rows that come again are not unique", "write at_end: stop, or order: sequential")
            }
            _ => return at_end,
        };
        self.mistakes.report_with(node.span, message, hint);
        default
    }

    /// The rows, and where they are named.
    fn rows(&mut self, fields: &Fields<'_>) -> Option<(Table, Span)> {
        let sources = ["csv", "jsonl", "list", "process"];
        let given: Vec<&str> =
            sources.into_iter().filter(|key| fields.get(key).is_some()).collect();
        let [source] = given.as_slice() else {
            let message = "a feeder has its rows from one of csv, jsonl, list and process";
            self.mistakes.report_with(fields.span, message, "write for example csv: users.csv");
            return None;
        };
        let node = fields.get(source)?;
        let format = self.format(fields, source)?;
        let table = match *source {
            "list" => self.list_rows(node),
            "process" => {
                let process = self.process(fields, node)?;
                self.read_rows(&Outside::Process(&process), &format, node.span)
            }
            _ => {
                let path = self.fixed(node, &format!("`{source}`"))?;
                self.read_rows(&Outside::File(&path), &format, node.span)
            }
        };
        table.map(|table| (table, node.span))
    }

    fn format(&mut self, fields: &Fields<'_>, source: &str) -> Option<Format> {
        let csv = match (source, fields.get("format")) {
            ("csv" | "process", None) => true,
            ("process", Some(node)) => {
                let formats = [("csv", true), ("jsonl", false)];
                self.mistakes.choice(node, "`format`", &formats)?
            }
            (_, Some(node)) => {
                let message = "`format` is what a process prints";
                self.mistakes.report_with(node.span, message, "remove it");
                return None;
            }
            (_, None) => false,
        };
        if !csv {
            for key in ["delimiter", "columns"] {
                if let Some(node) = fields.get(key) {
                    let message = format!("`{key}` is about CSV");
                    self.mistakes.report_with(node.span, message, "remove it");
                }
            }
            return Some(Format::JsonLines);
        }
        let delimiter = match fields.get("delimiter") {
            Some(node) => match self.mistakes.scalar(node, "`delimiter`")?.as_bytes() {
                [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
                _ => {
                    let hint = "write for example delimiter: \";\"";
                    let message = "`delimiter` must be one ASCII character";
                    self.mistakes.report_with(node.span, message, hint);
                    return None;
                }
            },
            None => b',',
        };
        let columns = fields.get("columns").map(|node| self.column_names(node));
        Some(Format::Csv { delimiter, columns })
    }

    fn column_names(&mut self, node: &Node) -> Vec<String> {
        let names = one_or_many(node).iter();
        names.filter_map(|node| self.mistakes.word(node, "a column's name")).collect()
    }

    fn process(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Process> {
        let command: Vec<String> = match &node.value {
            Value::List(items) => {
                items.iter().filter_map(|item| self.fixed(item, "an argument")).collect()
            }
            _ => vec!["sh".to_owned(), "-c".to_owned(), self.fixed(node, "`process`")?],
        };
        if command.is_empty() {
            let hint = "write for example process: [python3, users.py]";
            self.mistakes.report_with(node.span, "`process` names no program", hint);
            return None;
        }
        let rows = fields.get("rows").map_or(Some(PROCESS_ROWS), |node| {
            self.mistakes.whole(node, "`rows`", 1..=PROCESS_ROWS_MAX)
        });
        let wait = fields.get("wait").map_or(Some(PROCESS_WAIT), |node| {
            self.duration(node, "`wait`").filter(|wait| !wait.is_zero())
        });
        Some(Process { command, rows: rows?, wait: wait? })
    }

    /// The rows of a CSV file whose first row names the columns, at most `rows_max`.
    pub(super) fn table(&mut self, path: &str, rows_max: u64, span: Span) -> Option<Table> {
        let input = (self.inputs)(&Outside::File(path));
        let read = input.and_then(|input| csv_rows(input, b',', None, rows_max));
        read.map_err(|cause| self.mistakes.report(span, cause)).ok()
    }

    fn read_rows(&mut self, outside: &Outside<'_>, format: &Format, span: Span) -> Option<Table> {
        let rows_max = match outside {
            Outside::Process(process) => process.rows,
            Outside::File(_) => Table::ROWS_MAX as u64,
        };
        let read = (self.inputs)(outside).and_then(|input| match format {
            Format::Csv { delimiter, columns } => {
                csv_rows(input, *delimiter, columns.clone(), rows_max)
            }
            Format::JsonLines => json_rows(input, rows_max),
        });
        read.map_err(|cause| self.mistakes.report(span, cause)).ok()
    }

    /// Rows that stand in the profile: mappings of columns, or plain values.
    fn list_rows(&mut self, node: &Node) -> Option<Table> {
        let items = self.mistakes.list(node, "`list`")?;
        let columns: Vec<String> = match items.first().map(|item| &item.value) {
            Some(Value::Map(entries)) => {
                entries.iter().filter_map(|(key, _)| key.text.clone()).collect()
            }
            _ => vec![ONLY_COLUMN.to_owned()],
        };
        let mut table = Table::new(columns.clone());
        for item in items {
            let cells: Option<Vec<String>> = match &item.value {
                Value::Map(entries) => self.list_row(item, entries, &columns),
                _ => self.fixed(item, "an item of `list`").map(|cell| vec![cell]),
            };
            let row = table.push(cells?.iter().map(String::as_str));
            row.map_err(|error| self.mistakes.report(item.span, format!("this row: {error}")))
                .ok()?;
        }
        Some(table)
    }

    fn list_row(
        &mut self,
        item: &Node,
        entries: &[(Key, Node)],
        columns: &[String],
    ) -> Option<Vec<String>> {
        if entries.len() != columns.len() {
            let message =
                format!("this row has not the columns of the first: {}", columns.join(", "));
            self.mistakes.report(item.span, message);
            return None;
        }
        let mut cells = Vec::new();
        for column in columns {
            let cell = entries.iter().find(|(key, _)| key.text.as_deref() == Some(column));
            let Some((_, cell)) = cell else {
                let message = format!("this row has no `{column}`");
                let hint = format!("the columns of the first row are: {}", columns.join(", "));
                self.mistakes.report_with(item.span, message, hint);
                return None;
            };
            cells.push(self.fixed(cell, &format!("`{column}`"))?);
        }
        Some(cells)
    }
}

/// Rows of comma-separated values (RFC 4180).
fn csv_rows(
    input: Box<dyn Read>,
    delimiter: u8,
    columns: Option<Vec<String>>,
    rows_max: u64,
) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(Quoted { input, scan: QuoteScan::new(delimiter) });
    let read = read_csv(&mut reader, columns, rows_max);
    // A quote that is never closed takes all that follows into its field, which is what went wrong first.
    match reader.get_ref().scan.unclosed() {
        Some(line) => Err(format!("line {line}: a quote that is opened here is never closed")),
        None => read,
    }
}

fn read_csv(
    reader: &mut csv::Reader<Quoted>,
    columns: Option<Vec<String>>,
    rows_max: u64,
) -> Result<Table, String> {
    let mut record = csv::StringRecord::new();
    let mut table = columns.map(Table::new);
    let more = |table: &Option<Table>| table.as_ref().is_none_or(|table| table.rows() < rows_max);
    while more(&table) && reader.read_record(&mut record).map_err(|error| csv_fault(&error))? {
        let line = record.position().map_or(1, csv::Position::line);
        match &mut table {
            None => table = Some(Table::new(header(&record)?)),
            Some(table) => {
                table.push(record.iter()).map_err(|error| row_fault(line, &error))?;
            }
        }
    }
    table.ok_or_else(|| "there is not even a row with the columns' names".to_owned())
}

fn header(record: &csv::StringRecord) -> Result<Vec<String>, String> {
    let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
    let repeated = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
    match repeated {
        Some((_, name)) => Err(format!("line 1: two columns are named `{name}`")),
        None => Ok(names),
    }
}

fn csv_fault(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Io(error) => format!("cannot be read: {error}"),
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: not UTF-8 text"),
        _ => format!("line {line}: not CSV"),
    }
}

fn row_fault(line: u64, error: &RowError) -> String {
    format!("line {line}: {error}")
}

/// Rows of one JSON object a line; the first has the columns.
fn json_rows(input: Box<dyn Read>, rows_max: u64) -> Result<Table, String> {
    let mut reader = BufReader::new(input);
    let mut table: Option<Table> = None;
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = (&mut reader).take(LINE_BYTES_MAX + 1).read_line(&mut text);
        match read {
            Ok(0) => break,
            Ok(bytes) if bytes as u64 > LINE_BYTES_MAX => {
                return Err(format!("line {line}: longer than {} MiB", LINE_BYTES_MAX >> 20));
            }
            Ok(_) if text.trim().is_empty() => continue,
            Ok(_) => {}
            Err(error) => return Err(format!("line {line}: cannot be read: {error}")),
        }
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text)
            .map_err(|_| format!("line {line}: not a JSON object on one line"))?;
        let table = table.get_or_insert_with(|| Table::new(object.keys().cloned().collect()));
        let cells: Option<Vec<String>> =
            table.columns().iter().map(|column| object.get(column).map(as_text)).collect();
        let missing = || {
            let columns = table.columns().join(", ");
            format!("line {line}: it has not the columns of the first line: {columns}")
        };
        let cells = cells.ok_or_else(missing)?;
        table.push(cells.iter().map(String::as_str)).map_err(|error| row_fault(line, &error))?;
        if table.rows() >= rows_max {
            break;
        }
    }
    table.ok_or_else(|| "there is no line".to_owned())
}

/// Text as it is, nothing for null, all else as JSON writes it.
fn as_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
