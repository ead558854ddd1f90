//! What form a drift has: from the start, from some instant on, or in one step.
//!
//! The step is found by Pettitt (A Non-Parametric Approach to the Change-Point Problem, Applied Statistics
//! 1979), from ranks alone. Of the three forms the one with the least absolute deviations is taken.

use crate::analysis::drift::order::{median, ranks};

/// Values on either side that a form with an instant of its own leaves to judge by.
const SIDE_MIN: usize = 4;
/// A form that chooses an instant must fit better by this factor than one that does not.
const HANDICAP: f64 = 0.9;

/// How a sequence moves; places count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// All the time.
    Line,
    /// From this place on.
    Bend(usize),
    /// At once, between this place and the one before.
    Step(usize),
}

/// A form with its two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fitted {
    /// The form.
    pub(super) shape: Shape,
    /// The level at the beginning.
    pub(super) from: f64,
    /// The level at the end.
    pub(super) to: f64,
}

/// Pettitt's test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Break {
    /// The first value after the change.
    pub(super) place: usize,
    /// How probable so large a statistic is without a change; an upper bound.
    pub(super) p: f64,
}

/// The likeliest place of a change of level in `values` (two or more); `inflation` is how many times the
/// variance exceeds that of independent values.
pub(super) fn pettitt(values: &[f64], inflation: f64) -> Break {
    let n = values.len() as f64;
    let (mut sum, mut place, mut largest) = (0.0, 1, 0.0_f64);
    for (t, rank) in ranks(values).iter().enumerate().take(values.len() - 1) {
        sum += 2.0 * rank - (n + 1.0);
        if sum.abs() > largest {
            (place, largest) = (t + 1, sum.abs());
        }
    }
    let exponent = -6.0 * largest * largest / ((n.powi(3) + n.powi(2)) * inflation);
    Break { place, p: (2.0 * exponent.exp()).min(1.0) }
}

/// The form that fits `values` best, of which there are at least two; `slope` is their typical slope per
/// step, `step` the likeliest place of a step.
pub(super) fn fit(values: &[f64], slope: f64, step: usize) -> Fitted {
    let sides = SIDE_MIN..=values.len().saturating_sub(SIDE_MIN);
    let step = Some(step).filter(|step| sides.contains(step)).map(|place| {
        let (before, after) = values.split_at(place);
        Fitted { shape: Shape::Step(place), from: median(before), to: median(after) }
    });
    let chosen = step.into_iter().chain(sides.map(|place| bend(values, place)));
    let line = line(values, slope);
    let misfit = |fitted: &Fitted| residuals(values, fitted).iter().map(|rest| rest.abs()).sum();
    let mut best: (f64, Fitted) = (misfit(&line), line);
    for fitted in chosen {
        let misfit = misfit(&fitted) / HANDICAP;
        if misfit < best.0 {
            best = (misfit, fitted);
        }
    }
    best.1
}

/// What is left of `values` once the form is taken out.
pub(super) fn residuals(values: &[f64], fitted: &Fitted) -> Vec<f64> {
    let (length, change) = (values.len(), fitted.to - fitted.from);
    let part = |i: usize| match fitted.shape {
        Shape::Line => i as f64 / (length - 1) as f64,
        Shape::Bend(place) => (i + 1).saturating_sub(place) as f64 / (length - place) as f64,
        Shape::Step(place) => f64::from(u8::from(i >= place)),
    };
    values.iter().enumerate().map(|(i, value)| value - fitted.from - change * part(i)).collect()
}

fn line(values: &[f64], slope: f64) -> Fitted {
    let flat: Vec<f64> = values.iter().enumerate().map(|(i, v)| v - slope * i as f64).collect();
    let from = median(&flat);
    Fitted { shape: Shape::Line, from, to: from + slope * (values.len() - 1) as f64 }
}

/// A level until `place`, and the typical slope from there on.
fn bend(values: &[f64], place: usize) -> Fitted {
    let (before, after) = values.split_at(place);
    let from = median(before);
    let slopes = after.iter().enumerate().map(|(i, value)| (value - from) / (i + 1) as f64);
    let slope = median(&slopes.collect::<Vec<_>>());
    Fitted { shape: Shape::Bend(place), from, to: from + slope * after.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_recognised() {
        let wobble = |i: usize| [0.0, 0.3, -0.2, 0.1, -0.3][i % 5];
        let made = |form: fn(usize) -> f64| -> Vec<f64> {
            (0..40).map(|i| 10.0 + form(i) + wobble(i)).collect()
        };
        let line = made(|i| 0.1 * i as f64);
        let bend = made(|i| 0.5 * i.saturating_sub(24) as f64);
        let step = made(|i| if i < 24 { 0.0 } else { 4.0 });
        for (values, slope, expected, to) in [
            (&line, 0.1, Shape::Line, 13.9),
            (&bend, 0.15, Shape::Bend(25), 17.5),
            (&step, 0.12, Shape::Step(24), 14.0),
        ] {
            let step = pettitt(values, 1.0);
            let fitted = fit(values, slope, step.place);
            assert_eq!(fitted.shape, expected);
            assert!((fitted.from - 10.0).abs() < 0.3 && (fitted.to - to).abs() < 0.3, "{fitted:?}");
            assert!(step.p < 0.002);
        }
    }

    /// By hand: ranks 1 2 3 6 5 4, U = 5, 8, 9 at the third place, p = 2 exp(−6·81 / (216 + 36)).
    #[test]
    fn pettitts_statistic_is_that_of_the_paper() {
        let found = pettitt(&[1.0, 2.0, 3.0, 9.0, 8.0, 7.0], 1.0);
        assert_eq!(found.place, 3);
        assert!((found.p - 2.0 * (-6.0_f64 * 81.0 / 252.0).exp()).abs() < 1e-12);
        assert!((pettitt(&[2.0; 6], 1.0).p - 1.0).abs() < 1e-12);
    }
}
