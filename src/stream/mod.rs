//! Streaming out: a load's figures for others' dashboards while it goes on, as a Prometheus endpoint and
//! by OTLP.
//!
//! Both read [`Running`], which grows by one interval a second; no request is ever handed on by itself, so
//! the measured path knows nothing of them. Whoever does not listen costs a warning and a count.

mod otlp;
mod scrape;

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use crate::measure::running::Running;
use crate::measure::window::Interval;
use crate::render::clean;

pub use otlp::Collector;
use otlp::Exporter;
use scrape::Scrape;

/// Where the figures go.
#[derive(Default)]
pub struct Streams {
    feed: Feed,
    _scrape: Option<Scrape>,
    exporter: Option<Exporter>,
}

/// What a load has come to, shared with whoever shows it.
#[derive(Clone, Default)]
struct Feed {
    running: Arc<Mutex<Running>>,
    names: Arc<[String]>,
}

impl Feed {
    /// A copy, so that nobody holds the load up while writing it down.
    fn now(&self) -> Running {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Streams {
    /// Streams the figures of a mix of `names` to whoever asks on `listener` and to `collector`.
    pub fn open(
        names: Vec<String>,
        listener: Option<TcpListener>,
        collector: Option<Collector>,
    ) -> io::Result<Self> {
        let running = Arc::new(Mutex::new(Running::new(names.len())));
        let feed = Feed { running, names: clean::names(names).into() };
        Ok(Self {
            _scrape: listener.map(|on| Scrape::start(on, feed.clone())).transpose()?,
            exporter: collector.map(|to| Exporter::start(to, feed.clone())).transpose()?,
            feed,
        })
    }

    /// Adds an interval.
    pub fn push(&self, interval: &Interval) {
        self.feed.running.lock().unwrap_or_else(PoisonError::into_inner).observe(interval);
    }

    /// What is to be told while the load goes on: once, that the collector does not take the figures.
    pub fn trouble(&self) -> Option<String> {
        self.exporter.as_ref()?.trouble()
    }

    /// Sends what is still to be sent, and says what never arrived.
    pub fn close(&mut self) -> Option<String> {
        self.exporter.take()?.close()
    }
}
