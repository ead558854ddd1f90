//! [`SegmentReport`]: a part of a run that was steered by hand, reported on its own.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::rate::Rate;
use crate::load::steering::{Change, Turn};
use crate::measure::millionths::millionths;
use crate::measure::summary::Summary;
use crate::measure::tally::Tally;
use crate::measure::window::per_second;
use crate::report::build::latency;
use crate::report::{Fates, Latency};
use crate::time::Offset;

/// What was due from one change to the next, whenever it was answered. Times in ns, rates per second. The
/// ledgers of all segments add up to that of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentReport {
    /// Its first due instant, ns since the measurement began.
    pub begin: u64,
    /// Its end.
    pub end: u64,
    /// Asked for; 0 in a pause.
    pub rate: f64,
    /// Sent.
    pub achieved: f64,
    /// What began with it: `start`, a change of the rate, or the text of a mark.
    pub label: String,
    /// Its part of the ledger.
    pub fates: Fates,
    /// Share of its slots without a good answer.
    pub error_rate: f64,
    /// From due to last byte, over good answers and slots never answered.
    pub response_time: Latency,
    /// From sent to last byte, over good answers.
    pub service_time: Latency,
    /// From due to sent, over everything sent.
    pub send_lag: Latency,
}

impl SegmentReport {
    /// The part from `begin` to `end`, asked for `rate` per second.
    pub fn new(label: String, (begin, end): (Offset, Offset), rate: f64, tally: &Tally) -> Self {
        let length: Duration = end.since(begin);
        let summary = Summary::new(tally, length);
        Self {
            begin: begin.as_nanos(),
            end: end.as_nanos(),
            rate: millionths(rate),
            achieved: millionths(summary.achieved()),
            label,
            fates: Fates::from(&summary.total.fates),
            error_rate: millionths(summary.error_rate()),
            response_time: latency(&summary.total.response_time),
            service_time: latency(&summary.total.service_time),
            send_lag: Latency::from(&summary.send_lag),
        }
    }

    /// How long it lasted, in ns.
    pub fn length(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

/// What was turned by hand in the course of a leg.
#[derive(Clone, Copy, Debug)]
pub struct Steered<'a> {
    /// Its turns, in order.
    pub turns: &'a [Turn],
    /// What was due before the first, between two, and after the last.
    pub parts: &'a [Tally],
    /// What each of the turns was.
    pub labels: &'a [String],
    /// The rate before the first turn; none where stages said it.
    pub rate: Option<Rate>,
    /// From the end of the warm-up to that of arrivals.
    pub measured: (Offset, Offset),
}

impl Steered<'_> {
    /// The segments; none if nothing was turned before arrivals ended. Turns at the same instant are one.
    pub fn segments(&self) -> Vec<SegmentReport> {
        let (begin, end) = self.measured;
        if self.turns.iter().all(|turn| turn.at >= end) {
            return Vec::new();
        }
        let mut pace = self.rate.map(Rate::as_per_second);
        let mut from = begin;
        let mut label = "start".to_owned();
        let mut segments = Vec::new();
        let close = |from: Offset, to: Offset, label: String, pace: Option<f64>, part: &Tally| {
            let length = to.since(from);
            let rate = pace.unwrap_or_else(|| per_second(part.fates().planned(), length));
            let since_begin = |at: Offset| Offset::ZERO + at.since(begin);
            SegmentReport::new(label, (since_begin(from), since_begin(to)), rate, part)
        };
        for ((turn, told), part) in self.turns.iter().zip(self.labels).zip(self.parts) {
            if turn.at >= end {
                break;
            }
            if turn.at > from {
                segments.push(close(from, turn.at, std::mem::take(&mut label), pace, part));
                from = turn.at;
            }
            if let (Change::Pace(changed), Some(pace)) = (turn.change, &mut pace) {
                *pace = changed.as_per_second();
            }
            label = match label.as_str() {
                "" | "start" => told.clone(),
                earlier => format!("{earlier}; {told}"),
            };
        }
        let last = self.turns.iter().take_while(|turn| turn.at < end).count();
        segments.extend(self.parts.get(last).map(|part| close(from, end, label, pace, part)));
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::schedule::{Arrivals, Horizon, Schedule};
    use crate::load::steering::{Pace, Steering};

    fn seconds(seconds: u64) -> Offset {
        Offset::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn segments_lie_between_turns_and_leave_out_what_has_no_length() {
        let rate = Rate::per_second(100).unwrap();
        let schedule = Schedule {
            rate,
            stages: None,
            arrivals: Arrivals::Constant,
            seed: 1,
            trace: None,
            horizon: Horizon::after(Duration::from_mins(1)),
        };
        let mut steering = Steering::new(&schedule);
        let faster = Change::Pace(Pace::Steady(Rate::per_second(110).unwrap()));
        let script = [
            (10, faster, "rate 110/s"),
            (30, Change::Pace(Pace::Paused), "paused"),
            (40, Change::Mark, "deployed v2"),
            (40, faster, "resumed at 110/s"),
            (58, Change::Mark, "too late"),
        ];
        let turns: Vec<Turn> =
            script.iter().map(|(at, change, _)| steering.turn(seconds(*at), *change)).collect();
        let labels: Vec<String> = script.iter().map(|(.., label)| (*label).to_owned()).collect();
        let parts = vec![Tally::new(1); turns.len() + 1];
        let (turns, parts, labels) = (turns.as_slice(), parts.as_slice(), labels.as_slice());
        let measured = (seconds(5), seconds(50));
        let steered = Steered { turns, parts, labels, rate: Some(rate), measured };
        let told: Vec<_> = steered
            .segments()
            .into_iter()
            .map(|one| (one.begin / 1_000_000_000, one.end / 1_000_000_000, one.rate, one.label))
            .collect();
        let expected = [
            (0, 5, 100.0, "start"),
            (5, 25, 110.0, "rate 110/s"),
            (25, 35, 0.0, "paused"),
            (35, 45, 110.0, "deployed v2; resumed at 110/s"),
        ];
        assert_eq!(told, expected.map(|(a, b, rate, label)| (a, b, rate, label.to_owned())));
        let cut_before = Steered { measured: (seconds(5), seconds(9)), ..steered };
        assert_eq!(cut_before.segments(), []);
        // A turn during the warm-up leaves nothing of what was before it.
        let late = Steered { measured: (turns[0].at, seconds(20)), ..steered };
        assert_eq!(late.segments().len(), 1);
        assert_eq!(late.segments()[0].label, "rate 110/s");
    }
}
