//! [`Text`]: a text with holes, and how it is written in a profile.

use std::fmt::Write as _;

/// One part of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// As it is; signs of templates in it are escaped when it is written.
    Literal(String),
    /// `${NAME}`.
    Environment(String),
    /// `{{ name }}`, one of the profile's variables.
    Variable(String),
    /// `{{ pick(pool) }}`.
    Pick(String),
    /// `{{ uuid() }}`.
    Uuid,
}

/// A text with holes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub Vec<Part>);

impl Text {
    /// A text without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        Self(vec![Part::Literal(text.into())])
    }

    /// `${NAME}` alone.
    pub fn environment(name: &str) -> Self {
        Self(vec![Part::Environment(name.to_owned())])
    }

    /// The names of the environment variables in it.
    pub fn environment_names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Environment(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// As the profile's templates read it.
    pub fn as_template(&self) -> String {
        let mut out = String::new();
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Literal(text) => {
                    let hole_follows =
                        self.0.get(at + 1).is_some_and(|next| !matches!(next, Part::Literal(_)));
                    push_literal(text, hole_follows, &mut out);
                }
                Part::Environment(name) => push(&mut out, format_args!("${{{name}}}")),
                Part::Variable(name) => push(&mut out, format_args!("{{{{ {name} }}}}")),
                Part::Pick(pool) => push(&mut out, format_args!("{{{{ pick({pool}) }}}}")),
                Part::Uuid => out.push_str("{{ uuid() }}"),
            }
        }
        out
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}

/// A sign at the end would join the marker of the hole behind it, and becomes a hole of its own.
fn push_literal(text: &str, hole_follows: bool, out: &mut String) {
    let (text, last) = match text.chars().next_back() {
        Some(last @ ('{' | '$')) if hole_follows => (&text[..text.len() - 1], Some(last)),
        _ => (text, None),
    };
    let escaped = text.replace("${", "$${").replace("{{", "{{ \"{{\" }}");
    out.push_str(&escaped);
    if let Some(last) = last {
        push(out, format_args!("{{{{ \"{last}\" }}}}"));
    }
}

/// `text` with everything percent-encoded that a path or query cannot hold; what is encoded stays so.
pub(super) fn path_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push(&mut out, format_args!("%{byte:02X}"));
        }
    }
    out
}

/// `Some Name-2` → `some_name_2`: what may name a pool or a variable.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            out.push('_');
        }
        out.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
        before = c;
    }
    let out = out.trim_matches('_').to_owned();
    let named = out.starts_with(|c: char| c.is_ascii_alphabetic());
    if named { out } else { format!("value_{out}").trim_end_matches('_').to_owned() }
}

/// One line without control characters, of at most `chars_max` characters.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() || c == '\u{2028}' || c == '\u{2029}' { ' ' } else { c })
        .take(chars_max)
        .collect();
    if text.chars().count() > chars_max {
        line.push('…');
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_templates_are_escaped() {
        let text = |parts: &[Part]| Text(parts.to_vec()).as_template();
        let literal = |text: &str| Part::Literal(text.to_owned());
        assert_eq!(text(&[literal("a{{b")]), "a{{ \"{{\" }}b");
        assert_eq!(text(&[literal("${X}")]), "$${X}");
        let hole = Part::Environment("X".into());
        assert_eq!(text(&[literal("a$"), hole.clone()]), "a{{ \"$\" }}${X}");
        assert_eq!(text(&[literal("{"), Part::Pick("ids".into())]), "{{ \"{\" }}{{ pick(ids) }}");
        assert_eq!(text(&[literal("Bearer "), hole]), "Bearer ${X}");
    }

    #[test]
    fn names_and_paths_become_legal() {
        for (name, expected) in [
            ("itemId", "item_id"),
            ("X-API-Key", "x_api_key"),
            ("2nd", "value_2nd"),
            ("ü", "value"),
            ("user2Id", "user2_id"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(path_text("/a b/ü?x=%20{"), "/a%20b/%C3%BC?x=%20%7B");
        assert_eq!(one_line("a\nb\u{2028}c", 4), "a b …");
    }
}
