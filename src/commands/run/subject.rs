//! What is to be sent: a profile file, a built-in profile, one URL, or the demo backend with its profile.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};

use crate::commands::environment::{Environment, read_bounded};
use crate::commands::run::Args;
use crate::commands::{Failure, actions, inputs};
use crate::demo::{TEST_EMAIL, TEST_PASSWORD};
use crate::load::body::Body;
use crate::load::plan::Origin;
use crate::load::request::{RequestTemplate, Template};
use crate::load::secrets::is_secret_name;
use crate::load::url::{is_url, split_url};
use crate::profile::{self, Outside, Profile, Source};

/// Largest --data-file, in bytes.
const BODY_BYTES_MAX: u64 = 16 << 20;
/// The profile that goes with the demo backend.
const DEMO_PROFILE: &str = "chat-center";

/// Where the requests come from.
pub(super) enum Subject {
    /// A profile, with the address from the profile or --host.
    Profile(Box<Profile>),
    /// One URL: the request and where it goes.
    Url(Box<RequestTemplate>, Origin),
    /// The demo backend, which is still to be started, and its profile.
    Demo(Box<Profile>),
}

impl Subject {
    /// Names of requests and steps with limits of their own, sent or not.
    pub(super) fn limited(&self) -> Vec<String> {
        let (Self::Profile(profile) | Self::Demo(profile)) = self else { return Vec::new() };
        let steps = profile.flows.list.iter().flat_map(|flow| &flow.steps);
        let rows = profile.requests.iter().chain(steps.map(|step| &step.request));
        let limited = rows.filter(|row| row.goals.limit.is_some());
        limited.map(|row| row.name.clone()).collect()
    }
}

/// Decides what the words mean and loads it.
pub(super) fn read(args: &Args) -> Result<Subject, Failure> {
    let mut environment =
        Environment::read(&args.profile.variables, args.profile.env_file.as_deref())?;
    match args.subject.as_deref() {
        Some(url) if is_url(url) => read_url(url, args),
        Some(name) => load(name, &environment).map(|profile| Subject::Profile(Box::new(profile))),
        None if args.load.replay.is_some() && args.target.host.is_some() => bare(),
        None if args.target.host.is_some() => Err(Failure::usage(
            "--host says where, but not what to send; name a profile such as chat-center, or give \
                 the URL alone",
        )),
        None => {
            environment.provide("LOAD_TEST_EMAIL", TEST_EMAIL);
            environment.provide("LOAD_TEST_PASSWORD", TEST_PASSWORD);
            read_profile(DEMO_PROFILE, &environment).map(|profile| Subject::Demo(Box::new(profile)))
        }
    }
}

/// A profile with nothing in it, for requests that come from elsewhere.
fn bare() -> Result<Subject, Failure> {
    let source = Source { name: "replay", text: "requests: [{path: /}]" };
    let profile = profile::load(source, &|_| None).map_err(Failure::unexpected)?;
    Ok(Subject::Profile(Box::new(profile)))
}

/// A profile's text: of a file or, where there is no such file, of the built-in profile of that name.
fn text_of(name: &str) -> Result<String, Failure> {
    let path = PathBuf::from(name);
    if let Some(hint) = script(&path) {
        return Err(Failure::usage(format!("'{name}' is no profile: {hint}")));
    }
    if !path.exists() {
        return built_in(&path).map(str::to_owned).ok_or_else(|| unknown(name));
    }
    let limit = profile::TEXT_BYTES_MAX as u64;
    String::from_utf8(read_bounded(&path, limit, "profile")?)
        .map_err(|_| Failure::usage(format!("profile {name}: not UTF-8 text")))
}

/// The values that variables with credentials put into a profile.
pub(super) fn secrets(name: &str, environment: &Environment) -> Vec<String> {
    let found = environment.with_found(folder(Path::new(name))).ok().flatten();
    let environment = found.as_ref().map_or(environment, |(found, _)| found);
    let text = text_of(name).unwrap_or_default();
    let names = text.split("${").skip(1).filter_map(|rest| rest.split([':', '}']).next());
    let secret = |name: &&str| {
        let telling = ["USER", "EMAIL", "LOGIN", "BASIC", "AUTH", "KEY"];
        is_secret_name(name) || telling.iter().any(|part| name.to_ascii_uppercase().contains(part))
    };
    names.filter(secret).filter_map(|name| environment.get(name)).collect()
}

/// Loads a profile file or, where there is no such file, the built-in profile of that name. Says on stderr
/// where variables were found that nobody named.
pub(in crate::commands) fn load(name: &str, environment: &Environment) -> Result<Profile, Failure> {
    match environment.with_found(folder(Path::new(name)))? {
        None => read_profile(name, environment),
        Some((environment, path)) => {
            let _ = writeln!(anstream::stderr(), "variables from {}", path.display());
            read_profile(name, &environment)
        }
    }
}

/// Where a profile stands; a built-in one stands in the current folder.
fn folder(profile: &Path) -> &Path {
    profile.parent().filter(|_| profile.exists()).unwrap_or(Path::new(""))
}

fn read_profile(name: &str, environment: &Environment) -> Result<Profile, Failure> {
    let path = PathBuf::from(name);
    let text = text_of(name)?;
    let source = Source { name, text: &text };
    let inputs = |outside: &Outside<'_>| inputs::open(folder(&path), outside);
    let variables = |variable: &str| environment.get(variable);
    profile::load_with(source, &variables, &inputs).map_err(|mistakes| {
        actions::tell_mistakes(&mistakes);
        // The first "error: " is written where the message is shown.
        let text = mistakes.to_string();
        Failure::usage(text.strip_prefix("error: ").unwrap_or(&text))
    })
}

/// `chat-center`, `chat-center.yaml` and `profiles/chat-center.yaml` all name the same.
fn built_in(path: &Path) -> Option<&'static str> {
    let folder = path.parent()?;
    if folder != Path::new("") && folder != Path::new("profiles") {
        return None;
    }
    let ending = path.extension().is_none_or(|ending| ending == "yaml");
    profile::builtin(path.file_stem()?.to_str()?).filter(|_| ending)
}

/// What to do with another tool's script.
fn script(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "py" => Some(
            "Python is not run here; docs/from-locust.md goes through a locustfile, and 'steadfire import \
             locust-stats' makes a profile of the _stats.csv that Locust wrote",
        ),
        "js" | "ts" => Some(
            "JavaScript is not run here; docs/from-k6.md goes through a script, and 'k6 inspect FILE | \
             steadfire import k6-options -' takes its load and thresholds",
        ),
        "jmx" => Some("JMeter's plans are not read; 'steadfire import har' takes a recording"),
        _ => None,
    }
}

fn unknown(name: &str) -> Failure {
    let hint = if Path::new(name).extension().is_some_and(|ending| ending == "json") {
        "there is no such file; a result is written to it by --json=FILE, with an equals sign"
    } else if name.parse::<f64>().is_ok() {
        "a bare number means nothing here; the arrival rate is --rate 50/s (-r), the length --duration 30s (-d)"
    } else if name.contains(['.', ':']) && !name.contains(".y") && !name.contains(".json") {
        "a URL begins with http:// or https://"
    } else {
        "there is no such file; built in are chat-center, chat-center-read and chat-center-analytics"
    };
    Failure::usage(format!("'{name}' is no profile: {hint}"))
}

fn read_url(url: &str, args: &Args) -> Result<Subject, Failure> {
    let (origin, path) =
        split_url(url).map_err(|reason| Failure::usage(format!("'{url}': {reason}")))?;
    let named = args.target.data.as_deref().and_then(|text| text.strip_prefix('@'));
    let file = named.map(|file| ("--data", Path::new(file)));
    let file = file.or_else(|| Some(("--data-file", args.target.data_file.as_deref()?)));
    let body = match (file, &args.target.data) {
        (Some((flag, file)), _) => {
            let bytes = read_bounded(file, BODY_BYTES_MAX, flag)?;
            Some(Body::from(Bytes::from(bytes)))
        }
        (None, Some(text)) => Some(Body::from(Template::literal(text))),
        (None, None) => None,
    };
    let method = match args.target.method.as_deref() {
        Some(name) => Method::from_bytes(name.as_bytes())
            .map_err(|_| Failure::usage(format!("--method: '{name}' is not an HTTP method")))?,
        None if body.is_some() => Method::POST,
        None => Method::GET,
    };
    let request = RequestTemplate {
        name: format!("{method} {}", without_query(&path)),
        weight: 1,
        method,
        body,
        ..RequestTemplate::get(&path)
    };
    Ok(Subject::Url(Box::new(request), origin))
}

/// What may be shown of a URL or path: a query is where keys are put.
pub(super) fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

/// `Name: value`, as curl writes it. The value never stands in the error: it may be a secret.
pub(super) fn parse_header(text: &str) -> Result<(HeaderName, Template), String> {
    let (name, value) = text.split_once(':').ok_or("-H: write 'Name: value'")?;
    let name: HeaderName =
        name.trim().parse().map_err(|_| format!("-H: '{}' is not a header name", name.trim()))?;
    HeaderValue::from_str(value.trim())
        .map_err(|_| format!("-H: the value of '{name}' holds a forbidden character"))?;
    Ok((name, Template::literal(value.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_answer_to_their_usual_names() {
        for name in ["chat-center", "chat-center.yaml", "profiles/chat-center.yaml"] {
            assert!(built_in(Path::new(name)).is_some(), "{name}");
        }
        for name in ["other", "dir/chat-center.yaml", "chat-center.json"] {
            assert!(built_in(Path::new(name)).is_none(), "{name}");
        }
    }

    #[test]
    fn scripts_of_other_tools_are_told_the_way() {
        for (name, way) in [
            ("locustfile.py", "import locust-stats"),
            ("load/script.js", "k6 inspect"),
            ("plan.jmx", "import har"),
            ("out.json", "--json=FILE"),
        ] {
            let refused = text_of(name).unwrap_err().to_string();
            assert!(refused.contains(way), "{refused}");
        }
    }

    #[test]
    fn a_header_error_never_shows_the_value() {
        let error = parse_header("Authorization: s3cret\u{0}").unwrap_err();
        assert!(!error.contains("s3cret"), "{error}");
        assert!(parse_header("no colon").is_err() && parse_header("bad name: x").is_err());
    }
}
