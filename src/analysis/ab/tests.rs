//! Tables: order, looks, words, bounds and what is discarded.

mod simulation;

use super::*;

fn figures(ms: f64, failed: u64) -> Figures {
    Figures {
        times: [1.0, 2.0, 3.0]
            .map(|factor| Quantile::exact(Duration::from_secs_f64(ms * factor / 1e3))),
        planned: 1_000,
        failed,
        throughput: 50.0,
    }
}

fn block(ms: f64, failed: u64) -> Block {
    let figures = figures(ms, failed);
    Block { total: figures, requests: vec![("list".to_owned(), figures)] }
}

/// `n` pairs in which B takes `factor` times as long, with a spread of ± 1 %.
fn pairs(n: usize, factor: f64) -> Vec<Pair> {
    let wobble = |i: usize| [0.99, 1.01, 1.0, 1.005, 0.995][i % 5];
    (0..n).map(|i| Pair { a: block(10.0, 0), b: block(10.0 * factor * wobble(i), 0) }).collect()
}

fn design(pairs: usize) -> Design {
    Design { order: Order::Abba, pairs }
}

fn judged(design: Design, pairs: &[Pair]) -> Comparison {
    design.judge(pairs, &Margins::default(), Scope::Total, Duration::from_secs(20)).unwrap()
}

#[test]
fn sides_take_turns_at_coming_first() {
    let order: Vec<&str> =
        (0..4).flat_map(|pair| Order::Abba.sides(pair)).map(Side::name).collect();
    assert_eq!(order.concat(), "ABBAABBA");
    let order: Vec<&str> =
        (0..2).flat_map(|pair| Order::Abab.sides(pair)).map(Side::name).collect();
    assert_eq!(order.concat(), "ABAB");
}

#[test]
fn throughput_is_the_mean_of_the_blocks_also_where_one_served_nothing() {
    let block = |throughput| Figures { throughput, ..figures(10.0, 0) };
    let served = |rates: &[f64]| {
        let pairs: Vec<[Figures; 2]> =
            rates.iter().map(|rate| [block(50.0), block(*rate)]).collect();
        throughput(&pairs, Duration::from_secs(20))
    };
    let half = served(&[50.0, 0.0, 50.0, 0.0]);
    assert_eq!((half.a, half.b), (50.0, 25.0));
    assert!((half.change.estimate - 0.5_f64.ln()).abs() < 1e-9, "{:?}", half.change);
    assert!(half.change.error > 0.3, "two blocks of four say little: {:?}", half.change);
    let none = served(&[0.0; 4]);
    assert_eq!((none.a, none.b), (50.0, 0.0));
    // One answer in 20 s at most, of 1,000.
    assert!((none.change.estimate - 0.001_f64.ln()).abs() < 1e-9, "{:?}", none.change);
    let same = served(&[50.0; 4]);
    assert!(same.change.estimate.abs() < 1e-9);
}

#[test]
fn a_name_without_good_answers_has_no_times_and_no_false_ones() {
    let mut pairs = pairs(4, 1.0);
    for pair in &mut pairs {
        pair.b.requests[0].1.times = [Quantile::default(); 3];
        pair.b.requests[0].1.failed = 1_000;
    }
    let metrics = |pairs: &[Pair]| -> Vec<Metric> {
        let rows = judged(design(4), pairs).rows.into_iter();
        rows.filter(|row| row.request.is_some()).map(|row| row.metric).collect()
    };
    assert_eq!(metrics(&pairs), [Metric::Errors]);
    for pair in &mut pairs {
        pair.b.requests[0].1.planned = 0;
    }
    assert_eq!(metrics(&pairs), [], "none was due");
    for pair in &mut pairs {
        pair.b.requests[0].1.planned = 1_000;
    }
    // One block that has some is compared with its neighbour.
    pairs[2].b.requests[0].1.times = figures(10.0, 0).times;
    assert_eq!(metrics(&pairs), [Metric::P50, Metric::P95, Metric::P99, Metric::Errors]);
}

#[test]
fn looks_share_the_risk() {
    let table = [
        (4, vec![4], 0.05),
        (6, vec![6], 0.05),
        (10, vec![6, 10], 0.0294),
        (20, vec![6, 10, 16, 20], 0.0182),
        (24, vec![6, 10, 16, 24], 0.0182),
        (30, vec![6, 10, 16, 24, 30], 0.0158),
    ];
    for (pairs, looks, level) in table {
        let design = design(pairs);
        assert_eq!(design.looks().collect::<Vec<_>>(), looks);
        assert!((design.level() - level).abs() < 1e-12, "{pairs}");
        let found = (1..=pairs).filter(|n| design.after(*n) == Next::Look).collect::<Vec<_>>();
        assert_eq!(found, looks);
    }
}

#[test]
fn clear_pairs_have_their_word() {
    let table = [(1.0, Word::Same), (1.02, Word::Same), (1.12, Word::Worse), (0.88, Word::Better)];
    for (factor, word) in table {
        let found = judged(design(10), &pairs(10, factor));
        assert_eq!(found.word, word, "{factor}");
        let p95 = &found.rows[1];
        assert_eq!((p95.metric, p95.request.as_ref()), (Metric::P95, None));
        assert!((p95.question.change.estimate - factor.ln()).abs() < 0.002);
        assert!((p95.a / 20e6 - 1.0).abs() < 1e-9, "{}", p95.a);
        assert!(found.rows.iter().any(|row| row.request.as_deref() == Some("list")));
    }
}

#[test]
fn few_pairs_and_other_orders_have_no_verdict() {
    assert_eq!(judged(design(4), &pairs(4, 2.0)).word, Word::Inconclusive);
    let abab = Design { order: Order::Abab, pairs: 10 };
    assert_eq!(judged(abab, &pairs(10, 2.0)).word, Word::Inconclusive);
    assert!(design(4).judge(&[], &Margins::default(), Scope::Total, Duration::ZERO).is_none());
    let one = judged(design(4), &pairs(1, 2.0));
    assert!(one.rows[0].judged.word == Word::Inconclusive);
}

#[test]
fn one_outlier_does_not_make_a_verdict_and_how_much_is_missing_is_said() {
    let mut noisy = pairs(10, 1.0);
    noisy[3].b = block(19.0, 0);
    let found = judged(design(24), &noisy);
    assert_eq!(found.word, Word::Inconclusive);
    assert!(more_pairs(&found, 10).is_some_and(|more| more > 10 && more % 2 == 0));
    let decided = judged(design(10), &pairs(10, 1.0));
    assert_eq!(more_pairs(&decided, 10), None);
}

#[test]
fn errors_count_as_differences_of_shares() {
    let mut failing = pairs(10, 1.0);
    for (place, pair) in failing.iter_mut().enumerate() {
        pair.b.total.failed = 20 + place as u64 % 3;
    }
    let found = judged(design(10), &failing);
    assert_eq!(found.word, Word::Worse);
    let errors = found.rows.iter().find(|row| row.metric == Metric::Errors).unwrap();
    assert!((errors.question.change.estimate - 0.021).abs() < 0.001);
    // No error seen is not the same as none.
    let few = Figures { planned: 100, ..figures(10.0, 0) };
    let unseen = errors_of(&few);
    assert!(unseen.change.error > 0.005, "{unseen:?}");
}

fn errors_of(figures: &Figures) -> FigureChange {
    errors(&[[*figures, *figures]; 10]).unwrap()
}

#[test]
fn lower_bounds_claim_one_way_only() {
    let mut open = pairs(10, 1.5);
    for pair in &mut open {
        pair.b.total.times[2].at_least = true;
    }
    let found = judged(design(10), &open);
    assert_eq!(found.rows[2].question.change.known, Censoring::AtLeast);
    assert_eq!(found.rows[2].judged.word, Word::Worse);
}

#[test]
fn a_block_is_discarded_for_what_the_machine_did_and_not_for_the_target() {
    let finding = |cause, severity| Finding {
        cause,
        severity,
        message: String::new(),
        remedy: String::new(),
    };
    let table = [
        (Cause::ClientLate, Severity::Invalid, true),
        (Cause::CpuStolen, Severity::Warning, true),
        (Cause::CpuThrottled, Severity::Warning, true),
        (Cause::Timeouts, Severity::Warning, false),
        (Cause::Retransmits, Severity::Warning, false),
    ];
    for (cause, severity, discards) in table {
        let findings = [finding(Cause::FewSamples, Severity::Info), finding(cause, severity)];
        assert_eq!(hiccup(&findings).is_some(), discards, "{cause:?}");
    }
}
