//! [`Kinds`] and [`Group`]: the failures of all request names by kind, for tables of a bounded length.

use std::cmp::Reverse;

use crate::measure::fate::Fate;
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

/// Failures of one kind over all request names.
#[derive(Debug)]
pub(super) struct Group<'r> {
    /// What the first of them showed that tells its cause.
    pub(super) first: &'r FailureReport,
    /// How many.
    pub(super) count: u64,
    /// When the first showed, in ns from the start of the load.
    pub(super) first_seen: u64,
    /// When the last did.
    pub(super) last_seen: u64,
    /// The names of the requests with their counts, the most frequent first.
    pub(super) requests: Vec<(&'r str, u64)>,
}

impl<'r> Group<'r> {
    /// All of `requests`, the most frequent first. Each status and each check is a kind of its own.
    pub(super) fn all(requests: &'r [RequestReport]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (name, failure) in Kinds::of(requests, usize::MAX).rows {
            match groups.iter_mut().find(|group| alike(group.first, failure)) {
                Some(group) => group.add(name, failure),
                None => groups.push(Self {
                    first: failure,
                    count: failure.count,
                    first_seen: failure.first_seen,
                    last_seen: failure.last_seen,
                    requests: vec![(name, failure.count)],
                }),
            }
        }
        groups.sort_by_key(|group| Reverse(group.count));
        groups
    }

    fn add(&mut self, name: &'r str, failure: &'r FailureReport) {
        let earlier = failure.first_seen < self.first.first_seen && failure.cause.is_some();
        if earlier || self.first.cause.is_none() {
            self.first = failure;
        }
        self.count += failure.count;
        self.first_seen = self.first_seen.min(failure.first_seen);
        self.last_seen = self.last_seen.max(failure.last_seen);
        self.requests.push((name, failure.count));
    }
}

/// Whether two failures are of one kind. What an exchange broke on is told in words, which may differ.
fn alike(one: &FailureReport, other: &FailureReport) -> bool {
    let named = [Fate::BadStatus, Fate::CheckFailed].map(Fate::name).contains(&one.kind.as_str());
    one.kind == other.kind && (!named || one.cause == other.cause)
}

/// A kind of failure in words.
pub(super) fn kind(failure: &FailureReport) -> String {
    failure.kind.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{FAILING, report};

    #[test]
    fn one_kind_is_one_group_whatever_its_requests_are() {
        let mut requests = report(FAILING).requests;
        let of = |kind: &str, cause: &str, count, seen: [u64; 2]| FailureReport {
            kind: kind.to_owned(),
            cause: Some(cause.to_owned()),
            count,
            first_seen: seen[0],
            last_seen: seen[1],
        };
        requests[0].failures =
            vec![of("bad_status", "status 500", 5, [7, 9]), of("tls", "late", 4, [5, 6])];
        requests[1].failures =
            vec![of("bad_status", "status 503", 1, [1, 1]), of("tls", "early", 3, [2, 8])];
        requests[2].failures = vec![of("bad_status", "status 500", 1, [3, 20])];
        let groups = Group::all(&requests);
        let told: Vec<_> = groups
            .iter()
            .map(|group| (group.first.cause.as_deref().unwrap(), group.count, group.last_seen))
            .collect();
        assert_eq!(told, [("early", 7, 8), ("status 500", 6, 20), ("status 503", 1, 1)]);
        assert_eq!((groups[0].first_seen, groups[1].first_seen), (2, 3));
        assert_eq!(groups[0].requests, [("list interactions", 4), ("interaction detail", 3)]);
    }
}
