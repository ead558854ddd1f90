//! How many workers there are and which processors they run on: `--threads` and `--pin`.

use crate::commands::run::Args;
use crate::load::footprint::{self, Whereabouts};
use crate::load::plan::Origin;
use crate::load::rate::Rate;
use crate::machine::capacity::Capacity;

/// What a search is equipped for unless `--max-rate` says less: workers cannot be added on the way.
const SEARCH_RATE: f64 = 100_000.0;
/// No kernel numbers processors beyond this.
const CPU_MAX: usize = 1023;

/// What `--threads` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Threads {
    /// By rate and processors.
    #[default]
    Auto,
    /// So many.
    Number(usize),
}

/// What `--pin` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin {
    /// The processors this process may use, in order.
    Auto,
    /// These, in this order.
    List(Vec<usize>),
}

/// Reads `auto` or a number above 0.
pub(super) fn parse_threads(text: &str) -> Result<Threads, String> {
    match text.parse() {
        _ if text == "auto" => Ok(Threads::Auto),
        Ok(0) | Err(_) => Err("write auto, or a whole number above 0".to_owned()),
        Ok(number) => Ok(Threads::Number(number)),
    }
}

/// Reads `auto` or numbers and ranges such as `0,2-3`, each processor once.
pub(super) fn parse_pin(text: &str) -> Result<Pin, String> {
    if text == "auto" {
        return Ok(Pin::Auto);
    }
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|cpu| *cpu <= CPU_MAX);
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => cpus.extend(first..=last),
            _ => return Err("write auto, or processors such as 0,2-3".to_owned()),
        }
    }
    let mut once = cpus.clone();
    once.sort_unstable();
    once.dedup();
    if once.len() < cpus.len() {
        return Err("a processor is named twice".to_owned());
    }
    Ok(Pin::List(cpus))
}

/// The processors that workers are bound to; empty if to none.
pub(super) fn pinned(pin: Option<&Pin>, machine: &Capacity) -> Result<Vec<usize>, String> {
    let Some(pin) = pin else { return Ok(Vec::new()) };
    let Some(available) = &machine.cpus else {
        return Err("--pin: this system does not bind threads to processors".to_owned());
    };
    match pin {
        Pin::Auto => Ok(available.clone()),
        Pin::List(list) => match list.iter().find(|cpu| !available.contains(cpu)) {
            None => Ok(list.clone()),
            Some(missing) => Err(format!(
                "--pin: processor {missing} is not available to this process; there are: {}",
                available.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            )),
        },
    }
}

/// Worker threads: as asked for, or by the rate and the processors they may use.
pub(super) fn workers(args: &Args, rate: Rate, origin: &Origin, machine: &Capacity) -> usize {
    let rate = args.mode(1).peak_rate(rate).min(SEARCH_RATE.max(rate.as_per_second()));
    // Whoever names the processors has decided what is left to a target beside them.
    let (cores, target) = match &args.generator.pin {
        Some(Pin::List(list)) => (list.len().min(machine.cores), Whereabouts::Elsewhere),
        Some(Pin::Auto) | None => (machine.cores, whereabouts(origin)),
    };
    match args.generator.threads {
        Threads::Number(number) => number,
        Threads::Auto => footprint::workers(rate, cores, target),
    }
}

fn whereabouts(origin: &Origin) -> Whereabouts {
    if origin.is_on_this_machine() { Whereabouts::SameMachine } else { Whereabouts::Elsewhere }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::Scheme;

    #[test]
    fn threads_are_a_number_or_automatic() {
        assert_eq!(parse_threads("auto"), Ok(Threads::Auto));
        assert_eq!(parse_threads("3"), Ok(Threads::Number(3)));
        for text in ["0", "-1", "", "many", "1.5"] {
            assert!(parse_threads(text).is_err(), "{text}");
        }
    }

    #[test]
    fn processors_are_listed_by_number_and_range() {
        assert_eq!(parse_pin("auto"), Ok(Pin::Auto));
        for (text, list) in [("0", vec![0]), ("0,2-3", vec![0, 2, 3]), ("3, 1", vec![3, 1])] {
            assert_eq!(parse_pin(text), Ok(Pin::List(list)), "{text}");
        }
        for text in ["", "a", "3-1", "1,,2", "1,0-2", "0-99999999999", "-1"] {
            assert!(parse_pin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_available_processors_can_be_pinned() {
        let machine = Capacity { cpus: Some(vec![0, 2]), ..Capacity::default() };
        assert_eq!(pinned(None, &machine), Ok(vec![]));
        assert_eq!(pinned(Some(&Pin::Auto), &machine), Ok(vec![0, 2]));
        assert_eq!(pinned(Some(&Pin::List(vec![2])), &machine), Ok(vec![2]));
        let refused = pinned(Some(&Pin::List(vec![2, 1])), &machine).unwrap_err();
        assert!(refused.contains("processor 1") && refused.contains("0, 2"), "{refused}");
        assert!(pinned(Some(&Pin::Auto), &Capacity::default()).is_err());
    }

    #[test]
    fn loopback_is_known_by_name_and_by_address() {
        let at = |host: &str| {
            whereabouts(&Origin {
                scheme: Scheme::Http,
                host: host.into(),
                port: 80,
                authority: host.into(),
                base_path: String::new(),
            })
        };
        for host in ["localhost", "api.localhost", "127.0.0.1", "127.8.9.1", "::1"] {
            assert_eq!(at(host), Whereabouts::SameMachine, "{host}");
        }
        for host in ["example.org", "10.0.0.1", "localhost.example.org"] {
            assert_eq!(at(host), Whereabouts::Elsewhere, "{host}");
        }
    }
}
