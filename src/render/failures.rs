//! [`Kinds`]: the failures of all request names by kind, for tables of a bounded length.

use std::cmp::Reverse;

use crate::report::RequestReport;
use crate::report::failure::FailureReport;

/// The most frequent kinds of failure.
#[derive(Debug)]
pub(super) struct Kinds<'r> {
    /// Each with the name of the request that met it, the most frequent first.
    pub(super) rows: Vec<(&'r str, &'r FailureReport)>,
    /// How many more there are.
    pub(super) left_out: u64,
}

impl<'r> Kinds<'r> {
    /// Those of `requests`, no more than `most`.
    pub(super) fn of(requests: &'r [RequestReport], most: usize) -> Self {
        let of_request = |request: &'r RequestReport| {
            request.failures.iter().map(move |failure| (request.name.as_str(), failure))
        };
        let mut rows: Vec<_> = requests.iter().flat_map(of_request).collect();
        rows.sort_by_key(|(_, failure)| Reverse(failure.count));
        let left_out = rows.len().saturating_sub(most) as u64;
        rows.truncate(most);
        Self { rows, left_out }
    }
}

/// A kind of failure in words.
pub(super) fn kind(failure: &FailureReport) -> String {
    failure.kind.replace('_', " ")
}
