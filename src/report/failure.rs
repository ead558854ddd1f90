//! [`FailureReport`]: the failed slots of a request name that are of one kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::expect::Expect;
use crate::measure::failure::{FailureKind, Failures, Reason};

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureReport {
    /// The kind of the transport error, or the fate.
    pub kind: String,
    /// The status, the check that failed, or what the first broken exchange broke on, in about 200 bytes at
    /// most; absent where the kind says all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// How many. An answer that fails several checks counts for each of them.
    pub count: u64,
    /// When the first of them showed, in ns from the start of the load.
    pub first_seen: u64,
    /// When the last of them did.
    pub last_seen: u64,
}

/// The failures of a request, the most frequent first; `expect` names its checks.
pub(super) fn failures(failures: &Failures, expect: &Expect) -> Vec<FailureReport> {
    let mut list: Vec<FailureReport> = failures
        .all()
        .map(|(kind, failure)| FailureReport {
            kind: kind.name().to_owned(),
            cause: match kind {
                FailureKind::Status(status) => Some(match failure.reason() {
                    Some(reason) => format!("status {status}: {}", reason.words()),
                    None => format!("status {status}"),
                }),
                FailureKind::Check(place) => Some(expect.name_of(place)),
                _ => failure.reason().map(|reason: &Reason| reason.words().to_owned()),
            },
            count: failure.count,
            first_seen: failure.first_seen.as_nanos(),
            last_seen: failure.last_seen.as_nanos(),
        })
        .collect();
    list.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    list
}
