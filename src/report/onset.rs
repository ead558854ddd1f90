//! When the response time broke its limit or began to rise, and which monitored series had turned before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::onset::{Lead, Onset};
use crate::measure::millionths::millionths;

/// The event, with what led it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OnsetReport {
    /// In words, such as `p95 broke its limit of 1 s`.
    pub what: String,
    /// ns since the start of the measurement.
    pub at: u64,
    /// Series that had left their level by then, in order of time; no proof of a cause.
    pub turned: Vec<TurnedReport>,
}

/// A monitored series that turned before the event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TurnedReport {
    /// Its name, as under `monitors`; the arrival rate is asked as well.
    pub name: String,
    /// Its monitor, as there.
    pub source: String,
    /// Unit of the levels; empty for plain numbers.
    pub unit: String,
    /// Since when, ns since the start of the measurement.
    pub at: u64,
    /// The level before.
    pub from: f64,
    /// The level after.
    pub to: f64,
}

impl From<&Onset> for OnsetReport {
    fn from(onset: &Onset) -> Self {
        Self {
            what: onset.event.what.clone(),
            at: onset.event.at.as_nanos(),
            turned: onset.led.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Lead> for TurnedReport {
    fn from(lead: &Lead) -> Self {
        Self {
            name: lead.name.clone(),
            source: lead.source.clone(),
            unit: lead.unit.clone(),
            at: lead.change.at.as_nanos(),
            from: millionths(lead.change.from),
            to: millionths(lead.change.to),
        }
    }
}
