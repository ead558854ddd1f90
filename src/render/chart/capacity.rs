//! Response time against rate, with the answer of a search.

use crate::load::rate::Figures;
use crate::render::chart::words::bounded;
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, PointShape, Scale};
use crate::render::rates;
use crate::report::search::{SearchReport, TrialPurpose, TrialReport, TrialVerdict};
use crate::report::sheet::CurveReport;
use crate::report::{Metric, Report};

/// Response time against rate, with the answer of a search.
pub(super) fn capacity(report: &Report, search: &SearchReport) -> Option<Chart> {
    let told =
        |trial: &&TrialReport| trial.purpose != Some(TrialPurpose::Recovery) && trial.p95 > 0;
    let mut trials: Vec<&TrialReport> = search.trials.iter().filter(told).collect();
    trials.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    let limit = report.verdict.objectives.iter().find(|one| one.metric == Metric::ResponseTime);
    let times = || trials.iter().map(|trial| trial.p95 as f64).chain(limit.map(|one| one.limit));
    let (low, high) = times().reduce(f64::min).zip(times().reduce(f64::max))?;
    let sheet = search.sheet.as_ref();
    let current = sheet.and_then(|sheet| sheet.current_rate);
    let fastest = trials.iter().map(|trial| trial.rate).chain(current).fold(0.0, f64::max);
    let mut marks = answer(search);
    let curve = sheet.iter().flat_map(|sheet| &sheet.curve).collect::<Vec<_>>();
    let high_of = |point: &CurveReport| point.p95_high.unwrap_or(point.p95);
    let band = curve.iter().map(|point| (point.rate, high_of(point) as f64));
    let under =
        curve.iter().rev().map(|point| (point.rate, point.p95_low.unwrap_or(point.p95) as f64));
    marks.push(Mark::Shape("band", band.chain(under).collect()));
    marks.push(Mark::Line(
        "s-p95",
        vec![curve.iter().map(|point| (point.rate, point.p95 as f64)).collect()],
    ));
    if let Some(limit) = limit {
        marks.push(Mark::Level("limit", limit.limit, limit.objective.clone()));
    }
    for trial in &trials {
        let (class, _, shape) = verdict(trial.verdict);
        let p95 = trial.p95 as f64;
        if let Some(low) = trial.p95_low {
            let high = trial.p95_high.map_or(high * 1.3, |high| high as f64);
            marks.push(Mark::Whisker(class, trial.rate, (low as f64, high)));
        }
        marks.push(Mark::Point(class, shape, (trial.rate, p95)));
    }
    let kinds =
        [TrialVerdict::Pass, TrialVerdict::Fail, TrialVerdict::Undecided, TrialVerdict::Invalid];
    let seen = |kind: &TrialVerdict| trials.iter().any(|trial| trial.verdict == *kind);
    let row = |class, name: &str, value: &dyn Fn(&TrialReport) -> String| HoverRow {
        class,
        name: name.to_owned(),
        values: trials.iter().map(|trial| value(trial)).collect(),
    };
    Some(Chart {
        id: "capacity".to_owned(),
        title: "Response time against rate".to_owned(),
        note: note(search),
        height: 380.0,
        x: Axis::numbers("requests per second", 0.0, fastest * 1.02),
        // Room for the labels of what stands upright.
        y: Axis::times("response time", Scale::Log, low * 0.7, high * 4.0),
        marks,
        nothing: None,
        legend: kinds
            .into_iter()
            .filter(seen)
            .map(|kind| verdict(kind))
            .map(|(class, name, _)| (class, name.to_owned()))
            .collect(),
        hover: Hover {
            places: trials.iter().map(|trial| trial.rate).collect(),
            heads: trials.iter().map(|trial| format!("{}/s", Figures(trial.rate))).collect(),
            rows: vec![
                row("s-p95", "verdict", &|trial| verdict(trial.verdict).1.to_owned()),
                row("s-p95", "quantile", &|trial| bounded(trial.p95, trial.p95_at_least)),
                row("s-failed", "errors", &|trial| {
                    format!("{} %", Figures(trial.error_rate * 100.0))
                }),
            ],
        },
    })
}

fn note(search: &SearchReport) -> String {
    let answer = match search.max_rps.high {
        Some(_) => "; the shaded rates are the interval of the answer",
        None => "",
    };
    format!("Each mark is a trial at one rate, with the 95 % interval of its quantile{answer}.")
}

fn answer(search: &SearchReport) -> Vec<Mark> {
    let (max, sheet) = (&search.max_rps, search.sheet.as_ref());
    let mut marks = Vec::new();
    if max.estimate > 0.0 {
        if let Some(high) = max.high {
            marks.push(Mark::Span("answer", max.low, high));
        }
        let text = format!("highest {}/s", Figures(max.estimate));
        marks.push(Mark::Upright("answer", max.estimate, text));
    }
    let mut place = |class, rate: Option<f64>, name: &str| {
        if let Some(rate) = rate {
            let told = if class == "safe" { rates::safe(rate) } else { Figures(rate) };
            marks.push(Mark::Upright(class, rate, format!("{name} {told}/s")));
        }
    };
    place("safe", sheet.and_then(|sheet| sheet.safe_rate), "safe");
    place("now", sheet.and_then(|sheet| sheet.current_rate), "now");
    place("breach", search.breach.as_ref().map(|breach| breach.rate), "breach");
    marks
}

/// A trial's verdict in a word or two.
pub(in crate::render) const fn verdict_name(of: TrialVerdict) -> &'static str {
    verdict(of).1
}

/// Class, name and shape of a trial's verdict.
pub(super) const fn verdict(verdict: TrialVerdict) -> (&'static str, &'static str, PointShape) {
    match verdict {
        TrialVerdict::Pass => ("t-pass", "pass", PointShape::Disc),
        TrialVerdict::Fail => ("t-fail", "fail", PointShape::Cross),
        TrialVerdict::Undecided => ("t-open", "undecided", PointShape::Ring),
        TrialVerdict::Invalid => ("t-void", "invalid", PointShape::Triangle),
    }
}
