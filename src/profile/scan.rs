//! Where templates begin and end in a text, and where quotes and brackets in them do.

/// Where the `}}` stands that closes what `text` opens: not within quotes or brackets of its own.
pub(super) fn expression_end(text: &str) -> Option<usize> {
    let opened = text.strip_prefix("{{").map_or(0, |_| 2);
    let (mut quote, mut depth) = (None, 0_usize);
    for (at, character) in text.char_indices().skip(opened) {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth > 0 => depth -= 1,
            (None, '}') if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    // An apostrophe that opens nothing must not swallow the rest.
    text.find("}}")
}

/// Whether brackets in a call's arguments close what they open.
pub(super) fn is_closed(arguments: &str) -> bool {
    let mut depth = 0_i32;
    arguments.chars().all(|character| {
        depth += i32::from(character == '(') - i32::from(character == ')');
        depth >= 0
    })
}

pub(super) fn next_marker(text: &str) -> Option<usize> {
    text.match_indices(['$', '{']).map(|(at, _)| at).find(|&at| {
        let rest = &text[at..];
        rest.starts_with("${") || rest.starts_with("$${") || rest.starts_with("{{")
    })
}

/// What stands between a pair of quotes.
pub(super) fn unquoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        text.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains(quote))
    })
}
