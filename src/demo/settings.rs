//! [`Settings`]: what a demo backend is like, and the capacity that follows from it.
//!
//! Invariant: settings that pass [`Settings::check`] never make the server panic or divide by zero.

use std::time::Duration;

use super::endpoint::{CHAT_CENTER_MIX, Endpoint};

/// The e-mail of the user that exists from the start.
pub const TEST_EMAIL: &str = "loadtest@agentiq.ru";
/// The password of the user that exists from the start; demo data only, hence no secret.
pub const TEST_PASSWORD: &str = "loadtest123";

/// How service times vary about their mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceTime {
    /// Always the mean.
    Fixed,
    /// Exponential: many short, few long (coefficient of variation 1).
    Exponential,
    /// Log-normal with a coefficient of variation of 0.5.
    #[default]
    LogNormal,
}

/// A stop of the whole server, repeated: the last `hold` of every `every`, counted from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// Length of a period, stall included.
    pub every: Duration,
    /// How long it stands still in each; shorter than `every`.
    pub hold: Duration,
}

/// Single requests that stop the whole server while they are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freezes {
    /// Every log-in.
    pub login: Option<Duration>,
    /// Every ops-alerts and pilot-readiness call.
    pub monitoring: Option<Duration>,
}

/// What happens past the knee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overload {
    /// Throughput levels off at the capacity.
    #[default]
    Steady,
    /// Once the queue wait exceeds [`COLLAPSE_WAIT`], service times triple until the queue has drained.
    Collapse,
}

/// Shares of requests, each in [0, 1] and together at most 1, that end badly. Sign-in and health are spared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Answered with status 500.
    pub error: f64,
    /// Connection reset instead of an answer.
    pub reset: f64,
    /// Closed in the middle of the body.
    pub truncate: f64,
    /// Head and a few bytes, then silence.
    pub endless: f64,
}

/// The data present at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeding {
    /// 180 interactions and 60 chats.
    #[default]
    Full,
    /// What `POST /api/auth/seed-demo` brings: 12 interactions and 3 chats.
    Demo,
    /// 12 interactions and no chats.
    Chatless,
    /// Nothing, until `POST /api/auth/seed-demo`.
    Empty,
}

/// How requests are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The chat-center API behind the capacity model.
    #[default]
    Api,
    /// The same small JSON for any request at once; only stalls hold it back.
    Instant,
}

/// A queue wait past which a server with [`Overload::Collapse`] tips over.
pub const COLLAPSE_WAIT: Duration = Duration::from_secs(2);

const DAY: Duration = Duration::from_hours(24);

/// Everything that shapes a demo backend; the default serves the chat-center mix at some 950 requests/s.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Answers from the API, or one small answer for everything.
    pub mode: Mode,
    /// Requests served side by side; at least 1.
    pub workers: u32,
    /// Factor on every service time; above 0.
    pub service_scale: f64,
    /// How service times vary.
    pub service: ServiceTime,
    /// Seeds service times and faults.
    pub seed: u64,
    /// Periodic stops of the whole server.
    pub stalls: Option<Stalls>,
    /// Requests that stop the whole server.
    pub freezes: Freezes,
    /// Service times begin at five times their mean and fall linearly to it over this long.
    pub slow_start: Option<Duration>,
    /// What happens past the knee.
    pub overload: Overload,
    /// Requests/s above which the rest get status 429; `None` for no limit.
    pub reject_above: Option<f64>,
    /// Requests that may wait for a worker; the rest get status 503.
    pub queue_limit: usize,
    /// Connections the kernel holds until they are accepted.
    pub accept_backlog: u32,
    /// Requests that end badly.
    pub faults: Faults,
    /// How long an access token is valid.
    pub token_lifetime: Duration,
    /// An idle connection is closed after this long.
    pub keep_alive: Duration,
    /// The data present at the start.
    pub seeding: Seeding,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            workers: 4,
            service_scale: 1.0,
            service: ServiceTime::default(),
            seed: 1,
            stalls: None,
            freezes: Freezes::default(),
            slow_start: None,
            overload: Overload::default(),
            reject_above: None,
            queue_limit: 20_000,
            accept_backlog: 2_048,
            faults: Faults::default(),
            token_lifetime: 7 * DAY,
            keep_alive: Duration::from_secs(5),
            seeding: Seeding::default(),
        }
    }
}

/// Why a backend can't be like that.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// A count, factor, rate or time that has to be larger.
    #[error("{0} must be above 0")]
    NotPositive(&'static str),
    /// A number beyond what the model can hold.
    #[error("{name} must be at most {limit}")]
    TooLarge {
        /// What is too large.
        name: &'static str,
        /// The largest value.
        limit: &'static str,
    },
    /// The server would never run.
    #[error("a stall must be shorter than its period, or the server never runs")]
    EndlessStall,
    /// A share that is none.
    #[error("fault shares must lie between 0 and 1 and sum to at most 1")]
    Shares,
}

impl Settings {
    /// Tells the first setting that can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        let positive = |holds: bool, name| {
            if holds { Ok(()) } else { Err(SettingsError::NotPositive(name)) }
        };
        let at_most = |holds: bool, name, limit| {
            if holds { Ok(()) } else { Err(SettingsError::TooLarge { name, limit }) }
        };
        positive(self.workers > 0, "workers")?;
        at_most(self.workers <= 10_000, "workers", "10000")?;
        positive(self.service_scale > 0.0, "the service scale")?;
        at_most(self.service_scale <= 1e6, "the service scale", "1000000")?;
        positive(self.reject_above.is_none_or(|rate| rate > 0.0), "the rate limit")?;
        positive(self.accept_backlog > 0, "the accept backlog")?;
        positive(!self.keep_alive.is_zero(), "the keep-alive timeout")?;
        positive(self.token_lifetime.as_secs() > 0, "the token lifetime in whole seconds")?;
        at_most(self.token_lifetime <= 36_500 * DAY, "the token lifetime", "36500d")?;
        at_most(self.keep_alive <= DAY, "the keep-alive timeout", "1d")?;
        let freezes = [self.freezes.login, self.freezes.monitoring, self.slow_start];
        at_most(freezes.iter().flatten().all(|time| *time <= DAY), "a freeze or slow start", "1d")?;
        if let Some(Stalls { every, hold }) = self.stalls {
            positive(!hold.is_zero(), "a stall")?;
            at_most(every <= DAY, "the stall period", "1d")?;
            if hold >= every {
                return Err(SettingsError::EndlessStall);
            }
        }
        self.faults.check()
    }

    /// Requests/s that this server completes of a mix given as (endpoint, weight), once warm and not
    /// collapsed; injected faults cost as much as good answers. Infinite for an instant server or
    /// a mix without weight.
    pub fn capacity(&self, mix: &[(Endpoint, u32)]) -> f64 {
        let total: f64 = mix.iter().map(|(_, weight)| f64::from(*weight)).sum();
        if self.mode == Mode::Instant || total <= 0.0 {
            return f64::INFINITY;
        }
        let mean_of = |seconds: &dyn Fn(Endpoint) -> f64| -> f64 {
            mix.iter()
                .map(|(endpoint, weight)| f64::from(*weight) * seconds(*endpoint))
                .sum::<f64>()
                / total
        };
        let work = mean_of(&|endpoint| self.mean_service(endpoint).as_secs_f64());
        let frozen = mean_of(&|endpoint| self.freeze(endpoint).as_secs_f64());
        let running = self
            .stalls
            .map_or(1.0, |stalls| 1.0 - stalls.hold.as_secs_f64() / stalls.every.as_secs_f64());
        // A freeze stops all workers, so it is not shared out among them.
        let served = running / (work / f64::from(self.workers) + frozen);
        self.reject_above.map_or(served, |limit| served.min(limit))
    }

    /// The capacity for the chat-center mix, requests/s.
    pub fn chat_center_capacity(&self) -> f64 {
        self.capacity(&CHAT_CENTER_MIX)
    }

    /// Mean scaled service time of one request.
    pub(super) fn mean_service(&self, endpoint: Endpoint) -> Duration {
        endpoint.mean_service().mul_f64(self.service_scale)
    }

    /// How long one request of this kind stops the whole server.
    pub(super) fn freeze(&self, endpoint: Endpoint) -> Duration {
        let freeze = match endpoint {
            Endpoint::Login => self.freezes.login,
            Endpoint::OpsAlerts | Endpoint::PilotReadiness => self.freezes.monitoring,
            _ => None,
        };
        freeze.unwrap_or_default()
    }
}

impl Faults {
    fn check(&self) -> Result<(), SettingsError> {
        let shares = [self.error, self.reset, self.truncate, self.endless];
        let each = shares.iter().all(|share| (0.0..=1.0).contains(share));
        // A sum like 0.7 + 0.2 + 0.1 may exceed 1 by rounding.
        if each && shares.iter().sum::<f64>() <= 1.0 + 1e-9 {
            Ok(())
        } else {
            Err(SettingsError::Shares)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_capacity_is_what_the_readme_says() {
        let capacity = Settings::default().chat_center_capacity();
        assert!((800.0..1_000.0).contains(&capacity), "{capacity}");
    }

    #[test]
    fn capacity_counts_stalls_freezes_and_limits() {
        let base = Settings { workers: 4, ..Settings::default() };
        let mix = [(Endpoint::Detail, 96), (Endpoint::OpsAlerts, 4)];
        let rate = |settings: Settings| settings.capacity(&mix);
        let plain = rate(base.clone());
        // 4 / (0.96 · 2.5 ms + 0.04 · 6 ms)
        assert!((plain - 1_515.15).abs() < 0.01, "{plain}");

        let stalls =
            Some(Stalls { every: Duration::from_secs(2), hold: Duration::from_millis(500) });
        let stalled = rate(Settings { stalls, ..base.clone() });
        assert!((stalled / plain - 0.75).abs() < 1e-9);

        let freezes =
            Freezes { monitoring: Some(Duration::from_millis(5_100)), ..Freezes::default() };
        let frozen = rate(Settings { freezes, ..base.clone() });
        assert!((frozen - 1.0 / (0.00066 + 0.204)).abs() < 0.01, "{frozen}");

        assert!((rate(Settings { reject_above: Some(100.0), ..base }) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn impossible_settings_name_the_fault() {
        let base = Settings::default;
        let second = Duration::from_secs(1);
        let stalls = |every, hold| Settings { stalls: Some(Stalls { every, hold }), ..base() };
        let faults = |error, reset| Settings {
            faults: Faults { error, reset, ..Faults::default() },
            ..base()
        };
        let refused = [
            Settings { workers: 0, ..base() },
            Settings { service_scale: f64::NAN, ..base() },
            Settings { service_scale: f64::INFINITY, ..base() },
            Settings { reject_above: Some(0.0), ..base() },
            Settings { keep_alive: Duration::ZERO, ..base() },
            Settings { token_lifetime: Duration::from_millis(900), ..base() },
            stalls(second, second),
            stalls(second, Duration::ZERO),
            faults(0.6, 0.6),
            faults(f64::NAN, 0.0),
            faults(-0.1, 0.0),
        ];
        for settings in refused {
            assert!(settings.check().is_err(), "{settings:?}");
        }
        assert_eq!(base().check(), Ok(()));
        assert_eq!(faults(0.5, 0.5).check(), Ok(()));
    }
}
