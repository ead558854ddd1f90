//! Which parts of a path are ids.

/// The path with each id replaced by `{id}`.
pub(super) fn without_ids(path: &str) -> String {
    let parts = path.split('/').map(|part| if is_id(part) { "{id}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A number, a UUID, a long hexadecimal number, or a long word that mixes digits and letters.
fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let all = |allowed: fn(char) -> bool| part.chars().all(allowed);
    let number = digits > 0 && digits == part.len();
    let hexadecimal = part.len() >= 12 && digits > 0 && all(|c| c.is_ascii_hexdigit() || c == '-');
    let mixed =
        part.len() >= 16 && digits >= 3 && all(|c| c.is_ascii_alphanumeric() || "-_~".contains(c));
    number || hexadecimal || mixed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_words() {
        for (path, expected) in [
            ("/api/items/42/", "/api/items/{id}/"),
            ("/a/0191d4a2-7b3c-7def-8a90-0123456789ab", "/a/{id}"),
            ("/a/507f1f77bcf86cd799439011/b", "/a/{id}/b"),
            ("/a/V1StGXR8_Z5jdHi6B-myT", "/a/{id}"),
            ("/api/v2/users", "/api/v2/users"),
            (
                "/api/interactions/metrics/quality-history",
                "/api/interactions/metrics/quality-history",
            ),
            ("/", "/"),
        ] {
            assert_eq!(without_ids(path), expected);
        }
    }
}
