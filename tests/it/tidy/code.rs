//! What a checker sees of Rust code: comments and literals blanked, the rest as tokens, and the names
//! that its paths mention.
//!
//! A word in a comment or a string is never mistaken for code.

/// A word, `::`, or one character of punctuation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

/// The tokens of blanked code.
pub(super) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word =
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let length = if word > 0 {
                word
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token { text: &rest[..length], line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// Every name that directly follows `root::`, in a `use`, a group or an inline path.
pub(super) fn children<'a>(tokens: &[Token<'a>], root: &str) -> Vec<Token<'a>> {
    let roots = tokens.windows(2).enumerate();
    let roots = roots.filter(|(_, pair)| pair[0].text == root && pair[1].text == "::");
    roots.flat_map(|(at, _)| heads(&tokens[at + 2..])).collect()
}

/// The name at the front, or the first name of each item if a `{…}` group stands there.
pub(super) fn heads<'a>(tail: &[Token<'a>]) -> Vec<Token<'a>> {
    if tail.first().is_some_and(|token| token.text != "{") {
        return tail[..1].to_vec();
    }
    let mut heads = Vec::new();
    let (mut depth, mut item_begins) = (0_usize, false);
    for token in tail {
        match token.text {
            "{" => {
                depth += 1;
                item_begins = depth == 1;
            }
            "}" if depth == 1 => break,
            "}" => depth -= 1,
            "," => item_begins = depth == 1,
            _ if item_begins => {
                heads.push(*token);
                item_begins = false;
            }
            _ => {}
        }
    }
    heads
}

/// `text` with every comment, string and character literal blanked, line breaks kept.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let opaque = opaque_length(&chars[at..]).min(chars.len() - at);
        if opaque == 0 {
            code.push(chars[at]);
            at += 1;
            continue;
        }
        code.extend(chars[at..at + opaque].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at += opaque;
    }
    code
}

/// The length of the comment or literal at the front; 0 if code stands there.
fn opaque_length(rest: &[char]) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => block_comment_length(rest),
        ['"', ..] => string_length(rest),
        ['r', '"' | '#', ..] => raw_string_length(rest),
        // The escaped character may itself be a quote, so the search begins behind it.
        ['\'', '\\', _, tail @ ..] => {
            4 + tail.iter().position(|c| *c == '\'').unwrap_or(tail.len())
        }
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// Rust's block comments nest.
fn block_comment_length(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string_length(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// 0 for a raw identifier such as `r#type`.
fn raw_string_length(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    let body = 1 + hashes;
    if rest.get(body) != Some(&'"') {
        return 0;
    }
    let closes = |at: &usize| {
        rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes
    };
    (body + 1..rest.len()).find(closes).map_or(rest.len(), |at| at + 1 + hashes)
}

#[test]
fn comments_and_literals_are_blanked_and_lines_kept() {
    let table = [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        (r#"f("a\"b", c)"#, "f(      , c)"),
        (r##"f(r#"a"b"#, c)"##, "f(        , c)"),
        (r#"f(b"a", c)"#, "f(b   , c)"),
        ("let r#type = 1;", "let r#type = 1;"),
        (r"['\'', '\\', '\n', 'x']", "[    ,     ,     ,    ]"),
        ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
        ("\"two\nlines\" x", "    \n       x"),
        ("\"open", "     "),
    ];
    for (text, code) in table {
        assert_eq!(code_only(text), code, "{text}");
    }
}

#[test]
fn names_are_found_in_paths_and_in_groups_over_several_lines() {
    let code = "use crate::{\n    a,\n    b::{c, d},\n    e as f,\n};\nlet x = crate :: g::h(crate::i);\n\
                pub(crate) fn j() {}";
    let tokens = tokens(code);
    let found: Vec<_> = children(&tokens, "crate").iter().map(|t| (t.text, t.line)).collect();
    assert_eq!(found, [("a", 2), ("b", 3), ("e", 4), ("g", 6), ("i", 6)]);
}
