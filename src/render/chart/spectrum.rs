//! Response and service time as curves over the share of requests.

use crate::load::rate::Figures;
use crate::render::chart::axis::nines;
use crate::render::chart::words::bounded;
use crate::render::chart::{Axis, Chart, Hover, HoverRow, Mark, Scale};
use crate::render::csv::coarse;
use crate::report::Report;
use crate::report::spectrum::Percentile;

/// Both curves, with the gap between them.
pub(super) fn spectrum(report: &Report) -> Option<Chart> {
    let known = |curve: &[Percentile], times| {
        if curve.is_empty() { coarse(times) } else { curve.to_vec() }
    };
    let response = known(&report.spectrum.response_time, &report.response_time);
    let service = known(&report.spectrum.service_time, &report.service_time);
    let last = response.iter().rev().find(|point| point.share < 1.0)?;
    // The largest entry stands a little beyond the last share that can be told from it.
    let high = nines(last.share) + 0.3;
    let at = |point: &Percentile| (nines(point.share).min(high), point.time as f64);
    let line = |points: &[Percentile]| vec![points.iter().map(at).collect::<Vec<_>>()];
    let bounds: Vec<Percentile> = response.iter().filter(|point| point.at_least).copied().collect();
    let exact = &response[..response.len() - bounds.len()];
    let times =
        || response.iter().chain(&service).map(|point| point.time as f64).filter(|ns| *ns > 0.0);
    let (low, most) = times().reduce(f64::min).zip(times().reduce(f64::max))?;
    let gap = response.iter().map(at).chain(service.iter().rev().map(at)).collect();
    let told = |points: &[Percentile], share: f64| {
        let found = points.iter().find(|point| (point.share - share).abs() < 1e-9);
        found.map_or("–".to_owned(), |point| bounded(point.time, point.at_least))
    };
    let row = |class, name: &str, points: &[Percentile]| HoverRow {
        class,
        name: name.to_owned(),
        values: response.iter().map(|point| told(points, point.share)).collect(),
    };
    let mut marks = vec![
        Mark::Shape("gap", if service.is_empty() { Vec::new() } else { gap }),
        Mark::Line("s-service", line(&service)),
        Mark::Line("s-response", line(exact)),
    ];
    let mut legend = vec![
        ("s-response", "response time, from due".to_owned()),
        ("s-service", "service time, from sent".to_owned()),
    ];
    if !bounds.is_empty() {
        marks.push(Mark::Line("s-response bound", line(&bounds)));
        legend.insert(0, ("s-response bound", "at least".to_owned()));
    }
    Some(Chart {
        id: "spectrum".to_owned(),
        title: "Percentile spectrum".to_owned(),
        note: "The gap between the curves is what coordinated omission would have hidden: a tool that \
               waits for answers before it sends again measures service time and calls it latency."
            .to_owned(),
        height: 320.0,
        x: Axis::nines(high),
        y: Axis::times("time", Scale::Log, low * 0.8, most * 1.1),
        marks,
        legend,
        nothing: None,
        hover: Hover {
            places: response.iter().map(|point| at(point).0).collect(),
            heads: response.iter().map(|point| format!("{} %", Figures(point.share * 100.0))).collect(),
            rows: vec![
                row("s-response", "response time", &response),
                row("s-service", "service time", &service),
            ],
        },
    })
}
