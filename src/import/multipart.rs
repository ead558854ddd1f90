//! Multipart forms (RFC 7578) as they were recorded: fields with their texts, files without their content.

use crate::import::vault::wish;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordedPart {
    /// Of the field.
    pub(super) name: String,
    pub(super) content: RecordedContent,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecordedContent {
    Text(String),
    /// Its own name and media type.
    File(Option<String>, Option<String>),
}

/// The variable that names the file of a field.
pub(super) fn file_variable(field: &str) -> String {
    wish(&format!("file_{field}"))
}

/// The parts of a body, by its content type; none if it is no form, or is cut short.
pub(super) fn parts(body: &str, content_type: &str) -> Vec<RecordedPart> {
    let Some(boundary) = boundary(content_type) else { return Vec::new() };
    let delimiter = format!("--{boundary}");
    let mut pieces = body.split(delimiter.as_str());
    // Before the first delimiter there is nothing that counts.
    pieces.next();
    let mut parts = Vec::new();
    for piece in pieces {
        if piece.starts_with("--") {
            return parts;
        }
        match part(piece) {
            Some(part) => parts.push(part),
            None => return Vec::new(),
        }
    }
    Vec::new()
}

fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"'))
    });
    boundary.filter(|boundary| !boundary.is_empty())
}

/// Headers, an empty line and the content, between line ends that belong to the delimiters.
fn part(piece: &str) -> Option<RecordedPart> {
    let piece = piece.trim_start_matches([' ', '\t']);
    let piece = piece.strip_prefix("\r\n").or_else(|| piece.strip_prefix('\n'))?;
    let (head, content) = piece.split_once("\r\n\r\n").or_else(|| piece.split_once("\n\n"))?;
    let content = content.strip_suffix("\r\n").or_else(|| content.strip_suffix('\n'))?;
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let disposition = header("content-disposition")?;
    let name = parameter(disposition, "name")?;
    let content = match parameter(disposition, "filename") {
        Some(file) => RecordedContent::File(Some(file), header("content-type").map(str::to_owned)),
        None => RecordedContent::Text(content.to_owned()),
    };
    Some(RecordedPart { name, content })
}

/// A parameter's quoted value, as browsers write it.
fn parameter(disposition: &str, wanted: &str) -> Option<String> {
    let start = format!("; {wanted}=\"");
    let at = disposition.find(&start)? + start.len();
    let value = disposition[at..].split('"').next()?;
    Some(value.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n"))
}

/// What `curl -F` makes of `name=content`: behind @ stands a file, behind ; its type and name. Nothing if
/// there is no name, or if the text is to be read from a file.
pub(super) fn curl_part(argument: &str) -> Option<RecordedPart> {
    let (name, content) = argument.split_once('=')?;
    let mut words = content.split(';');
    let first = words.next().unwrap_or_default();
    let about = |wanted: &str| {
        let given = words.clone().find_map(|word| word.trim().strip_prefix(wanted));
        given.map(|value| value.trim_matches('"').to_owned())
    };
    let content = match first.chars().next() {
        Some('<') => return None,
        Some('@') => {
            let own = first[1..].trim_matches('"').rsplit(['/', '\\']).next().map(str::to_owned);
            RecordedContent::File(about("filename=").or(own), about("type="))
        }
        _ if about("type=").is_some() => RecordedContent::Text(first.to_owned()),
        _ => RecordedContent::Text(content.to_owned()),
    };
    Some(RecordedPart { name: name.to_owned(), content })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, value: &str) -> RecordedPart {
        RecordedPart { name: name.into(), content: RecordedContent::Text(value.into()) }
    }

    fn file(name: &str, own: Option<&str>, kind: Option<&str>) -> RecordedPart {
        let content = RecordedContent::File(own.map(Into::into), kind.map(Into::into));
        RecordedPart { name: name.into(), content }
    }

    const KIND: &str = "multipart/form-data; boundary=\"Xy\"";

    #[test]
    fn a_recorded_form_is_taken_apart() {
        let body = "--Xy\r\nContent-Disposition: form-data; name=\"a%22\"\r\n\r\none\r\ntwo\r\n\
                    --Xy\r\ncontent-disposition: form-data; name=\"f\"; filename=\"c.png\"\r\n\
                    Content-Type: image/png\r\n\r\n\u{1}binary\r\n--Xy--\r\n";
        let expected = [text("a\"", "one\r\ntwo"), file("f", Some("c.png"), Some("image/png"))];
        assert_eq!(parts(body, KIND), expected);
        assert!(parts(body, "multipart/form-data").is_empty(), "no boundary");
        assert!(parts(body, "text/plain; boundary=Xy").is_empty());
        assert!(parts(&body[..body.len() - 6], KIND).is_empty(), "cut short");
        assert!(parts("--Xy\r\nno disposition\r\n\r\nx\r\n--Xy--", KIND).is_empty());
    }

    #[test]
    fn curls_parts_are_fields_and_files() {
        let table = [
            ("a=b;c", Some(text("a", "b;c"))),
            ("a={};type=application/json", Some(text("a", "{}"))),
            ("f=@/tmp/c.png;type=image/png", Some(file("f", Some("c.png"), Some("image/png")))),
            ("f=@c;filename=\"d e\"", Some(file("f", Some("d e"), None))),
            ("t=<notes.txt", None),
            ("nothing", None),
        ];
        for (argument, part) in table {
            assert_eq!(curl_part(argument), part, "{argument}");
        }
    }
}
