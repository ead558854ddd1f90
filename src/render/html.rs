//! A report as one page for browsers: it needs no network and no other file, and reads without scripts. So does
//! the page of a [`comparison`] of stored runs.
//!
//! Whatever comes from a profile or a server enters through the template's escaping, the charts' own, or a
//! JSON block without a `<`; a content-security policy lets nothing run but the page's own script.

pub mod comparison;
mod view;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::render::chart::{self, Chart, HoverData, coloured};
use crate::render::clean::CleanReport;
use crate::report::detail::Detail;
use view::View;

const TEMPLATE: &str = include_str!("html/report.html");
const STYLES: [&str; 2] = [include_str!("html/chart.css"), include_str!("html/report.css")];
const SCRIPT: &str = include_str!("html/report.js");
/// Charts over time, before and after those of single request names.
const OVER_TIME: [&str; 4] = ["response", "rate", "failures", "flight"];
/// Other charts by section.
const GROUPS: [(&str, &[&str]); 2] =
    [("Distribution", &["spectrum", "heat"]), ("The generator", &["lag"])];

/// What the template sees.
#[derive(Debug, Serialize)]
struct Context {
    view: View,
    page: Page,
}

/// What is trusted: made here, not read.
#[derive(Debug, Serialize)]
struct Page {
    style: String,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    /// The charts' data, as JSON.
    hover: String,
    capacity: Vec<Picture>,
    over_time: Vec<Picture>,
    /// Response times of single request names.
    by_request: Vec<Picture>,
    monitored: Vec<Picture>,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    title: &'static str,
    charts: Vec<Picture>,
}

#[derive(Debug, Serialize)]
struct Picture {
    title: String,
    note: String,
    /// Empty where there is nothing to see.
    svg: String,
    nothing: &'static str,
}

/// The page.
pub fn render(report: &CleanReport<'_>, detail: &Detail) -> String {
    let charts = Charts {
        whole: chart::all(report).into_iter().chain(chart::heat(report, &detail.heat)).collect(),
        by_request: chart::by_request(report, &detail.requests),
        monitored: chart::monitored(report),
    };
    filled(TEMPLATE, Context { view: View::new(report), page: Page::new(&charts) })
}

/// A template with its values, each of them escaped.
fn filled(template: &str, context: impl Serialize) -> String {
    let mut templates = Environment::new();
    templates.set_auto_escape_callback(|_| AutoEscape::Html);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates
        .render_named_str("page.html", template, Serde(context))
        .expect("the template names only what its context has")
}

/// All charts of a page.
#[derive(Debug)]
struct Charts {
    whole: Vec<Chart>,
    by_request: Vec<Chart>,
    monitored: Vec<Chart>,
}

impl Page {
    fn new(charts: &Charts) -> Self {
        let style = coloured(&STYLES.concat());
        let all = charts.whole.iter().chain(&charts.by_request).chain(&charts.monitored);
        let data: BTreeMap<&str, HoverData> =
            all.map(|chart| (chart.id.as_str(), chart.hover_data())).collect();
        let named = |ids: &[&str]| -> Vec<Picture> {
            let found = |id: &&str| charts.whole.iter().find(|chart| chart.id == *id);
            ids.iter().filter_map(found).map(Picture::from).collect()
        };
        let groups = GROUPS.into_iter().map(|(title, ids)| Group { title, charts: named(ids) });
        Self {
            style_hash: hash(&style),
            style,
            script: SCRIPT,
            script_hash: hash(SCRIPT),
            hover: block(&data),
            capacity: named(&["capacity", "served"]),
            over_time: named(&OVER_TIME),
            by_request: charts.by_request.iter().map(Picture::from).collect(),
            monitored: charts.monitored.iter().map(Picture::from).collect(),
            groups: groups.filter(|group| !group.charts.is_empty()).collect(),
        }
    }
}

impl From<&Chart> for Picture {
    fn from(chart: &Chart) -> Self {
        Self {
            title: chart.title.clone(),
            note: chart.note.clone(),
            svg: if chart.nothing.is_some() { String::new() } else { chart.svg() },
            nothing: chart.nothing.unwrap_or_default(),
        }
    }
}

/// JSON that cannot end the element it stands in.
fn block(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default().replace('<', "\\u003c")
}

/// A source expression of a content-security policy.
fn hash(content: &str) -> String {
    let sum = digest::digest(&digest::SHA256, content.as_bytes());
    format!("sha256-{}", STANDARD.encode(sum))
}

#[cfg(test)]
mod tests;
