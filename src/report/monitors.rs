//! What the target and its machine said of themselves, as a result tells it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::change_point::{self, ChangePoint};
use crate::measure::millionths::millionths;
use crate::measure::monitored::Monitored;

/// One monitored series on the run's axis of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorReport {
    /// What it is about, such as `queue_depth` or `cpu`.
    pub name: String,
    /// Kind of the monitor: `prometheus`, `process`, `command` or `postgres`.
    pub kind: String,
    /// Which monitor it is, without anything secret.
    #[serde(default)]
    pub source: String,
    /// Unit of the values; empty for plain numbers.
    pub unit: String,
    /// In order of time, 1,200 at most; counters are rates.
    pub points: Vec<MonitorPoint>,
    /// When and how it left its level for good, whether before the response time did or after; absent if it
    /// did not, or too few looks tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned: Option<MonitorTurn>,
    /// Failed looks, restarts, series left out. A monitor that never succeeded has notes alone.
    pub notes: Vec<String>,
}

/// A change of level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorTurn {
    /// ns since the start of the measurement.
    pub at: u64,
    /// The level before.
    pub from: f64,
    /// The level after.
    pub to: f64,
}

impl From<ChangePoint> for MonitorTurn {
    fn from(change: ChangePoint) -> Self {
        let ChangePoint { at, from, to, .. } = change;
        Self { at: at.as_nanos(), from: millionths(from), to: millionths(to) }
    }
}

/// A value at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonitorPoint {
    /// ns since the start of the measurement.
    pub t: u64,
    /// In the series' unit.
    pub value: f64,
}

impl From<&Monitored> for MonitorReport {
    fn from(series: &Monitored) -> Self {
        let points = series.points.iter();
        Self {
            name: series.name.clone(),
            kind: series.kind.to_owned(),
            source: series.source.clone(),
            unit: series.unit.clone(),
            points: points
                .map(|(at, value)| MonitorPoint { t: at.as_nanos(), value: millionths(*value) })
                .collect(),
            turned: change_point::find(&series.points)
                .filter(ChangePoint::is_certain)
                .map(MonitorTurn::from),
            notes: series.notes.clone(),
        }
    }
}
