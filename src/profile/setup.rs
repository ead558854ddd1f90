//! `setup`: requests sent before the load, and the pools and variables that their answers fill.

use crate::load::extract::{Extraction, Target};
use crate::load::plan::{PoolSource, PoolValues, SetupRequest};
use crate::profile::compiler::Compiler;
use crate::profile::expectation::Holder;
use crate::profile::fields::{Fields, SETUP, SETUP_EXTRACT};
use crate::profile::node::{Key, Node};
use crate::profile::template::{Place, is_name, is_reserved};
use crate::profile::{POOLS_MAX, REQUESTS_MAX};

impl Compiler<'_> {
    /// The set-up requests; afterwards templates may use what they bring.
    pub(super) fn setup(&mut self, node: &Node) -> Vec<SetupRequest> {
        let items = self.mistakes.list(node, "`setup`").unwrap_or_default();
        if items.len() > REQUESTS_MAX {
            let message = format!("more than {REQUESTS_MAX} set-up requests");
            self.mistakes.report(node.span, message);
            return Vec::new();
        }
        let mut requests = Vec::new();
        for item in items {
            let Some(fields) = self.mistakes.fields(item, &SETUP) else { continue };
            let name = self.request_name(&fields);
            // Before what its own answer brings is known.
            let request = self.exchange(name, &fields, Place::Setup);
            let hint = fields.get("hint").and_then(|node| self.mistakes.scalar(node, "`hint`"));
            let hint = hint.map(|text| text.trim().to_owned());
            self.read_pools(&fields, requests.len(), hint.as_ref());
            self.read_extracts(&fields, requests.len(), hint.as_ref());
            requests.push(request);
        }
        requests
    }

    fn read_pools(&mut self, fields: &Fields<'_>, setup: usize, hint: Option<&String>) {
        let Some(node) = fields.get("pools") else { return };
        for (key, path) in self.mistakes.mapping(node, "`pools`").unwrap_or_default() {
            let Some(name) = self.pool_name(key, Holder::Pool) else { continue };
            if self.pools.len() >= POOLS_MAX {
                return self.mistakes.report(key.span, format!("more than {POOLS_MAX} pools"));
            }
            let path = self.json_path(path, &format!("the pool `{name}`")).unwrap_or_default();
            let values = PoolValues::Selected(path);
            self.pools.push(PoolSource { name, setup, values, hint: hint.cloned() });
        }
    }

    fn read_extracts(&mut self, fields: &Fields<'_>, setup: usize, hint: Option<&String>) {
        let Some(node) = fields.get("extract") else { return };
        for (key, wanted) in self.mistakes.mapping(node, "`extract`").unwrap_or_default() {
            let Some(text) = &key.text else { continue };
            let Some((source, into)) = self.selector(text, wanted, &SETUP_EXTRACT) else {
                continue;
            };
            let holder = into.unwrap_or(Holder::Variable);
            let Some(name) = self.pool_name(key, holder) else { continue };
            if self.pools.len() >= POOLS_MAX {
                return self.mistakes.report(key.span, format!("more than {POOLS_MAX} pools"));
            }
            let into = match holder {
                Holder::Pool => Target::Pool(self.pools.len()),
                Holder::Variable => Target::Variable(self.pools.len()),
            };
            let values = PoolValues::Extracted(Extraction { name: name.clone(), source, into });
            self.pools.push(PoolSource { name, setup, values, hint: hint.cloned() });
        }
    }

    /// The name of a pool or a variable; what is wrong with it is reported, and does not keep it from
    /// being known.
    fn pool_name(&mut self, key: &Key, holder: Holder) -> Option<String> {
        let name = key.text.clone()?;
        let (what, bad) = match holder {
            Holder::Pool => ("pool", !is_name(&name)),
            Holder::Variable => ("variable", !is_name(&name) || is_reserved(&name)),
        };
        let (message, hint) = if bad {
            (format!("`{name}` can't be the name of a {what}"), "use letters, digits and _")
        } else if self.feeder(&name).is_some() {
            let message = format!("`{name}` is the name of a feeder already");
            (message, "give each a name of its own")
        } else if self.pools.iter().any(|pool| pool.name == name) {
            (format!("the {what} `{name}` is filled twice"), "give each a name of its own")
        } else if holder == Holder::Variable && self.is_variable(&name) {
            let message = format!("`{name}` is the name of another variable");
            (message, "give each a name of its own")
        } else {
            return Some(name);
        };
        self.mistakes.report_with(key.span, message, hint);
        Some(name)
    }

    fn is_variable(&self, name: &str) -> bool {
        self.variables.iter().any(|(variable, _)| variable == name)
    }

    /// The pool that holds the value of a variable which a set-up answer has brought.
    pub(super) fn set_up_variable(&self, name: &str) -> Option<usize> {
        self.pools.iter().position(|pool| pool.name == name && pool.is_variable())
    }
}
