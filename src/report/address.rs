//! [`AddressReport`]: what came of the requests to one of several addresses of the target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::address_tally::AddressTally;
use crate::report::Latency;
use crate::report::build::latency;

/// The requests that one address was sent. Those that failed before they were sent, and those that failed by
/// the generator's own doing, are not among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AddressReport {
    /// IP address and port.
    pub address: String,
    /// Requests that it was sent.
    pub requests: u64,
    /// Of them, those to which an answer came, good or not, or a part of one.
    pub answered: u64,
    /// Of them, those without a good answer.
    pub failed: u64,
    /// From sent to the last byte, over all answers, good or not, and requests never answered.
    pub service_time: Latency,
}

impl From<&AddressTally> for AddressReport {
    fn from(tally: &AddressTally) -> Self {
        Self {
            address: tally.address.to_string(),
            requests: tally.requests(),
            answered: tally.answered(),
            failed: tally.failed,
            service_time: latency(&tally.service_time),
        }
    }
}
