//! The profile's `monitors`: a list of texts of the form `KIND:WHAT`.

use crate::load::monitor::Monitor;
use crate::profile::MONITORS_MAX;
use crate::profile::compiler::Compiler;
use crate::profile::node::Node;

impl Compiler<'_> {
    /// Those that are well formed; the others are reported.
    pub(super) fn monitors(&mut self, node: &Node) -> Vec<Monitor> {
        let items = self.mistakes.list(node, "`monitors`").unwrap_or_default();
        if items.len() > MONITORS_MAX {
            self.mistakes.report(node.span, format!("more than {MONITORS_MAX} monitors"));
        }
        let mut monitors = Vec::new();
        for item in items {
            let Some(text) = self.fixed(item, "a monitor") else { continue };
            match text.parse::<Monitor>() {
                Ok(monitor) => monitors.push(monitor),
                Err(error) => self.mistakes.report(item.span, error.to_string()),
            }
        }
        monitors
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Diagnostics, Profile, Source, load};

    fn read(monitors: &str) -> Result<Profile, Diagnostics> {
        let text = format!("requests: [{{ path: / }}]\nmonitors: {monitors}\n");
        let environment = |name: &str| (name == "PASSWORD").then(|| "s3cret".to_owned());
        load(Source { name: "p.yaml", text: &text }, &environment)
    }

    #[test]
    fn monitors_are_read_with_variables_that_are_never_shown() {
        let found = read("[\"process:8001\", \"postgres://eve:${PASSWORD}@db/chat\"]").unwrap();
        let shown: Vec<String> = found.monitors.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["process on port 8001", "postgres db/chat"]);
        assert!(!format!("{:?}", found.monitors).contains("s3cret"));
    }

    #[test]
    fn mistakes_are_told_in_their_place() {
        let found = read("[\"process:x\", \"cpu\", \"postgres:${PASSWORD}\"]").unwrap_err();
        assert_eq!(found.mistakes.len(), 3, "{found}");
        assert!(
            found.to_string().contains("process:8001") && !found.to_string().contains("s3cret")
        );
        assert!(read("process:8001").unwrap_err().to_string().contains("must be a list"));
        assert!(read(&format!("[{}]", "\"process:1\",".repeat(9))).is_err());
    }
}
