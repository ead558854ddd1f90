//! Judges objectives and tiers against what was measured.
//!
//! A figure that is only a lower bound never meets an upper limit, and what was not measured never holds.

use crate::load::slo::{Objective, Slo, Tiers};
use crate::measure::histogram::{CensoredHistogram, Quantile};
use crate::measure::summary::Summary;

/// What objectives are judged by.
#[derive(Clone, Copy, Debug)]
pub struct RunFigures<'a> {
    /// Good answers and the ages of slots never answered.
    pub response_time: &'a CensoredHistogram,
    /// Share of planned slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second.
    pub throughput_ok: f64,
    /// Arrivals per second that the plan asked for.
    pub rate_asked: f64,
}

impl<'a> RunFigures<'a> {
    /// The figures of a run that was asked for `rate_asked` arrivals per second.
    pub fn new(summary: &'a Summary, rate_asked: f64) -> Self {
        Self {
            response_time: &summary.total.response_time,
            error_rate: summary.error_rate(),
            throughput_ok: summary.throughput_ok(),
            rate_asked,
        }
    }
}

/// The figure an objective is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// A response time.
    Time(Quantile),
    /// A share, 0 to 1.
    Share(f64),
    /// Good answers per second.
    PerSecond(f64),
    /// There was nothing to measure.
    Nothing,
}

/// Whether an objective holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not, or nothing shows that it does.
    No,
    /// The rate asked for could not have met it, whatever the target did.
    OutOfReach,
}

/// One objective and how it fared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// What was asked.
    pub objective: Objective,
    /// What was measured.
    pub measured: Measured,
    /// Whether the one meets the other.
    pub holds: Holds,
}

/// How good the target is, by the plan's bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Nothing to do.
    Excellent,
    /// Good enough for production.
    Acceptable,
    /// Requires work.
    Critical,
}

/// A tier, and what it leaves open.
#[derive(Clone, Debug, PartialEq)]
pub struct TierVerdict {
    /// The tier.
    pub tier: Tier,
    /// Objectives of its bar that the rate asked for could not have shown.
    pub not_judged: Vec<Objective>,
}

/// Judges every objective, in order.
pub fn judge(slo: &Slo, figures: &RunFigures<'_>) -> Vec<Judged> {
    slo.objectives.iter().map(|objective| judge_one(*objective, figures)).collect()
}

/// Whether every objective of a threshold holds; one out of reach does not.
pub fn all_hold(judged: &[Judged]) -> bool {
    judged.iter().all(|one| one.holds == Holds::Yes)
}

/// The best tier whose objectives hold. A bar on throughput that the rate asked for cannot show is left
/// out: 20/s asked says nothing about more than 50/s.
pub fn tier(tiers: &Tiers, figures: &RunFigures<'_>) -> TierVerdict {
    let reached = |bar| judge(bar, figures).iter().all(|one| one.holds != Holds::No);
    let (tier, bar) = if reached(&tiers.excellent) {
        (Tier::Excellent, &tiers.excellent)
    } else if reached(&tiers.acceptable) {
        (Tier::Acceptable, &tiers.acceptable)
    } else {
        (Tier::Critical, &tiers.acceptable)
    };
    let not_judged = judge(bar, figures).into_iter().filter(|one| one.holds == Holds::OutOfReach);
    TierVerdict { tier, not_judged: not_judged.map(|one| one.objective).collect() }
}

fn judge_one(objective: Objective, figures: &RunFigures<'_>) -> Judged {
    let times = figures.response_time;
    let yes_if = |met| if met { Holds::Yes } else { Holds::No };
    let (measured, holds) = match objective {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. }
            if times.count() == 0 =>
        {
            (Measured::Nothing, Holds::No)
        }
        Objective::ResponseTime { quantile, limit } => {
            let time = times.quantile(quantile);
            (Measured::Time(time), yes_if(time.below(limit)))
        }
        Objective::MeanResponseTime { limit } => {
            let mean = times.mean();
            (Measured::Time(mean), yes_if(mean.below(limit)))
        }
        Objective::ErrorRate { limit } => {
            let rate = figures.error_rate;
            (Measured::Share(rate), yes_if(rate < limit || rate <= 0.0))
        }
        Objective::Throughput { limit } => {
            let rate = figures.throughput_ok;
            let holds = if rate > limit {
                Holds::Yes
            } else if figures.rate_asked <= limit {
                Holds::OutOfReach
            } else {
                Holds::No
            };
            (Measured::PerSecond(rate), holds)
        }
    };
    Judged { objective, measured, holds }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn times(answered_ms: &[u64], unanswered_ms: &[u64]) -> CensoredHistogram {
        let mut times = CensoredHistogram::default();
        for ms in answered_ms {
            times.answered.record(Duration::from_millis(*ms));
        }
        for ms in unanswered_ms {
            times.unanswered.record(Duration::from_millis(*ms));
        }
        times
    }

    fn figures(response_time: &CensoredHistogram) -> RunFigures<'_> {
        RunFigures { response_time, error_rate: 0.004, throughput_ok: 99.6, rate_asked: 100.0 }
    }

    fn holds(text: &str, figures: &RunFigures<'_>) -> Holds {
        judge(&text.parse().unwrap(), figures)[0].holds
    }

    #[test]
    fn objectives_are_strict_limits() {
        let times = times(&[100; 100], &[]);
        let figures = figures(&times);
        let table = [
            ("p95<101ms", Holds::Yes),
            ("p95<100ms", Holds::No),
            ("mean<101ms", Holds::Yes),
            ("errors<1%", Holds::Yes),
            ("errors<0.4%", Holds::No),
            ("errors<0", Holds::No),
            ("rps>50", Holds::Yes),
            ("rps>99.8", Holds::No),
            ("rps>100", Holds::OutOfReach),
        ];
        for (text, expected) in table {
            assert_eq!(holds(text, &figures), expected, "{text}");
        }
        let spotless = RunFigures { error_rate: 0.0, ..figures };
        assert_eq!(holds("errors<0", &spotless), Holds::Yes);
    }

    #[test]
    fn a_lower_bound_never_meets_a_limit() {
        let times = times(&[10; 90], &[20; 10]);
        let figures = figures(&times);
        assert_eq!(holds("p90<1s", &figures), Holds::Yes);
        assert_eq!(holds("p95<1s", &figures), Holds::No);
        assert_eq!(holds("mean<1s", &figures), Holds::No);
    }

    #[test]
    fn without_an_answer_no_time_holds() {
        let times = times(&[], &[]);
        let judged = judge(&"p95<1s,mean<1s".parse().unwrap(), &figures(&times));
        assert!(judged.iter().all(|j| j.holds == Holds::No && j.measured == Measured::Nothing));
        assert!(!all_hold(&judged));
    }

    #[test]
    fn tiers_leave_out_throughput_that_was_not_asked_for() {
        let tiers = Tiers::standard();
        let good = times(&[10; 100], &[]);
        let slow = times(&[700; 100], &[]);
        let table = [
            (&good, 20.0, 19.9, 0.0, Tier::Excellent),
            (&good, 200.0, 40.0, 0.0, Tier::Acceptable),
            (&slow, 200.0, 199.0, 0.0, Tier::Acceptable),
            (&good, 200.0, 180.0, 0.1, Tier::Critical),
        ];
        for (response_time, rate_asked, throughput_ok, error_rate, expected) in table {
            let figures = RunFigures { response_time, error_rate, throughput_ok, rate_asked };
            let unseen = rate_asked <= 50.0 && expected == Tier::Excellent;
            assert_eq!(!tier(&tiers, &figures).not_judged.is_empty(), unseen);
            assert_eq!(tier(&tiers, &figures).tier, expected, "{rate_asked} {throughput_ok}");
        }
    }
}
