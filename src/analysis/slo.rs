//! Judges objectives and tiers against what was measured.
//!
//! A figure that is only a lower bound never meets an upper limit, and what was not measured never holds.

use std::time::Duration;

use crate::load::slo::{Objective, Slo, Tiers};
use crate::measure::histogram::{CensoredHistogram, Quantile};
use crate::measure::summary::Summary;
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;

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
    /// Slots without an answer that do not count among the response times.
    pub left_out: u64,
    /// What the generator's own errors made worse.
    pub spared: Spared,
}

/// Figures as they would be had slots lost to the generator's own errors been answered well: all that the
/// target may be charged with.
#[derive(Clone, Copy, Debug)]
pub struct Spared {
    /// Share of planned slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second.
    pub throughput_ok: f64,
    /// Slots without an answer that are to be left out of the response times.
    pub unanswered: u64,
}

impl<'a> RunFigures<'a> {
    /// The figures of a run that was asked for `rate_asked` arrivals per second.
    pub fn new(summary: &'a Summary, rate_asked: f64) -> Self {
        Self::of(&summary.total, summary.length, rate_asked)
    }

    /// The figures of these slots of a measurement of `length`.
    pub(super) fn of(tally: &'a RequestTally, length: Duration, rate_asked: f64) -> Self {
        let (fates, own) = (&tally.fates, tally.own_errors());
        let charged = fates.failed().saturating_sub(own);
        Self {
            response_time: &tally.response_time,
            error_rate: fates.error_rate(),
            throughput_ok: per_second(fates.ok(), length),
            rate_asked,
            left_out: 0,
            spared: Spared {
                error_rate: charged as f64 / fates.planned().max(1) as f64,
                throughput_ok: per_second(fates.ok() + own, length),
                unanswered: tally.own_unanswered,
            },
        }
    }

    /// The figures that the target answers for.
    fn of_the_target(&self) -> Self {
        let Spared { error_rate, throughput_ok, unanswered } = self.spared;
        Self { error_rate, throughput_ok, left_out: unanswered, ..*self }
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
pub fn all_hold<'j>(judged: impl IntoIterator<Item = &'j Judged>) -> bool {
    judged.into_iter().all(|one| one.holds == Holds::Yes)
}

/// Whether an objective fails that would hold but for the generator's own errors: then the failure says
/// nothing about the target.
pub fn fails_by_own_errors(slo: &Slo, figures: &RunFigures<'_>) -> bool {
    let spared = figures.of_the_target();
    slo.objectives.iter().any(|objective| {
        let fails = |figures| judge_one(*objective, figures).holds == Holds::No;
        fails(figures) && !fails(&spared)
    })
}

/// The best tier whose objectives hold; the generator's own errors do not lower it. A bar on throughput that
/// the rate asked for cannot show is left out: 20/s asked says nothing about more than 50/s.
pub fn tier(tiers: &Tiers, figures: &RunFigures<'_>) -> TierVerdict {
    let figures = &figures.of_the_target();
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
            if times.count() == figures.left_out =>
        {
            (Measured::Nothing, Holds::No)
        }
        Objective::ResponseTime { quantile, limit } => {
            let time = times.quantile_without(quantile, figures.left_out);
            (Measured::Time(time), yes_if(time.below(limit)))
        }
        Objective::MeanResponseTime { limit } => {
            let mean = if times.unanswered.count() == figures.left_out {
                Quantile::exact(times.answered.mean())
            } else {
                times.mean()
            };
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
    use super::*;
    use crate::measure::fate::{Fate, TransportError};
    use crate::measure::sample::{Sample, Wait};

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
        made(response_time, 0.004, 99.6, 100.0)
    }

    fn made(
        response_time: &CensoredHistogram,
        error_rate: f64,
        throughput_ok: f64,
        rate_asked: f64,
    ) -> RunFigures<'_> {
        let spared = Spared { error_rate, throughput_ok, unanswered: 0 };
        RunFigures { response_time, error_rate, throughput_ok, rate_asked, left_out: 0, spared }
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
            let figures = made(response_time, error_rate, throughput_ok, rate_asked);
            let unseen = rate_asked <= 50.0 && expected == Tier::Excellent;
            assert_eq!(!tier(&tiers, &figures).not_judged.is_empty(), unseen);
            assert_eq!(tier(&tiers, &figures).tier, expected, "{rate_asked} {throughput_ok}");
        }
    }

    /// 1,000 slots of a run of 10 s, of which so many ended in each of the two ways.
    fn summary(own: u64, refused: u64) -> Summary {
        let mut tally = crate::measure::tally::Tally::new(1);
        let at = crate::time::Offset::from_nanos;
        for slot in 0..1_000 {
            let fate = match slot {
                _ if slot < own => Fate::TransportError(TransportError::StaleConnection),
                _ if slot < own + refused => Fate::TransportError(TransportError::ConnectRefused),
                _ => Fate::Ok,
            };
            tally.record(&Sample {
                request: 0,
                due: at(0),
                taken: Some(at(5)),
                wait: Wait::default(),
                sent: Some(at(10)),
                first_byte: None,
                done: at(1_000_000),
                fate,
                status: None,
                bytes: 0,
            });
        }
        Summary::new(&tally, Duration::from_secs(10))
    }

    #[test]
    fn only_what_the_target_did_is_charged_to_it() {
        let table = [
            // own, refused, objectives, do they fail, only by own errors
            (0, 60, "errors<5%", true, false),
            (60, 0, "errors<5%", true, true),
            (60, 0, "errors<10%", false, false),
            (30, 30, "errors<5%", true, true),
            (60, 60, "errors<5%", true, false),
            (1, 0, "errors<0", true, true),
            (60, 0, "rps>95", true, true),
            (0, 60, "rps>95", true, false),
            (60, 0, "p95<1us", true, false),
            (60, 0, "p95<1s", true, true),
            (60, 0, "mean<1s", true, true),
            (0, 60, "p95<1s", true, false),
            (30, 30, "p95<1s", true, true),
            (1, 60, "mean<1s", true, false),
            (40, 0, "p95<1s", false, false),
            (1_000, 0, "p95<1s", true, false),
        ];
        for (own, refused, slo, fails, by_own) in table {
            let summary = summary(own, refused);
            let figures = RunFigures::new(&summary, 100.0);
            let slo = slo.parse().unwrap();
            assert_eq!(!all_hold(&judge(&slo, &figures)), fails, "{own} {refused} {slo}");
            assert_eq!(fails_by_own_errors(&slo, &figures), by_own, "{own} {refused} {slo}");
        }
        let tier_of =
            |summary: &Summary| tier(&Tiers::standard(), &RunFigures::new(summary, 100.0)).tier;
        assert_eq!(tier_of(&summary(60, 0)), Tier::Excellent);
        assert_eq!(tier_of(&summary(0, 60)), Tier::Critical);
    }
}
