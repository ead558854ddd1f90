//! `rate`, `duration`, `stages`, `warmup` and `arrivals`: when requests are due unless flags say otherwise.

use std::time::Duration;

use crate::load::rate::Rate;
use crate::load::schedule::Arrivals;
use crate::load::stages::{Stage, Stages};
use crate::profile::Profile;
use crate::profile::compiler::Compiler;
use crate::profile::fields::{Fields, STAGE};
use crate::profile::node::{Node, Value};
use crate::time::parse_duration;

impl Compiler<'_> {
    pub(super) fn timing(&mut self, profile: &mut Profile, fields: &Fields<'_>) {
        profile.rate = fields.get("rate").and_then(|node| self.rate(node));
        profile.duration = fields.get("duration").and_then(|node| self.length(node));
        profile.warmup = fields.get("warmup").and_then(|node| self.duration(node, "`warmup`"));
        profile.stages = fields.get("stages").and_then(|node| self.stages(node));
        profile.arrivals = fields.get("arrivals").and_then(|node| {
            let known = [Arrivals::Constant, Arrivals::Poisson, Arrivals::UniformJitter];
            self.mistakes.choice(node, "`arrivals`", &known.map(|kind| (kind.name(), kind)))
        });
        for key in ["rate", "duration"] {
            if let (Some(_), Some(node)) = (fields.get("stages"), fields.get(key)) {
                let message = format!("`{key}` and `stages` exclude each other");
                self.mistakes.report_with(node.span, message, "each stage has its own; keep one");
            }
        }
    }

    /// Values may come from the environment, so messages do not repeat them.
    fn rate(&mut self, node: &Node) -> Option<Rate> {
        let text = self.fixed(node, "`rate`")?;
        let rate = text.parse().ok();
        if rate.is_none() {
            let hint = "write for example 200/s, 1.5k/s or 90/m";
            self.mistakes.report_with(node.span, "`rate` is not an arrival rate", hint);
        }
        rate
    }

    /// A duration above zero.
    fn length(&mut self, node: &Node) -> Option<Duration> {
        let length = self.duration(node, "`duration`")?;
        if length.is_zero() {
            self.mistakes.report(node.span, "`duration` must be above 0");
        }
        Some(length)
    }

    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<Duration> {
        let text = self.fixed(node, what)?;
        let duration = parse_duration(&text).ok();
        if duration.is_none() {
            let message = format!("{what} is not a length of time");
            self.mistakes.report_with(node.span, message, "write for example 30s, 5m or 1h30m");
        }
        duration
    }

    /// `100/s:30s,500/s:2m`, or a list of rates and durations.
    fn stages(&mut self, node: &Node) -> Option<Stages> {
        let hint = "write for example stages: 100/s:30s,500/s:2m";
        let Value::List(items) = &node.value else {
            let text = self.fixed(node, "`stages`")?;
            let stages = text.parse().ok();
            if stages.is_none() {
                self.mistakes.report_with(node.span, "`stages` are not rates and lengths", hint);
            }
            return stages;
        };
        let stages: Vec<Option<Stage>> = items.iter().map(|item| self.stage(item)).collect();
        let stages = Stages::new(stages.into_iter().collect::<Option<_>>()?);
        stages.map_err(|error| self.mistakes.report_with(node.span, error.to_string(), hint)).ok()
    }

    fn stage(&mut self, node: &Node) -> Option<Stage> {
        let fields = self.mistakes.fields(node, &STAGE)?;
        let (Some(rate), Some(length)) = (fields.get("rate"), fields.get("duration")) else {
            let message = "a stage needs a `rate` and a `duration`";
            self.mistakes.report_with(fields.span, message, "{rate: 100/s, duration: 30s}");
            return None;
        };
        let (rate, length) = (self.rate(rate), self.length(length));
        Some(Stage { rate: rate?, length: length? })
    }
}
