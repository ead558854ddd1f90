//! [`Watch`]: looks at a running trial and ends it as soon as it is decided, either way.
//!
//! Invariant: it never fails a rate while things get better, so a stall that is over ends no trial.

use std::time::Duration;

use super::{Evidence, Limits, Point, Trial};
use crate::load::slo::Slo;

/// End of a trial's test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The evidence is for the rate.
    Held,
    /// The evidence is for the rate, though not decisively.
    HeldWeakly,
    /// The backlog grows, or too many requests are slow.
    Overload,
    /// Too many requests fail.
    Errors,
    /// The evidence is against the rate, but of something that passed, or of slow requests alone.
    Episodic,
    /// The evidence is against the rate, though not decisively.
    FailedWeakly,
}

/// Fed with a trial's points in order, says when it is over.
#[derive(Clone, Debug)]
pub struct Watch {
    trial: Trial,
    limits: Limits,
    points: Vec<Point>,
    next_look: Duration,
    evidence: Evidence,
}

impl Watch {
    /// Watches one `trial`.
    pub fn new(trial: &Trial, slo: &Slo) -> Self {
        Self {
            trial: *trial,
            limits: Limits::of(slo),
            points: Vec::new(),
            next_look: trial.test.from,
            evidence: Evidence::default(),
        }
    }

    /// Takes the next point; an ending means that the trial is over.
    pub fn observe(&mut self, point: &Point) -> Option<Ending> {
        self.points.push(*point);
        let at = point.at;
        if at < self.next_look && at < self.trial.duration() {
            return None;
        }
        self.next_look = at + Duration::from_secs_f64(self.trial.test.tuning.look_every_s);
        self.evidence = Evidence::over(&self.trial, &self.limits, &self.points)?;
        self.decide(at)
    }

    /// The evidence at the last look, or over all points if there was none.
    pub(super) fn evidence(&self) -> Evidence {
        if self.evidence.variance > 0.0 {
            return self.evidence;
        }
        Evidence::over(&self.trial, &self.limits, &self.points).unwrap_or_default()
    }

    fn decide(&self, at: Duration) -> Option<Ending> {
        let (test, evidence) = (&self.trial.test, &self.evidence);
        let (due, last) = (at >= test.until, at >= self.trial.duration());
        let patient = evidence.recovering && !due;
        if evidence.backlog >= test.decisive && !patient {
            return Some(Ending::Overload);
        }
        if at >= test.from + Duration::from_secs_f64(test.tuning.grace_s) {
            if evidence.latency >= test.decisive && !evidence.recovering {
                return Some(Ending::Overload);
            }
            if evidence.errors >= test.decisive {
                return Some(Ending::Errors);
            }
        }
        if evidence.against() <= -test.decisive && at >= test.pass_from {
            return Some(Ending::Held);
        }
        let draw = evidence.against().abs() < test.tuning.draw;
        let open = draw || (evidence.against() > 0.0 && evidence.recovering);
        (last || (due && !open)).then(|| evidence.ending())
    }
}
