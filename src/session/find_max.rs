//! The search for the highest rate that holds: drives `analysis::search` with real trials.
//!
//! The search decides, this file only offers rates and reports what came of them.

use std::sync::Arc;
use std::time::Duration;

use crate::analysis::Extent;
use crate::analysis::capacity_curve::RequestBreaches;
use crate::analysis::findings::{Finding, generator_limit, send_lag_limit};
use crate::analysis::search::{Answer, Bound, CompletedTrial, Search, SearchProgress, Step};
use crate::analysis::trial::{
    ClientState, Judgement, Spread, Trial, TrialPurpose, TrialResult, TrialVerdict, Watch,
    is_disturbed, judge,
};
use crate::engine::leg::{Flow, Steerable};
use crate::load::plan::Plan;
use crate::load::rate::{Figures, Rate};
use crate::load::schedule::{Horizon, Schedule};
use crate::measure::address_tally::AddressTally;
use crate::report::Report;
use crate::report::search::SearchReport;
use crate::session::Session;
use crate::session::budget::Budget;
use crate::session::error::SessionError;
use crate::session::event::{Observer, RunEvent, TrialEnded, note, warn};
use crate::session::measured_load::{LoadSpec, MeasuredLoad};
use crate::session::options::{Mode, SearchOptions};
use crate::session::search_answer::{concluded, with_answer};
use crate::session::search_report::{self, FailedTrial};
use crate::session::trial_figures::{broken, main_failure, measured, missed, point};
use crate::session::trial_shortlist::{TrialRank, TrialShortlist};
use crate::session::verdict::{self, Judged, Measurement};
use crate::time::{Human, Offset};

/// Longest wait for unanswered requests between two trials: what a queue within the limits needs many
/// times over.
const DRAIN_MAX: Duration = Duration::from_secs(12);

/// What an earlier sitting of the same search has left.
#[derive(Clone, Debug, Default)]
pub struct EarlierSitting {
    /// Its trials, in order.
    pub trials: Vec<CompletedTrial>,
    /// Slots of all its loads, also of those that did not end, in order.
    pub loads: Vec<u64>,
    /// What it would have reported.
    pub report: Option<Report>,
}

/// A trial of this sitting, whole.
struct OwnTrial {
    trial: Trial,
    load: MeasuredLoad,
}

/// What a report of the search can rest on.
enum ReportBasis {
    /// A trial of this sitting.
    Own(Box<OwnTrial>),
    /// The report of an earlier one.
    Earlier,
}

/// A search under way.
struct RunningSearch<'a> {
    session: &'a Session,
    options: SearchOptions,
    search: Search,
    shortlist: TrialShortlist<ReportBasis>,
    failed: Vec<FailedTrial>,
    /// What came of the requests of all trials, by address of the target: single trials are short.
    by_address: Vec<AddressTally>,
    earlier_report: Option<Report>,
    /// What was marked by hand, and why the search ended early.
    remarks: Vec<String>,
    budget: Budget,
    /// Why the budget ended it, if it did.
    spent: Option<String>,
}

impl Session {
    /// Searches for the highest rate that meets the plan's objectives, and reports it with the trial that it
    /// rests on. `earlier` is what a search that is resumed has left; empty for a new one.
    ///
    /// # Errors
    /// No trial could be sent, or the machine fails the generator.
    pub fn search(
        &self,
        earlier: EarlierSitting,
        observer: &mut dyn Observer,
    ) -> Result<Report, SessionError> {
        let options = match self.options.mode {
            Mode::Search(options) => options,
            Mode::FixedRate { .. } => SearchOptions::default(),
        };
        RunningSearch::new(self, options, earlier).run(observer)
    }
}

impl<'a> RunningSearch<'a> {
    fn new(session: &'a Session, options: SearchOptions, earlier: EarlierSitting) -> Self {
        let mut running = Self {
            session,
            options,
            search: Search::new(options.settings(&session.plan)),
            shortlist: TrialShortlist::default(),
            failed: Vec::new(),
            by_address: Vec::new(),
            earlier_report: earlier.report,
            remarks: Vec::new(),
            budget: session.budget.clone(),
            spent: None,
        };
        session.worker_pool.skip(&earlier.loads);
        for CompletedTrial { trial, result, broken, .. } in earlier.trials {
            if let Ok(schedule) = schedule(&session.plan, &trial) {
                running.budget.spend(&schedule, Offset::ZERO + trial.head + result.length);
            }
            let judgement = judge(&trial, &result, &session.plan.slo);
            running.rank(&trial, &judgement, ReportBasis::Earlier, broken);
            running.search.replay(trial, result);
        }
        running
    }

    fn run(mut self, observer: &mut dyn Observer) -> Result<Report, SessionError> {
        let answer = loop {
            let trial = match self.search.next() {
                Step::Done(answer) => break answer,
                Step::Trial(trial) => trial,
            };
            if let Some(reason) = self.session.short_of_rows(trial.rate, trial.duration()) {
                warn(observer, format!("the search ends: {reason}"));
                self.remarks.push(format!("the search ended: {reason}"));
                break self.search.conclude();
            }
            let Some(schedule) = self.budget.admit(schedule(&self.session.plan, &trial)?) else {
                self.spent = Some(self.budget.note());
                break self.search.conclude();
            };
            let progress = SearchProgress::of(&self.search);
            observer.observe(&RunEvent::SearchProgress(Arc::new(progress)));
            let rank = self.try_rate(trial, &schedule, observer)?;
            if self.session.control.is_stopping() {
                break self.search.conclude();
            }
            if matches!(rank, TrialRank::Confirmed | TrialRank::Held)
                && let Some(report) = self.report(&self.search.conclude(), Extent::CutShort)
            {
                observer.observe(&RunEvent::Provisional(Arc::new(report)));
            }
        };
        self.report(&answer, self.session.extent()).ok_or_else(|| {
            SessionError::usage(self.spent.as_ref().map_or_else(
                || {
                    "the search ended before its first trial; begin a new one with more --search-time"
                        .to_owned()
                },
                |note| format!("no trial was sent: {note}"),
            ))
        })
    }

    /// Runs one trial, tells the search of it unless the session was to stop meanwhile, and ranks it.
    fn try_rate(
        &mut self,
        trial: Trial,
        schedule: &Schedule,
        observer: &mut dyn Observer,
    ) -> Result<TrialRank, SessionError> {
        let session = self.session;
        let (load, result) = offer(session, &trial, schedule.clone(), observer)?;
        // What is asked from here on does not concern a trial that has ended.
        let interrupted = session.control.is_stopping();
        self.budget.spend(schedule, load.outcome.arrivals_end);
        let judgement = judge(&trial, &result, &session.plan.slo);
        self.remarks.extend(load.commands.iter().map(|text| marked(text, &trial)));
        let summary = search_report::line(&session.plan, &trial, &result, &judgement);
        if trial.purpose != TrialPurpose::Recovery {
            note(observer, summary.clone());
        }
        AddressTally::merge(&mut self.by_address, &load.outcome.by_address);
        let broken = broken(&session.plan, &load.outcome.tally);
        let completed = CompletedTrial {
            trial,
            result: result.clone(),
            broken: broken.clone(),
            slots: load.outcome.slots,
        };
        let ended = TrialEnded { completed, judgement: judgement.clone(), summary, interrupted };
        observer.observe(&RunEvent::TrialEnded(Arc::new(ended)));
        let basis = ReportBasis::Own(Box::new(OwnTrial { trial, load }));
        let rank = self.rank(&trial, &judgement, basis, broken);
        if !interrupted {
            self.search.observe(result);
        }
        Ok(rank)
    }

    /// Keeps what a report needs of a trial.
    fn rank(
        &mut self,
        trial: &Trial,
        judgement: &Judgement,
        basis: ReportBasis,
        broken: Vec<RequestBreaches>,
    ) -> TrialRank {
        if trial.purpose == TrialPurpose::Recovery {
            return TrialRank::Neither;
        }
        if judgement.verdict == TrialVerdict::Fail {
            let mostly = match &basis {
                ReportBasis::Own(own) => main_failure(&own.load.outcome.tally),
                ReportBasis::Earlier => None,
            };
            self.failed.push(FailedTrial { rate: trial.rate, requests: broken, mostly });
        }
        let rank = rank(trial, judgement);
        self.shortlist.add(rank, trial.rate, basis);
        rank
    }

    /// What `answer` comes to, if there is anything to rest it on.
    fn report(&self, answer: &Answer, extent: Extent) -> Option<Report> {
        let plan = &self.session.plan;
        let mut search = search_report::from(answer, plan, self.options, &self.failed);
        search.notes.extend(self.remarks.iter().cloned());
        search.notes.extend(self.spent.clone());
        let basis = match answer.bound {
            Bound::BelowMinimum => self.shortlist.latest(),
            Bound::Breach | Bound::AtLeast => self.shortlist.best(answer.estimate),
        };
        Some(match basis? {
            ReportBasis::Own(own) => with_answer(self.trial_report(search, extent, own)),
            ReportBasis::Earlier => concluded(self.earlier_report.clone()?, search, extent),
        })
    }

    fn trial_report(&self, search: SearchReport, extent: Extent, own: &OwnTrial) -> Report {
        let (session, OwnTrial { trial, load }) = (self.session, own);
        let plan = Plan {
            rate: Rate::from_per_second(trial.rate).unwrap_or(session.plan.rate),
            warmup: trial.head,
            duration: load.length,
            ..(*session.plan).clone()
        };
        let judged = Judged {
            series: load.series.clone(),
            segments: Vec::new(),
            drift: Vec::new(),
            search: Some(search),
            extent,
        };
        let of_trial = load.measurement(plan.rate_asked());
        let measurement = Measurement { by_address: &self.by_address, ..of_trial };
        let mut report = verdict::report(session, &plan, measurement, judged);
        verdict::add_monitors(&mut report, &plan.slo, &load.monitored);
        report
    }
}

/// A mark, for the notes of the report.
fn marked(text: &str, trial: &Trial) -> String {
    let purpose = trial.purpose.name();
    format!("marked by hand: '{text}', in the trial '{purpose}' at {}/s", Figures(trial.rate))
}

/// What a trial's report is good for. What held to the end of a confirmation is what the answer rests on.
fn rank(trial: &Trial, judgement: &Judgement) -> TrialRank {
    let confirms = matches!(trial.purpose, TrialPurpose::Confirm | TrialPurpose::Climb);
    match judgement.verdict {
        _ if confirms && judgement.held() => TrialRank::Confirmed,
        TrialVerdict::Pass => TrialRank::Held,
        TrialVerdict::Fail => TrialRank::Failed,
        TrialVerdict::Undecided if judgement.held() => TrialRank::Held,
        TrialVerdict::Undecided | TrialVerdict::Invalid => TrialRank::Neither,
    }
}

/// What is sent in a trial, if nothing ends it sooner.
fn schedule(plan: &Plan, trial: &Trial) -> Result<Schedule, SessionError> {
    let rate = Rate::from_per_second(trial.rate).map_err(SessionError::unexpected)?;
    Ok(plan.steady(rate, plan.seed, Horizon::after(trial.duration())))
}

/// Offers one rate and measures what comes of it.
fn offer(
    session: &Session,
    trial: &Trial,
    schedule: Schedule,
    observer: &mut dyn Observer,
) -> Result<(MeasuredLoad, TrialResult), SessionError> {
    let plan = &session.plan;
    // What the rate counts, in requests.
    let (each, requests) = (plan.requests_per_counted(), plan.requests_per_counted() * trial.rate);
    let spec = LoadSpec {
        label: format!("{} {}/s", trial.purpose.name(), Figures(trial.rate)),
        schedule,
        warmup: trial.head,
        drain: plan.limits.drain.min(DRAIN_MAX),
        steerable: Steerable::No,
    };
    let mut watch = Watch::new(trial, &plan.slo);
    let mut spread = Spread::default();
    let mut points = Vec::new();
    let mut ended = None;
    let load = session.send(spec, observer, |interval| {
        let point = point(interval);
        points.push(point);
        if point.at > trial.head {
            spread.push(&interval.window.response_time);
        }
        ended = ended.or_else(|| watch.observe(&point));
        if ended.is_some() { Flow::Stop } else { Flow::Continue }
    })?;
    let MeasuredLoad { outcome, summary, length, .. } = &load;
    // What drains afterwards is no part of the trial's course.
    points.retain(|point| point.at <= outcome.arrivals_end.since(Offset::ZERO));
    let mut result = TrialResult {
        points,
        length: *length,
        took: outcome.end.since(Offset::ZERO),
        planned: summary.total.fates.planned(),
        ok: summary.total.fates.ok(),
        error_rate: summary.error_rate(),
        measured: measured(plan, summary, requests),
        missed: missed(plan, &outcome.tally, *length),
        achieved: summary.achieved() / each,
        send_lag_p99: summary.send_lag.p99.value,
        median: summary.total.response_time.quantile(0.5).value,
        interval: search_report::quantile(&plan.slo).and_then(|quantile| spread.of(quantile)),
        client: ClientState::Healthy,
    };
    let held = judge(trial, &result, &plan.slo).held();
    result.client = client_state(session, load.measurement(requests), trial.purpose, held);
    Ok((load, result))
}

/// Whether the generator was the limit of a trial, by the same rules as in a run.
/// What may be chance in so few slots is no reason to doubt them, unless the answer may rest on them, and what
/// passes is none to lower the rate.
fn client_state(
    session: &Session,
    measurement: Measurement<'_>,
    purpose: TrialPurpose,
    held: bool,
) -> ClientState {
    let generator = verdict::generator(session, measurement);
    let findings = verdict::findings(session, &session.plan, measurement, generator);
    let limit = session.plan.slo.tightest_time();
    let lags = measurement.outcome.tally.dispatch_lag();
    let lag_limit = send_lag_limit(limit);
    let disturbed = is_disturbed(lags, lag_limit, (limit, held));
    match generator_limit(&findings) {
        Some(reason) if findings.iter().any(Finding::is_steady_limit) => {
            ClientState::Limited { reason }
        }
        // Where p99 is in time, an objective at another quantile fails by the lateness.
        Some(reason) if disturbed || purpose.is_long() || lags.quantile(0.99) <= lag_limit => {
            ClientState::Disturbed { reason }
        }
        None if disturbed => ClientState::Disturbed {
            reason: format!(
                "the generator paused for {}, and the rate may have failed by that",
                Human(lags.max())
            ),
        },
        _ => ClientState::Healthy,
    }
}
