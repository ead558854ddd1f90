//! `ab --find-max-rps`: searches on both targets in the order A B B A, and their highest rates compared.

use crate::analysis::ab::{Order, Side};
use crate::analysis::compare::comparison::{Comparison, Metric, Run};
use crate::analysis::compare::noise::{Noise, Source};
use crate::commands::Failure;
use crate::commands::ab::{Args, Target, switch};
use crate::commands::compare::{self, JudgingArgs};
use crate::commands::interrupt::Interrupt;
use crate::commands::run::Output;
use crate::commands::stored::searched;
use crate::exit::Exit;
use crate::render::clean::CleanComparison;
use crate::report::comparable::differences;
use crate::report::comparison::{ComparedRun, ComparisonReport};
use crate::report::{Kind, Report};
use crate::session::EarlierSitting;
use crate::session::event::Observers;

/// Searches of each side, unless the user says: four in all, since each takes minutes.
const PAIRS: usize = 2;

/// Pairs of searches.
pub(super) fn pairs(args: &Args) -> usize {
    args.pairs.unwrap_or(PAIRS)
}

/// Searches and tells.
pub(super) fn exec(
    args: &Args,
    targets: &[Target; 2],
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut found: [Vec<Report>; 2] = [Vec::new(), Vec::new()];
    let interrupted = take(args, targets, &mut found, interrupt, output)?;
    let compared = compared(&args.judging, args.order, &found);
    output.screen().clear();
    let formats = &args.run.output.formats;
    let clean = CleanComparison::new(&compared);
    compare::write(formats.path("json"), formats.path("markdown"), &clean)?;
    let exit = args.judging.exit(compared.verdict.word);
    let [_, of_b] = found;
    if let Some(last) = of_b.into_iter().last() {
        let comparison = Some(Box::new(compared));
        output.end_of_load();
        output.store(&Report { kind: Kind::Ab, comparison, ..last })?;
    }
    Ok(interrupted.unwrap_or(exit))
}

/// Searches in turns; the exit code of a signal, after which what is found so far counts.
fn take(
    args: &Args,
    targets: &[Target; 2],
    found: &mut [Vec<Report>; 2],
    interrupt: &Interrupt,
    output: &mut Output,
) -> Result<Option<Exit>, Failure> {
    let mut screen = output.screen();
    let mut observers = Observers::of([&mut screen, output]);
    for number in 0..pairs(args) {
        for side in args.order.sides(number) {
            let place = usize::from(side == Side::B);
            let target = &targets[place];
            switch(side, target.command.as_ref())?;
            let report = target.session.search(EarlierSitting::default(), &mut observers)?;
            if let Some(exit) = interrupt.requested() {
                return Ok(Some(exit));
            }
            found[place].push(report);
        }
    }
    Ok(None)
}

fn compared(judging: &JudgingArgs, order: Order, found: &[Vec<Report>; 2]) -> ComparisonReport {
    let sides = || (side(&found[0]), side(&found[1]));
    if found.iter().any(Vec::is_empty) {
        let reason = "it was ended before each side had a search".to_owned();
        return ComparisonReport::not_comparable(sides(), vec![reason]);
    }
    let named: Vec<_> = ["A", "B"]
        .into_iter()
        .zip(found)
        .flat_map(|(name, reports)| reports.iter().map(move |report| (name, report)))
        .collect();
    let differences = differences(&named);
    if !differences.reasons.is_empty() {
        return ComparisonReport::not_comparable(sides(), differences.reasons);
    }
    let runs = |reports: &[Report]| reports.iter().map(searched).collect::<Vec<Run>>();
    let noise = Noise { tau: 0.0, df: f64::INFINITY, source: Source::Pairs };
    let comparison = Comparison::new(
        (&runs(&found[0]), &runs(&found[1])),
        [noise; Metric::TIMES.len()],
        &judging.margins(),
        judging.scope(),
    );
    let mut notes = differences.notes;
    notes.push(format!(
        "{} searches of A and {} of B, in the order {}",
        found[0].len(),
        found[1].len(),
        order.name()
    ));
    ComparisonReport::compared(sides(), &comparison, notes)
}

fn side(reports: &[Report]) -> Vec<ComparedRun> {
    let run = |(number, report): (usize, &Report)| ComparedRun {
        id: format!("search {}", number + 1),
        started_at: report.started_at.clone(),
        name: report.plan.name.clone(),
        origin: report.plan.origin.clone(),
        rate: report.plan.rate,
        duration: report.duration,
    };
    reports.iter().enumerate().map(run).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::report::comparison::Word;
    use crate::report::example::search_report;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        judging: JudgingArgs,
    }

    fn search(rate: f64) -> Report {
        let mut report = search_report();
        let max = &mut report.search.as_mut().expect("a search").max_rps;
        (max.estimate, max.low, max.high) = (rate, 0.99 * rate, Some(1.01 * rate));
        report
    }

    fn word(a: &[f64], b: &[f64]) -> Word {
        let judging = Flags::parse_from(["ab"]).judging;
        let found = [a, b].map(|rates| rates.iter().copied().map(search).collect());
        compared(&judging, Order::Abba, &found).verdict.word
    }

    #[test]
    fn the_highest_rates_of_both_decide() {
        assert_eq!(word(&[340.0, 342.0], &[300.0, 303.0]), Word::Worse);
        assert_eq!(word(&[300.0, 303.0], &[340.0, 342.0]), Word::Better);
        assert_eq!(word(&[300.0, 303.0], &[302.0, 301.0]), Word::Same);
        assert_eq!(word(&[300.0], &[]), Word::NotComparable);
    }
}
