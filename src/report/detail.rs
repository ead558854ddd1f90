//! [`Detail`]: what a journal tells beyond its result, reduced to a bounded size: the response times of each
//! point of the series, the heat map, and the request names over time.
//!
//! Nothing of it is stored; it is made from the intervals whenever a result is shown.

use std::time::Duration;

use crate::measure::histogram::CensoredHistogram;
use crate::measure::slice::{RequestSlice, Slice};
use crate::measure::window::Interval;
use crate::report::Report;
use crate::report::spectrum::{Percentile, percentiles};
use crate::time::whole_nanos;

/// Columns of a heat map at most; beyond, each two become one.
pub const COLUMNS_MAX: usize = 120;
/// Rows of a heat map: from 1 µs to over an hour.
pub const ROWS: usize = 128;
/// Rows in which times double.
const ROWS_PER_OCTAVE: f64 = 4.0;

/// Request names that have a history at most.
pub const REQUESTS_MAX: usize = 24;

/// What a journal tells beyond its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// One for each point of the series, as far as the journal reaches.
    pub history: Vec<HistoryPoint>,
    /// Response times over time.
    pub heat: Vec<HeatColumn>,
    /// The same of each request name, if there are several.
    pub requests: Vec<RequestHistory>,
}

/// One request name over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHistory {
    /// Its place among the report's requests.
    pub request: usize,
    /// One for each slice of the journal.
    pub points: Vec<RequestPoint>,
}

/// What became of a request name within a slice. Times in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPoint {
    /// End of the slice, ns since the start.
    pub t: u64,
    /// Good answers.
    pub ok: u64,
    /// Slots that were never answered; quantiles among them are lower bounds.
    pub censored: u64,
    /// Median response time.
    pub p50: u64,
    /// 95th percentile of the response time.
    pub p95: u64,
    /// 99th percentile of the response time.
    pub p99: u64,
}

/// The response times up to and within a point of the series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistoryPoint {
    /// Within the point.
    pub percentiles: Vec<Percentile>,
    /// Since the start, in ns.
    pub total: Totals,
}

/// Response times since the start, in ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Median.
    pub median: u64,
    /// Mean.
    pub mean: u64,
    /// Smallest.
    pub min: u64,
    /// Largest.
    pub max: u64,
}

/// One stretch of time in a heat map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatColumn {
    /// Its beginning, ns since the start.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// Good answers by [`row_start`].
    pub answered: Vec<u64>,
    /// Slots given up unanswered.
    pub unanswered: u64,
}

/// Makes a [`Detail`].
#[derive(Debug)]
pub struct DetailBuilder {
    /// Ends of the series' points that are still to come, the next one last.
    ends: Vec<u64>,
    open: CensoredHistogram,
    whole: CensoredHistogram,
    history: Vec<HistoryPoint>,
    heat: Vec<HeatColumn>,
    column_length: u64,
    requests: Vec<RequestHistory>,
}

/// The row that a time belongs to.
pub fn row(time: Duration) -> usize {
    let octaves = (whole_nanos(time).max(1_000) as f64 / 1e3).log2();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 128")]
    let row = (octaves * ROWS_PER_OCTAVE) as usize;
    row.min(ROWS - 1)
}

/// The shortest time of a row, in ns.
pub fn row_start(row: usize) -> f64 {
    1e3 * (row as f64 / ROWS_PER_OCTAVE).exp2()
}

impl DetailBuilder {
    /// For the journal of `report`.
    pub fn new(report: &Report) -> Self {
        Self {
            ends: report.series.iter().rev().map(|point| point.t).collect(),
            open: CensoredHistogram::default(),
            whole: CensoredHistogram::default(),
            history: Vec::new(),
            heat: Vec::new(),
            column_length: 0,
            requests: told(report),
        }
    }

    /// Takes the next interval.
    pub fn push(&mut self, interval: &Interval) {
        let times = &interval.window.response_time;
        self.open.merge(times);
        let end = interval.end.as_nanos();
        if self.ends.last().is_some_and(|next| *next <= end) {
            self.ends.pop();
            self.close();
        }
        self.add_heat(interval);
    }

    /// Takes the next slice.
    pub fn push_slice(&mut self, slice: &Slice) {
        for history in &mut self.requests {
            let nothing = RequestSlice::default();
            let request = slice.requests.get(history.request).unwrap_or(&nothing);
            history.points.push(RequestPoint::new(slice.end.as_nanos(), request));
        }
    }

    /// What it comes to.
    pub fn finish(self) -> Detail {
        Detail { history: self.history, heat: self.heat, requests: self.requests }
    }

    fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.whole.merge(&open);
        let total = Totals {
            median: whole_nanos(self.whole.quantile(0.5).value),
            mean: whole_nanos(self.whole.mean().value),
            min: whole_nanos(self.whole.min().value),
            max: whole_nanos(self.whole.max().value),
        };
        self.history.push(HistoryPoint { percentiles: percentiles(&open), total });
    }

    fn add_heat(&mut self, interval: &Interval) {
        let length = whole_nanos(interval.length);
        let to = interval.end.as_nanos();
        self.column_length = self.column_length.max(length);
        let fits = |column: &HeatColumn| to - column.from <= self.column_length + length / 2;
        if !self.heat.last().is_some_and(fits) {
            let from = self.heat.last().map_or(to.saturating_sub(length), |column| column.to);
            self.heat.push(HeatColumn { from, to, answered: vec![0; ROWS], unanswered: 0 });
        }
        if let Some(column) = self.heat.last_mut() {
            let times = &interval.window.response_time;
            column.to = to;
            column.unanswered += times.unanswered.count();
            for (time, count) in times.answered.entries() {
                column.answered[row(time)] += count;
            }
        }
        if self.heat.len() > COLUMNS_MAX {
            self.heat = self.heat.chunks(2).map(joined).collect();
            self.column_length *= 2;
        }
    }
}

impl RequestPoint {
    fn new(t: u64, request: &RequestSlice) -> Self {
        let times = &request.response_time;
        let time = |q| whole_nanos(times.quantile(q).value);
        Self {
            t,
            ok: request.fates.ok(),
            censored: times.unanswered.count(),
            p50: time(0.5),
            p95: time(0.95),
            p99: time(0.99),
        }
    }
}

/// The request names that are told apart, in the order of the plan. Of too many, those that failed most
/// often, then the slowest. What a single name did is what all did.
fn told(report: &Report) -> Vec<RequestHistory> {
    let mut places: Vec<usize> = (0..report.requests.len()).collect();
    if places.len() == 1 {
        return Vec::new();
    }
    places.sort_by_key(|place| {
        let request = &report.requests[*place];
        std::cmp::Reverse((request.fates.planned - request.fates.ok, request.response_time.p95))
    });
    places.truncate(REQUESTS_MAX);
    places.sort_unstable();
    places.into_iter().map(|request| RequestHistory { request, points: Vec::new() }).collect()
}

fn joined(columns: &[HeatColumn]) -> HeatColumn {
    let mut whole = columns[0].clone();
    for column in &columns[1..] {
        whole.to = column.to;
        whole.unanswered += column.unanswered;
        for (sum, count) in whole.answered.iter_mut().zip(&column.answered) {
            *sum += count;
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;
    use crate::measure::window::Window;
    use crate::report::example;
    use crate::time::Offset;

    fn interval(second: u64, ms: u64) -> Interval {
        let mut window = Window::default();
        for _ in 0..5 {
            window.response_time.answered.record(Duration::from_millis(ms));
        }
        window.response_time.unanswered.record(Duration::from_secs(5));
        let end = Offset::from_nanos((second + 1) * 1_000_000_000);
        Interval { end, length: Duration::from_secs(1), window }
    }

    fn detail(seconds: u64) -> Detail {
        let mut builder = DetailBuilder::new(&example::report(example::GOOD));
        for second in 0..seconds {
            builder.push(&interval(second, 10 + second % 7));
        }
        builder.finish()
    }

    #[test]
    fn a_heat_map_loses_nothing_and_stays_small() {
        for seconds in [1, 30, 119, 120, 121, 500, 28_800] {
            let heat = detail(seconds).heat;
            assert!((1..=COLUMNS_MAX).contains(&heat.len()), "{seconds}: {}", heat.len());
            let answered: u64 = heat.iter().flat_map(|column| &column.answered).sum();
            let unanswered: u64 = heat.iter().map(|column| column.unanswered).sum();
            assert_eq!((answered, unanswered), (5 * seconds, seconds));
            assert!(heat.windows(2).all(|pair| pair[0].to == pair[1].from), "{seconds}");
            assert_eq!(heat[heat.len() - 1].to, seconds * 1_000_000_000);
        }
    }

    #[test]
    fn the_history_has_a_point_for_each_of_the_series() {
        let history = detail(30).history;
        assert_eq!(history.len(), 30);
        let median = history[3].percentiles[0].time;
        assert!(median.abs_diff(13_000_000) < 14_000, "{median}");
        assert!(history[3].total.max > 13_000_000 && history[0].total.min < 10_100_000);
    }

    #[test]
    fn request_names_are_told_apart_and_of_many_the_worst() {
        let mut report = example::report(example::FAILING);
        let mut slice = RequestSlice::default();
        for ms in 1..=100 {
            slice.fates.record(Fate::Ok);
            slice.response_time.answered.record(Duration::from_millis(ms));
        }
        let (end, length) = (Offset::from_nanos(1_000_000_000), Duration::from_secs(1));
        // Names at the end that nothing happened to are left out.
        let slice = Slice { end, length, requests: vec![RequestSlice::default(), slice] };
        let mut builder = DetailBuilder::new(&report);
        builder.push_slice(&slice);
        let requests = builder.finish().requests;
        assert_eq!(requests.len(), report.requests.len());
        assert_eq!((requests[0].points[0].ok, requests[2].points[0].p95), (0, 0));
        let point = requests[1].points[0];
        assert_eq!((point.t, point.ok), (1_000_000_000, 100));
        assert!(point.p95.abs_diff(95_000_000) < 95_000, "{}", point.p95);

        let worst = report.requests[0].clone();
        report.requests = vec![report.requests[2].clone(); 2 * REQUESTS_MAX];
        report.requests.push(worst);
        let told = told(&report);
        assert_eq!((told.len(), told[REQUESTS_MAX - 1].request), (REQUESTS_MAX, 2 * REQUESTS_MAX));
        report.requests.truncate(1);
        assert_eq!(super::told(&report), []);
    }

    #[test]
    fn rows_follow_times() {
        for row_number in 0..ROWS {
            let start = Duration::from_secs_f64((row_start(row_number) + 1.0) / 1e9);
            assert_eq!(row(start), row_number);
        }
        assert_eq!((row(Duration::ZERO), row(Duration::from_hours(9))), (0, ROWS - 1));
    }
}
