//! Findings about parts of the load that never came up.

use crate::analysis::findings::{Cause, Finding, Severity};
use crate::analysis::words::Part;

/// What kept a part of the load from coming up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shortfall {
    /// A feeder had no row left.
    FeederEnded,
    /// Flows were still under way, and their later steps were never due.
    FlowsUnfinished,
}

impl Shortfall {
    /// The stable name used in results.
    pub const fn id(self) -> &'static str {
        match self {
            Self::FeederEnded => "feeder_ended",
            Self::FlowsUnfinished => "flows_unfinished",
        }
    }
}

/// That arrivals ended because feeder `name` had no row left.
pub fn feeder_ended(name: &str) -> Finding {
    Finding {
        cause: Cause::Shortfall(Shortfall::FeederEnded),
        severity: Severity::Info,
        message: format!("arrivals ended early, with the last row of the feeder '{name}'"),
        remedy: "give it more rows, or let it rewind (at_end: rewind)".to_owned(),
    }
}

/// Share of the flows that are still under way at the end of a run from which on the load was another than asked
/// for: less is the last few seconds of a run that is many times as long as a flow.
const UNFINISHED_SHARE: f64 = 0.25;

/// That of so many flows that were started, many were still under way as arrivals ended.
pub fn flows_unfinished(started: u64, unfinished: u64) -> Option<Finding> {
    let part = Part { count: unfinished, of: started, things: "flows" };
    if part.share() < UNFINISHED_SHARE {
        return None;
    }
    Some(Finding {
        cause: Cause::Shortfall(Shortfall::FlowsUnfinished),
        severity: Severity::Warning,
        message: format!(
            "under way as arrivals ended: {part}; their later steps were never due, so the load was lighter than \
             asked for"
        ),
        remedy: "run for several times as long as a flow takes with its think times, and begin with a --warmup \
                 of that length"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flows_that_outlast_the_run_make_a_lighter_load_and_that_is_told() {
        assert_eq!(flows_unfinished(0, 0), None);
        assert_eq!(flows_unfinished(1_000, 249), None);
        let told = flows_unfinished(1_000, 1_000).unwrap();
        assert_eq!((told.cause.id(), told.severity), ("flows_unfinished", Severity::Warning));
        assert!(told.message.contains("the load was lighter than asked for"), "{}", told.message);
    }
}
