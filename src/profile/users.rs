//! The profile's `auth.users`: a list of mappings, or a table from a file.
//!
//! Values never appear in a message; a row is named by its number.

use crate::load::auth::TOKENS_MAX;
use crate::profile::compiler::Compiler;
use crate::profile::fields::USERS;
use crate::profile::node::{Node, Span, Value};
use crate::profile::template::{is_name, is_reserved};

/// Names and values of one user's fields.
pub(super) type User = Vec<(String, String)>;

impl Compiler<'_> {
    /// At least one user, all with the same fields.
    pub(super) fn users(&mut self, node: &Node) -> Option<Vec<User>> {
        let users = match &node.value {
            Value::List(items) => self.listed(items),
            _ => self.read_file(node)?,
        };
        if users.is_empty() {
            self.mistakes.report_with(node.span, "`users` names no user", "add at least one");
            return None;
        }
        if users.len() > TOKENS_MAX {
            let message = format!("`users` are more than {TOKENS_MAX}");
            self.mistakes.report_with(node.span, message, "leave some out");
            return None;
        }
        Some(users)
    }

    fn listed(&mut self, items: &[Node]) -> Vec<User> {
        let mut users: Vec<User> = Vec::new();
        for item in items {
            let mut user = User::new();
            for (key, value) in self.mistakes.mapping(item, "a user").unwrap_or_default() {
                let Some(name) = &key.text else { continue };
                self.check_field(name, key.span);
                let value = self.fixed(value, &format!("a user's `{name}`")).unwrap_or_default();
                user.push((name.clone(), value));
            }
            let first = users.first().unwrap_or(&user);
            let has = |user: &User, name: &str| user.iter().any(|(field, _)| field == name);
            let lacking = first.iter().find(|(name, _)| !has(&user, name)).map(|(name, _)| name);
            if let Some(name) = lacking {
                let message = format!("this user has no `{name}`, and the first one has");
                self.mistakes.report_with(item.span, message, "give all users the same keys");
            }
            users.push(user);
        }
        users
    }

    fn read_file(&mut self, node: &Node) -> Option<Vec<User>> {
        let fields = self.mistakes.fields(node, &USERS)?;
        let Some(file) = fields.get("file") else {
            let hint = "write users: {file: users.csv}, or a list of - {email: …, password: …}";
            self.mistakes.report_with(fields.span, "`users` names no `file`", hint);
            return None;
        };
        let path = self.fixed(file, "`file`")?;
        let table = self.table(&path, TOKENS_MAX as u64 + 1, file.span)?;
        for name in table.columns() {
            self.check_field(name, file.span);
        }
        let user = |row: u64| {
            let named = table.columns().iter().zip(0..);
            named.map(|(name, at)| (name.clone(), table.cell(row, at).to_owned())).collect()
        };
        Some((0..table.rows()).map(user).collect())
    }

    fn check_field(&mut self, name: &str, span: Span) {
        if is_reserved(name) || !is_name(name) {
            let message = format!("`{name}` can't be the name of a user's field");
            let hint = "use letters, digits and _, and none of slot, token, pick, randint, uuid";
            self.mistakes.report_with(span, message, hint);
        }
    }
}
