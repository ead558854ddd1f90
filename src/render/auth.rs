//! The line about tokens: how many there are, and what it took to keep them.

use crate::analysis::words::Count;
use crate::render::table::{WIDTH_MAX, wrap};
use crate::report::auth::AuthReport;

/// A paragraph with its line breaks.
pub(super) fn paragraph(auth: &AuthReport) -> String {
    format!("{}\n", wrap(&line(auth), WIDTH_MAX).join("\n"))
}

fn line(auth: &AuthReport) -> String {
    let mut parts = vec![counted(auth.tokens, "token")];
    if auth.log_ins > 0 {
        parts.push(format!("{} before the load", counted(auth.log_ins, "log-in")));
        parts.push(format!("{} during it", counted(auth.refreshes, "refresh")));
    }
    if auth.rejections > 0 {
        parts.push(format!("{} after a 401", Count(auth.rejections)));
    }
    if auth.failures > 0 {
        parts.push(counted(auth.failures, "failure"));
    }
    format!("auth: {}", parts.join(", "))
}

fn counted(count: u64, thing: &str) -> String {
    let plural = match thing {
        _ if count == 1 => "",
        "refresh" => "es",
        _ => "s",
    };
    format!("{} {thing}{plural}", Count(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_what_there_was() {
        let given = AuthReport { tokens: 1, ..AuthReport::default() };
        let issued = AuthReport { log_ins: 1, ..given };
        let busy =
            AuthReport { tokens: 20, log_ins: 20, refreshes: 1_400, rejections: 2, failures: 1 };
        for (auth, expected) in [
            (given, "auth: 1 token"),
            (issued, "auth: 1 token, 1 log-in before the load, 0 refreshes during it"),
            (
                busy,
                "auth: 20 tokens, 20 log-ins before the load, 1,400 refreshes during it, 2 after a 401, \
                 1 failure",
            ),
        ] {
            assert_eq!(line(&auth), expected);
        }
    }
}
