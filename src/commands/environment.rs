//! The process's environment: variables for `${VAR}` in profiles (-e first, then the environment, then
//! --env-file or else `.env.loadtest` beside the profile), and where runs are stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// Largest --env-file read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The file of variables that is read unless another is named.
const FOUND_FILE: &str = ".env.loadtest";

/// Where `${VAR}` is looked up.
#[derive(Clone, Default)]
pub(super) struct Environment {
    given: BTreeMap<String, String>,
    fallback: BTreeMap<String, String>,
    source: FallbackSource,
}

/// Where variables come from that nothing else gives.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum FallbackSource {
    /// From the file beside the profile, if there is one.
    #[default]
    Found,
    /// From the file that --env-file names.
    Named,
}

impl Environment {
    /// Reads `NAME=VALUE` pairs of -e and the lines of an --env-file.
    pub(super) fn read(pairs: &[String], file: Option<&Path>) -> Result<Self, Failure> {
        let mut given = BTreeMap::new();
        for pair in pairs {
            let (name, value) =
                pair.split_once('=').filter(|(name, _)| is_name(name)).ok_or_else(|| {
                    Failure::usage(
                        "--env: write NAME=VALUE, such as --env LOAD_TEST_EMAIL=me@example.org",
                    )
                })?;
            given.insert(name.to_owned(), value.to_owned());
        }
        let (fallback, source) = match file {
            None => (BTreeMap::new(), FallbackSource::Found),
            Some(path) => (read_file(path, "--env-file")?, FallbackSource::Named),
        };
        Ok(Self { given, fallback, source })
    }

    /// The same with the variables of `.env.loadtest` in `folder`, where a profile stands, and that file's
    /// path; nothing if there is none or another was named.
    pub(super) fn with_found(&self, folder: &Path) -> Result<Option<(Self, PathBuf)>, Failure> {
        let path = folder.join(FOUND_FILE);
        if self.source == FallbackSource::Named || !path.is_file() {
            return Ok(None);
        }
        let mut environment = self.clone();
        for (name, value) in read_file(&path, "variables")? {
            environment.fallback.entry(name).or_insert(value);
        }
        Ok(Some((environment, path)))
    }

    /// Gives `name` a value unless something else does.
    pub(super) fn provide(&mut self, name: &str, value: &str) {
        self.fallback.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }

    /// The value of `name`.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
        let inherited = || std::env::var(name).ok();
        self.given
            .get(name)
            .cloned()
            .or_else(inherited)
            .or_else(|| self.fallback.get(name).cloned())
    }
}

/// Where runs are stored.
pub(super) fn runs_folder() -> PathBuf {
    state_folder().join("runs")
}

/// Where a run is stored if that folder cannot be written to.
pub(super) fn spare_runs_folder() -> PathBuf {
    std::env::temp_dir().join("steadfire-runs")
}

/// `$XDG_STATE_HOME/steadfire`, else below `~/.local/state`, else below the current folder.
pub(super) fn state_folder() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "the process's environment enters here")]
    let variable = |name| std::env::var(name).ok().filter(|value| Path::new(value).is_absolute());
    let state = variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("."));
    state.join("steadfire")
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The variables of a file; `what` names it in the error.
fn read_file(path: &Path, what: &str) -> Result<BTreeMap<String, String>, Failure> {
    let text = read_bounded(path, FILE_BYTES_MAX, what)?;
    let text = String::from_utf8(text)
        .map_err(|_| Failure::usage(format!("{what} {}: not UTF-8 text", path.display())))?;
    parse_file(&text).map_err(|line| {
        let path = path.display();
        Failure::usage(format!("{what} {path}: line {line} is not NAME=VALUE"))
    })
}

/// `NAME=VALUE` lines; blank lines and `#` comments are skipped, `export` and matching quotes are
/// accepted. `Err` is the number of the first bad line; its text may hold a secret.
fn parse_file(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut values = BTreeMap::new();
    // Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=').ok_or(number)?;
        let name = name.trim_end();
        if !is_name(name) {
            return Err(number);
        }
        values.insert(name.to_owned(), unquoted(value.trim()));
    }
    Ok(values)
}

/// A value as a shell would read it: what matching quotes hold, else all up to a comment. Between double
/// quotes, `\n`, `\"`, `\\` and `\$` stand for a line break and the characters themselves.
fn unquoted(value: &str) -> String {
    let closed = |quote: char| {
        let (inner, rest) = value.strip_prefix(quote)?.rsplit_once(quote)?;
        (rest.is_empty() || rest.trim_start().starts_with('#')).then_some(inner)
    };
    if let Some(inner) = closed('\'') {
        return inner.to_owned();
    }
    match closed('"') {
        Some(inner) => unescaped(inner),
        None => value.find(" #").map_or(value, |at| value[..at].trim_end()).to_owned(),
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        match characters.next() {
            Some('n') => out.push('\n'),
            Some(plain @ ('"' | '\\' | '$')) => out.push(plain),
            other => {
                out.push('\\');
                out.extend(other);
            }
        }
        rest = characters.as_str();
    }
    out + rest
}

/// A file's bytes; `flag` names it in the error.
pub(super) fn read_bounded(path: &Path, bytes_max: u64, flag: &str) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| {
        Failure::usage(format!("{flag} {}: cannot be read ({error})", path.display()))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::usage(format!(
            "{flag} {}: larger than {} MiB",
            path.display(),
            bytes_max >> 20
        )));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_files_may_export_quote_and_comment() {
        let text = "# a comment\n\nexport A=1\nB=\"two words\"\nC='x=y'\nD=\n";
        let values = parse_file(text).unwrap();
        let seen: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(seen, [("A", "1"), ("B", "two words"), ("C", "x=y"), ("D", "")]);
        assert_eq!(parse_file("A=1\nnonsense"), Err(2));
        assert_eq!(parse_file("\u{feff}A=1").unwrap()["A"], "1");
        assert_eq!(parse_file("1A=1"), Err(1));
    }

    #[test]
    fn a_comment_may_follow_a_value() {
        for (value, expected) in [
            ("a # b", "a"),
            ("a#b", "a#b"),
            ("\"a # b\"", "a # b"),
            ("'a'  # b", "a"),
            ("\"a", "\"a"),
            ("'", "'"),
            ("\"it's\"", "it's"),
            (r#""a\"b\n\\\$\d" # c"#, "a\"b\n\\$\\d"),
            (r"'a\n'", r"a\n"),
        ] {
            assert_eq!(unquoted(value), expected, "{value}");
        }
    }

    #[test]
    fn given_values_go_before_provided_ones() {
        let mut environment =
            Environment::read(&["STEADFIRE_TEST_A=given".to_owned()], None).unwrap();
        environment.provide("STEADFIRE_TEST_A", "provided");
        environment.provide("STEADFIRE_TEST_B", "provided");
        assert_eq!(environment.get("STEADFIRE_TEST_A").as_deref(), Some("given"));
        assert_eq!(environment.get("STEADFIRE_TEST_B").as_deref(), Some("provided"));
        assert_eq!(environment.get("STEADFIRE_TEST_C"), None);
    }

    #[test]
    fn a_file_beside_the_profile_is_found_unless_another_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FOUND_FILE), "STEADFIRE_TEST_D=found\n").unwrap();
        let (environment, path) =
            Environment::default().with_found(folder.path()).unwrap().unwrap();
        assert_eq!(environment.get("STEADFIRE_TEST_D").as_deref(), Some("found"));
        assert!(path.ends_with(FOUND_FILE));
        let named = folder.path().join("other");
        std::fs::write(&named, "A=1\n").unwrap();
        let environment = Environment::read(&[], Some(&named)).unwrap();
        assert!(environment.with_found(folder.path()).unwrap().is_none());
        let nowhere = Environment::default().with_found(&folder.path().join("nowhere"));
        assert!(nowhere.unwrap().is_none());
    }

    #[test]
    fn a_bad_pair_is_refused_without_its_value() {
        let error = Environment::read(&["=hunter2".to_owned()], None).err().unwrap();
        assert!(!error.to_string().contains("hunter2"));
    }
}
