//! The verb `ab`: two live targets in turns under the same load, judged as stored runs are.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Duration;

use clap::builder::TypedValueParser as _;

use crate::analysis::ab::{Design, Next, Order, Pair, Side, hiccup, more_pairs};
use crate::analysis::compare::comparison::Comparison;
use crate::analysis::compare::decision::Word;
use crate::analysis::words::counted;
use crate::commands::Failure;
use crate::commands::compare::{self, JudgingArgs};
use crate::commands::interrupt::Interrupt;
use crate::commands::run::{self, Beginning, Output, Screen};
use crate::exit::Exit;
use crate::render::clean::CleanComparison;
use crate::report::comparison::{ComparedRun, ComparisonReport, TurnsReport};
use crate::report::echo::PlanEcho;
use crate::report::{Kind, Report};
use crate::session::event::Observers;
use crate::session::{CompletedBlock, Session};
use crate::time::{parse_duration, whole_nanos};

mod searches;
mod words;

pub(super) use words::{instead, words};

/// Pairs of blocks, unless the user says.
const PAIRS: usize = 24;
/// More pairs than anybody would wait for.
const PAIRS_MAX: usize = 200;

/// Compare two live targets with alternating blocks of the same load.
///
/// Blocks come in pairs, in the order A B B A, so that whatever the machine does affects both sides. The pairs
/// are evaluated after 6, 10, 16 and 24 of them, and a clear verdict ends the comparison.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(after_help = "Examples:\n  \
    steadfire ab --a http://old:8001/health --b http://new:8001/health -r 200\n  \
    steadfire ab chat-center --a http://old:8001 --b http://new:8001 -r 100\n  \
    steadfire ab http://127.0.0.1:8001/ --a-cmd './switch old' --b-cmd './switch new' -r 200\n\n\
    Exit codes: 0 better or same, 99 worse, 4 not comparable; inconclusive 0, or 99 with --inconclusive fail.")]
pub struct Args {
    /// Target A: a URL, or with a profile the base URL for its requests
    #[arg(long, value_name = "URL", requires = "b", help_heading = "Sides")]
    pub a: Option<String>,
    /// Target B, the side that is judged
    #[arg(long, value_name = "URL", requires = "a", help_heading = "Sides")]
    pub b: Option<String>,
    /// Shell command to run before each block on A; it returns when A is ready
    #[arg(long, value_name = "COMMAND", requires = "b_cmd", help_heading = "Sides")]
    pub a_cmd: Option<OsString>,
    /// Shell command to run before each block on B
    #[arg(long, value_name = "COMMAND", requires = "a_cmd", help_heading = "Sides")]
    pub b_cmd: Option<OsString>,
    /// Maximum number of pairs of blocks, or of searches with --find-max-rps [default: 24, or 2]
    #[arg(long, value_name = "N", value_parser = pairs, help_heading = "Sides")]
    pub pairs: Option<usize>,
    /// Duration of each block's measurement
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "20s", help_heading = "Sides")]
    pub block: Duration,
    /// Order of the blocks; only abba can have a verdict
    #[arg(long, value_name = "ORDER", value_parser = order_parser(), default_value = "abba", help_heading = "Sides")]
    pub order: Order,
    /// What a verdict takes and what it is worth.
    #[command(flatten)]
    pub judging: JudgingArgs,
    /// The load, as for `run`.
    #[command(flatten)]
    pub run: run::Args,
}

/// Measures both and tells.
///
/// # Errors
/// A mistake in flags or profile, a target that cannot be used, or a command that fails.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    refuse(args)?;
    Output::check(&args.run)?;
    let interrupt = Interrupt::listen(run::give_terminal_back).map_err(Failure::unexpected)?;
    let screen = Screen::new(args.run.output.quiet, args.run.output.no_tui);
    let targets = [
        Target::begin(args, Side::A, &interrupt, screen)?,
        Target::begin(args, Side::B, &interrupt, screen)?,
    ];
    let mut output = Output::open(&args.run, targets[0].session.plan(), screen)?;
    if args.run.search.find_max_rps {
        return searches::exec(args, &targets, &interrupt, &mut output);
    }
    let design = Design { order: args.order, pairs: args.pairs.unwrap_or(PAIRS) };
    if let Some(doubt) = design.doubt(design.pairs) {
        screen.warn(&format!("there will be figures but no verdict: {doubt}"));
    }
    let mut turns =
        Turns { args, design, targets, interrupt, screen, kept: Vec::new(), discarded: Vec::new() };
    let comparison = turns.take(&mut output)?;
    let compared = turns.compared(comparison.as_ref());
    screen.clear();
    let formats = &args.run.output.formats;
    let clean = CleanComparison::new(&compared);
    compare::write(formats.path("json"), formats.path("markdown"), &clean)?;
    let exit = turns.interrupt.requested();
    if let Some(report) = turns.report(compared.clone()) {
        output.end_of_load();
        output.store(&report)?;
    }
    Ok(exit.unwrap_or_else(|| args.judging.exit(compared.verdict.word)))
}

/// Ends what has no place in this verb.
fn refuse(args: &Args) -> Result<(), Failure> {
    let run = &args.run;
    let table = [
        (
            run.search.find_max_rps && args.order != Order::Abba,
            "--order: searches are compared in the order abba only",
        ),
        (
            args.a.is_some() && run.target.host.is_some(),
            "--host: --a and --b say where the requests go",
        ),
        (args.block.is_zero(), "--block: must be above 0"),
        (
            args.a.is_none() && args.a_cmd.is_none(),
            "two sides are needed: --a URL --b URL, or --a-cmd and --b-cmd that switch the target",
        ),
        (
            args.a.is_none() && run.subject.is_none(),
            "--a-cmd and --b-cmd need the target's URL, or a profile",
        ),
        (
            args.a.is_some() && run.subject.as_deref().is_some_and(|text| text.contains("://")),
            "--a and --b are the URLs; beside them only a profile can be named",
        ),
    ];
    let mistakes: Vec<&str> =
        table.into_iter().filter(|(wrong, _)| *wrong).map(|(_, text)| text).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::usage(mistakes.join("\nerror: "))) }
}

/// Pairs that are measured at most, so that `pairs` are left where some have to be discarded.
const fn attempts(pairs: usize) -> usize {
    pairs + pairs / 2 + 2
}

/// One side, ready for its blocks.
struct Target {
    side: Side,
    command: Option<OsString>,
    session: Session,
}

impl Target {
    fn begin(
        args: &Args,
        side: Side,
        interrupt: &Interrupt,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let (url, command) = match side {
            Side::A => (&args.a, &args.a_cmd),
            Side::B => (&args.b, &args.b_cmd),
        };
        let mut run = args.run.clone();
        run.load.duration = Some(args.block);
        // Each side may send half of what both may, and each search its part of that.
        let parts = if run.search.find_max_rps { 2 * searches::pairs(args) as u64 } else { 2 };
        run.limits.max_total_requests = run.limits.max_total_requests.map(|most| most / parts);
        let blocks = attempts(args.pairs.unwrap_or(PAIRS));
        if let Some(url) = url {
            let place = if run.subject.is_some() { &mut run.target.host } else { &mut run.subject };
            *place = Some(url.clone());
        }
        switch(side, command.as_ref())?;
        let session =
            run::begin(&run, Beginning::of(&run, run.mode(blocks as u64))?, interrupt, screen)?;
        Ok(Self { side, command: command.clone(), session })
    }
}

/// Runs the command that brings a side up; its output goes to stderr.
fn switch(side: Side, command: Option<&OsString>) -> Result<(), Failure> {
    let Some(command) = command else { return Ok(()) };
    let failed = |why: String| {
        Failure::unreachable(format!("the command of side {} failed: {why}", side.name()))
    };
    let status = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// Both targets and the pairs so far.
struct Turns<'a> {
    args: &'a Args,
    design: Design,
    targets: [Target; 2],
    interrupt: Interrupt,
    screen: Screen,
    /// Blocks of A and B that count.
    kept: Vec<[CompletedBlock; 2]>,
    /// Why others do not.
    discarded: Vec<String>,
}

impl Turns<'_> {
    /// Measures until the verdict is clear, all pairs are there, too many had to be discarded, or a signal
    /// comes. Nothing if no pair is left.
    fn take(&mut self, output: &mut Output) -> Result<Option<Comparison>, Failure> {
        for _ in 0..attempts(self.design.pairs) {
            let Some(blocks) = self.pair(output)? else { break };
            self.keep_or_discard(blocks);
            if self.kept.is_empty() || self.design.after(self.kept.len()) == Next::Pair {
                continue;
            }
            let found = self.judge();
            let word = found.as_ref().map_or(Word::Inconclusive, |found| found.word);
            self.screen.note(&format!(
                "after {}: {}",
                counted(self.kept.len() as u64, "pair"),
                word.name()
            ));
            if word != Word::Inconclusive || self.kept.len() >= self.design.pairs {
                return Ok(found);
            }
        }
        Ok(self.judge())
    }

    /// The next pair's blocks, A's first; nothing after a signal.
    fn pair(&self, output: &mut Output) -> Result<Option<[CompletedBlock; 2]>, Failure> {
        let number = self.kept.len();
        for Target { session, .. } in &self.targets {
            let plan = session.plan();
            let length = plan.warmup + plan.duration;
            if let Some(reason) = session.short_of_rows(plan.rate.as_per_second(), length) {
                self.screen.warn(&format!("no more pairs: {reason}"));
                return Ok(None);
            }
        }
        let mut screen = self.screen;
        let mut observers = Observers::of([&mut screen, output]);
        let mut blocks = [None, None];
        for side in self.design.order.sides(number) {
            let place = usize::from(side == Side::B);
            let target = &self.targets[place];
            switch(target.side, target.command.as_ref())?;
            let label = format!("{} {}/{}", side.name(), number + 1, self.design.pairs);
            let seed = target.session.plan().seed.wrapping_add(number as u64);
            let ran = target.session.block(&label, seed, &mut observers)?;
            if self.interrupt.requested().is_some() {
                return Ok(None);
            }
            blocks[place] = Some(ran);
        }
        let [a, b] = blocks;
        Ok(a.zip(b).map(|(a, b)| [a, b]))
    }

    fn keep_or_discard(&mut self, blocks: [CompletedBlock; 2]) {
        let reason = blocks.iter().zip(&self.targets).find_map(|(ran, target)| {
            let cause = hiccup(&ran.findings)?;
            Some(format!("side {}: {}", target.side.name(), cause.message))
        });
        match reason {
            None => self.kept.push(blocks),
            Some(reason) => {
                self.screen.warn(&format!("a pair is discarded, {reason}"));
                self.discarded.push(reason);
            }
        }
    }

    fn judge(&self) -> Option<Comparison> {
        let plan = self.targets[0].session.plan();
        let pair = |[a, b]: &[CompletedBlock; 2]| Pair { a: a.figures(plan), b: b.figures(plan) };
        let pairs: Vec<Pair> = self.kept.iter().map(pair).collect();
        let judging = &self.args.judging;
        self.design.judge(&pairs, &judging.margins(), judging.scope(), self.args.block)
    }

    fn compared(&self, comparison: Option<&Comparison>) -> ComparisonReport {
        let sides = (self.side(0), self.side(1));
        let mut report = match comparison {
            None => {
                let reason = match self.discarded.first() {
                    None => "it was ended before the first pair".to_owned(),
                    Some(reason) => format!("every pair was disturbed; the first: {reason}"),
                };
                ComparisonReport::not_comparable(sides, vec![reason])
            }
            Some(comparison) => {
                ComparisonReport::compared(sides, comparison, self.notes(comparison))
            }
        };
        if let Some(doubt) = self.design.doubt(self.kept.len()).filter(|_| comparison.is_some()) {
            report.verdict.sentence = format!("Inconclusive: {doubt}");
            report.verdict.more = None;
        }
        report.turns = Some(TurnsReport {
            order: self.design.order.name().to_owned(),
            pairs: self.kept.len() as u64,
            discarded: self.discarded.clone(),
            block: whole_nanos(self.args.block),
            head: whole_nanos(self.args.run.load.warmup.unwrap_or_default()),
        });
        report
    }

    fn notes(&self, comparison: &Comparison) -> Vec<String> {
        let (pairs, order) = (self.kept.len(), self.design.order.name());
        let block = crate::time::Human(self.args.block);
        let mut notes = vec![format!(
            "{} of blocks of {block} each, in the order {order}",
            counted(pairs as u64, "pair")
        )];
        if let Some(first) = self.discarded.first() {
            let count = counted(self.discarded.len() as u64, "pair");
            notes.push(format!("{count} discarded besides, the first because of {first}"));
        }
        notes.extend(more_pairs(comparison, pairs).map(|more| settling(pairs, more)));
        notes
    }

    fn side(&self, place: usize) -> Vec<ComparedRun> {
        let session = &self.targets[place].session;
        let plan = PlanEcho::from(session.plan());
        let length: Duration = self.kept.iter().map(|blocks| blocks[place].length()).sum();
        vec![ComparedRun {
            id: counted(self.kept.len() as u64, "block"),
            started_at: session.started_at().to_string(),
            name: plan.name,
            origin: plan.origin,
            rate: plan.rate,
            duration: whole_nanos(length),
        }]
    }

    /// What is stored: B's figures, and the comparison.
    fn report(self, compared: ComparisonReport) -> Option<Report> {
        let [_, target] = self.targets;
        let of_b = self.kept.into_iter().map(|[_, b]| b).collect();
        let report = target.session.blocks_report(of_b)?;
        Some(Report { kind: Kind::Ab, comparison: Some(Box::new(compared)), ..report })
    }
}

/// What it would take beyond `pairs` to settle what is open.
fn settling(pairs: usize, more: usize) -> String {
    let count = counted(more as u64, "more pair");
    match pairs + more {
        all if all <= PAIRS_MAX => format!("about {count} would settle it: --pairs {all}"),
        _ => format!(
            "about {count} would settle it, where --pairs allows {PAIRS_MAX} in all: measure longer blocks \
             (--block), or on a quieter machine"
        ),
    }
}

fn pairs(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(pairs) if pairs > 0 && pairs <= PAIRS_MAX && pairs.is_multiple_of(2) => Ok(pairs),
        _ => Err(format!(
            "write an even number from 2 to {PAIRS_MAX}, so that each side comes first equally often"
        )),
    }
}

fn order_parser() -> impl clap::builder::TypedValueParser<Value = Order> {
    clap::builder::PossibleValuesParser::new(Order::ALL.map(Order::name))
        .map(|name| Order::ALL.into_iter().find(|order| order.name() == name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_of_pairs_is_advised_that_would_not_settle_it() {
        assert_eq!(settling(4, 6), "about 6 more pairs would settle it: --pairs 10");
        let many = settling(2, 96_678);
        assert!(many.starts_with("about 96,678 more pairs") && !many.contains("--pairs 200"));
    }
}
