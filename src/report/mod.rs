//! [`Report`]: the contract of `result.json`, schema `steadfire.result/1`.
//!
//! Names are stable. Durations are integer nanoseconds, shares lie between 0 and 1, rates are per second.
//! Fields may be added; a reader ignores those it does not know. Fractions are rounded to millionths, so
//! that they survive being written and read.

pub mod address;
pub mod auth;
pub mod beside;
pub mod build;
pub mod comparable;
pub mod comparison;
mod convert;
pub mod detail;
pub mod echo;
pub mod failure;
pub mod flows;
pub mod generator;
pub mod header;
mod latency;
pub mod monitors;
pub mod onset;
pub mod profile_weights;
pub mod rebuild;
pub mod request;
pub mod search;
pub mod segment;
pub mod sheet;
pub mod spectrum;

pub use crate::analysis::Outcome;
pub use crate::analysis::findings::Severity;
pub use crate::analysis::slo::{Holds, Tier};
pub use latency::{Latency, Phases};
pub use request::RequestReport;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measure::fate::Fate;
use crate::measure::series::SeriesPoint;
use crate::report::address::AddressReport;
use crate::report::auth::AuthReport;
use crate::report::comparison::ComparisonReport;
use crate::report::echo::{Environment, PlanEcho};
use crate::report::flows::FlowsReport;
use crate::report::generator::GeneratorReport;
use crate::report::monitors::MonitorReport;
use crate::report::onset::OnsetReport;
use crate::report::search::SearchReport;
use crate::report::segment::SegmentReport;
use crate::report::spectrum::Spectrum;

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "steadfire.result/1";

/// One stored result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `steadfire.result/1`.
    pub schema: String,
    /// What wrote this.
    pub tool: Tool,
    /// What kind of measurement it is.
    pub kind: Kind,
    /// When the load began, RFC 3339 in UTC.
    pub started_at: String,
    /// Length of the measurement in ns, without warm-up and drain.
    pub duration: u64,
    /// What was asked for.
    pub plan: PlanEcho,
    /// Where it ran.
    pub environment: Environment,
    /// How the generator itself fared.
    #[serde(default)]
    pub generator: GeneratorReport,
    /// What it took to hold tokens; absent where requests carry none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Box<AuthReport>>,
    /// Which clock stamped the arrival of answers.
    pub clock: ClockSource,
    /// Which clock stamped requests: the kernel, as it handed them to the network, or this program, just
    /// before it wrote them. Results without it are of the latter kind.
    #[serde(default)]
    pub send_clock: ClockSource,
    /// What it comes to.
    pub verdict: Verdict,
    /// Asked and achieved rates.
    pub rate: Rates,
    /// The ledger.
    pub fates: Fates,
    /// Share of planned slots without a good answer.
    pub error_rate: f64,
    /// From due to last byte, over good answers and slots never answered: nothing of an answer came.
    pub response_time: Latency,
    /// From sent to last byte, over good answers.
    pub service_time: Latency,
    /// From sent to first byte, over good answers.
    pub first_byte: Latency,
    /// From due to sent, over everything sent.
    pub send_lag: Latency,
    /// From due to taken up by the generator: its own part of the send lag.
    pub dispatch_lag: Latency,
    /// Time to open a connection, without TLS and without those opened after a timeout.
    pub connect: Latency,
    /// Time to open connections in place of those given up because a request was not answered in time.
    #[serde(default)]
    pub reconnect: Latency,
    /// Time to set up TLS.
    #[serde(default)]
    pub tls: Latency,
    /// Where the response time of good answers went.
    #[serde(default)]
    pub phases: Phases,
    /// From due to done, over failures that came with an answer or a part of one.
    pub failed_response_time: Latency,
    /// Per request name, in the order of the plan.
    pub requests: Vec<RequestReport>,
    /// Requests in order, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flows: Option<FlowsReport>,
    /// What came of requests by the address that they were sent to, which each is given in turn, in a search
    /// over all its trials; empty if the target has one address, and of a run that was killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<AddressReport>,
    /// Over time.
    pub series: Vec<SeriesPoint>,
    /// The parts of a run that was steered by hand, in order; empty if nobody did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentReport>,
    /// Response and service time as curves.
    #[serde(default)]
    pub spectrum: Spectrum,
    /// The search for the highest rate, if that is what this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchReport>,
    /// The comparison of two targets in turns, if that is what this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Box<ComparisonReport>>,
    /// What the target and its machine said of themselves meanwhile.
    #[serde(default)]
    pub monitors: Vec<MonitorReport>,
    /// When the response time broke its limit or began to rise, and what had turned before; absent if it did
    /// neither, or was so from the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Box<OnsetReport>>,
}

/// The program that wrote a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `steadfire`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub(crate) fn this() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The kind of measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A fixed rate.
    Run,
    /// The search for the highest rate.
    FindMaxRps,
    /// Two targets in turns; the figures are those of B.
    Ab,
}

/// The clock that stamped what left or arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockSource {
    /// The kernel, at the socket: the generator's own part is not charged to the target.
    Kernel,
    /// This program, before it wrote or after it was woken.
    #[default]
    User,
}

/// What a run comes to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// In one word.
    pub outcome: Outcome,
    /// How good the target is.
    pub tier: Tier,
    /// Objectives of the tier's bar that the rate asked for could not have shown.
    #[serde(default)]
    pub tier_not_judged: Vec<String>,
    /// Each objective and how it fared.
    pub objectives: Vec<ObjectiveReport>,
    /// Reasons to distrust or to act, the gravest first.
    pub findings: Vec<FindingReport>,
}

/// One objective and how it fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectiveReport {
    /// Its text, such as `p95 < 1 s`.
    pub objective: String,
    /// What it is about.
    pub metric: Metric,
    /// The limit, in the metric's unit.
    pub limit: f64,
    /// The measured figure in the metric's unit; absent if there was nothing to measure.
    pub measured: Option<f64>,
    /// Whether the true figure is `measured` or more.
    pub at_least: bool,
    /// Whether it holds.
    pub holds: Holds,
    /// Why it is not judged; absent where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What an objective is about, and its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Nanoseconds.
    ResponseTime,
    /// A share, 0 to 1.
    ErrorRate,
    /// Good answers per second.
    Throughput,
}

/// A reason to distrust a figure or to act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingReport {
    /// Stable name of the cause.
    pub id: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What was seen.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Rates per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// Asked for.
    pub target: f64,
    /// Sent in the measured time: after the warm-up, while requests came due.
    pub achieved: f64,
    /// Ended in the measured time after they had been sent, well or not; absent in results of versions that
    /// did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<f64>,
    /// Answered well in the measured time, slots of the warm-up included. Results without `ended` count
    /// answers of the drain here.
    pub throughput_ok: f64,
    /// Good answers that came in the drain and are in no rate; their number.
    #[serde(default)]
    pub drain_ok: u64,
}

/// The ledger: `planned` is the sum of all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fates {
    /// Slots of the schedule.
    pub planned: u64,
    /// Answered as expected.
    pub ok: u64,
    /// Answered with another status than expected.
    pub bad_status: u64,
    /// Answered, but a check failed.
    pub check_failed: u64,
    /// The exchange broke.
    pub transport_error: u64,
    /// No answer in time.
    pub timeout: u64,
    /// Given up before they were sent.
    pub shed: u64,
    /// Not sent before the run ended.
    pub unsent: u64,
    /// Unanswered after the drain.
    pub open: u64,
}

/// The JSON Schema of [`Report`].
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

impl Fates {
    /// Counts by name, in the order of [`Fate::ALL`].
    pub fn named(&self) -> [(&'static str, u64); Fate::COUNT] {
        let counts = [
            self.ok,
            self.bad_status,
            self.check_failed,
            self.transport_error,
            self.timeout,
            self.shed,
            self.unsent,
            self.open,
        ];
        std::array::from_fn(|place| (Fate::ALL[place].name(), counts[place]))
    }
}

#[cfg(test)]
pub(crate) mod example;
#[cfg(test)]
mod tests;
