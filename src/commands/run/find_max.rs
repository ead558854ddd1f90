//! The search for the highest rate that holds: drives `analysis::search` with real trials.
//!
//! The search decides, this file only offers rates and reports what came of them.

use std::time::Duration;

use crate::analysis::Extent;
use crate::analysis::findings::{Finding, generator_limit, send_lag_limit};
use crate::analysis::search::{Answer, Bound, Search, Settings, Step};
use crate::analysis::sheet::Broken;
use crate::analysis::trial::{
    ClientState, Judgement, Purpose, Spread, Trial, TrialResult, Verdict, Watch, is_disturbed,
    judge,
};
use crate::commands::Failure;
use crate::commands::run::budget::Budget;
use crate::commands::run::kept::{Kept, Standing};
use crate::commands::run::output::Output;
use crate::commands::run::record::{Record, concluded, with_answer};
use crate::commands::run::search_report::{self, Asked, Failed};
use crate::commands::run::stretch::{Planned, Stretch};
use crate::commands::run::trial_figures::{broken, measured, missed, point};
use crate::commands::run::verdict::{self, Measurement};
use crate::commands::run::{Args, Session, monitors};
use crate::engine::leg::Flow;
use crate::live::Narrowing;
use crate::load::plan::Plan;
use crate::load::rate::{Figures, Rate};
use crate::load::schedule::{Horizon, Schedule};
use crate::report::Report;
use crate::report::search::SearchReport;
use crate::store::trials::StoredTrial;
use crate::time::{Human, Offset};

/// Longest wait for unanswered requests between two trials: what a queue within the limits needs many
/// times over.
const DRAIN_MAX: Duration = Duration::from_secs(12);

/// A trial that has run, whole.
struct Ran {
    trial: Trial,
    stretch: Stretch,
}

/// What a report of the search can rest on.
enum Basis {
    /// A trial of this sitting.
    Ran(Box<Ran>),
    /// The report of an earlier one.
    Stored,
}

/// A search under way.
struct Progress<'a> {
    session: &'a Session,
    asked: Asked,
    search: Search,
    kept: Kept<Basis>,
    failed: Vec<Failed>,
    record: Record,
    /// What was marked by hand, and why the search ended early.
    remarks: Vec<String>,
    budget: Budget,
    /// Why the budget ended it, if it did.
    spent: Option<String>,
}

impl Session {
    /// Searches for the highest rate of the session's target, in a folder that other searches share.
    pub(in crate::commands) fn search(
        &mut self,
        args: &Args,
        output: &mut Output,
    ) -> Result<Report, Failure> {
        Progress::new(self, args, Record::none(self.screen))?.run(output)
    }
}

/// Searches until there is an answer, and reports it with the trial it rests on.
pub(super) fn run(session: &Session, args: &Args, output: &mut Output) -> Result<Report, Failure> {
    let record = Record::open(session, args, &settings(session, args), output.folder())?;
    Progress::new(session, args, record)?.run(output)
}

impl<'a> Progress<'a> {
    fn new(session: &'a Session, args: &Args, mut record: Record) -> Result<Self, Failure> {
        let current_rate = args.current_rate.map(Rate::as_per_second);
        let earlier = std::mem::take(&mut record.earlier);
        let mut progress = Self {
            session,
            asked: Asked { effort: args.effort, current_rate },
            search: Search::new(settings(session, args)),
            kept: Kept::default(),
            failed: Vec::new(),
            record,
            remarks: Vec::new(),
            budget: Budget::of(args, &session.plan)?,
            spent: None,
        };
        session.fleet.skip(&progress.record.legs);
        for StoredTrial { trial, result, broken, .. } in earlier {
            if let Ok(schedule) = schedule(&session.plan, &trial) {
                progress.budget.spend(&schedule, Offset::ZERO + trial.head + result.length);
            }
            let judgement = judge(&trial, &result, &session.plan.slo);
            progress.take(&trial, &judgement, Basis::Stored, broken);
            progress.search.replay(trial, result);
        }
        Ok(progress)
    }

    fn run(mut self, output: &mut Output) -> Result<Report, Failure> {
        let session = self.session;
        let answer = loop {
            let trial = match self.search.next() {
                Step::Done(answer) => break answer,
                Step::Trial(trial) => trial,
            };
            if let Some(reason) = session.short_of_rows(trial.rate, trial.duration()) {
                session.screen.warn(&format!("the search ends: {reason}"));
                self.remarks.push(format!("the search ended: {reason}"));
                break self.search.conclude();
            }
            session.screen.tell(|state| state.narrowed(Narrowing::of(&self.search)));
            let Some(schedule) = self.budget.admit(schedule(&session.plan, &trial)?) else {
                self.spent = Some(self.budget.note());
                break self.search.conclude();
            };
            self.record.begin(schedule.slots_at_most());
            let (ran, result) = offer(session, (&trial, schedule.clone()), output)?;
            // What is asked from here on does not concern a trial that has ended.
            let interrupted = session.interrupt.requested().is_some();
            self.budget.spend(&schedule, ran.stretch.outcome.arrivals_end);
            let judgement = judge(&trial, &result, &session.plan.slo);
            self.remarks.extend(ran.stretch.orders.iter().map(|text| marked(text, &trial)));
            if trial.purpose != Purpose::Recovery {
                let told = (&trial, &result, &judgement);
                session.screen.note(&search_report::line(&session.plan, told));
            }
            let broken = broken(&session.plan, &ran.stretch.outcome.tally);
            if !interrupted {
                self.record.add(&StoredTrial {
                    trial,
                    result: result.clone(),
                    broken: broken.clone(),
                    slots: ran.stretch.outcome.slots,
                });
            }
            let standing = self.take(&trial, &judgement, Basis::Ran(Box::new(ran)), broken);
            if interrupted {
                break self.search.conclude();
            }
            self.search.observe(result);
            if session.interrupt.requested().is_some() {
                break self.search.conclude();
            }
            if self.record.is_kept() && matches!(standing, Standing::Confirmed | Standing::Held) {
                self.report(&self.search.conclude(), Extent::CutShort)
                    .inspect(|report| output.store_so_far(report));
            }
        };
        self.report(&answer, verdict::extent(session)).ok_or_else(|| {
            Failure::usage(self.spent.as_ref().map_or_else(
                || {
                    "the search ended before its first trial; begin a new one with more --search-time"
                        .to_owned()
                },
                |note| format!("no trial was sent: {note}"),
            ))
        })
    }

    /// Keeps what a report needs of a trial.
    fn take(
        &mut self,
        trial: &Trial,
        judgement: &Judgement,
        basis: Basis,
        broken: Vec<Broken>,
    ) -> Standing {
        if trial.purpose == Purpose::Recovery {
            return Standing::Neither;
        }
        if judgement.verdict == Verdict::Fail {
            self.failed.push(Failed { rate: trial.rate, requests: broken });
        }
        let standing = standing(trial, judgement);
        self.kept.add(standing, trial.rate, basis);
        standing
    }

    /// What `answer` comes to, if there is anything to rest it on.
    fn report(&self, answer: &Answer, extent: Extent) -> Option<Report> {
        let mut search = search_report::from(answer, &self.session.plan, self.asked, &self.failed);
        search.notes.extend(self.remarks.iter().cloned());
        search.notes.extend(self.spent.clone());
        let basis = match answer.bound {
            Bound::BelowMinimum => self.kept.latest(),
            Bound::Breach | Bound::AtLeast => self.kept.best(answer.estimate),
        };
        Some(match basis? {
            Basis::Ran(ran) => with_answer(report(self.session, (search, extent), ran)),
            Basis::Stored => {
                let earlier = self.record.report.clone()?;
                concluded(earlier, search, extent)
            }
        })
    }
}

/// A mark, for the notes of the report.
fn marked(text: &str, trial: &Trial) -> String {
    let purpose = trial.purpose.name();
    format!("marked by hand: '{text}', in the trial '{purpose}' at {}/s", Figures(trial.rate))
}

/// What a trial's report is good for. What held to the end of a confirmation is what the answer rests on.
fn standing(trial: &Trial, judgement: &Judgement) -> Standing {
    let confirms = matches!(trial.purpose, Purpose::Confirm | Purpose::Climb);
    match judgement.verdict {
        _ if confirms && judgement.held() => Standing::Confirmed,
        Verdict::Pass => Standing::Held,
        Verdict::Fail => Standing::Failed,
        Verdict::Undecided if judgement.held() => Standing::Held,
        Verdict::Undecided | Verdict::Invalid => Standing::Neither,
    }
}

pub(super) fn settings(session: &Session, args: &Args) -> Settings {
    let standard = Settings::new(session.plan.slo.clone(), args.effort);
    Settings {
        start: session.plan.rate.as_per_second(),
        max_rate: args.max_rate.map_or(standard.max_rate, Rate::as_per_second),
        search_time: args.search_time.unwrap_or(standard.search_time),
        ..standard
    }
}

/// What is sent in a trial, if nothing ends it sooner.
fn schedule(plan: &Plan, trial: &Trial) -> Result<Schedule, Failure> {
    let asked = Rate::from_per_second(trial.rate).map_err(Failure::unexpected)?;
    Ok(Schedule {
        rate: plan.slot_rate(asked),
        stages: None,
        trace: None,
        arrivals: plan.arrivals,
        seed: plan.seed,
        horizon: Horizon::after(trial.duration()),
    })
}

/// Offers one rate and measures what comes of it.
fn offer(
    session: &Session,
    (trial, schedule): (&Trial, Schedule),
    output: &mut Output,
) -> Result<(Ran, TrialResult), Failure> {
    let plan = &session.plan;
    // What the rate counts, in requests.
    let (each, requests) = (plan.requests_per_counted(), plan.requests_per_counted() * trial.rate);
    let planned = Planned {
        label: format!("{} {}/s", trial.purpose.name(), Figures(trial.rate)),
        schedule,
        warmup: trial.head,
        drain: plan.limits.drain.min(DRAIN_MAX),
    };
    let mut watch = Watch::new(trial, &plan.slo);
    let mut spread = Spread::default();
    let mut points = Vec::new();
    let mut ended = None;
    let stretch = session.send(planned, output, |interval| {
        let point = point(interval);
        points.push(point);
        if point.at > trial.head {
            spread.push(&interval.window.response_time);
        }
        ended = ended.or_else(|| watch.observe(&point));
        if ended.is_some() { Flow::Stop } else { Flow::Continue }
    })?;
    let Stretch { outcome, summary, length, .. } = &stretch;
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
    let figures_of = (stretch.measurement(requests), trial.purpose);
    result.client = client_state(session, figures_of, held);
    Ok((Ran { trial: *trial, stretch }, result))
}

/// Whether the generator was the limit of a trial, by the same rules as in a run.
/// What may be chance in so few slots is no reason to doubt them, unless the answer may rest on them, and what
/// passes is none to lower the rate.
fn client_state(
    session: &Session,
    (measurement, purpose): (Measurement<'_>, Purpose),
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

fn report(session: &Session, search: (SearchReport, Extent), ran: &Ran) -> Report {
    let Ran { trial, stretch } = ran;
    let plan = Plan {
        rate: Rate::from_per_second(trial.rate).unwrap_or(session.plan.rate),
        warmup: trial.head,
        duration: stretch.length,
        ..(*session.plan).clone()
    };
    let measurement = stretch.measurement(plan.rate_asked());
    let (search, extent) = search;
    let series = stretch.series.clone();
    let mut report = verdict::report(session, &plan, measurement, series, (Some(search), extent));
    monitors::tell(&mut report, &plan.slo, &stretch.monitored);
    report
}
