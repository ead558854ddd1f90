//! Documents stay usable: a README that is read to its end, links that lead somewhere, flags that there
//! are, and commands that parse.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use steadfire::commands::{command, with_verb};

use super::assert_none;
use super::cli_page;
use super::flags::long_flags;
use super::source::{files_below, read, repository};

/// A first page that is longer is not read to its end.
const README_BYTES_MAX: usize = 12_000;

/// Documents in the repository's root.
const ROOT_DOCUMENTS: [&str; 3] = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Flags of other programs that documents may name.
const FOREIGN_FLAGS: [(&str, &[&str]); 6] = [
    ("cargo", &["--locked", "--path", "--release"]),
    ("k6", &["--http-debug"]),
    (
        "Locust",
        &[
            "--autostart",
            "--exit-code-on-error",
            "--master",
            "--processes",
            "--reset-stats",
            "--stop-timeout",
            "--user-classes",
            "--web-ui",
            "--worker",
        ],
    ),
    ("oha", &["--latency-correction"]),
    ("Nighthawk", &["--open-loop"]),
    ("every verb", &["--help", "--version"]),
];

#[test]
fn the_readme_is_read_to_its_end() {
    let bytes = read("README.md").expect("it is UTF-8").len();
    assert!(bytes <= README_BYTES_MAX, "README.md has {bytes} bytes, at most {README_BYTES_MAX}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let documents = documents();
    let exists = |path: &str| repository().join(path).exists();
    assert_none(&dead_links(&documents, &exists));
}

#[test]
fn the_index_lists_every_document() {
    let index = read("docs/README.md").expect("it is UTF-8");
    let pages = pages().into_iter().filter(|path| path != "docs/README.md");
    let missing = pages.filter(|path| {
        let name = path.strip_prefix("docs/").unwrap_or(path);
        !index.contains(&format!("]({name})"))
    });
    assert_none(&missing.map(|path| format!("docs/README.md lacks {path}")).collect::<Vec<_>>());
}

#[test]
fn documents_name_only_flags_that_there_are() {
    let mut known = cli_page::long_flags();
    known.extend(
        FOREIGN_FLAGS.iter().flat_map(|(_, flags)| flags.iter().map(|flag| (*flag).to_owned())),
    );
    for script in files_below("scripts") {
        known.extend(long_flags(&read(&script).unwrap_or_default()).into_iter().map(str::to_owned));
    }
    let readers = documents()
        .into_iter()
        .filter(|(path, _)| path == "README.md" || path.starts_with("docs/"));
    let complaints: Vec<String> =
        readers.flat_map(|(path, text)| unknown_flags(&path, &text, &known)).collect();
    assert_none(&complaints);
}

#[test]
fn commands_in_documents_parse() {
    let readers = documents()
        .into_iter()
        .filter(|(path, _)| path == "README.md" || path.starts_with("docs/"));
    let lines: Vec<(String, String)> = readers
        .flat_map(|(path, text)| commands(&text).into_iter().map(move |line| (path.clone(), line)))
        .collect();
    assert!(lines.len() > 20, "commands are found");
    let complaints = lines.iter().filter_map(|(path, line)| {
        fault_of(line).map(|fault| format!("{path}: {line}\n    {fault}"))
    });
    assert_none(&complaints.collect::<Vec<_>>());
}

/// Why the program refuses a command line, if it does.
fn fault_of(line: &str) -> Option<String> {
    let argv: Vec<OsString> = words(line).into_iter().map(OsString::from).collect();
    let error = command().try_get_matches_from(with_verb(argv)).err()?;
    error.use_stderr().then(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}

fn pages() -> Vec<String> {
    let is_page = |path: &String| Path::new(path).extension().is_some_and(|end| end == "md");
    files_below("docs").into_iter().filter(is_page).collect()
}

/// Path and text of each document.
fn documents() -> BTreeMap<String, String> {
    let paths = pages().into_iter().chain(ROOT_DOCUMENTS.map(str::to_owned));
    paths.map(|path| (path.clone(), read(&path).expect("documents are UTF-8"))).collect()
}

fn unknown_flags(path: &str, text: &str, known: &BTreeSet<String>) -> Vec<String> {
    let named = long_flags(text).into_iter().filter(|flag| !known.contains(*flag));
    named.map(|flag| format!("{path}: there is no flag {flag}")).collect()
}

/// Relative links to a file or a heading that is not there.
fn dead_links(documents: &BTreeMap<String, String>, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let dead = |path: &str, link: &str| {
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let file = if file.is_empty() { path.to_owned() } else { beside(path, file) };
        let found = match documents.get(&file) {
            Some(text) => anchor.is_empty() || anchors(text).contains(anchor),
            None => exists(&file) && anchor.is_empty(),
        };
        (!found).then(|| format!("{path}: the link {link} leads nowhere"))
    };
    documents
        .iter()
        .flat_map(|(path, text)| links(text).into_iter().filter_map(move |link| dead(path, link)))
        .collect()
}

/// Targets of inline links, but for other sites.
fn links(text: &str) -> Vec<&str> {
    let found = text.match_indices("](").filter_map(|(at, _)| {
        let rest = &text[at + 2..];
        rest.find(')').map(|end| &rest[..end])
    });
    found.filter(|link| !link.contains("://") && !link.contains([' ', '\n'])).collect()
}

/// A relative path seen from a document.
fn beside(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let headings = text.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let slug = |heading: &str| -> String {
        let kept = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(slug).collect()
}

/// Command lines of the program in shell blocks, without what is piped on or comes before.
fn commands(text: &str) -> Vec<String> {
    let mut shell = false;
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(info) = line.strip_prefix("```") {
            shell = !shell && ["sh", "yaml"].contains(&info);
        } else if shell {
            match lines.last_mut().filter(|last| last.ends_with('\\')) {
                Some(last) => {
                    last.pop();
                    last.push_str(line);
                }
                None => lines.push(line.to_owned()),
            }
        }
    }
    let of_program = lines.iter().filter_map(|line| line.find("steadfire ").map(|at| (line, at)));
    let begins =
        |before: &str| before.is_empty() || ["| ", "run: "].iter().any(|end| before.ends_with(end));
    of_program
        .filter(|(line, at)| begins(&line[..*at]))
        .map(|(line, at)| line[at..].to_owned())
        .collect()
}

/// The words of a shell's line up to a pipe, redirection, `&` or comment; variables stay as they are.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '|' | '>' | '&') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn dead_links_and_anchors_are_named() {
    let document = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let documents = BTreeMap::from([
        document(
            "README.md",
            "[a](docs/a.md#two-words--more) [b](docs/b.md) [c](docs/a.md#three) [d](https://x.y/z)",
        ),
        document(
            "docs/a.md",
            "# Two words, – `more`\n```sh\n# three\n```\n[up](../README.md) [self](#two-words---more) [l](../LICENSE)",
        ),
    ]);
    let complaints = dead_links(&documents, &|path| path == "LICENSE");
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(complaints[0].contains("two-words--more") || complaints[0].contains("docs/b.md"));
}

#[test]
fn commands_are_found_and_split_like_a_shell_does() {
    let page = "```sh\n# a comment\nx | steadfire import curl -   # why\nsteadfire a \\\n  -H 'b c'\ncargo install steadfire now\n```\nsteadfire prose";
    assert_eq!(commands(page), ["steadfire import curl -   # why", "steadfire a -H 'b c'"]);
    assert_eq!(
        words("steadfire a 'b c'\"$D\" -e=#1 | jq # d"),
        ["steadfire", "a", "b c$D", "-e=#1"]
    );
    assert!(
        fault_of("steadfire http://a/ --rate 5").is_none()
            && fault_of("steadfire --no-such-flag").is_some()
    );
}
