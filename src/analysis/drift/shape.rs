//! What form a drift has: from the start, from some instant on, or in one step.
//!
//! That there is a change at all shows where cumulative sums leave those of a constant (Page 1954; Brown,
//! Durbin & Evans 1975), and the step is where they do so most. Of the three forms the one with the least
//! absolute deviations is taken.

use crate::analysis::drift::order::median;

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
pub(super) struct FittedShape {
    /// The form.
    pub(super) shape: Shape,
    /// The level at the beginning.
    pub(super) from: f64,
    /// The level at the end.
    pub(super) to: f64,
}

/// The place after which `values` (two or more) leave their mean most, and by how much their sum up to
/// there lies off what the mean explains.
pub(super) fn departure(values: &[f64]) -> (usize, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let (mut sum, mut place, mut largest) = (0.0, 1, 0.0_f64);
    for (i, value) in values.iter().enumerate().take(values.len() - 1) {
        sum += value - mean;
        if sum.abs() > largest {
            (place, largest) = (i + 1, f64::abs(sum));
        }
    }
    (place, largest)
}

/// The probability of so large a [`departure`] of `length` values with this noise without any change: that
/// of a Brownian bridge (Kolmogorov 1933), bounded from above.
pub(super) fn departure_p(departure: f64, noise: f64, length: usize) -> f64 {
    if departure <= 0.0 {
        return 1.0;
    }
    let reach = departure / (noise * (length as f64).sqrt());
    (2.0 * (-2.0 * reach * reach).exp()).min(1.0)
}

/// The form that fits `values` best, of which there are at least two; `slope` is their typical slope per
/// step, `step` the likeliest place of a step.
pub(super) fn fit(values: &[f64], slope: f64, step: usize) -> FittedShape {
    let sides = SIDE_MIN..=values.len().saturating_sub(SIDE_MIN);
    let step = Some(step).filter(|step| sides.contains(step)).map(|place| {
        let (before, after) = values.split_at(place);
        FittedShape { shape: Shape::Step(place), from: median(before), to: median(after) }
    });
    let chosen = step.into_iter().chain(sides.map(|place| bend(values, place)));
    let line = line(values, slope);
    let misfit =
        |fitted: &FittedShape| residuals(values, fitted).iter().map(|rest| rest.abs()).sum();
    let mut best: (f64, FittedShape) = (misfit(&line), line);
    for fitted in chosen {
        let misfit = misfit(&fitted) / HANDICAP;
        if misfit < best.0 {
            best = (misfit, fitted);
        }
    }
    best.1
}

/// What is left of `values` once the form is taken out.
pub(super) fn residuals(values: &[f64], fitted: &FittedShape) -> Vec<f64> {
    let (length, change) = (values.len(), fitted.to - fitted.from);
    let part = |i: usize| match fitted.shape {
        Shape::Line => i as f64 / (length - 1) as f64,
        Shape::Bend(place) => (i + 1).saturating_sub(place) as f64 / (length - place) as f64,
        Shape::Step(place) => f64::from(u8::from(i >= place)),
    };
    values.iter().enumerate().map(|(i, value)| value - fitted.from - change * part(i)).collect()
}

fn line(values: &[f64], slope: f64) -> FittedShape {
    let flat: Vec<f64> = values.iter().enumerate().map(|(i, v)| v - slope * i as f64).collect();
    let from = median(&flat);
    FittedShape { shape: Shape::Line, from, to: from + slope * (values.len() - 1) as f64 }
}

/// A level until `place`, and the typical slope from there on.
fn bend(values: &[f64], place: usize) -> FittedShape {
    let (before, after) = values.split_at(place);
    let from = median(before);
    let slopes = after.iter().enumerate().map(|(i, value)| (value - from) / (i + 1) as f64);
    let slope = median(&slopes.collect::<Vec<_>>());
    FittedShape { shape: Shape::Bend(place), from, to: from + slope * after.len() as f64 }
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
            let (place, departure) = departure(values);
            let fitted = fit(values, slope, place);
            assert_eq!(fitted.shape, expected);
            assert!((fitted.from - 10.0).abs() < 0.3 && (fitted.to - to).abs() < 0.3, "{fitted:?}");
            assert!(departure_p(departure, 0.3, 40) < 0.001);
        }
    }

    /// By hand: mean 4, sums −3, −6, −1, 0.
    #[test]
    fn the_departure_is_the_largest_cumulative_sum() {
        let (place, sum) = departure(&[1.0, 1.0, 9.0, 5.0]);
        assert!(place == 2 && (sum - 6.0).abs() < 1e-12);
        assert!((departure_p(6.0, 3.0, 4) - 2.0 * (-2.0_f64).exp()).abs() < 1e-12);
        let (_, none) = departure(&[2.0; 6]);
        assert!((departure_p(none, 0.0, 6) - 1.0).abs() < 1e-12);
    }
}
