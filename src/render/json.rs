//! A report as one JSON document, which keeps every text as it is: JSON escapes what could do harm.

use crate::render::clean::CleanReport;

/// Indented JSON with a newline at the end.
#[expect(clippy::missing_panics_doc, reason = "a report holds nothing that JSON cannot")]
pub fn render(report: &CleanReport<'_>) -> String {
    let mut text = serde_json::to_string_pretty(report.exact()).expect(
        "all keys of a report are text or integers, and no part of it refuses to be written",
    );
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Report, example};

    #[test]
    fn the_document_is_the_report() {
        let report = example::report(example::CENSORED);
        let text = render(&CleanReport::new(&report));
        assert!(text.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
