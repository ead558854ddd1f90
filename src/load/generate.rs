//! [`Generator`]: values that templates make up: random ones from the slot's own stream, its due instant,
//! its number.
//!
//! Templates use them as segments, expressions as functions; both give a slot the same values.

use std::fmt::Write as _;
use std::time::Duration;

use crate::load::random::SplitMix64;

/// Random text is no longer than this, in characters.
pub const TEXT_LENGTH_MAX: u64 = 1 << 20;
/// Most decimals of a random number.
pub const DECIMALS_MAX: u32 = 15;

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Whole seconds since 1970.
    UnixSeconds,
    /// Whole milliseconds since 1970.
    UnixMillis,
    /// ISO 8601 in UTC, to the millisecond.
    Iso,
}

impl TimeForm {
    /// All forms, with the words that name them.
    pub const ALL: [(&'static str, Self); 3] =
        [("s", Self::UnixSeconds), ("ms", Self::UnixMillis), ("iso", Self::Iso)];

    /// The form that `word` names.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(name, _)| *name == word).map(|(_, form)| form)
    }
}

/// Texts of which one is drawn, each with its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    options: Vec<String>,
    /// Of each option, the sum of the weights up to it.
    sums: Vec<u64>,
}

impl Choice {
    /// Draws in proportion to the weights; `None` if they are all 0.
    pub fn new(options: Vec<(String, u32)>) -> Option<Self> {
        let mut sum = 0;
        let sums = options.iter().map(|(_, weight)| {
            sum += u64::from(*weight);
            sum
        });
        let sums = sums.collect();
        let options = options.into_iter().map(|(option, _)| option).collect();
        (sum > 0).then_some(Self { options, sums })
    }

    /// The place of the option drawn.
    pub fn draw(&self, random: &mut SplitMix64) -> usize {
        let total = self.sums.last().copied().unwrap_or_default();
        let drawn = random.below(total);
        self.sums.partition_point(|sum| *sum <= drawn)
    }

    /// The options, in order.
    pub fn options(&self) -> &[String] {
        &self.options
    }
}

/// A value that is made up for each slot.
#[derive(Clone, Debug, PartialEq)]
pub enum Generator {
    /// One of some texts.
    Choice(Choice),
    /// A uniform number of [low, high), rounded to some decimals.
    Float {
        /// Smallest value.
        low: f64,
        /// Bound.
        high: f64,
        /// At most [`DECIMALS_MAX`].
        decimals: u32,
    },
    /// Characters drawn from an alphabet.
    Text {
        /// At least one.
        alphabet: Vec<char>,
        /// At most [`TEXT_LENGTH_MAX`].
        length: u64,
    },
    /// The slot's due instant.
    Timestamp(TimeForm),
    /// The number of the slot within the run, times a step, from a start.
    Counter {
        /// Value of the first slot.
        start: i64,
        /// From one slot to the next.
        step: i64,
    },
}

/// What generators are fed with.
#[derive(Debug)]
pub struct Moment<'a> {
    /// The slot's own stream.
    pub random: &'a mut SplitMix64,
    /// The slot's number within the run.
    pub number: u64,
    /// Its due instant, since 1970.
    pub due: Duration,
}

impl Generator {
    /// Whether what it writes is a number in JSON as well.
    pub const fn is_number(&self) -> bool {
        match self {
            Self::Float { .. } | Self::Counter { .. } => true,
            Self::Timestamp(form) => !matches!(form, TimeForm::Iso),
            Self::Choice(_) | Self::Text { .. } => false,
        }
    }

    /// Appends the value for one slot.
    pub fn push(&self, moment: &mut Moment<'_>, out: &mut String) {
        match self {
            Self::Choice(choice) => {
                out.push_str(&choice.options[choice.draw(moment.random)]);
            }
            Self::Float { low, high, decimals } => {
                let number = random_float(moment.random, *low, *high, *decimals);
                write!(out, "{number:.*}", *decimals as usize).expect(INFALLIBLE);
            }
            Self::Text { alphabet, length } => push_text(moment.random, alphabet, *length, out),
            Self::Timestamp(form) => push_time(moment.due, *form, out),
            Self::Counter { start, step } => {
                write!(out, "{}", counted(moment.number, *start, *step)).expect(INFALLIBLE);
            }
        }
    }
}

const INFALLIBLE: &str = "writing to a String cannot fail";

/// A uniform whole number, both ends included; `high` is at least `low`.
pub fn random_int(random: &mut SplitMix64, low: i64, high: i64) -> i64 {
    let span = high.abs_diff(low).saturating_add(1);
    low.wrapping_add_unsigned(random.below(span))
}

/// A uniform number of [low, high), rounded to `decimals`.
pub fn random_float(random: &mut SplitMix64, low: f64, high: f64, decimals: u32) -> f64 {
    let scale = 10_f64.powi(i32::try_from(decimals.min(DECIMALS_MAX)).unwrap_or(0));
    ((high - low).mul_add(random.unit(), low) * scale).round() / scale
}

/// Appends `length` characters drawn from `alphabet`.
pub fn push_text(random: &mut SplitMix64, alphabet: &[char], length: u64, out: &mut String) {
    for _ in 0..length {
        let drawn = usize::try_from(random.below(alphabet.len() as u64)).unwrap_or(0);
        out.extend(alphabet.get(drawn));
    }
}

/// Appends an instant since 1970.
pub fn push_time(since_epoch: Duration, form: TimeForm, out: &mut String) {
    match form {
        TimeForm::UnixSeconds => out.push_str(&since_epoch.as_secs().to_string()),
        TimeForm::UnixMillis => out.push_str(&since_epoch.as_millis().to_string()),
        TimeForm::Iso => {
            let nanos = i128::try_from(since_epoch.as_nanos()).unwrap_or(i128::MAX);
            let instant = jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::MAX);
            out.push_str(&format_args!("{instant:.3}").to_string());
        }
    }
}

/// The value of a counter at slot `number`.
pub fn counted(number: u64, start: i64, step: i64) -> i64 {
    let steps = i64::try_from(number).unwrap_or(i64::MAX);
    start.wrapping_add(steps.wrapping_mul(step))
}

/// The characters that `name` stands for: `alnum`, `letters`, `digits`, `hex`, or themselves.
pub fn alphabet(name: &str) -> Vec<char> {
    match name {
        "alnum" => ('0'..='9').chain('A'..='Z').chain('a'..='z').collect(),
        "letters" => ('A'..='Z').chain('a'..='z').collect(),
        "digits" => ('0'..='9').collect(),
        "hex" => ('0'..='9').chain('a'..='f').collect(),
        characters => characters.chars().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(generator: &Generator, number: u64) -> String {
        let mut random = SplitMix64::for_slot(1, number);
        let due = Duration::from_millis(1_700_000_000_042);
        let mut out = String::new();
        generator.push(&mut Moment { random: &mut random, number, due }, &mut out);
        out
    }

    #[test]
    fn instants_are_written_in_each_form() {
        let table =
            [("s", "1700000000"), ("ms", "1700000000042"), ("iso", "2023-11-14T22:13:20.042Z")];
        for (form, expected) in table {
            let form = TimeForm::named(form).unwrap();
            assert_eq!(made(&Generator::Timestamp(form), 3), expected);
        }
        assert_eq!(TimeForm::named("days"), None);
    }

    #[test]
    fn counters_follow_the_slots_number() {
        let counter = Generator::Counter { start: 100, step: -2 };
        assert_eq!([0, 1, 7].map(|slot| made(&counter, slot)), ["100", "98", "86"]);
    }

    #[test]
    fn floats_keep_to_their_range_and_decimals() {
        let float = Generator::Float { low: -1.0, high: 2.0, decimals: 2 };
        for slot in 0..500 {
            let text = made(&float, slot);
            let number: f64 = text.parse().unwrap();
            assert!((-1.0..=2.0).contains(&number) && text.split('.').nth(1).unwrap().len() == 2);
        }
        assert_eq!(made(&Generator::Float { low: 3.0, high: 3.4, decimals: 0 }, 1), "3");
    }

    #[test]
    fn texts_are_of_their_alphabet() {
        let text = Generator::Text { alphabet: alphabet("hex"), length: 200 };
        let made = made(&text, 5);
        assert_eq!(made.len(), 200);
        assert!(made.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)), "{made}");
        assert_eq!(alphabet("äb"), ['ä', 'b']);
    }

    #[test]
    fn weighted_choices_come_in_proportion() {
        let options = [("a", 1), ("never", 0), ("b", 3)];
        let choice = Choice::new(options.map(|(text, weight)| (text.to_owned(), weight)).to_vec());
        let choice = Generator::Choice(choice.unwrap());
        let drawn: Vec<String> = (0..4000).map(|slot| made(&choice, slot)).collect();
        let count = |text: &str| drawn.iter().filter(|one| *one == text).count();
        assert_eq!(count("a") + count("b"), 4000);
        assert!((900..1100).contains(&count("a")), "{}", count("a"));
        assert_eq!(Choice::new(vec![("a".into(), 0)]), None);
    }
}
