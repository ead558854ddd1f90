//! `flows` and `rate_counts`: requests in order, beside the mix's single ones.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::load::cookies::Cookies;
use crate::load::flow::{
    FLOWS_MAX, Flow, Flows, OnFailure, RateCounts, STEPS_MAX, Step, THINK_MAX, Think,
};
use crate::load::mix::{CYCLE_MAX, MixError, cycle_length};
use crate::load::plan::SetupRequest;
use crate::load::request::{OnEmpty, RequestTemplate};
use crate::profile::WEIGHT_MAX;
use crate::profile::compiler::Compiler;
use crate::profile::fields::{FLOW, Fields, STEP, one_or_many};
use crate::profile::node::{Node, Span};
use crate::profile::template::Place;
use crate::time::parse_duration;

impl Compiler<'_> {
    /// The profile's flows; `requests` are its single requests.
    pub(super) fn flows(&mut self, fields: &Fields<'_>, requests: &[RequestTemplate]) -> Flows {
        let mut flows = Flows { gathered: self.gathered.clone(), ..Flows::default() };
        let choices = [RateCounts::Requests, RateCounts::Flows].map(|kind| (kind.name(), kind));
        flows.rate_counts = fields
            .get("rate_counts")
            .and_then(|node| self.mistakes.choice(node, "`rate_counts`", &choices))
            .unwrap_or_default();
        let Some(node) = fields.get("flows") else { return flows };
        let items = self.mistakes.list(node, "`flows`").unwrap_or_default();
        if items.len() > FLOWS_MAX {
            self.mistakes.report(node.span, format!("more than {FLOWS_MAX} flows"));
            return flows;
        }
        let mut names: HashMap<String, Span> =
            requests.iter().map(|request| (request.name.clone(), Span::default())).collect();
        for item in items {
            let Some(fields) = self.mistakes.fields(item, &FLOW) else { continue };
            let flow = self.flow(&fields);
            let span = fields.get("name").map_or(fields.span, |name| name.span);
            if names.insert(flow.name.clone(), span).is_some() {
                let message = format!("`{}` is the name of another flow or request", flow.name);
                self.mistakes.report_with(span, message, "give each its own `name`");
            }
            flows.list.push(flow);
        }
        flows
    }

    fn flow(&mut self, fields: &Fields<'_>) -> Flow {
        let name = fields.get("name").and_then(|node| self.mistakes.word(node, "`name`"));
        if fields.get("name").is_none() {
            self.mistakes.report_with(
                fields.span,
                "a flow needs a `name`",
                "add for example name: browse",
            );
        }
        let name = name.unwrap_or_default();
        let weight = fields
            .get("weight")
            .and_then(|node| self.mistakes.whole(node, "`weight`", 0..=u64::from(WEIGHT_MAX)))
            .and_then(|weight| u32::try_from(weight).ok())
            .unwrap_or(1);
        let tags = fields.get("tags").map(one_or_many).unwrap_or_default();
        let tags: Vec<String> =
            tags.iter().filter_map(|node| self.mistakes.word(node, "a tag")).collect();
        let choices = [("stop", OnFailure::Stop), ("continue", OnFailure::Continue)];
        let on_failure = fields
            .get("on_failure")
            .and_then(|node| self.mistakes.choice(node, "`on_failure`", &choices))
            .unwrap_or_default();
        let cookies = fields.get("cookies").and_then(|node| self.truth(node, "`cookies`"));
        let cookies = if cookies == Some(true) { Cookies::Kept } else { Cookies::Off };
        self.flow_variables = Some(Vec::new());
        let mut steps = self.steps(fields, &name);
        let variables = self.flow_variables.take().map_or(0, |variables| variables.len());
        for step in &mut steps {
            step.request.weight = weight;
            step.request.tags.clone_from(&tags);
        }
        Flow { name, weight, tags, steps, on_failure, cookies, variables }
    }

    fn steps(&mut self, fields: &Fields<'_>, flow: &str) -> Vec<Step> {
        let hint = "add a list of at least one `- path: /…`";
        let Some(node) = fields.get("steps") else {
            self.mistakes.report_with(fields.span, "a flow needs `steps`", hint);
            return Vec::new();
        };
        let items = self.mistakes.list(node, "`steps`").unwrap_or_default();
        match items.len() {
            0 => self.mistakes.report_with(node.span, "`steps` is empty", hint),
            1..=STEPS_MAX => {}
            _ => {
                self.mistakes.report(node.span, format!("more than {STEPS_MAX} steps of a flow"));
                return Vec::new();
            }
        }
        let mut names = BTreeMap::new();
        let mut steps = Vec::new();
        for (place, item) in items.iter().enumerate() {
            let Some(fields) = self.mistakes.fields(item, &STEP) else { continue };
            let name = self.request_name(&fields);
            let span = fields.get("name").map_or(fields.span, |name| name.span);
            if names.insert(name.clone(), span).is_some() {
                let message = format!("two steps of the flow are named `{name}`");
                self.mistakes.report_with(span, message, "give each its own `name`");
            }
            let think = fields.get("think").and_then(|node| self.think(node, place));
            let SetupRequest { method, path, headers, body, expect, .. } =
                self.exchange(name.clone(), &fields, Place::Mix);
            let request = RequestTemplate {
                name: format!("{flow} / {name}"),
                weight: 0,
                group: None,
                tags: Vec::new(),
                method,
                path,
                headers,
                body,
                expect,
                on_empty: OnEmpty::Fail,
                goals: self.goals(&fields),
            };
            steps.push(Step { request, think: think.unwrap_or_default() });
        }
        steps
    }

    /// `2s`, or `1s..3s`.
    fn think(&mut self, node: &Node, place: usize) -> Option<Think> {
        let text = self.mistakes.scalar(node, "`think`")?.to_owned();
        let (low, high) = text.split_once("..").unwrap_or((&text, &text));
        let hint = "write a length such as 2s, or two as in 1s..3s";
        let (Ok(low), Ok(high)) = (parse_duration(low.trim()), parse_duration(high.trim())) else {
            self.mistakes.report_with(node.span, "`think` must be a length of time", hint);
            return None;
        };
        if low > high || high > THINK_MAX {
            let message = "`think` must lie between 0 and 1h, the shorter length first";
            self.mistakes.report_with(node.span, message, hint);
            return None;
        }
        if place == 0 && high > Duration::ZERO {
            let message = "the first step can't `think`";
            let hint = "it is due when the schedule says so; think before a later step";
            self.mistakes.report_with(node.span, message, hint);
        }
        Some(Think { low, high })
    }

    /// Weights must make a mix; meaningless after other mistakes, since those leave entries out.
    pub(super) fn check_mix(
        &mut self,
        fields: &Fields<'_>,
        requests: &[RequestTemplate],
        flows: &Flows,
    ) {
        if !self.mistakes.is_empty() {
            return;
        }
        let span =
            fields.get("requests").or(fields.get("flows")).map_or(fields.span, |node| node.span);
        let single = requests.iter().map(|request| request.weight);
        let weights: Vec<u32> = single.chain(flows.list.iter().map(|flow| flow.weight)).collect();
        match cycle_length(&weights) {
            Ok(_) => {}
            Err(MixError::Empty) => {
                let hint = "give at least one request a weight above 0";
                self.mistakes.report_with(span, "every weight is zero", hint);
            }
            Err(MixError::CycleTooLong(length)) => {
                let message = format!(
                    "the weights add up to {length} after reduction, more than {CYCLE_MAX}"
                );
                self.mistakes.report_with(span, message, "use smaller whole numbers");
            }
        }
    }
}
