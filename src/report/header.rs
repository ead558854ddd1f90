//! [`Header`]: what is known of a run before it ends, so that one that was killed can still be told.

use serde::{Deserialize, Serialize};

use crate::load::plan::Plan;
use crate::load::slo::Goals;
use crate::report::echo::{Environment, PlanEcho};
use crate::report::{Kind, Tool};

/// The value of [`Header::schema`].
pub const SCHEMA: &str = "steadfire.plan/1";

/// The plan of a run in flight, with what the plan does not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// `steadfire.plan/1`.
    pub schema: String,
    /// What wrote this.
    pub tool: Tool,
    /// What kind of measurement it is.
    pub kind: Kind,
    /// When it was set up, RFC 3339 in UTC.
    pub started_at: String,
    /// What was asked for.
    pub plan: PlanEcho,
    /// Where it runs.
    pub environment: Environment,
    /// The mix, in the order of the journal's slices.
    pub requests: Vec<RequestHeader>,
}

/// One request name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHeader {
    /// Its name.
    pub name: String,
    /// Its method.
    pub method: String,
    /// Its weight in the mix.
    pub weight: u32,
    /// What it must meet, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The bars of its own tier, excellent and acceptable, if it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<[String; 2]>,
}

impl RequestHeader {
    /// What the request must meet.
    pub fn goals(&self) -> Goals {
        let bars = self.tiers.as_ref();
        Goals::read(self.limit.as_deref(), bars.map(|bars| bars.each_ref().map(String::as_str)))
    }
}

impl Header {
    /// The header of a measurement of `plan`.
    pub fn new(kind: Kind, plan: &Plan, started_at: String, environment: Environment) -> Self {
        let requests = plan.rows().map(|template| RequestHeader {
            name: template.name.clone(),
            method: template.method.to_string(),
            weight: template.weight,
            limit: template.goals.limit.as_ref().map(ToString::to_string),
            tiers: template
                .goals
                .tiers
                .as_ref()
                .map(|tiers| [tiers.excellent.to_string(), tiers.acceptable.to_string()]),
        });
        Self {
            schema: SCHEMA.to_owned(),
            tool: Tool::this(),
            kind,
            started_at,
            plan: PlanEcho::from(plan),
            environment,
            requests: requests.collect(),
        }
    }
}
