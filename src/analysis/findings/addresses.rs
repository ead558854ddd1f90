//! Which address of the target stands out from the others: it leaves requests unanswered, fails them, or takes
//! longer, by more than chance would have it.

use std::time::Duration;

use crate::analysis::findings::checks::{PATTERN_SHARE, finding};
use crate::analysis::findings::{AddressFault, Cause, Evidence, Finding, Severity};
use crate::analysis::stats::binomial;
use crate::analysis::words::Count;
use crate::measure::address_tally::AddressTally;
use crate::measure::histogram::{CensoredHistogram, Quantile};
use crate::time::Human;

/// Fewer requests to an address, or to the others, tell nothing.
const REQUESTS_MIN: u64 = 20;
/// How likely chance alone may be to make any address as bad as that. Requests that follow each other are
/// alike, so this is far below what independent ones would call for.
const CHANCE_MAX: f64 = 1e-6;
/// By this factor a share or a time differs enough to be told.
const FACTOR: u32 = 2;
/// A smaller difference between times is nobody's concern.
const TIME_DIFFERENCE_MIN: Duration = Duration::from_millis(1);
/// The quantiles that are compared, by their names in a sentence.
const QUANTILES: [(f64, &str); 2] = [(0.5, "median"), (0.95, "p95")];

/// Names every address that stands out.
pub(super) fn address_differs(evidence: &Evidence<'_>) -> Option<Finding> {
    let all = evidence.by_address;
    let told: Vec<String> = all.iter().filter_map(|one| difference(one, all)).collect();
    let remedy = "look at what serves that address, or take it out of the name; whoever is led there meets \
        this, so raising the target's capacity does not help them";
    (!told.is_empty()).then(|| {
        finding(Cause::Address(AddressFault::Worse), Severity::Warning, told.join("; "), remedy)
    })
}

/// How `one` of `all` is worse than the others.
fn difference(one: &AddressTally, all: &[AddressTally]) -> Option<String> {
    let others = Others::than(one, all)?;
    if one.requests() < REQUESTS_MIN || others.requests() < REQUESTS_MIN {
        return None;
    }
    // Any of them might have been the bad one, in any of three ways.
    let choices = 3.0 * all.len() as f64;
    let unanswered = [one.requests() - one.answered(), others.requests() - others.answered()];
    if others.is_worse(one, unanswered, choices) {
        return Some(format!(
            "address {} answered {} of {} requests, {} {} of {}",
            one.address,
            Count(one.answered()),
            Count(one.requests()),
            others.name(),
            Count(others.answered()),
            Count(others.requests())
        ));
    }
    if others.is_worse(one, [one.failed, others.failed], choices) {
        return Some(format!(
            "address {} failed {} of {} requests, {} {} of {}",
            one.address,
            Count(one.failed),
            Count(one.requests()),
            others.name(),
            Count(others.failed),
            Count(others.requests())
        ));
    }
    let slower = |&(q, _): &(f64, &str)| others.is_slower(one, q, choices);
    let (q, name) = QUANTILES.iter().find(|quantile| slower(quantile))?;
    Some(format!(
        "address {} is slow: its {name} is {}, elsewhere {}",
        one.address,
        told(one.service_time.quantile(*q)),
        told(others.service_time.quantile(*q))
    ))
}

fn told(time: Quantile) -> String {
    let bound = if time.at_least { "≥ " } else { "" };
    format!("{bound}{}", Human(time.value))
}

/// All addresses but one.
struct Others {
    count: usize,
    failed: u64,
    service_time: CensoredHistogram,
}

impl Others {
    fn than(one: &AddressTally, all: &[AddressTally]) -> Option<Self> {
        let others = all.iter().filter(|other| other.address != one.address);
        let none = Self { count: 0, failed: 0, service_time: CensoredHistogram::default() };
        let sum = others.fold(none, |mut sum, other| {
            sum.count += 1;
            sum.failed += other.failed;
            sum.service_time.merge(&other.service_time);
            sum
        });
        (sum.count > 0).then_some(sum)
    }

    fn name(&self) -> &'static str {
        if self.count == 1 { "the other address" } else { "the other addresses" }
    }

    fn requests(&self) -> u64 {
        self.service_time.count()
    }

    fn answered(&self) -> u64 {
        self.service_time.answered.count()
    }

    /// Whether of what went wrong `one` has more than its part, `bad` being its count and that of the others.
    fn is_worse(&self, one: &AddressTally, bad: [u64; 2], choices: f64) -> bool {
        let [its, theirs] = bad;
        let share = its as f64 / one.requests() as f64;
        let others_share = theirs as f64 / self.requests() as f64;
        if share < PATTERN_SHARE || share < others_share * f64::from(FACTOR) {
            return false;
        }
        let requests = one.requests() + self.requests();
        let part = one.requests() as f64 / requests as f64;
        binomial::tail(its + theirs, part, its) * choices <= CHANCE_MAX
    }

    /// Whether quantile `q` of `one` is far above that of the others.
    fn is_slower(&self, one: &AddressTally, q: f64, choices: f64) -> bool {
        let [its, theirs] = [&one.service_time, &self.service_time].map(|times| times.quantile(q));
        let far = its.value >= theirs.value * FACTOR
            && its.value.saturating_sub(theirs.value) >= TIME_DIFFERENCE_MIN;
        // What was not answered has been told, or is as frequent elsewhere.
        if theirs.at_least || its.at_least || !far {
            return false;
        }
        let beyond = theirs.value.saturating_add(Duration::from_nanos(1));
        let CensoredHistogram { answered, unanswered } = &one.service_time;
        let hits = answered.count_from(beyond) + unanswered.count();
        binomial::tail(one.requests(), 1.0 - q, hits) * choices <= CHANCE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fate::Fate;
    use crate::measure::sample::Sample;
    use crate::time::Offset;

    /// Addresses of which each has these numbers of answers in ms, with their fates.
    fn tallies(each: &[&[(Fate, u64, u64)]]) -> Vec<AddressTally> {
        let address = |last| core::net::SocketAddr::from(([10, 0, 0, last], 80));
        let addresses: Vec<_> = (5..).map(address).take(each.len()).collect();
        let mut all = AddressTally::list(&addresses);
        for (one, groups) in all.iter_mut().zip(each) {
            for &(fate, count, ms) in *groups {
                for number in 0..count {
                    // Half above, half below.
                    let ns = ms * 1_000_000 + number % 2 * ms * 100_000;
                    let done = Offset::from_nanos(ns);
                    let sent = Some(Offset::ZERO);
                    one.record(&Sample { sent, ..Sample::unsent(0, Offset::ZERO, fate, done) });
                }
            }
        }
        all
    }

    fn said(each: &[&[(Fate, u64, u64)]]) -> Vec<String> {
        let all = tallies(each);
        all.iter().filter_map(|one| difference(one, &all)).collect()
    }

    #[test]
    fn an_address_that_stands_out_is_named_with_the_figures_of_the_others() {
        let well: &[_] = &[(Fate::Ok, 150, 3)];
        assert_eq!(
            said(&[well, &[(Fate::Timeout, 150, 500)]]),
            ["address 10.0.0.6:80 answered 0 of 150 requests, the other address 150 of 150"]
        );
        assert_eq!(
            said(&[&[(Fate::Ok, 75, 3), (Fate::BadStatus, 75, 3)], well, well]),
            ["address 10.0.0.5:80 failed 75 of 150 requests, the other addresses 0 of 300"]
        );
        assert_eq!(
            said(&[well, &[(Fate::Ok, 150, 500)]]),
            ["address 10.0.0.6:80 is slow: its median is 500 ms, elsewhere 3 ms"]
        );
        let tail = said(&[well, &[(Fate::Ok, 100, 3), (Fate::Ok, 50, 800)]]);
        assert!(tail.len() == 1 && tail[0].contains("its p95 is"), "{tail:?}");
    }

    #[test]
    fn what_may_be_chance_or_is_alike_is_not_told() {
        let well: &[_] = &[(Fate::Ok, 150, 3)];
        for other in [
            well,
            &[(Fate::Ok, 150, 4)],
            &[(Fate::Ok, 147, 3), (Fate::Timeout, 3, 500)],
            &[(Fate::Timeout, 10, 500)],
        ] {
            assert_eq!(said(&[well, other]), [""; 0], "{other:?}");
        }
        let bad: &[_] = &[(Fate::Ok, 75, 3), (Fate::Timeout, 75, 500)];
        assert_eq!(said(&[bad, bad]), [""; 0]);
        assert_eq!(said(&[bad]), [""; 0], "there is no other");
    }

    #[test]
    fn below_a_millisecond_a_factor_is_nothing() {
        let sub = |us: u64| {
            let mut one =
                AddressTally::list(&[([10, 0, 0, 5], 80).into(), ([10, 0, 0, 6], 80).into()]);
            for tally in &mut one {
                let time = if tally.address.ip().to_string() == "10.0.0.6" { us } else { 100 };
                for _ in 0..150 {
                    tally.service_time.answered.record(Duration::from_micros(time));
                }
            }
            one.iter().filter_map(|tally| difference(tally, &one)).count()
        };
        assert_eq!((sub(900), sub(1_500)), (0, 1));
    }
}
