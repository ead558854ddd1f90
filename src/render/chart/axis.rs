//! [`Axis`]: a range of values with its scale and its labelled ticks.

use std::time::Duration;

use crate::load::rate::Figures;
use crate::time::Human;

/// Steps of a time axis that people think in, in seconds.
const SECONDS: [f64; 22] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0,
    3_600.0, 7_200.0, 14_400.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
];
/// Ticks that an axis has about.
const TICKS: f64 = 6.0;

/// Ticks of a small chart about.
const LEVEL_TICKS: f64 = 3.0;

/// How values spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Scale {
    /// Evenly.
    Linear,
    /// By their ratio.
    Log,
}

/// What an axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    /// Seconds since the start of a run.
    Elapsed,
    /// Anything else.
    Other,
}

/// One axis.
#[derive(Debug)]
pub(in crate::render) struct Axis {
    pub(in crate::render) title: String,
    quantity: Quantity,
    scale: Scale,
    low: f64,
    high: f64,
    /// Values with their labels.
    pub(in crate::render) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Seconds since the start of a run.
    pub(in crate::render) fn elapsed(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = SECONDS.into_iter().find(|step| (high - low) / step <= 10.0);
        let step = step.unwrap_or_else(|| nice((high - low) / TICKS));
        let label = |seconds: f64| match seconds {
            s if s <= 0.0 => "0".to_owned(),
            s => Human(Duration::from_secs_f64(s)).to_string(),
        };
        let ticks = ticks(low, high, step).map(|value| (value, label(value))).collect();
        let title = "time since the start".to_owned();
        Self { title, quantity: Quantity::Elapsed, scale: Scale::Linear, low, high, ticks }
    }

    /// Response times and the like, in ns; from zero if linear.
    pub(in crate::render) fn times(title: &str, scale: Scale, low: f64, high: f64) -> Self {
        let human = |ns: f64| match ns {
            ns if ns <= 0.0 => "0".to_owned(),
            ns => Human(Duration::from_secs_f64(ns / 1e9)).to_string(),
        };
        Self::of(title, scale, (low, high), human)
    }

    /// Plain numbers; from zero if linear.
    pub(in crate::render) fn numbers(title: &str, low: f64, high: f64) -> Self {
        Self::of(title, Scale::Linear, (low, high), |value| Figures(value).to_string())
    }

    /// Numbers of any sign with few ticks, for a small chart: from zero, unless all lie far above it.
    pub(in crate::render) fn levels(title: &str, low: f64, high: f64) -> Self {
        // A level that hardly moves should look so.
        let spread = (high - low).max(0.1 * high.abs()).max(f64::MIN_POSITIVE);
        let near = low >= 0.0 && spread >= 0.3 * high;
        let step = nice(if near { high.max(spread) } else { spread } / LEVEL_TICKS);
        let low = if near { 0.0 } else { (low / step).floor() * step };
        let high = ((high / step).ceil() * step).max(low + step);
        let ticks = ticks(low, high, step).map(|value| (value, short(value))).collect::<Vec<_>>();
        Self {
            title: title.to_owned(),
            quantity: Quantity::Other,
            scale: Scale::Linear,
            low,
            high,
            ticks,
        }
    }

    /// Shares close to one: 0, 90, 99, 99.9 % at equal distances, up to the distance `high`.
    pub(in crate::render) fn nines(high: f64) -> Self {
        let half = (nines(0.5), "50 %".to_owned());
        let labels = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"];
        let whole = labels.into_iter().enumerate().map(|(at, label)| (at as f64, label.to_owned()));
        let ticks = whole.chain([half]).filter(|(at, _)| *at <= high).collect();
        Self {
            title: "share of requests at or below".to_owned(),
            quantity: Quantity::Other,
            scale: Scale::Linear,
            low: 0.0,
            high,
            ticks,
        }
    }

    fn of(
        title: &str,
        scale: Scale,
        (low, high): (f64, f64),
        label: impl Fn(f64) -> String,
    ) -> Self {
        let (low, high, values) = match scale {
            Scale::Linear => {
                let high = if high > low { high } else { low + 1.0 };
                let step = nice((high - low) / TICKS);
                let high = (high / step).ceil() * step;
                (low, high, ticks(low, high, step).collect::<Vec<_>>())
            }
            Scale::Log => {
                let low = low.max(1.0);
                let high = high.max(low * 1.5);
                (low, high, decades(low, high))
            }
        };
        let ticks = values.into_iter().map(|value| (value, label(value))).collect();
        Self { title: title.to_owned(), quantity: Quantity::Other, scale, low, high, ticks }
    }

    /// Both ends of an axis of time, in seconds.
    pub(super) fn span(&self) -> Option<[f64; 2]> {
        (self.quantity == Quantity::Elapsed).then_some([self.low, self.high])
    }

    /// Its upper end.
    pub(super) const fn high(&self) -> f64 {
        self.high
    }

    /// Where a value lies between the ends, 0 to 1; one beyond them lies at the end.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// A number in the room of a tick's label.
fn short(value: f64) -> String {
    let powers = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
    let power = powers.into_iter().find(|(least, _)| value.abs() >= *least);
    match power {
        Some((_, "k")) => format!("{} k", Figures(value / 1e3)),
        Some((least, name)) => format!("{} {name}", Figures(value / least)),
        // A step may lie far below the level, where rounding leaves dust.
        None => Figures((value * 1e9).round() / 1e9).to_string(),
    }
}

/// The place of a share on an axis of nines.
pub(super) fn nines(share: f64) -> f64 {
    -(1.0 - share).max(1e-12).log10()
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `step`.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|nice| *nice >= step * 0.999)
        .unwrap_or(step)
}

fn ticks(low: f64, high: f64, step: f64) -> impl Iterator<Item = f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some ten ticks")]
    let count = ((high - low) / step + 0.001).floor().clamp(0.0, 100.0) as u32;
    let first = (low / step).ceil() * step;
    (0..=count)
        .map(move |at| first + f64::from(at) * step)
        .filter(move |value| *value <= high * 1.001)
}

/// 1, 2 and 5 times each power of ten, or powers alone where these are many.
fn decades(low: f64, high: f64) -> Vec<f64> {
    let wide = (high / low).log10() > 2.5;
    let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = (0..=18).map(|power| 10_f64.powi(power));
    let values = powers.flat_map(|power| steps.iter().map(move |step| step * power));
    values.filter(|value| (low * 0.999..=high * 1.001).contains(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn ticks_are_what_people_count_in() {
        assert_eq!(
            labels(&Axis::elapsed(0.0, 30.0)),
            ["0", "5 s", "10 s", "15 s", "20 s", "25 s", "30 s"]
        );
        assert_eq!(labels(&Axis::elapsed(0.0, 28_800.0)).last(), Some(&"8 h"));
        assert_eq!(labels(&Axis::numbers("", 0.0, 212.0)), ["0", "50", "100", "150", "200", "250"]);
        let log = Axis::times("", Scale::Log, 8e6, 1.2e9);
        assert_eq!(labels(&log), ["10 ms", "20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s"]);
        assert_eq!(labels(&Axis::times("", Scale::Log, 1e4, 1e10))[..2], ["10 µs", "100 µs"]);
        assert_eq!(labels(&Axis::nines(3.2)), ["0 %", "90 %", "99 %", "99.9 %", "50 %"]);
    }

    #[test]
    fn odd_ranges_do_not_break_it() {
        for axis in [
            Axis::elapsed(0.0, 0.0),
            Axis::numbers("", 0.0, 0.0),
            Axis::numbers("", 0.0, f64::MAX / 1e9),
            Axis::times("", Scale::Log, 0.0, 0.0),
            Axis::times("", Scale::Linear, 0.0, 1.0),
        ] {
            assert!((1..=101).contains(&axis.ticks.len()), "{axis:?}");
            for value in [-1.0, 0.0, 1.0, 1e300, f64::NAN] {
                assert!((0.0..=1.0).contains(&axis.share(value)), "{value} on {axis:?}");
            }
        }
    }
}
