//! The monitored series in text: a line each, with its span.

use crate::load::rate::Figures;
use crate::render::table::{Table, WIDTH_MAX, wrap};
use crate::render::text::Page;
use crate::report::monitors::MonitorReport;

/// Series shown; the result has them all.
const SHOWN_MAX: usize = 40;

impl Page {
    /// Nothing where nothing was monitored.
    pub(super) fn monitors(&mut self, monitors: &[MonitorReport]) {
        let (table, notes) = table(monitors);
        match &table {
            Some(table) => self.table(table),
            None if !notes.is_empty() => self.section("Monitors"),
            None => {}
        }
        for line in notes.iter().flat_map(|note| wrap(note, WIDTH_MAX)) {
            self.line(&line);
        }
    }
}

/// Series with points, and the notes of all of them.
fn table(monitors: &[MonitorReport]) -> (Option<Table>, Vec<String>) {
    let mut table = Table::new(["Monitors", "unit", "min", "mean", "max", "looks"]);
    let with_points = monitors.iter().filter(|series| !series.points.is_empty());
    let mut rows = 0;
    for series in with_points.clone().take(SHOWN_MAX) {
        let [low, mean, high] = span(series);
        let unit = if series.unit.is_empty() { "-" } else { &series.unit };
        table.row([
            series.name.clone(),
            unit.to_owned(),
            Figures(low).to_string(),
            Figures(mean).to_string(),
            Figures(high).to_string(),
            series.points.len().to_string(),
        ]);
        rows += 1;
    }
    let mut notes: Vec<String> = notes(monitors).collect();
    let hidden = with_points.count() - rows;
    if hidden > 0 {
        notes.push(format!("{hidden} more series are in the result"));
    }
    ((rows > 0).then_some(table), notes)
}

/// The least, the mean and the most of a series with points.
pub(in crate::render) fn span(series: &MonitorReport) -> [f64; 3] {
    let values = series.points.iter().map(|point| point.value);
    let (low, high) = values
        .clone()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    [low, values.sum::<f64>() / series.points.len() as f64, high]
}

/// What monitors had to say beside their values.
pub(in crate::render) fn notes(monitors: &[MonitorReport]) -> impl Iterator<Item = String> {
    monitors.iter().flat_map(|series| {
        // A note about a whole monitor stands beside its first series.
        let about = if series.points.is_empty() { &series.source } else { &series.name };
        series.notes.iter().map(move |note| format!("{about}: {note}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::monitors::MonitorPoint;

    fn series(name: &str, values: &[f64], notes: &[&str]) -> MonitorReport {
        let point = |(at, value): (usize, &f64)| MonitorPoint { t: at as u64, value: *value };
        MonitorReport {
            turned: None,
            name: name.to_owned(),
            kind: "process".to_owned(),
            source: "process on port 8001".to_owned(),
            unit: if name == "cpu" { "cores".to_owned() } else { String::new() },
            points: values.iter().enumerate().map(point).collect(),
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
        }
    }

    #[test]
    fn each_series_has_a_line_and_each_note_its_own() {
        let monitors = [
            series("cpu", &[0.5, 1.0, 1.5], &[]),
            series("threads", &[7.0], &["1 of 4 looks failed: gone"]),
            series("postgres", &[], &["no psql"]),
        ];
        let (table, notes) = table(&monitors);
        assert_eq!(
            table.unwrap().lines(),
            [
                "Monitors   unit  min  mean  max  looks",
                "cpu       cores  0.5     1  1.5      3",
                "threads       -    7     7    7      1",
            ]
        );
        assert_eq!(notes, ["threads: 1 of 4 looks failed: gone", "process on port 8001: no psql"]);
        let (none, notes) = super::table(&monitors[2..]);
        assert!(none.is_none() && notes.len() == 1);
    }

    #[test]
    fn a_long_list_is_cut_and_that_is_said() {
        let many: Vec<MonitorReport> =
            (0..SHOWN_MAX + 3).map(|n| series(&n.to_string(), &[1.0], &[])).collect();
        let (table, notes) = table(&many);
        assert_eq!(table.unwrap().lines().len(), SHOWN_MAX + 1);
        assert_eq!(notes, ["3 more series are in the result"]);
    }
}
