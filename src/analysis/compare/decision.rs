//! [`judge_all`]: changes with their errors → words, and words → one verdict.
//!
//! A word never rests on a p-value alone: `worse` and `better` need an interval that leaves out "no
//! change" and an estimate beyond the smallest change that matters; `same` needs the whole interval within
//! it. Everything else is `inconclusive`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::stats::{holm, student};

/// How often a comparison may call a difference where there is none.
pub const ALPHA: f64 = 0.05;
/// How often a change of the size called detectable would have been found.
const POWER: f64 = 0.8;

/// A verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WordName")]
pub enum Word {
    /// Better by more than the smallest change that matters.
    Better,
    /// Worse by more than that.
    Worse,
    /// Any change is smaller than that.
    Same,
    /// The data do not tell.
    Inconclusive,
    /// The runs are not of the same kind.
    NotComparable,
}

impl Word {
    /// The verdict over several words, those that count.
    pub fn overall(words: impl IntoIterator<Item = Self>) -> Self {
        let words: Vec<Self> = words.into_iter().collect();
        if words.is_empty() {
            return Self::Inconclusive;
        }
        [Self::Worse, Self::Inconclusive, Self::Better]
            .into_iter()
            .find(|word| words.contains(word))
            .unwrap_or(Self::Same)
    }

    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Inconclusive => "inconclusive",
            Self::NotComparable => "not comparable",
        }
    }
}

/// Which way of a figure is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// Times and errors.
    Lower,
    /// Rates.
    Higher,
}

/// How a change is written as one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// ln(B/A).
    Ratio,
    /// B − A.
    Difference,
}

impl Scale {
    /// A change in words of the user (0.05 for 5 %, or 0.005 for half a point) as a number on this scale.
    pub fn number(self, change: f64) -> f64 {
        match self {
            Self::Ratio => change.ln_1p(),
            Self::Difference => change,
        }
    }

    /// The opposite of [`Self::number`].
    pub fn change(self, number: f64) -> f64 {
        match self {
            Self::Ratio => number.exp_m1(),
            Self::Difference => number,
        }
    }
}

/// What is known of a change whose figures are perhaps only bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Censoring {
    /// Both figures.
    Exactly,
    /// B is this much or more: only a change upwards can be claimed.
    AtLeast,
    /// A is this much or more: only a change downwards can be claimed.
    AtMost,
    /// Both figures are lower bounds, so nothing.
    Not,
}

impl Censoring {
    /// From whether A's and B's figures are lower bounds.
    pub const fn from_bounds(a_at_least: bool, b_at_least: bool) -> Self {
        match (a_at_least, b_at_least) {
            (false, false) => Self::Exactly,
            (false, true) => Self::AtLeast,
            (true, false) => Self::AtMost,
            (true, true) => Self::Not,
        }
    }
}

/// B against A on a [`Scale`], positive where B's figure is larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The best single figure.
    pub estimate: f64,
    /// Its standard error, the noise between runs included.
    pub error: f64,
    /// Degrees of freedom of that error.
    pub df: f64,
    /// The p-value of another test of the same question, which must agree before a change is claimed.
    pub second_p: Option<f64>,
    /// What the figures can show at all.
    pub known: Censoring,
    /// Where nothing was seen on either side, how much it can be at most: then no error is estimated.
    pub unseen: Option<f64>,
}

/// What is compared, and from which size on it matters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// The change that was found.
    pub change: Change,
    /// How its numbers are meant.
    pub scale: Scale,
    /// Which way is an improvement.
    pub good: Good,
    /// The smallest change that matters, as in [`Scale::number`].
    pub margin: f64,
}

/// An interval on a question's scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A question's answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangeVerdict {
    /// In one word.
    pub word: Word,
    /// Where the change lies, with probability 1 − `level`.
    pub interval: Interval,
    /// The part of [`ALPHA`] that this question got.
    pub level: f64,
    /// The change that would have been found with a probability of 80 %, on the question's scale.
    pub detectable: f64,
    /// A change was found, whether or not it matters.
    pub real: bool,
    /// How many times as much data it takes to tell the smallest change that matters, at least 1.
    pub times_as_much: f64,
}

impl Change {
    /// How likely a change at least as large is where there is none.
    fn p_value(&self) -> f64 {
        let own = if self.error > 0.0 {
            student::two_sided(self.estimate / self.error, self.df)
        } else {
            f64::from(u8::from(self.estimate == 0.0))
        };
        own.max(self.second_p.unwrap_or(0.0))
    }

    /// The interval at `level`, wide enough to contain "no change" where the second test does not agree.
    fn interval(&self, level: f64) -> Interval {
        if let Some(most) = self.unseen {
            return Interval { low: -most, high: most };
        }
        let reach = student::quantile(1.0 - level / 2.0, self.df) * self.error;
        let (low, high) = (self.estimate - reach, self.estimate + reach);
        if self.second_p.is_some_and(|p| p > level) {
            return Interval { low: low.min(0.0), high: high.max(0.0) };
        }
        Interval { low, high }
    }
}

impl Question {
    fn judge(&self, level: f64) -> ChangeVerdict {
        let change = &self.change;
        let margin = self.scale.number(self.margin);
        let interval = change.interval(level);
        let real = (interval.low > 0.0 || interval.high < 0.0) && change.p_value() <= level;
        let claimable = match change.known {
            Censoring::Exactly => true,
            Censoring::AtLeast => change.estimate > 0.0,
            Censoring::AtMost => change.estimate < 0.0,
            Censoring::Not => false,
        };
        let within = interval.low >= -margin && interval.high <= margin;
        let word = if real && claimable && change.estimate.abs() > margin {
            match (change.estimate > 0.0, self.good) {
                (true, Good::Higher) | (false, Good::Lower) => Word::Better,
                _ => Word::Worse,
            }
        } else if within && change.known == Censoring::Exactly {
            Word::Same
        } else {
            Word::Inconclusive
        };
        let quantiles =
            student::quantile(1.0 - level / 2.0, change.df) + student::quantile(POWER, change.df);
        let detectable = quantiles * change.error;
        // Where the smallest change that matters is detectable already, the interval still straddles it.
        let distance = (change.estimate.abs() - margin).abs().max(margin / 20.0);
        let half_width = (interval.high - interval.low) / 2.0;
        let times_as_much = match change.unseen {
            // A bound falls with the number of slots, an error with its root.
            Some(most) => (most / margin).max(1.0),
            None if detectable > margin => (detectable / margin).powi(2).max(1.0),
            None => (half_width / distance).powi(2).max(1.0),
        };
        ChangeVerdict { word, interval, level, detectable, real, times_as_much }
    }
}

/// Answers several questions at once, so that with probability 1 − `alpha` no change is claimed that is
/// not there.
pub fn judge_all(questions: &[Question], alpha: f64) -> Vec<ChangeVerdict> {
    let p_values: Vec<f64> = questions.iter().map(|question| question.change.p_value()).collect();
    let levels = holm::levels(&p_values, alpha);
    questions.iter().zip(levels).map(|(question, level)| question.judge(level)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn latency(estimate: f64, error: f64) -> Question {
        let change = Change {
            estimate,
            error,
            df: 30.0,
            second_p: None,
            known: Censoring::Exactly,
            unseen: None,
        };
        Question { change, scale: Scale::Ratio, good: Good::Lower, margin: 0.05 }
    }

    fn word(question: Question) -> Word {
        judge_all(&[question], ALPHA)[0].word
    }

    #[test]
    fn words_need_size_and_certainty() {
        for (estimate, error, expected) in [
            (0.10, 0.01, Word::Worse),
            (-0.10, 0.01, Word::Better),
            (0.03, 0.005, Word::Same),
            (0.0, 0.01, Word::Same),
            (0.10, 0.08, Word::Inconclusive),
            (0.04, 0.01, Word::Inconclusive),
            (0.0, 0.05, Word::Inconclusive),
        ] {
            assert_eq!(word(latency(estimate, error)), expected, "{estimate} ± {error}");
        }
        let more = Question { good: Good::Higher, ..latency(0.10, 0.01) };
        assert_eq!(word(more), Word::Better);
    }

    #[test]
    fn a_small_change_that_is_real_says_so() {
        let judged = judge_all(&[latency(0.03, 0.005)], ALPHA)[0];
        assert!(judged.real && judged.word == Word::Same);
        assert!(!judge_all(&[latency(0.003, 0.005)], ALPHA)[0].real);
    }

    #[test]
    fn the_second_test_has_a_say() {
        let mut question = latency(0.10, 0.01);
        question.change.second_p = Some(0.3);
        let judged = judge_all(&[question], ALPHA)[0];
        assert_eq!(judged.word, Word::Inconclusive);
        assert!(judged.interval.low <= 0.0, "the interval shows the doubt");
        question.change.second_p = Some(0.001);
        assert_eq!(word(question), Word::Worse);
    }

    #[test]
    fn bounds_claim_only_what_they_bound() {
        for (known, up, down) in [
            (Censoring::Exactly, Word::Worse, Word::Better),
            (Censoring::AtLeast, Word::Worse, Word::Inconclusive),
            (Censoring::AtMost, Word::Inconclusive, Word::Better),
            (Censoring::Not, Word::Inconclusive, Word::Inconclusive),
        ] {
            let of = |estimate| {
                let mut question = latency(estimate, 0.01);
                question.change.known = known;
                word(question)
            };
            assert_eq!((of(0.2), of(-0.2)), (up, down), "{known:?}");
        }
    }

    #[test]
    fn nothing_seen_on_either_side_is_the_same_once_the_bound_is_small_enough() {
        let errors = |most| {
            let change = Change { unseen: Some(most), ..latency(0.0, 0.003).change };
            Question { change, scale: Scale::Difference, good: Good::Lower, margin: 0.005 }
        };
        // Beside questions that are open, which take their part of the risk.
        let judged =
            |most| judge_all(&[errors(most), latency(0.0, 0.05), latency(0.0, 0.05)], ALPHA)[0];
        assert_eq!(judged(0.00375).word, Word::Same);
        let open = judged(0.0075);
        assert_eq!(open.word, Word::Inconclusive);
        assert!((open.times_as_much - 1.5).abs() < 1e-9, "{open:?}");
    }

    #[test]
    fn many_questions_share_the_risk() {
        // Significant alone, not among five.
        assert_eq!(word(latency(0.08, 0.034)), Word::Worse);
        let among = judge_all(&[latency(0.08, 0.034); 5], ALPHA);
        assert!(among.iter().all(|judged| judged.word == Word::Inconclusive));
    }

    #[test]
    fn the_verdict_is_the_word_that_matters_most() {
        use Word::{Better, Inconclusive, Same, Worse};
        for (words, expected) in [
            (&[Same, Better, Worse, Inconclusive][..], Worse),
            (&[Same, Better, Inconclusive], Inconclusive),
            (&[Same, Better], Better),
            (&[Same, Same], Same),
            (&[], Inconclusive),
        ] {
            assert_eq!(Word::overall(words.iter().copied()), expected, "{words:?}");
        }
    }

    proptest! {
        #[test]
        fn better_and_worse_are_mirrored(estimate in -0.3_f64..0.3, error in 0.001_f64..0.1) {
            let mirror = |word| match word {
                Word::Better => Word::Worse,
                Word::Worse => Word::Better,
                other => other,
            };
            prop_assert_eq!(word(latency(-estimate, error)), mirror(word(latency(estimate, error))));
        }

        #[test]
        fn as_much_data_as_said_makes_the_margin_detectable(error in 0.02_f64..0.2) {
            let judged = judge_all(&[latency(0.0, error)], ALPHA)[0];
            let then = judge_all(&[latency(0.0, error / judged.times_as_much.sqrt())], ALPHA)[0];
            prop_assert!((then.detectable - Scale::Ratio.number(0.05)).abs() < 1e-9);
        }
    }
}
