//! A run while it lasts: a line per interval where output is kept, a bar where it is overwritten.

use crate::analysis::words::Count;
use crate::load::rate::Figures;
use crate::measure::histogram::Quantile;
use crate::measure::snapshot::Snapshot;
use crate::render::{Style, Tone};
use crate::time::{Human, Offset};

const BAR_WIDTH: usize = 20;

/// One line for a log, without line end.
pub fn line(snapshot: &Snapshot) -> String {
    let at = Human(snapshot.at.since(Offset::ZERO)).to_string();
    let waiting = match snapshot.gauges.waiting {
        0 => String::new(),
        waiting => format!("  waiting {}", Count(waiting)),
    };
    format!(
        "{at:>10}  {:>6}/s of {}/s  ok {}  failed {}  in flight {}{waiting}  p50 {}  p95 {}  send lag p99 {}",
        Figures(snapshot.achieved).to_string(),
        Figures(snapshot.planned),
        Count(snapshot.ok),
        Count(snapshot.failed),
        Count(snapshot.gauges.in_flight),
        time(snapshot.p50),
        time(snapshot.p95),
        Human(snapshot.send_lag_p99)
    )
}

/// One line for a terminal, without line end: how far the run is and how it fares.
pub fn bar(snapshot: &Snapshot, style: Style) -> String {
    let (at, end) = (snapshot.at.as_nanos(), snapshot.end.as_nanos().max(1));
    let share = u128::from(at.min(end)) * BAR_WIDTH as u128 / u128::from(end);
    let done = usize::try_from(share).unwrap_or(BAR_WIDTH);
    let bar = format!("{}{}", "█".repeat(done), "░".repeat(BAR_WIDTH - done));
    let left = if snapshot.at < snapshot.end {
        format!("{} left", Human(snapshot.end.since(snapshot.at)))
    } else {
        "draining".to_owned()
    };
    let failed = format!("{} failed", Count(snapshot.total.failed()));
    let tone = if snapshot.total.failed() > 0 { Tone::Bad } else { Tone::Faint };
    format!(
        "{bar} {left}  {}/s  {} ok  {}  {} in flight  p95 {}",
        Figures(snapshot.achieved),
        Count(snapshot.total.ok()),
        style.paint(tone, &failed),
        Count(snapshot.gauges.in_flight),
        time(snapshot.p95)
    )
}

fn time(quantile: Quantile) -> String {
    let bound = if quantile.at_least { "≥ " } else { "" };
    format!("{bound}{}", Human(quantile.value))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::fate::FateCounts;
    use crate::measure::window::{Gauges, Interval, Window};

    fn snapshot(second: u64) -> Snapshot {
        let fates = FateCounts::from_array([190, 3, 0, 0, 7, 0, 0, 0]);
        let mut window = Window {
            planned: 200,
            fates,
            gauges: Gauges { in_flight: 12, waiting: 0, overdue: 1 },
            ..Window::default()
        };
        for _ in 0..190 {
            window.response_time.answered.record(Duration::from_millis(8));
            window.record_sent();
            window.record_lag(Duration::from_micros(21));
        }
        for _ in 0..20 {
            window.response_time.unanswered.record(Duration::from_secs(5));
        }
        let end = Offset::from_nanos(second * 1_000_000_000);
        let interval = Interval { end, length: Duration::from_secs(1), window };
        let total = FateCounts::from_array([12_000, 30, 0, 0, 70, 0, 0, 0]);
        Snapshot::new(&interval, total, Offset::from_nanos(60_000_000_000))
    }

    #[test]
    fn a_line_says_what_happened_within_the_interval() {
        let text = line(&snapshot(12));
        let expected = "      12 s     190/s of 200/s  ok 190  failed 10  in flight 12  \
                        p50 8 ms  p95 ≥ 5 s  send lag p99 21 µs";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_bar_says_how_far_the_run_is() {
        let table = [
            (0, "░░░░░░░░░░░░░░░░░░░░ 1 min left"),
            (30, "██████████░░░░░░░░░░ 30 s left"),
            (60, "████████████████████ draining"),
            (65, "████████████████████ draining"),
        ];
        for (second, start) in table {
            let text = bar(&snapshot(second), Style::Plain);
            let rest = "  190/s  12,000 ok  100 failed  12 in flight  p95 ≥ 5 s";
            assert_eq!(text, format!("{start}{rest}"));
        }
        assert!(bar(&Snapshot::default(), Style::Plain).contains("draining"));
    }
}
