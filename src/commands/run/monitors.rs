//! Which monitors a run has: `--monitor` and the profile's.

use std::time::Duration;

use crate::commands::Failure;
use crate::commands::environment::Environment;
use crate::commands::run::Args;
use crate::commands::run::subject::Subject;
use crate::load::monitor::Monitor;
use crate::profile::MONITORS_MAX;

/// More often, looking would be a load of its own.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Those of the profile and those of the flags.
pub(super) fn chosen(args: &Args, subject: &Subject) -> Result<Vec<Monitor>, Failure> {
    let mut monitors = match subject {
        Subject::Profile(profile) | Subject::Demo(profile) => profile.monitors.clone(),
        Subject::Url(..) => Vec::new(),
    };
    let environment = Environment::read(&args.profile.variables, args.profile.env_file.as_deref())?;
    for text in &args.monitors.monitors {
        // The shell of a command knows the environment by itself.
        let text = if text.starts_with("command:") {
            text.clone()
        } else {
            let missing =
                |name| Failure::usage(format!("--monitor: the variable {name} is not set"));
            expanded(text, &|name| environment.get(name)).map_err(missing)?
        };
        // The text itself may hold a password.
        monitors.push(text.parse().map_err(|error| Failure::usage(format!("--monitor: {error}")))?);
    }
    if monitors.len() > MONITORS_MAX {
        return Err(Failure::usage(format!("--monitor: more than {MONITORS_MAX} monitors")));
    }
    if args.monitors.monitor_interval < INTERVAL_MIN {
        return Err(Failure::usage("--monitor-interval: must be 100ms or more"));
    }
    Ok(monitors)
}

/// `text` with the values of `$NAME` and `${NAME}`; `Err` names a variable that is not set.
fn expanded(text: &str, look_up: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        whole.push_str(before);
        let braced = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, tail) = braced.unwrap_or_else(|| {
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            after.split_at(end.unwrap_or(after.len()))
        });
        if name.is_empty() {
            whole.push('$');
        } else {
            whole.push_str(&look_up(name).ok_or_else(|| name.to_owned())?);
        }
        rest = tail;
    }
    whole.push_str(rest);
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_missing_ones_named() {
        let look_up = |name: &str| (name == "URL").then(|| "postgres://db".to_owned());
        let table = [
            ("postgres:$URL", Ok("postgres:postgres://db")),
            ("${URL}/x?a=$URL", Ok("postgres://db/x?a=postgres://db")),
            ("costs 5$", Ok("costs 5$")),
            ("$$URL", Ok("$postgres://db")),
            ("postgres:$DSN", Err("DSN")),
            ("${DSN}", Err("DSN")),
        ];
        for (text, expected) in table {
            let found = expanded(text, &look_up);
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
