//! The response time's percentile spectrum in HdrHistogram's text form, in milliseconds: what its plotters
//! and wrk2's readers take.

use std::fmt::Write as _;

use crate::render::clean::CleanReport;
use crate::render::csv::coarse;

/// The text, ending in a newline.
pub fn render(report: &CleanReport<'_>) -> String {
    let times = &report.response_time;
    let curve = match &report.spectrum.response_time {
        none if none.is_empty() => &coarse(times),
        curve => curve,
    };
    let mut text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n".to_owned();
    for point in curve {
        let ms = point.time as f64 / 1e6;
        let above = 1.0 - point.share;
        // Shares are exact to a billionth, and float noise must not round a whole count up.
        let count = (point.share * times.count as f64 - 1e-6).ceil().max(1.0);
        let _ = write!(text, "{ms:12.3} {:14.12} {count:10.0}", point.share);
        if above > 0.0 {
            let _ = write!(text, " {:14.2}", 1.0 / above);
        }
        text.push('\n');
    }
    let (mean, max) = (times.mean as f64 / 1e6, times.max as f64 / 1e6);
    let _ = writeln!(text, "#[Mean    = {mean:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {:12}]", times.count);
    if times.censored > 0 {
        let _ = writeln!(text, "#[Never answered, counted with their age = {:8}]", times.censored);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn lines_are_what_plotters_read() {
        let report = example::report(example::CENSORED);
        let text = render(&CleanReport::new(&report));
        let rows: Vec<Vec<f64>> = text
            .lines()
            .skip(2)
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().map(|cell| cell.parse().unwrap()).collect())
            .collect();
        assert!(rows[..rows.len() - 1].iter().all(|row| row.len() == 4));
        assert_eq!(rows[rows.len() - 1].len(), 3);
        assert!(rows.windows(2).all(|pair| pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2]));
        let median = rows.iter().find(|row| (row[1] - 0.5).abs() < 1e-9).unwrap();
        assert!((median[0] - report.response_time.p50 as f64 / 1e6).abs() < 0.001);
        assert!((rows[rows.len() - 1][2] - 6_000.0).abs() < 0.5);
        assert!(text.contains("Never answered, counted with their age =      600"), "{text}");
    }
}
