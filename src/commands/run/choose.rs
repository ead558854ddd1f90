//! Which requests are sent and how often: --weight, --only, --tags and --exclude-tags, in this order.
//!
//! Each narrows what the ones before it left, so they combine in any number.

use crate::commands::run::args::SelectionArgs;
use crate::load::request::RequestTemplate;
use crate::profile::nearest;

/// Names that a message lists at most.
const NAMES_SHOWN_MAX: usize = 20;

/// Changes weights and drops what is not to be sent.
pub(super) fn choose(
    requests: &mut Vec<RequestTemplate>,
    args: &SelectionArgs,
    mistakes: &mut Vec<String>,
) {
    let before = mistakes.len();
    reweigh(requests, &args.weights, mistakes);
    keep_only(requests, &args.only, mistakes);
    let tagged = |request: &RequestTemplate, tags: &[String]| {
        request.tags.iter().any(|tag| tags.contains(tag))
    };
    requests.retain(|request| {
        request.weight > 0
            && (args.tags.is_empty() || tagged(request, &args.tags))
            && !tagged(request, &args.exclude_tags)
    });
    if requests.is_empty() && mistakes.len() == before {
        mistakes.push(
            "nothing is left to send; check --only, --tags, --exclude-tags and --weight".to_owned(),
        );
    }
}

fn reweigh(requests: &mut [RequestTemplate], settings: &[String], mistakes: &mut Vec<String>) {
    for setting in settings {
        let parsed = setting.rsplit_once('=').and_then(|(name, weight)| {
            weight.trim().parse::<u32>().ok().map(|weight| (name.trim(), weight))
        });
        let Some((name, weight)) = parsed else {
            mistakes.push(format!("--weight '{setting}': write NAME=N with a whole number"));
            continue;
        };
        match requests.iter_mut().find(|request| request.name == name) {
            Some(request) => request.weight = weight,
            None => mistakes.push(unknown("--weight", name, requests)),
        }
    }
}

fn keep_only(requests: &mut Vec<RequestTemplate>, only: &[String], mistakes: &mut Vec<String>) {
    for name in only {
        match requests.iter().find(|request| request.name == *name) {
            None => mistakes.push(unknown("--only", name, requests)),
            Some(request) if request.weight == 0 => mistakes.push(format!(
                "--only: '{name}' has weight 0, so it would never be sent; add --weight '{name}=1'"
            )),
            Some(_) => {}
        }
    }
    if !only.is_empty() {
        requests.retain(|request| only.contains(&request.name));
    }
}

/// That nothing has this name, and what the user may have meant.
fn unknown(flag: &str, name: &str, requests: &[RequestTemplate]) -> String {
    let names: Vec<&str> = requests.iter().map(|request| request.name.as_str()).collect();
    let listed = || {
        let shown = names.len().min(NAMES_SHOWN_MAX);
        let more = if names.len() > shown { ", …" } else { "" };
        format!("there are: {}{more}", names[..shown].join(", "))
    };
    let remedy = nearest(name, names.iter().copied())
        .map_or_else(listed, |meant| format!("did you mean '{meant}'?"));
    format!("{flag}: no request is named '{name}'; {remedy}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::report::example::plan;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        args: SelectionArgs,
    }

    /// Three requests, tagged: lists (a list, read), detail (read), drafts (write, weight 0).
    fn requests() -> Vec<RequestTemplate> {
        let tags: [&[&str]; 3] = [&["lists", "read"], &["read"], &["write"]];
        let mut requests = plan().requests;
        for (request, tags) in requests.iter_mut().zip(tags) {
            request.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        }
        requests[2].weight = 0;
        requests
    }

    const LISTS: &str = "list interactions";
    const DETAIL: &str = "interaction detail";
    const DRAFT: &str = "create draft";

    type Row = (&'static [&'static str], &'static [(&'static str, u32)]);

    fn chosen(words: &[&str]) -> (Vec<(String, u32)>, Vec<String>) {
        let args = Flags::parse_from(["run"].iter().chain(words)).args;
        let (mut requests, mut mistakes) = (requests(), Vec::new());
        choose(&mut requests, &args, &mut mistakes);
        (requests.into_iter().map(|request| (request.name, request.weight)).collect(), mistakes)
    }

    #[test]
    fn flags_narrow_each_other() {
        let table: [Row; 8] = [
            (&[], &[(LISTS, 60), (DETAIL, 35)]),
            (&["--only", LISTS], &[(LISTS, 60)]),
            (&["--only", DETAIL, "--only", LISTS], &[(LISTS, 60), (DETAIL, 35)]),
            (&["--only", DRAFT, "--weight", "create draft=2"], &[(DRAFT, 2)]),
            (&["-T", "read", "-E", "lists"], &[(DETAIL, 35)]),
            (&["-T", "read", "--only", LISTS, "--weight", "list interactions=7"], &[(LISTS, 7)]),
            (&["-T", "lists,write", "--weight", "create draft=1"], &[(LISTS, 60), (DRAFT, 1)]),
            (&["-E", "write", "--weight", "create draft=1"], &[(LISTS, 60), (DETAIL, 35)]),
        ];
        for (words, expected) in table {
            let (left, mistakes) = chosen(words);
            assert!(mistakes.is_empty(), "{words:?}: {mistakes:?}");
            let left: Vec<_> = left.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
            assert_eq!(left, expected, "{words:?}");
        }
    }

    #[test]
    fn mistakes_name_their_remedy() {
        let table: [(&[&str], &str); 7] = [
            (&["--only", "list interaction"], "did you mean 'list interactions'?"),
            (&["--only", "zzz"], "there are: list interactions, interaction detail, create draft"),
            (&["--weight", "creat draft=2"], "did you mean 'create draft'?"),
            (&["--weight", "create draft"], "write NAME=N"),
            (&["--only", "create draft"], "add --weight 'create draft=1'"),
            (&["--only", "list interactions", "-T", "write"], "nothing is left to send"),
            (&["-T", "read", "-E", "read"], "nothing is left to send"),
        ];
        for (words, expected) in table {
            let (_, mistakes) = chosen(words);
            assert_eq!(mistakes.len(), 1, "{words:?}: {mistakes:?}");
            assert!(mistakes[0].contains(expected), "{words:?}: {mistakes:?}");
        }
    }
}
