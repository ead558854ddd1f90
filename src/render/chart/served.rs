//! Good answers against requests sent, trial by trial: a target serves less than it is asked once it is full, and
//! less and less where it collapses.

use crate::load::rate::Figures;
use crate::render::chart::capacity::verdict;
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark};
use crate::report::search::{SearchReport, TrialPurpose, TrialReport};

/// The trials of `search`; nothing where they did not count what was served.
pub(super) fn served(search: &SearchReport) -> Option<Chart> {
    let told = |trial: &&TrialReport| trial.purpose != Some(TrialPurpose::Recovery);
    let counted = search.trials.iter().filter(told);
    let mut trials: Vec<(&TrialReport, f64)> =
        counted.filter_map(|trial| Some((trial, trial.served?))).collect();
    trials.sort_by(|(a, _), (b, _)| a.achieved.total_cmp(&b.achieved));
    let most = trials.last()?.0.achieved;
    let highest = trials.iter().map(|(_, served)| *served).fold(most, f64::max);
    let mut marks = vec![Mark::Line("s-sent", vec![vec![(0.0, 0.0), (most, most)]])];
    marks.extend(trials.iter().map(|(trial, served)| {
        let (class, _, shape) = verdict(trial.verdict);
        Mark::Point(class, shape, (trial.achieved, *served))
    }));
    let row = |class, name: &str, value: &dyn Fn(&TrialReport, f64) -> String| HoverRow {
        class,
        name: name.to_owned(),
        values: trials.iter().map(|(trial, served)| value(trial, *served)).collect(),
    };
    Some(Chart {
        id: "served".to_owned(),
        title: "Good answers against requests sent".to_owned(),
        note: "Each mark is a trial, shaped as above; on the line, all that was sent was answered well while \
               the load went on."
            .to_owned(),
        height: 260.0,
        x: Axis::numbers("requests sent per second", 0.0, most * 1.02),
        y: Axis::numbers("good answers per second", 0.0, highest * 1.05),
        marks,
        nothing: None,
        legend: vec![("s-sent", "all that was sent".to_owned())],
        hover: Hover {
            places: trials.iter().map(|(trial, _)| trial.achieved).collect(),
            heads: trials.iter().map(|(trial, _)| format!("{}/s", Figures(trial.achieved))).collect(),
            rows: vec![
                row("s-sent", "good answers", &|_, served| format!("{}/s", Figures(served))),
                row("s-sent", "verdict", &|trial, _| verdict(trial.verdict).1.to_owned()),
            ],
        },
    })
}
