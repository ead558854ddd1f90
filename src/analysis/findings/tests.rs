//! Each cause is found when its numbers say so, and only then.

use super::*;
use crate::load::plan::{ChosenBy, LatePolicy};
use crate::measure::failure::Reason;
use crate::measure::fate::{Fate, TransportError};
use crate::measure::sample::{Sample, Wait};
use crate::measure::tally::Tally;
use crate::time::Offset;

const LIMITS: Limits = Limits {
    connections: 64,
    connections_by: ChosenBy::User,
    flows: 1000,
    streams: 100,
    in_flight: 1000,
    timeout: Duration::from_secs(30),
    deadline: None,
    connect_timeout: Duration::from_secs(5),
    idle_timeout: Duration::from_mins(1),
    drain: Duration::from_secs(10),
    late: LatePolicy::Send,
};

/// Of a run without circumstances.
fn evidence(summary: &Summary) -> Evidence<'_> {
    Evidence {
        summary,
        tightest_limit: Some(Duration::from_secs(1)),
        limits: &LIMITS,
        rate_asked: 200.0,
        attempts: &[],
        by_address: &[],
        silent_connections: SilentConnections::default(),
        connections_peak: 3,
        auth: Some(AuthCounts { tokens: 1, log_ins: 1, ..AuthCounts::default() }),
        auth_failure: None,
        interrupted: false,
        drained: Duration::ZERO,
        silence: None,
        redirects_taken_for_good: 0,
        redistributed: &[],
        fails_by_own_errors: false,
        fails_by_lateness: None,
        generator: Generator::default(),
    }
}

/// 2,000 good slots of which the last `count` are replaced by `odd`.
pub(super) fn tally(odd: Sample, count: usize) -> Tally {
    let mut tally = Tally::new(1);
    for slot in 0..2_000 {
        tally.record(if slot < 2_000 - count { &FINE } else { &odd });
    }
    tally
}

const NO_WAIT: Wait = waited(Duration::ZERO);

const fn waited(connection: Duration) -> Wait {
    Wait { connection, connect: Duration::ZERO, tls: Duration::ZERO }
}

/// A slot that was answered well, sent 20 µs after it was due and done at 5 ms.
pub(super) const FINE: Sample = Sample {
    request: 0,
    due: Offset::ZERO,
    taken: Some(Offset::from_nanos(10_000)),
    wait: NO_WAIT,
    sent: Some(Offset::from_nanos(20_000)),
    first_byte: Some(Offset::from_nanos(4_000_000)),
    done: Offset::from_nanos(5_000_000),
    fate: Fate::Ok,
    status: Some(200),
    bytes: 10,
};

pub(super) fn causes(
    tally: &Tally,
    change: impl FnOnce(&mut Evidence<'_>),
) -> Vec<(Cause, Severity)> {
    let summary = Summary::new(tally, Duration::from_secs(10));
    let mut evidence = evidence(&summary);
    change(&mut evidence);
    find(&evidence).into_iter().map(|finding| (finding.cause, finding.severity)).collect()
}

#[test]
fn a_healthy_run_has_nothing_to_report() {
    assert_eq!(causes(&tally(FINE, 0), |_| {}), []);
}

#[test]
fn fates_and_statuses_become_findings() {
    use Severity::{Invalid, Warning};
    let broken = |kind| Sample { fate: Fate::TransportError(kind), status: None, ..FINE };
    let fated = |fate| Sample { fate, status: None, ..FINE };
    let answered = |status| Sample { fate: Fate::BadStatus, status: Some(status), ..FINE };
    let unsent = |fate| Sample { sent: None, first_byte: None, ..fated(fate) };
    let table = [
        (fated(Fate::Timeout), 5, vec![(Cause::Timeouts, Warning)]),
        (fated(Fate::Timeout), 30, vec![(Cause::Timeouts, Warning), (Cause::Censored, Warning)]),
        (unsent(Fate::Shed), 5, vec![(Cause::Shed, Warning)]),
        (unsent(Fate::Unsent), 5, vec![(Cause::Unsent, Warning)]),
        (fated(Fate::Open), 5, vec![(Cause::Open, Warning)]),
        (answered(401), 20, vec![(Cause::TokenRejected, Warning)]),
        (answered(401), 199, vec![(Cause::TokenRejected, Warning)]),
        (answered(401), 200, vec![(Cause::AuthStorm, Warning)]),
        (answered(401), 19, vec![]),
        (answered(429), 20, vec![(Cause::RateLimited, Warning)]),
        (answered(500), 20, vec![]),
        (answered(302), 20, vec![(Cause::Redirects, Warning)]),
        (answered(302), 19, vec![]),
        (answered(304), 20, vec![]),
        (Sample { status: Some(429), ..FINE }, 20, vec![]),
        (Sample { status: Some(401), ..FINE }, 300, vec![]),
        (broken(TransportError::StaleConnection), 1, vec![(Cause::StaleConnections, Warning)]),
        (broken(TransportError::TooLarge), 1, vec![(Cause::TooLarge, Warning)]),
        (broken(TransportError::ConnectRefused), 1, vec![(Cause::ConnectRefused, Warning)]),
        (broken(TransportError::LocalExhausted), 1, vec![(Cause::LocalExhausted, Warning)]),
        (broken(TransportError::Unread), 1, vec![(Cause::Neglected, Invalid)]),
        (broken(TransportError::Unwritten), 1, vec![(Cause::Neglected, Invalid)]),
        (
            broken(TransportError::LocalExhausted),
            30,
            vec![(Cause::RateMissed, Invalid), (Cause::LocalExhausted, Warning)],
        ),
    ];
    for (odd, count, expected) in table {
        assert_eq!(causes(&tally(odd, count), |_| {}), expected, "{odd:?} {count}");
    }
}

#[test]
fn each_kind_of_broken_exchange_is_spoken_of_once() {
    for kind in TransportError::ALL {
        let odd = Sample { fate: Fate::TransportError(kind), status: None, ..FINE };
        let found = causes(&tally(odd, 5), |_| {});
        assert_eq!(found.len(), 1, "{kind:?}: {found:?}");
    }
}

#[test]
fn a_broken_exchange_is_told_with_what_it_broke_on_and_its_own_remedy() {
    let kind = Fate::TransportError(TransportError::Tls);
    let odd = Sample { fate: kind, done: Offset::from_nanos(3_000_000_000), ..FINE };
    let mut tally = tally(odd, 740);
    tally.explain(&odd, || Reason::new("the certificate has expired").with_remedy("renew it"));
    let summary = Summary::new(&tally, Duration::from_secs(10));
    let found = find(&evidence(&summary));
    let tls = found.iter().find(|finding| finding.cause == Cause::Tls).expect("it is found");
    assert_eq!(
        tls.message,
        "the TLS handshake failed (the certificate has expired): 740 of 2,000 slots (37 %); server and \
         client do not agree on TLS; it says nothing of the server's capacity; first 3 s into the run"
    );
    assert_eq!(tls.remedy, "renew it");
}

#[test]
fn findings_about_tokens_need_tokens() {
    let odd = Sample { fate: Fate::BadStatus, status: Some(401), ..FINE };
    let found = |count, auth| causes(&tally(odd, count), |evidence| evidence.auth = auth);
    let counts = AuthCounts { tokens: 1, log_ins: 1, ..AuthCounts::default() };
    assert_eq!(found(900, None), []);
    let renewed = AuthCounts { refreshes: 1, rejections: 1, ..counts };
    assert_eq!(found(1, Some(renewed)), [(Cause::TokenRejected, Severity::Warning)]);
    let failed = AuthCounts { failures: 3, ..counts };
    assert_eq!(found(0, Some(failed)), [(Cause::RenewalFailed, Severity::Warning)]);
}

#[test]
fn an_objective_that_fails_by_own_errors_makes_the_run_invalid() {
    let broken = |kind| Sample { fate: Fate::TransportError(kind), status: None, ..FINE };
    for (kind, cause) in [
        (TransportError::StaleConnection, Cause::StaleConnections),
        (TransportError::TooLarge, Cause::TooLarge),
        (TransportError::LocalExhausted, Cause::LocalExhausted),
    ] {
        let found = causes(&tally(broken(kind), 2), |evidence| evidence.fails_by_own_errors = true);
        assert_eq!(found, [(cause, Severity::Invalid)]);
    }
}

#[test]
fn an_objective_that_fails_by_lateness_makes_the_run_invalid() {
    let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
    let late = Sample { taken: Some(at(150)), sent: Some(at(150)), done: at(155), ..FINE };
    let tally = tally(late, 15);
    assert_eq!(causes(&tally, |_| {}), [], "0.75 % late, and no objective that minds");
    let found = causes(&tally, |evidence| evidence.fails_by_lateness = Some("p99.9 < 100 ms"));
    assert_eq!(found, [(Cause::ClientLate, Severity::Invalid)]);
}

#[test]
fn a_pause_between_sends_is_not_told_as_lateness_of_sends() {
    let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
    let late = Sample { taken: Some(at(150)), sent: Some(at(150)), done: at(155), ..FINE };
    for (sample, told) in [(late, "left up to 150 ms after"), (FINE, "on time, but it stood still")]
    {
        let tally = tally(sample, 15);
        let summary = Summary::new(&tally, Duration::from_secs(10));
        let evidence = Evidence { fails_by_lateness: Some("p99.9 < 100 ms"), ..evidence(&summary) };
        let found = find(&evidence);
        assert!(found[0].message.contains(told), "{}", found[0].message);
    }
}

#[test]
fn what_was_sent_again_is_told_and_many_are_warned_of() {
    for (repeats, expected) in [(0, None), (1, Some(Severity::Info)), (20, Some(Severity::Warning))]
    {
        let mut tally = tally(FINE, 0);
        (0..repeats).for_each(|_| tally.record_repeat(0));
        let expected: Vec<_> =
            expected.map(|severity| (Cause::SentAgain, severity)).into_iter().collect();
        assert_eq!(causes(&tally, |_| {}), expected, "{repeats}");
    }
}

#[test]
fn the_limit_of_a_generator_is_told_with_its_reason() {
    let of = |cause, severity, message: &str| Finding {
        cause,
        severity,
        message: message.to_owned(),
        remedy: String::new(),
    };
    let late = of(Cause::ClientLate, Severity::Invalid, "late");
    let busy = of(Cause::ClientCpu, Severity::Warning, "busy");
    let stale = of(Cause::StaleConnections, Severity::Invalid, "stale");
    let told = |findings: &[&Finding]| {
        generator_limit(&findings.iter().map(|one| (*one).clone()).collect::<Vec<_>>())
    };
    assert_eq!(told(&[&late, &busy]).as_deref(), Some("late; busy"));
    assert_eq!(told(&[&stale, &busy]).as_deref(), Some("stale"));
    assert_eq!(told(&[&late]).as_deref(), Some("late"));
    assert_eq!((told(&[&busy]), told(&[])), (None, None));
}

#[test]
fn late_sends_are_the_clients_fault_only_if_it_came_late_itself() {
    let late = Sample {
        sent: Some(Offset::from_nanos(90_000_000)),
        done: Offset::from_nanos(95_000_000),
        ..FINE
    };
    assert_eq!(causes(&tally(late, 100), |_| {}), [(Cause::ClientLate, Severity::Invalid)]);

    let waited = tally(Sample { wait: waited(Duration::from_millis(89)), ..late }, 100);
    assert_eq!(causes(&waited, |_| {}), [(Cause::ConnectWait, Severity::Info)]);
    let at_limit = causes(&waited, |evidence| evidence.connections_peak = 64);
    assert_eq!(at_limit, [(Cause::ConnectionLimit, Severity::Warning)]);
    let summary = Summary::new(&waited, Duration::from_secs(10));
    let own = Limits { connections_by: ChosenBy::Program, ..LIMITS };
    let at_own =
        |limits: &Limits| find(&Evidence { connections_peak: 64, limits, ..evidence(&summary) });
    let found = at_own(&own);
    assert_eq!((found[0].cause, found[0].severity), (Cause::ConnectionLimit, Severity::Invalid));
    assert!(found[0].is_steady_limit() && generator_limit(&found).is_some());
    let hung = Sample { fate: Fate::Timeout, status: None, ..FINE };
    let mut slow = waited.clone();
    for _ in 0..100 {
        slow.record(&hung);
    }
    let slow = Summary::new(&slow, Duration::from_secs(10));
    let found = find(&Evidence { connections_peak: 64, limits: &own, ..evidence(&slow) });
    assert!(generator_limit(&found).is_none(), "it hangs with what it got: {found:?}");
    let as_many_as_requests = at_own(&Limits { in_flight: 64, ..own });
    assert_eq!(
        as_many_as_requests[0].cause,
        Cause::ConnectWait,
        "none of them waited for the bound"
    );
    assert!(!as_many_as_requests[0].is_steady_limit());
}

#[test]
fn a_dead_address_is_named_where_there_are_others() {
    let of = |last, failures: &[Option<TransportError>]| {
        let mut attempts = Attempts::none(core::net::SocketAddr::from(([10, 0, 0, last], 80)));
        for failure in failures {
            match failure {
                Some(failure) => attempts.pass_over(*failure),
                None => attempts.record(None),
            }
        }
        attempts
    };
    let refused = Some(TransportError::ConnectRefused);
    let (dead, live) = (of(1, &[refused, refused]), of(2, &[None]));
    let fine = tally(FINE, 0);
    let summary = Summary::new(&fine, Duration::from_secs(10));
    let told = |attempts: &[Attempts]| find(&Evidence { attempts, ..evidence(&summary) });
    let found = told(&[dead.clone(), live.clone()]);
    assert_eq!(
        (found[0].cause, found[0].severity),
        (Cause::Address(AddressFault::Unreachable), Severity::Warning)
    );
    let named = "connections to 1 of the target's 2 addresses failed: 10.0.0.1:80 (2 of 2 attempts (100 %): \
                 the connection was refused); the load went to the others";
    assert_eq!(found[0].message, named);
    assert_eq!(told(&[live]), []);
    assert_eq!(told(&[dead]), [], "slots bear it");
}

#[test]
fn the_lag_limit_follows_the_tightest_objective() {
    assert_eq!(send_lag_limit(None), Duration::from_millis(1));
    assert_eq!(send_lag_limit(Some(Duration::from_millis(10))), Duration::from_millis(1));
    assert_eq!(send_lag_limit(Some(Duration::from_secs(1))), Duration::from_millis(50));
}

#[test]
fn slots_never_taken_up_make_the_run_invalid_unless_it_was_interrupted() {
    let never = Sample::unsent(0, Offset::ZERO, Fate::Unsent, Offset::from_nanos(5_000_000));
    let short = tally(never, 100);
    let found = causes(&short, |_| {});
    assert_eq!(found[0], (Cause::RateMissed, Severity::Invalid));
    let waited = tally(Sample { taken: Some(Offset::ZERO), ..never }, 100);
    let found = causes(&waited, |_| {});
    assert!(found.iter().all(|(_, severity)| *severity < Severity::Invalid), "{found:?}");
    let found = causes(&short, |evidence| evidence.interrupted = true);
    assert!(found.iter().all(|(_, severity)| *severity < Severity::Invalid), "{found:?}");
    assert!(found.contains(&(Cause::Interrupted, Severity::Warning)));
}

/// What is said of a run that was answered for 3 s, and then lost slots in these ways.
fn silence(timeouts: u64, broken: &[(TransportError, u64)]) -> Option<Finding> {
    let since = Offset::from_nanos(3_000_000_000);
    let mut silence = Silence { since, planned: 20, timeouts, ..Silence::default() };
    for (kind, count) in broken {
        silence.errors[kind.index()] = *count;
    }
    told_of(&silence, &tally(FINE, 0))
}

/// What is said of a run that ended so; its time limit is 30 s.
fn told_of(silence: &Silence, tally: &Tally) -> Option<Finding> {
    let summary = Summary::new(tally, Duration::from_secs(10));
    let evidence = Evidence { silence: Some(silence), ..evidence(&summary) };
    let gone = [Cause::TargetGone, Cause::WayGone];
    find(&evidence).into_iter().find(|finding| gone.contains(&finding.cause))
}

#[test]
fn a_target_is_gone_only_if_neither_slowness_nor_chance_explains_it() {
    let hung = Sample { fate: Fate::Timeout, status: None, first_byte: None, ..FINE };
    let lost = |timeouts| Silence {
        since: Offset::from_nanos(3_000_000_000),
        median_before: Duration::from_millis(20),
        planned: timeouts,
        timeouts,
        ..Silence::default()
    };
    let near = Silence { median_before: Duration::from_secs(20), ..lost(50) };
    let never = Silence { since: Offset::ZERO, ..lost(50) };
    let table = [
        ("it answered, and then no more", lost(50), tally(hung, 50), true),
        ("three in a row, of a target that loses none", lost(3), tally(hung, 3), true),
        ("three in a row, of one that loses every second", lost(3), tally(hung, 1_000), false),
        ("answers had come near the time limit", near, tally(hung, 50), false),
        ("no answer ever came within it", never, tally(hung, 2_000), false),
    ];
    for (what, silence, tally, gone) in table {
        assert_eq!(told_of(&silence, &tally).is_some(), gone, "{what}");
    }
}

#[test]
fn a_silence_is_blamed_on_the_server_only_where_it_was_reached() {
    use TransportError::{ConnectFailed, ConnectRefused, ConnectTimeout, Dns, LocalExhausted, Tls};
    /// Timeouts and broken exchanges, what is found, and words of it.
    type Row = (u64, &'static [(TransportError, u64)], Cause, &'static str);
    let table: [Row; 8] = [
        (0, &[(ConnectRefused, 9)], Cause::TargetGone, "the server stopped answering 3 s into"),
        (9, &[(ConnectRefused, 1)], Cause::TargetGone, "the server stopped answering 3 s into"),
        (9, &[], Cause::TargetGone, "the server, or the network before it, stopped answering"),
        (0, &[(ConnectTimeout, 9)], Cause::TargetGone, "the server, or the network before it,"),
        (0, &[(ConnectFailed, 9)], Cause::WayGone, "the connection could not be made"),
        (2, &[(Dns, 9)], Cause::WayGone, "the host name could not be resolved"),
        (0, &[(Tls, 5), (ConnectFailed, 4)], Cause::WayGone, "the TLS handshake failed"),
        (0, &[(LocalExhausted, 9)], Cause::WayGone, "ran out of file descriptors"),
    ];
    for (timeouts, broken, cause, words) in table {
        let found = silence(timeouts, broken).expect("the silence is told");
        assert_eq!(found.cause, cause, "{timeouts} {broken:?}");
        assert!(found.message.contains(words), "{}", found.message);
    }
}

#[test]
fn circumstances_are_told() {
    let gone = [Redistribution { request: "chat detail".into(), pool: "interaction_ids".into() }];
    let summary = Summary::new(&tally(FINE, 0), Duration::from_secs(10));
    let found = find(&Evidence { redistributed: &gone, ..evidence(&summary) });
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("chat detail (pool interaction_ids is empty)"));
}

#[test]
fn few_samples_name_the_quantile_they_are_too_few_for() {
    for (count, expected) in
        [(0, None), (199, Some("p95")), (200, Some("p99")), (999, Some("p99")), (1_000, None)]
    {
        let mut tally = Tally::new(1);
        for _ in 0..count {
            tally.record(&FINE);
        }
        let summary = Summary::new(&tally, Duration::from_secs(1));
        let found = find(&evidence(&summary))
            .into_iter()
            .find(|finding| finding.cause == Cause::FewSamples);
        assert_eq!(found.is_some(), expected.is_some(), "{count}");
        if let (Some(found), Some(name)) = (found, expected) {
            assert!(found.message.contains(name), "{count}: {}", found.message);
        }
    }
}

/// Good slots, slots that the generator came to 150 ms late, and slots that ended so.
fn of_a_late_generator(fate: Fate) -> Tally {
    let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
    let late = Sample { taken: Some(at(150)), sent: Some(at(150)), done: at(155), ..FINE };
    let mut tally = tally(late, 100);
    (0..50).for_each(|_| tally.record(&Sample { fate, status: None, ..FINE }));
    tally
}

#[test]
fn nothing_is_held_against_the_target_where_the_generator_was_the_limit() {
    let broken = Fate::TransportError;
    let ours = [
        (Fate::Timeout, Cause::Timeouts),
        (Fate::Shed, Cause::Shed),
        (Fate::Open, Cause::Open),
        (broken(TransportError::ConnectTimeout), Cause::ConnectTimeout),
        (broken(TransportError::Reset), Cause::ConnectionReset),
        (broken(TransportError::ClosedEarly), Cause::ConnectionsBroken),
        (broken(TransportError::Tls), Cause::Tls),
    ];
    let silence = Silence {
        since: Offset::from_nanos(3_000_000_000),
        planned: 50,
        timeouts: 50,
        ..Silence::default()
    };
    for (fate, cause) in ours {
        let summary = Summary::new(&of_a_late_generator(fate), Duration::from_secs(10));
        let silent_connections = SilentConnections { unanswered: 50, unused: 0 };
        let of = Evidence { silent_connections, silence: Some(&silence), ..evidence(&summary) };
        let found = find(&of);
        assert!(generator_limit(&found).is_some() && of.is_limited(), "{found:?}");
        for expected in [cause, Cause::TargetGone] {
            let told = found.iter().find(|one| one.cause == expected);
            let told = told.unwrap_or_else(|| panic!("{expected:?} is told: {found:?}"));
            assert!(told.message.contains("may be its own doing"), "{}", told.message);
        }
        assert!(found.iter().all(|one| one.cause != Cause::NeverAnswered), "{found:?}");
        let text: String = found.iter().flat_map(|one| [&*one.message, &*one.remedy]).collect();
        for blame in ["the server", "database", "workers", "target holds", "accept queue"] {
            assert!(!text.contains(blame), "{blame}: {text}");
        }
    }
}

#[test]
fn every_limit_of_the_generator_keeps_the_target_from_blame() {
    let bad = |fate| tally(Sample { fate, status: None, ..FINE }, 100);
    let unread = bad(Fate::TransportError(TransportError::Unread));
    let lost = tally(Sample::unsent(0, Offset::ZERO, Fate::Unsent, Offset::from_nanos(9)), 100);
    let stale = bad(Fate::TransportError(TransportError::StaleConnection));
    for (tally, fails_by_own_errors) in [(&unread, false), (&lost, false), (&stale, true)] {
        let summary = Summary::new(tally, Duration::from_secs(10));
        let of = Evidence { fails_by_own_errors, ..evidence(&summary) };
        assert_eq!((generator_limit(&find(&of)).is_some(), of.is_limited()), (true, true));
    }
    let fine = tally(FINE, 0);
    let summary = Summary::new(&fine, Duration::from_secs(10));
    assert!(!evidence(&summary).is_limited());
}

/// The finding of this cause, of slots of which the last `count` are odd.
fn of_cause(
    (odd, count): (Sample, usize),
    limits: Limits,
    connections_peak: usize,
    cause: Cause,
) -> Option<Finding> {
    let summary = Summary::new(&tally(odd, count), Duration::from_secs(10));
    let found = find(&Evidence { limits: &limits, connections_peak, ..evidence(&summary) });
    found.into_iter().find(|one| one.cause == cause)
}

#[test]
fn a_deadline_is_named_and_what_was_lost_waiting_for_a_connection_is_not_the_servers() {
    let deadline = Some(Duration::from_millis(100));
    let few = Limits { connections: 2, deadline, ..LIMITS };
    let at = |ms: u64| Offset::from_nanos(ms * 1_000_000);
    let cut = Sample {
        wait: waited(Duration::from_millis(91)),
        sent: Some(at(91)),
        first_byte: None,
        done: at(100),
        fate: Fate::Timeout,
        status: None,
        ..FINE
    };
    let told = |odd, peak| of_cause((odd, 1_500), few, peak, Cause::Timeouts).expect("it is told");
    let waited = told(cut, 2);
    assert!(waited.message.contains("before one of the 2 connections was free"), "{waited:?}");
    assert!(!waited.message.contains("server") && waited.remedy.contains("--connections"));
    let hung = Sample { wait: NO_WAIT, sent: Some(at(1)), ..cut };
    let hung = told(hung, 1).message;
    assert!(hung.contains("took longer than the deadline of 100 ms after they were due"), "{hung}");
    // Nor did it stop answering.
    let silence = Silence {
        since: at(1_000),
        median_before: Duration::from_millis(20),
        planned: 600,
        timeouts: 600,
        ..Silence::default()
    };
    for (connections_peak, gone) in [(2, false), (1, true)] {
        let summary = Summary::new(&tally(cut, 1_500), Duration::from_secs(10));
        let of = Evidence {
            limits: &few,
            connections_peak,
            silence: Some(&silence),
            ..evidence(&summary)
        };
        assert_eq!(find(&of).iter().any(|one| one.cause == Cause::TargetGone), gone);
    }
}

#[test]
fn the_bound_that_keeps_requests_back_is_named_where_answers_come_quickly() {
    let shed = Sample { sent: None, first_byte: None, fate: Fate::Shed, status: None, ..FINE };
    let slow = Offset::from_nanos(900_000_000);
    let slow = (0..1_500).map(|_| Sample { done: slow, ..FINE });
    let late = LatePolicy::ShedAfter(Duration::from_millis(50));
    let told = |limits, peak| of_cause((shed, 1_200), limits, peak, Cause::Shed).expect("told");
    let cap = told(Limits { in_flight: 1, ..LIMITS }, 1);
    assert!(cap.message.contains("it is the cap that keeps them"), "{cap:?}");
    assert!(!cap.message.contains("server") && cap.remedy.contains("--max-in-flight"), "{cap:?}");
    let few = told(Limits { connections: 2, late, ..LIMITS }, 2);
    assert!(few.message.contains("all connections (2) were in use"), "{few:?}");
    let held = Sample {
        wait: waited(Duration::from_millis(89)),
        sent: Some(Offset::from_nanos(90_000_000)),
        done: Offset::from_nanos(95_000_000),
        ..FINE
    };
    let of_two = Limits { connections: 2, ..LIMITS };
    let held = of_cause((held, 1_500), of_two, 2, Cause::ConnectionLimit).expect("it is told");
    assert!(held.message.ends_with("what is sent is answered within 5 ms at p95"), "{held:?}");
    assert!(few.remedy.contains("--connections") && !few.remedy.contains("--max-in-flight"));
    let mut full = tally(shed, 500);
    slow.for_each(|sample| full.record(&sample));
    let summary = Summary::new(&full, Duration::from_secs(10));
    let found = find(&evidence(&summary));
    let full = found.iter().find(|one| one.cause == Cause::Shed).expect("told");
    assert!(full.message.contains("the server answers more slowly"), "{full:?}");
}

#[test]
fn streams_that_are_refused_are_no_silence_and_do_harm() {
    use TransportError::{Protocol, RefusedStream, Unread};
    for kind in [RefusedStream, Protocol, Unread] {
        assert_eq!(silence(0, &[(kind, 20)]), None, "{kind:?}");
    }
    let refused = Sample { fate: Fate::TransportError(RefusedStream), status: None, ..FINE };
    let mut tally = tally(refused, 100);
    (0..100).for_each(|_| tally.record_repeat(0));
    let summary = Summary::new(&tally, Duration::from_secs(10));
    let found = find(&evidence(&summary));
    let again = found.iter().find(|one| one.cause == Cause::SentAgain).expect("it is told");
    assert!(!again.remedy.contains("no harm"), "{again:?}");
}

#[test]
fn more_patience_is_advised_only_for_what_was_still_waited_for() {
    let told = |fate| {
        let odd = Sample { fate, status: None, first_byte: None, sent: None, ..FINE };
        of_cause((odd, 1_000), LIMITS, 3, Cause::Censored).expect("it is told").remedy
    };
    assert!(told(Fate::Timeout).contains("--timeout") && told(Fate::Open).contains("--drain"));
    let refused = told(Fate::TransportError(TransportError::ConnectRefused));
    let hung = Sample { fate: Fate::Timeout, status: None, first_byte: None, ..FINE };
    let within = Limits { deadline: Some(Duration::from_secs(1)), ..LIMITS };
    let cut = of_cause((hung, 1_000), within, 3, Cause::Censored).expect("it is told").remedy;
    assert!(cut.contains("--deadline") && !cut.contains("--timeout"), "{cut}");
    assert!(!refused.contains("--timeout"), "{refused}");
}
