//! [`Flow`]: requests that follow one another, as one visitor makes them; and [`Flows`], all that a plan has.
//!
//! The first step is due when its slot is; each other one when the step before it has ended and its own
//! think time has passed. What a flow learns on the way stays with it.

use std::time::Duration;

use crate::load::cookies::Cookies;
use crate::load::extract::GatheredPool;
use crate::load::plan::Plan;
use crate::load::random::SplitMix64;
use crate::load::rate::Rate;
use crate::load::request::{Expect, OnEmpty, RequestTemplate, Template};
use crate::load::slo::Goals;
use crate::time::whole_nanos;

/// Most flows of a plan, and most steps of a flow.
pub const FLOWS_MAX: usize = 1_000;
/// See [`FLOWS_MAX`].
pub const STEPS_MAX: usize = 100;
/// Longest think time.
pub const THINK_MAX: Duration = Duration::from_hours(1);

/// The pause before a step: uniform between two lengths, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Think {
    /// Shortest.
    pub low: Duration,
    /// Longest; at least `low`.
    pub high: Duration,
}

impl Think {
    /// A length from this stream.
    pub fn drawn(self, random: &mut SplitMix64) -> Duration {
        let span = whole_nanos(self.high.saturating_sub(self.low));
        self.low + Duration::from_nanos(random.below(span.saturating_add(1)))
    }
}

/// What becomes of a flow when a step of it does not go well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It ends there.
    #[default]
    Stop,
    /// It goes on with the next step.
    Continue,
}

/// One request of a flow.
#[derive(Clone, Debug)]
pub struct Step {
    /// What is sent; its name is that of the flow and its own, its weight the flow's.
    pub request: RequestTemplate,
    /// The pause before it; none before the first.
    pub think: Think,
}

/// Requests in order.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Unique among requests and flows.
    pub name: String,
    /// Share of the mix; 0 is never started.
    pub weight: u32,
    /// For `--tags` and `--exclude-tags`.
    pub tags: Vec<String>,
    /// At least one.
    pub steps: Vec<Step>,
    /// When a step fails.
    pub on_failure: OnFailure,
    /// Whether it keeps cookies.
    pub cookies: Cookies,
    /// How many variables its steps fill.
    pub variables: usize,
}

/// What the arrival rate counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateCounts {
    /// Requests, each step of a flow for itself.
    #[default]
    Requests,
    /// Entries of the mix, a flow counting once.
    Flows,
}

impl RateCounts {
    /// The name used by profiles and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Flows => "flows",
        }
    }
}

/// The flows of a plan, and what answers leave for later requests.
#[derive(Clone, Debug, Default)]
pub struct Flows {
    /// In the order of the profile; those of weight 0 have been dropped.
    pub list: Vec<Flow>,
    /// What the arrival rate counts.
    pub rate_counts: RateCounts,
    /// Pools that answers fill.
    pub gathered: Vec<GatheredPool>,
}

impl Flows {
    /// The steps of all flows in order, as the ledger lists them after the requests of the mix.
    pub fn steps(&self) -> impl Iterator<Item = &RequestTemplate> {
        self.list.iter().flat_map(|flow| flow.steps.iter().map(|step| &step.request))
    }

    /// A request for each flow that stands for it where shares of the mix are settled.
    pub fn stand_ins(&self) -> impl Iterator<Item = RequestTemplate> {
        self.list.iter().map(|flow| RequestTemplate {
            name: flow.name.clone(),
            weight: flow.weight,
            path: Template::literal("/"),
            headers: Vec::new(),
            body: None,
            group: None,
            on_empty: OnEmpty::Fail,
            goals: Goals::default(),
            expect: Expect::SUCCESS,
            ..flow.steps[0].request.clone()
        })
    }

    /// The steps, to be changed.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut RequestTemplate> {
        self.list.iter_mut().flat_map(|flow| flow.steps.iter_mut().map(|step| &mut step.request))
    }

    /// Takes the stand-ins out of `requests`; flows have their weights from then on, and those without one
    /// are dropped.
    #[must_use]
    pub fn reclaimed(mut self, requests: &mut Vec<RequestTemplate>) -> Self {
        self.list.retain_mut(|flow| {
            let place = requests.iter().position(|request| request.name == flow.name);
            let Some(place) = place else { return false };
            flow.weight = requests.remove(place).weight;
            for step in &mut flow.steps {
                step.request.weight = flow.weight;
            }
            true
        });
        self
    }
}

/// Requests per entry of the mix, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepsPerEntry {
    /// Requests of as many entries as the weights add up to, if no flow ends early.
    pub requests: u64,
    /// The sum of all weights.
    pub entries: u64,
}

impl StepsPerEntry {
    /// As a number.
    pub fn mean(self) -> f64 {
        self.requests as f64 / self.entries as f64
    }
}

impl Plan {
    /// Every row of the ledger: the requests of the mix, then the steps of flows.
    pub fn rows(&self) -> impl Iterator<Item = &RequestTemplate> {
        self.requests.iter().chain(self.flows.steps())
    }

    /// The weights of the mix's entries: the requests, then the flows.
    pub fn weights(&self) -> Vec<u32> {
        let singles = self.requests.iter().map(|request| request.weight);
        singles.chain(self.flows.list.iter().map(|flow| flow.weight)).collect()
    }

    /// The row of an entry of the mix: a request, or the first step of a flow.
    pub fn first_row(&self, entry: usize) -> usize {
        let flows = entry.saturating_sub(self.requests.len());
        let steps = self.flows.list.iter().take(flows).map(|flow| flow.steps.len());
        entry.min(self.requests.len()) + steps.sum::<usize>()
    }

    /// The mean length of an entry of the mix.
    pub fn steps_per_entry(&self) -> StepsPerEntry {
        let single = self.requests.iter().map(|request| (request.weight, 1));
        let flows = self.flows.list.iter().map(|flow| (flow.weight, flow.steps.len() as u64));
        let sum = single.chain(flows).fold((0, 0), |(requests, entries), (weight, steps)| {
            (requests + u64::from(weight) * steps, entries + u64::from(weight))
        });
        let (requests, entries) = if sum.1 == 0 { (1, 1) } else { sum };
        StepsPerEntry { requests, entries }
    }

    /// The rate at which slots come where `asked` is asked for: each starts one entry of the mix.
    pub fn slot_rate(&self, asked: Rate) -> Rate {
        match self.flows.rate_counts {
            RateCounts::Flows => asked,
            RateCounts::Requests => {
                let StepsPerEntry { requests, entries } = self.steps_per_entry();
                asked.scaled(entries, requests)
            }
        }
    }

    /// The number of slots where `asked` is asked for.
    pub fn slot_count(&self, asked: u64) -> u64 {
        match self.flows.rate_counts {
            RateCounts::Flows => asked,
            RateCounts::Requests => {
                let StepsPerEntry { requests, entries } = self.steps_per_entry();
                let slots = u128::from(asked) * u128::from(entries) / u128::from(requests);
                u64::try_from(slots).unwrap_or(u64::MAX).max(1)
            }
        }
    }

    /// The plan's rate, or the highest of its stages, in requests.
    pub fn request_rate(&self) -> Rate {
        match self.flows.rate_counts {
            RateCounts::Requests => self.rate,
            RateCounts::Flows => {
                let StepsPerEntry { requests, entries } = self.steps_per_entry();
                self.rate.scaled(requests, entries)
            }
        }
    }

    /// How many requests one of what the rate counts stands for, on average.
    pub fn requests_per_counted(&self) -> f64 {
        match self.flows.rate_counts {
            RateCounts::Flows => self.steps_per_entry().mean(),
            RateCounts::Requests => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn think_times_cover_their_range_and_nothing_else() {
        let ms = Duration::from_millis;
        let think = Think { low: ms(10), high: ms(30) };
        let mut random = SplitMix64::new(4);
        let drawn: Vec<Duration> = (0..1000).map(|_| think.drawn(&mut random)).collect();
        assert!(drawn.iter().all(|time| (ms(10)..=ms(30)).contains(time)));
        assert!(drawn.iter().any(|time| *time < ms(11)));
        assert!(drawn.iter().any(|time| *time > ms(29)));
        let fixed = Think { low: ms(5), high: ms(5) };
        assert_eq!(fixed.drawn(&mut random), ms(5));
    }
}
