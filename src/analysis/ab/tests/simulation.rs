//! Simulated targets in turns: one queue per block, in virtual time, with a machine that jitters from block
//! to block and slows down in the course of the session.

use std::time::Duration;

use crate::analysis::ab::{Block, Design, Figures, Next, Order, Pair, Side};
use crate::analysis::compare::comparison::{Margins, Scope};
use crate::analysis::compare::decision::Word;
use crate::load::random::SplitMix64;
use crate::measure::histogram::Quantile;

#[derive(Clone, Copy, Debug)]
struct Session {
    name: &'static str,
    /// Utilisation of A.
    load: f64,
    /// Block length in seconds.
    block: f64,
    pairs: usize,
    /// Standard deviation of the capacity between blocks.
    jitter: f64,
    /// By how much the machine slows down over all pairs.
    drift: f64,
    /// How much longer B serves.
    slower: f64,
    /// Mean gap between stalls of 0.2 s, in seconds.
    stalls: Option<f64>,
}

const RATE: f64 = 500.0;
const HEAD_S: f64 = 3.0;

const CALM: Session = Session {
    name: "half load, 6 pairs of 10 s",
    load: 0.5,
    block: 10.0,
    pairs: 6,
    jitter: 0.02,
    drift: 0.0,
    slower: 0.0,
    stalls: None,
};

impl Session {
    /// The word after the last look that was needed.
    fn word(&self, seed: u64) -> Word {
        let mut random = SplitMix64::for_slot(11, seed);
        let design = Design { order: Order::Abba, pairs: self.pairs };
        let mut pairs: Vec<Pair> = Vec::new();
        loop {
            let mut blocks = [None, None];
            for (place, side) in design.order.sides(pairs.len()).into_iter().enumerate() {
                let passed = (2 * pairs.len() + place) as f64 / (2 * self.pairs) as f64;
                let slower = match side {
                    Side::A => 1.0,
                    Side::B => 1.0 + self.slower,
                };
                let jitter = (self.jitter * normal(&mut random)).exp();
                let service = slower * jitter * (1.0 + self.drift * passed);
                blocks[usize::from(side == Side::B)] = Some(self.block(service, &mut random));
            }
            let [Some(a), Some(b)] = blocks else { unreachable!("both sides have their turn") };
            pairs.push(Pair { a, b });
            if design.after(pairs.len()) == Next::Pair {
                continue;
            }
            let length = Duration::from_secs_f64(self.block);
            let found = design.judge(&pairs, &Margins::default(), Scope::Total, length).unwrap();
            if found.word != Word::Inconclusive || pairs.len() == self.pairs {
                return found.word;
            }
        }
    }

    fn block(&self, service: f64, random: &mut SplitMix64) -> Block {
        let mean = self.load / RATE * service;
        let (mut free, mut slot) = (0.0_f64, 0.0);
        let gap = |random: &mut SplitMix64| {
            self.stalls.map_or(f64::INFINITY, |gap| gap * random.exponential())
        };
        let mut stall = gap(random);
        let mut times = Vec::new();
        while slot < (HEAD_S + self.block) * RATE {
            let due = slot / RATE;
            slot += 1.0;
            if due > stall {
                free = free.max(due) + 0.2;
                stall = due + gap(random);
            }
            free = free.max(due) + mean * random.exponential();
            if due >= HEAD_S {
                times.push(free - due);
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |q: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let rank = (q * times.len() as f64).ceil() as usize;
            Quantile::exact(Duration::from_secs_f64(times[rank - 1]))
        };
        let total = Figures {
            times: [at(0.5), at(0.95), at(0.99)],
            planned: times.len() as u64,
            failed: 0,
            throughput: RATE,
        };
        Block { total, requests: Vec::new() }
    }

    /// Shares of sessions that ended in `better` or `worse`, and in `worse`, in percent.
    fn shares(&self, sessions: u64) -> (f64, f64) {
        let words: Vec<Word> = (0..sessions).map(|seed| self.word(seed)).collect();
        let share = |of: &[Word]| {
            let count = words.iter().filter(|word| of.contains(word)).count();
            100.0 * count as f64 / sessions as f64
        };
        (share(&[Word::Better, Word::Worse]), share(&[Word::Worse]))
    }
}

fn normal(random: &mut SplitMix64) -> f64 {
    (2.0 * random.exponential()).sqrt() * (std::f64::consts::TAU * random.unit()).cos()
}

/// A against A.
fn alike() -> [Session; 6] {
    let stalls = Some(5.0);
    [
        CALM,
        Session { name: "the same, machine 6 % slower at the end", drift: 0.06, ..CALM },
        Session { name: "10 pairs of 20 s", pairs: 10, block: 20.0, ..CALM },
        Session {
            name: "10 pairs of 20 s, 6 % slower",
            pairs: 10,
            block: 20.0,
            drift: 0.06,
            ..CALM
        },
        Session {
            name: "24 pairs of 10 s, load 0.8, 6 % slower",
            pairs: 24,
            load: 0.8,
            drift: 0.06,
            ..CALM
        },
        Session { name: "10 pairs of 10 s, stalls", pairs: 10, stalls, ..CALM },
    ]
}

const SLOWER: Session = Session {
    name: "B serves 5 % longer, 10 pairs of 20 s",
    pairs: 10,
    block: 20.0,
    slower: 0.05,
    ..CALM
};

#[test]
fn like_targets_are_seldom_told_apart_and_a_slower_one_mostly_is() {
    for session in &alike()[..2] {
        let (differs, _) = session.shares(40);
        assert!(differs <= 10.0, "{}: {differs} %", session.name);
    }
    let (_, worse) = SLOWER.shares(20);
    assert!(worse >= 85.0, "{worse} %");
}

/// The table of docs/method.md; `scripts/prove-ab` runs it.
#[test]
#[ignore = "minutes"]
#[expect(clippy::print_stdout, reason = "a table for people")]
fn ab_table() {
    for session in alike() {
        let (differs, _) = session.shares(400);
        println!("{:45} told apart though alike: {differs:.1} %", session.name);
        assert!(differs <= 7.0);
    }
    let (_, worse) = SLOWER.shares(400);
    println!("{:45} found worse: {worse:.1} %", SLOWER.name);
    assert!(worse >= 90.0);
}
