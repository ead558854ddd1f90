//! The process's environment: variables for `${VAR}` in profiles (-e first, then the environment, then
//! --env-file), and where runs are stored.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::commands::Failure;

/// Largest --env-file read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where `${VAR}` is looked up.
#[derive(Default)]
pub(super) struct Environment {
    given: BTreeMap<String, String>,
    fallback: BTreeMap<String, String>,
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
        let fallback = match file {
            None => BTreeMap::new(),
            Some(path) => {
                let text = read_bounded(path, FILE_BYTES_MAX, "--env-file")?;
                let text = String::from_utf8(text).map_err(|_| {
                    Failure::usage(format!("--env-file {}: not UTF-8 text", path.display()))
                })?;
                parse_file(&text).map_err(|line| {
                    Failure::usage(format!(
                        "--env-file {}: line {line} is not NAME=VALUE",
                        path.display()
                    ))
                })?
            }
        };
        Ok(Self { given, fallback })
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

/// `NAME=VALUE` lines; blank lines and `#` comments are skipped, `export` and matching quotes are
/// accepted. `Err` is the number of the first bad line; its text may hold a secret.
fn parse_file(text: &str) -> Result<BTreeMap<String, String>, usize> {
    let mut values = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let (name, value) = line.split_once('=').ok_or(number)?;
        if !is_name(name) {
            return Err(number);
        }
        values.insert(name.to_owned(), unquoted(value.trim()).to_owned());
    }
    Ok(values)
}

/// A value as a shell would read it: what matching quotes hold, else all up to a comment.
fn unquoted(value: &str) -> &str {
    let quoted = ['"', '\''].into_iter().find_map(|quote| {
        let (inner, rest) = value.strip_prefix(quote)?.rsplit_once(quote)?;
        (rest.is_empty() || rest.trim_start().starts_with('#')).then_some(inner)
    });
    quoted.unwrap_or_else(|| value.find(" #").map_or(value, |at| value[..at].trim_end()))
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
    fn a_bad_pair_is_refused_without_its_value() {
        let error = Environment::read(&["=hunter2".to_owned()], None).err().unwrap();
        assert!(!error.to_string().contains("hunter2"));
    }
}
