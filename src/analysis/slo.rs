//! Judges objectives and tiers against what was measured.
//!
//! A figure that is only a lower bound never meets an upper limit. What nothing was sent for, or what the rate
//! asked for could not have shown, is not judged: it neither holds nor fails.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::load::slo::{Objective, Slo, Tiers};
use crate::measure::fate::FateCounts;
use crate::measure::histogram::{CensoredHistogram, Quantile};
use crate::measure::late::Late;
use crate::measure::summary::Summary;
use crate::measure::tally::RequestTally;
use crate::measure::window::per_second;

/// What objectives are judged by.
#[derive(Clone, Copy, Debug)]
pub struct RunFigures<'a> {
    /// Slots that were due.
    pub planned: u64,
    /// Good answers and the ages of slots never answered.
    pub response_time: &'a CensoredHistogram,
    /// Share of planned slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second that ended while requests came due.
    pub throughput_ok: f64,
    /// Arrivals per second that the plan asked for.
    pub rate_asked: f64,
    /// What the generator itself made worse.
    pub charged: ChargedFigures<'a>,
}

/// Figures as they would be had slots lost to the generator's own errors been answered well, and nothing been
/// sent late: all that the target may be charged with.
#[derive(Clone, Copy, Debug)]
pub struct ChargedFigures<'a> {
    /// Share of planned slots without a good answer.
    pub error_rate: f64,
    /// Good answers per second.
    pub throughput_ok: f64,
    /// Errors of the generator's own among the slots that were never answered.
    pub unanswered: u64,
    /// What is to be taken off response times, where that is known.
    pub late: Option<&'a Late>,
}

/// What of the generator's own makes an objective fail that would hold without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnFault {
    /// Its errors.
    Errors,
    /// Its lateness.
    Lateness,
}

impl<'a> RunFigures<'a> {
    /// The figures of a run that was asked for `rate_asked` arrivals per second.
    pub fn new(summary: &'a Summary, rate_asked: f64) -> Self {
        Self::of(&summary.total, summary.length, rate_asked)
    }

    /// The figures of these slots of a measurement of `length`.
    pub fn of(tally: &'a RequestTally, length: Duration, rate_asked: f64) -> Self {
        let (fates, good, own) = (&tally.fates, tally.traffic.within.good, tally.own_errors());
        let charged = fates.failed().saturating_sub(own);
        Self {
            planned: fates.planned(),
            response_time: &tally.response_time,
            error_rate: fates.error_rate(),
            throughput_ok: per_second(good, length),
            rate_asked,
            charged: ChargedFigures {
                error_rate: charged as f64 / fates.planned().max(1) as f64,
                throughput_ok: per_second(good + own, length),
                unanswered: tally.own_unanswered,
                late: Some(&tally.late),
            },
        }
    }

    /// Figures in which nothing of the generator's own is known.
    pub fn as_seen(
        response_time: &'a CensoredHistogram,
        fates: &FateCounts,
        throughput_ok: f64,
        rate_asked: f64,
    ) -> Self {
        let error_rate = fates.error_rate();
        Self {
            planned: fates.planned(),
            response_time,
            error_rate,
            throughput_ok,
            rate_asked,
            charged: ChargedFigures { error_rate, throughput_ok, unanswered: 0, late: None },
        }
    }
}

/// The figure an objective is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MeasuredValue {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "HoldsName")]
pub enum Holds {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It cannot be told, whatever the target did; results of earlier versions say `out_of_reach`.
    #[serde(alias = "out_of_reach")]
    NotJudged,
}

/// One objective and how it fared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObjectiveVerdict {
    /// What was asked.
    pub objective: Objective,
    /// What was measured.
    pub measured: MeasuredValue,
    /// Whether the one meets the other.
    pub holds: Holds,
}

impl ObjectiveVerdict {
    /// Why it is not judged, for people; `None` where it is.
    pub fn why_not_judged(&self) -> Option<&'static str> {
        let why = if self.measured == MeasuredValue::Nothing {
            "none was due"
        } else {
            "no more was asked for"
        };
        (self.holds == Holds::NotJudged).then_some(why)
    }
}

/// The tier in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TierName")]
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
pub fn judge(slo: &Slo, figures: &RunFigures<'_>) -> Vec<ObjectiveVerdict> {
    slo.objectives.iter().map(|objective| judge_one(*objective, figures)).collect()
}

/// The objectives that fail and would hold but for the generator itself, with what of it is to blame: such a
/// failure says nothing about the target.
pub fn own_faults(slo: &Slo, figures: &RunFigures<'_>) -> Vec<(Objective, OwnFault)> {
    let fails = |judged: ObjectiveVerdict| judged.holds == Holds::No;
    let ours = |objective: &&Objective| {
        fails(judge_one(**objective, figures)) && !fails(judge_target(**objective, figures))
    };
    let ours = slo.objectives.iter().filter(ours);
    ours.map(|objective| (*objective, blame(objective, figures))).collect()
}

fn blame(objective: &Objective, figures: &RunFigures<'_>) -> OwnFault {
    let lost = figures.charged.late.is_some_and(|late| late.lost + late.refused > 0);
    match objective {
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. } => {
            let charged = ChargedFigures { unanswered: 0, ..figures.charged };
            match judge_target(*objective, &RunFigures { charged, ..*figures }).holds {
                Holds::No => OwnFault::Errors,
                _ => OwnFault::Lateness,
            }
        }
        Objective::ErrorRate { .. } | Objective::Throughput { .. } if lost => OwnFault::Lateness,
        Objective::ErrorRate { .. } | Objective::Throughput { .. } => OwnFault::Errors,
    }
}

/// The best tier whose objectives hold; what is the generator's own does not lower it. A bar on throughput
/// that the rate asked for cannot show is left out: 20/s asked says nothing about more than 50/s.
pub fn tier(tiers: &Tiers, figures: &RunFigures<'_>) -> TierVerdict {
    let judged = |bar: &Slo| -> Vec<ObjectiveVerdict> {
        bar.objectives.iter().map(|objective| judge_target(*objective, figures)).collect()
    };
    let reached = |bar| figures.planned > 0 && judged(bar).iter().all(|one| one.holds != Holds::No);
    let (tier, bar) = if reached(&tiers.excellent) {
        (Tier::Excellent, &tiers.excellent)
    } else if reached(&tiers.acceptable) {
        (Tier::Acceptable, &tiers.acceptable)
    } else {
        (Tier::Critical, &tiers.acceptable)
    };
    let not_judged = judged(bar).into_iter().filter(|one| one.holds == Holds::NotJudged);
    TierVerdict { tier, not_judged: not_judged.map(|one| one.objective).collect() }
}

/// Judges an objective by what the target answers for.
fn judge_target(objective: Objective, figures: &RunFigures<'_>) -> ObjectiveVerdict {
    let ChargedFigures { error_rate, throughput_ok, unanswered, late } = figures.charged;
    let judged = judge_one(objective, &RunFigures { error_rate, throughput_ok, ..*figures });
    let (times, late) = match (judged.holds, late) {
        (Holds::No, Some(late)) => (figures.response_time, late.with_lost(unanswered)),
        _ => return judged,
    };
    let charged = match objective {
        Objective::ResponseTime { quantile, limit, .. } => {
            times.count() > 0 && late.spares_quantile(times, quantile, limit)
        }
        Objective::MeanResponseTime { limit, .. } => {
            times.count() > 0 && late.spares_mean(times, limit)
        }
        Objective::ErrorRate { .. } | Objective::Throughput { .. } => false,
    };
    ObjectiveVerdict { holds: if charged { Holds::Yes } else { Holds::No }, ..judged }
}

fn judge_one(objective: Objective, figures: &RunFigures<'_>) -> ObjectiveVerdict {
    let times = figures.response_time;
    let yes_if = |met| if met { Holds::Yes } else { Holds::No };
    let (measured, holds) = match objective {
        _ if figures.planned == 0 => (MeasuredValue::Nothing, Holds::NotJudged),
        Objective::ResponseTime { .. } | Objective::MeanResponseTime { .. }
            if times.count() == 0 =>
        {
            (MeasuredValue::Nothing, Holds::No)
        }
        Objective::ResponseTime { quantile, limit, .. } => {
            let time = times.quantile(quantile);
            (MeasuredValue::Time(time), yes_if(time.below(limit)))
        }
        Objective::MeanResponseTime { limit, .. } => {
            let mean = times.mean();
            (MeasuredValue::Time(mean), yes_if(mean.below(limit)))
        }
        Objective::ErrorRate { limit, .. } => {
            let rate = figures.error_rate;
            (MeasuredValue::Share(rate), yes_if(rate < limit || rate <= 0.0))
        }
        Objective::Throughput { limit, .. } => {
            let rate = figures.throughput_ok;
            let holds = if rate > limit {
                Holds::Yes
            } else if figures.rate_asked <= limit {
                Holds::NotJudged
            } else {
                Holds::No
            };
            (MeasuredValue::PerSecond(rate), holds)
        }
    };
    ObjectiveVerdict { objective, measured, holds }
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
        let charged = ChargedFigures { error_rate, throughput_ok, unanswered: 0, late: None };
        RunFigures { planned: 100, response_time, error_rate, throughput_ok, rate_asked, charged }
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
            ("errors<=0.4%", Holds::Yes),
            ("errors<=0.39%", Holds::No),
            ("errors<0", Holds::No),
            ("rps>50", Holds::Yes),
            ("rps>99.6", Holds::No),
            ("rps>=99.6", Holds::Yes),
            ("rps>99.8", Holds::No),
            ("rps>100", Holds::NotJudged),
            ("rps>=100", Holds::No),
        ];
        for (text, expected) in table {
            assert_eq!(holds(text, &figures), expected, "{text}");
        }
        let spotless = RunFigures { error_rate: 0.0, ..figures };
        assert_eq!(holds("errors<0", &spotless), Holds::Yes);
        // As the histogram has it.
        let exactly = times.quantile(0.95).value.as_nanos();
        assert_eq!(holds(&format!("p95<{exactly}ns"), &figures), Holds::No);
        assert_eq!(holds(&format!("p95<={exactly}ns"), &figures), Holds::Yes);
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
        assert!(
            judged.iter().all(|j| j.holds == Holds::No && j.measured == MeasuredValue::Nothing)
        );
    }

    #[test]
    fn what_nothing_was_due_for_is_not_judged() {
        let times = times(&[], &[]);
        let figures = RunFigures { planned: 0, ..made(&times, 0.0, 0.0, 0.0) };
        let slo = "p95<1s,mean<1s,errors<1%,rps>5".parse().unwrap();
        for judged in judge(&slo, &figures) {
            assert_eq!(judged.holds, Holds::NotJudged, "{judged:?}");
            assert_eq!(judged.measured, MeasuredValue::Nothing);
        }
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
            (60, 0, "p95<1s", true, true),
            (60, 0, "mean<1s", true, true),
            (0, 60, "p95<1s", true, false),
            (30, 30, "p95<1s", true, true),
            (1, 60, "mean<1s", true, false),
            (40, 0, "p95<1s", false, false),
            (60, 0, "p95<1us", true, false),
        ];
        for (own, refused, slo, fails, by_own) in table {
            let summary = summary(own, refused);
            let figures = RunFigures::new(&summary, 100.0);
            let slo = slo.parse().unwrap();
            let judged = judge(&slo, &figures);
            assert_eq!(
                judged.iter().any(|one| one.holds == Holds::No),
                fails,
                "{own} {refused} {slo}"
            );
            assert_eq!(!own_faults(&slo, &figures).is_empty(), by_own, "{own} {refused} {slo}");
        }
        let own = summary(60, 0);
        let faults = own_faults(&"errors<5%".parse().unwrap(), &RunFigures::new(&own, 100.0));
        assert_eq!(faults, [("errors<5%".parse().unwrap(), OwnFault::Errors)]);
        let tier_of =
            |summary: &Summary| tier(&Tiers::standard(), &RunFigures::new(summary, 100.0)).tier;
        assert_eq!(tier_of(&summary(60, 0)), Tier::Excellent);
        assert_eq!(tier_of(&summary(0, 60)), Tier::Critical);
    }

    /// 10,000 slots of a target that takes 5 ms; so many left 150 ms late, so many answers took 300 ms, and so
    /// many were given up since the generator came too late.
    fn delayed(late: u64, slow: u64, shed: u64) -> Summary {
        let mut tally = crate::measure::tally::Tally::new(1);
        let at = |ms: u64| crate::time::Offset::from_nanos(ms * 1_000_000);
        for slot in 0..10_000 {
            let lag = if slot < late { 150 } else { 0 };
            let service = if (late..late + slow).contains(&slot) { 300 } else { 5 };
            let fate = if slot < 10_000 - shed { Fate::Ok } else { Fate::Shed };
            tally.record(&Sample {
                request: 0,
                due: at(0),
                taken: Some(at(lag)),
                wait: Wait::default(),
                sent: (fate == Fate::Ok).then_some(at(lag)),
                first_byte: None,
                done: at(lag + service),
                fate,
                status: None,
                bytes: 0,
            });
        }
        (0..shed).for_each(|_| tally.record_lost_late(0));
        Summary::new(&tally, Duration::from_secs(100))
    }

    #[test]
    fn a_limit_that_the_generator_s_lateness_breaks_is_not_the_target_s_failure() {
        let table = [
            // late, slow, shed, objectives, do they fail, only by the generator
            (75, 0, 0, "p99.9<100ms", true, true),
            (75, 0, 0, "max<100ms", true, true),
            (75, 0, 0, "mean<5.5ms", true, true),
            (75, 0, 0, "p99<100ms", false, false),
            (75, 0, 0, "p99.9<4ms", true, false),
            (75, 11, 0, "p99.9<100ms", true, false),
            (75, 9, 0, "p99.9<100ms", true, true),
            (0, 11, 0, "p99.9<100ms", true, false),
            (0, 0, 50, "errors<0.1%", true, true),
            (0, 0, 50, "p99.9<100ms", true, true),
        ];
        for (late, slow, shed, slo, fails, by_own) in table {
            let summary = delayed(late, slow, shed);
            let figures = RunFigures::new(&summary, 100.0);
            let slo: Slo = slo.parse().unwrap();
            let judged = judge(&slo, &figures);
            let (objective, case) = (slo.objectives[0], format!("{late} {slow} {shed} {slo}"));
            assert_eq!(judged[0].holds == Holds::No, fails, "{case}");
            let ours = by_own.then_some((objective, OwnFault::Lateness));
            assert_eq!(own_faults(&slo, &figures), Vec::from_iter(ours), "{case}");
            let tiers = Tiers { excellent: slo.clone(), acceptable: slo };
            let reached = tier(&tiers, &figures).tier == Tier::Excellent;
            assert_eq!(reached, !fails || by_own, "{case}");
        }
    }
}
