//! Users of a closed-loop tool as a rate, by Little's law: users = rate × (response time + think time).
//!
//! The response time is left out, as of a target that answers quickly: that is the load which the users
//! stand for. Users who wait for a slow target send less and hide it; this rate stays.

use std::time::Duration;

use crate::analysis::words::counted;
use crate::commands::run::args::LoadArgs;
use crate::load::rate::{Figures, Rate, RateError};
use crate::load::stages::{Stage, Stages};
use crate::time::Human;

/// Mean think time of users of whom nothing is said, in seconds: 1..3, as most locustfiles have it.
const WAIT_S: f64 = 2.0;
/// Steps in which a ramp rises at most: fine enough that none is a jump of more than a tenth of the whole.
const STEPS_MAX: u32 = 10;
/// Arrivals that a step holds at least: with fewer, the one at its beginning would weigh too much.
const STEP_ARRIVALS_MIN: f64 = 5.0;

/// What a closed-loop tool is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Users {
    /// How many there are at last.
    pub(super) count: u32,
    /// Mean think time in seconds, above 0; absent where nothing is said of it.
    pub(super) wait_s: Option<f64>,
    /// How many are started per second; absent starts all at once.
    pub(super) spawn_rate: Option<f64>,
}

impl LoadArgs {
    /// The users of --users and --wait.
    pub(super) fn closed_loop(&self) -> Option<Users> {
        Some(Users { count: self.users?, wait_s: self.wait, spawn_rate: self.spawn_rate })
    }
}

impl Users {
    /// The rate they stand for, once all are there.
    pub(super) fn rate(self) -> Result<Rate, RateError> {
        Rate::from_per_second(self.per_second())
    }

    fn per_second(self) -> f64 {
        f64::from(self.count) / self.think_s()
    }

    fn think_s(self) -> f64 {
        self.wait_s.unwrap_or(WAIT_S)
    }

    /// How long it takes to start them, if not at once.
    fn ramp(self) -> Option<Duration> {
        let seconds = f64::from(self.count) / self.spawn_rate?;
        Duration::try_from_secs_f64(seconds).ok().filter(|length| !length.is_zero())
    }

    fn steps(self, ramp: Duration) -> u32 {
        let arrivals = self.per_second() * ramp.as_secs_f64() / 2.0;
        let fits = |steps: &u32| arrivals >= f64::from(*steps) * STEP_ARRIVALS_MIN;
        (2..=STEPS_MAX).take_while(fits).last().unwrap_or(1)
    }

    /// The run of `duration` as stages, if users come one after the other: equal steps, each at the mean
    /// rate of the users who start meanwhile, then the full rate.
    ///
    /// # Errors
    /// A rate out of range, or a ramp that does not end within the run.
    pub(super) fn stages(self, duration: Duration) -> Result<Option<Stages>, String> {
        let Some(ramp) = self.ramp() else { return Ok(None) };
        let rest = duration.checked_sub(ramp).filter(|rest| !rest.is_zero()).ok_or_else(|| {
            format!(
                "--spawn-rate: the last user starts after {}, and the run ends after {}; raise \
                 --spawn-rate or --duration",
                Human(ramp),
                Human(duration)
            )
        })?;
        let (full, steps) = (self.per_second(), self.steps(ramp));
        let rates = (0..steps).map(|step| full * (f64::from(step) + 0.5) / f64::from(steps));
        let stages = rates.map(|rate| (rate, ramp / steps)).chain([(full, rest)]);
        let stage = |(rate, length)| Ok(Stage { rate: Rate::from_per_second(rate)?, length });
        let stages = stages.map(stage).collect::<Result<_, RateError>>();
        let stages = stages.map_err(|error| format!("--users: {error}"))?;
        Stages::new(stages).map(Some).map_err(|error| format!("--spawn-rate: {error}"))
    }

    /// What is said of `rate`, into which they were converted.
    pub(super) fn sentence(self, rate: Rate) -> String {
        let rise = self.ramp().map_or_else(String::new, |ramp| {
            let steps = counted(self.steps(ramp).into(), "step");
            format!(", reached in {steps} over {} as they start", Human(ramp))
        });
        let assumed = if self.wait_s.is_none() { " (1..3, since there is no --wait)" } else { "" };
        format!(
            "{} who think for {} s{assumed} ask for {rate} if answers are quick (Little's law){rise}; \
             when answers are slow this rate stays, where users would send less",
            counted(self.count.into(), "user"),
            Figures(self.think_s())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUNDRED: Users = Users { count: 100, wait_s: Some(2.0), spawn_rate: None };

    #[test]
    fn users_become_the_rate_they_stand_for() {
        let rate = HUNDRED.rate().unwrap();
        assert_eq!(rate, Rate::per_second(50).unwrap());
        let said = HUNDRED.sentence(rate);
        assert!(said.starts_with("100 users who think for 2 s ask for 50/s if "), "{said}");
        assert!(Users { count: 0, ..HUNDRED }.rate().is_err());
        let silent = Users { wait_s: None, ..HUNDRED };
        assert_eq!(silent.rate().unwrap(), rate);
        let said = silent.sentence(rate);
        assert!(
            said.contains("think for 2 s (1..3, since there is no --wait) ask for 50/s"),
            "{said}"
        );
    }

    #[test]
    fn users_who_come_one_by_one_are_a_ramp() {
        let table = [
            (None, 60, None),
            (Some(10.0), 60, Some("2.5/s:1s,7.5/s:1s,12.5/s:1s")),
            (Some(40.0), 60, Some("2.5/s:250ms,7.5/s:250ms")),
            (Some(400.0), 60, Some("25/s:250ms,50/s:59750ms")),
        ];
        for (spawn_rate, seconds, expected) in table {
            let users = Users { spawn_rate, ..HUNDRED };
            let stages = users.stages(Duration::from_secs(seconds)).unwrap();
            assert_eq!(stages.is_some(), expected.is_some(), "{spawn_rate:?}");
            let Some((stages, expected)) = stages.zip(expected) else { continue };
            assert!(stages.to_string().starts_with(expected), "{stages}");
            assert_eq!(stages.length(), Duration::from_secs(seconds));
            assert_eq!(stages.peak(), users.rate().unwrap());
        }
        let said = Users { spawn_rate: Some(10.0), ..HUNDRED }.sentence(HUNDRED.rate().unwrap());
        assert!(said.contains("reached in 10 steps over 10 s"), "{said}");
    }

    #[test]
    fn a_ramp_that_outlasts_the_run_is_refused() {
        let slow = Users { spawn_rate: Some(1.0), ..HUNDRED };
        let refused = slow.stages(Duration::from_secs(30)).unwrap_err();
        assert!(
            refused.contains("starts after 1 min 40 s") && refused.contains("30 s"),
            "{refused}"
        );
    }
}
