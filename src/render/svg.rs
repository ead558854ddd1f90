//! A report's charts as one static picture, for a README or a pull request.

use std::fmt::Write as _;

use crate::render::chart::{self, coloured, escaped};
use crate::render::clean::CleanReport;
use crate::render::{text, verdict};

/// Colours in light and dark.
const STYLE: &str = include_str!("html/chart.css");
/// Charts that are shown of a run, or of a search.
const SHOWN: [&str; 4] = ["capacity", "response", "rate", "spectrum"];
const WIDTH: f64 = 960.0;
const HEAD: f64 = 64.0;
const TITLE: f64 = 34.0;

/// The picture.
pub fn render(report: &CleanReport<'_>) -> String {
    let charts = chart::all(report);
    let shown = SHOWN.iter().filter_map(|id| charts.iter().find(|chart| chart.id == *id));
    let mut body = String::new();
    let mut y = HEAD;
    for chart in shown {
        let _ = write!(
            body,
            r#"<text class="title" x="14" y="{:.0}">{}</text><g transform="translate(0 {:.0})">{}</g>"#,
            y + 24.0,
            escaped(&chart.title),
            y + TITLE,
            chart.content()
        );
        y += TITLE + chart.height + 12.0;
    }
    let word = text::outcome(report.verdict.outcome).0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0}" width="{WIDTH}" height="{y:.0}" role="img"><title>{word}: {name}</title><style>{style}</style><rect class="paper" width="{WIDTH}" height="{y:.0}"/><text class="title" x="14" y="28">{word}: {name}</text><text class="unit" x="14" y="50">{headline}</text>{body}</svg>
"#,
        style = coloured(STYLE),
        name = escaped(&report.plan.name),
        headline = escaped(&verdict::headline(report)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, example};

    fn render(report: &Report) -> String {
        super::render(&CleanReport::new(report))
    }

    #[test]
    fn the_picture_is_xml_and_has_its_charts() {
        let mut report = example::report(example::CENSORED);
        report.plan.name = "<script>\0&".to_owned();
        let svg = render(&report);
        assert!(svg.contains("FAIL: &lt;script&gt;␀&amp;") && !svg.contains("<script"), "{svg}");
        assert_eq!(svg.matches("<g transform").count(), 3);
        assert_eq!(svg.matches('<').count(), svg.matches('>').count());
        assert!(render(&example::search_report()).contains("highest 342/s"));
    }
}
