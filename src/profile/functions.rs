//! The functions of templates: those whose arguments are literals become segments; `computed` has the rest.

use crate::load::generate::{self, Choice, DECIMALS_MAX, Generator, TEXT_LENGTH_MAX, TimeForm};
use crate::load::request::Segment;
use crate::profile::arguments::{Literal, arguments};
use crate::profile::compiler::Compiler;
use crate::profile::diagnostics::nearest;
use crate::profile::template::{Mistake, Piece, Place};

/// Each function, and how it is written.
const USAGE: [(&str, &str); 8] = [
    ("pick", "pick(pool)"),
    ("choice", "choice(\"a\", \"b\"), or choice({\"a\": 3, \"b\": 1}) with weights"),
    ("randint", "randint(1, 3), whole numbers, both ends included"),
    ("randfloat", "randfloat(0, 1, 2), two ends and how many decimals"),
    ("randstr", "randstr(8) or randstr(8, \"hex\"), of alnum, letters, digits, hex or characters"),
    ("uuid", "uuid()"),
    ("timestamp", "timestamp(\"s\"), timestamp(\"ms\") or timestamp(\"iso\")"),
    ("counter", "counter() or counter(1, 1), where it starts and its step"),
];

/// Names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    USAGE.iter().map(|(name, _)| *name)
}

/// How a function is written.
pub(super) fn example(function: &str) -> &'static str {
    USAGE.iter().find(|(name, _)| *name == function).map_or("", |(_, usage)| usage)
}

/// What a call cannot become.
enum Refused {
    /// Its arguments are others than it takes.
    Usage,
    Mistake(Mistake),
}

impl Compiler<'_> {
    /// A call whose arguments are literals; `None` leaves it to an expression.
    pub(super) fn resolve_call(
        &self,
        name: &str,
        inner: &str,
        place: Place,
    ) -> Option<Result<Piece, Mistake>> {
        if let "slot" | "token" = name {
            let remedy = format!("write {{{{ {name} }}}}");
            return Some(Err((format!("`{name}` is not a function"), remedy)));
        }
        if names().all(|known| known != name) {
            return Some(Err(unknown(name)));
        }
        let arguments = arguments(inner)?;
        let named = |argument: &Literal| matches!(argument, Literal::Name(_));
        let segment = match (name, arguments.as_slice()) {
            ("pick", [Literal::Name(pool) | Literal::Text(pool)]) => self.picked(pool, place),
            // A name stands for a value.
            (_, arguments) if arguments.iter().any(named) => return None,
            ("uuid", []) => Ok(Segment::Uuid),
            ("randint", [Literal::Int(low), Literal::Int(high)]) => randint(*low, *high),
            ("timestamp", _) if place != Place::Mix => Err(Refused::Mistake(no_due_instant())),
            ("pick" | "choice", _) => choice(arguments).map(Segment::Made),
            ("randfloat", arguments) => randfloat(arguments).map(Segment::Made),
            ("randstr", arguments) => randstr(arguments).map(Segment::Made),
            ("timestamp", arguments) => timestamp(arguments).map(Segment::Made),
            ("counter", arguments) => counter(arguments).map(Segment::Made),
            _ => Err(Refused::Usage),
        };
        Some(segment.map(Piece::Hole).map_err(|refused| match refused {
            Refused::Mistake(mistake) => mistake,
            Refused::Usage => {
                (format!("wrong arguments for `{name}`"), format!("write {}", example(name)))
            }
        }))
    }

    fn picked(&self, name: &str, place: Place) -> Result<Segment, Refused> {
        if place != Place::Mix {
            return Err(Refused::Mistake(outside_the_mix()));
        }
        if let Some(number) = self.gathered.iter().position(|gathered| gathered.name == name) {
            return Ok(Segment::PickGathered(number));
        }
        if let Some(id) = self.pools.iter().position(|source| source.name == name) {
            return Ok(Segment::Pick(id));
        }
        let hint = match nearest(name, self.pools.iter().map(|source| source.name.as_str())) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("fill it in a set-up request: pools: {{{name}: \"$.items[*].id\"}}"),
        };
        Err(Refused::Mistake((format!("unknown pool `{name}`"), hint)))
    }
}

pub(super) fn outside_the_mix() -> Mistake {
    (
        "log-in and set-up requests can't pick from a pool".into(),
        "pools are filled once set-up has run; only `requests` use them".into(),
    )
}

pub(super) fn no_due_instant() -> Mistake {
    (
        "log-in and set-up requests have no due instant, so no timestamp()".into(),
        "take it from the environment: ${NOW}".into(),
    )
}

fn unknown(name: &str) -> Mistake {
    let all = || names().map(|name| format!("{name}()")).collect::<Vec<_>>().join(", ");
    let hint = nearest(name, names()).map_or_else(
        || format!("the functions are {}; a pool's value is pick(pool)", all()),
        |function| format!("did you mean {}?", example(function)),
    );
    (format!("unknown function `{name}`"), hint)
}

fn randint(low: i64, high: i64) -> Result<Segment, Refused> {
    if low > high {
        return Err(Refused::Mistake((
            format!("randint({low}, {high}) has its ends the wrong way round"),
            format!("write randint({high}, {low})"),
        )));
    }
    Ok(Segment::RandomInt { low, high })
}

/// Texts, one list of texts, or one mapping of texts to weights.
fn choice(arguments: Vec<Literal>) -> Result<Generator, Refused> {
    let weighted = |(option, weight): (Literal, Literal)| match weight {
        Literal::Int(weight) => Some((option.into_text()?, u32::try_from(weight).ok()?)),
        _ => None,
    };
    let equal = |option: Literal| Some((option.into_text()?, 1));
    let mut arguments = arguments;
    let options: Option<Vec<(String, u32)>> = match arguments.as_mut_slice() {
        [Literal::List(list)] => std::mem::take(list).into_iter().map(equal).collect(),
        [Literal::Map(map)] => std::mem::take(map).into_iter().map(weighted).collect(),
        _ => arguments.into_iter().map(equal).collect(),
    };
    options.and_then(Choice::new).map(Generator::Choice).ok_or(Refused::Usage)
}

fn randfloat(arguments: &[Literal]) -> Result<Generator, Refused> {
    let (ends, decimals) = match arguments {
        [low, high] => ([low, high], DECIMALS_MAX),
        [low, high, Literal::Int(decimals)] => {
            ([low, high], u32::try_from(*decimals).map_err(|_| Refused::Usage)?)
        }
        _ => return Err(Refused::Usage),
    };
    match ends.map(Literal::as_float) {
        [Some(low), Some(high)] if low <= high && decimals <= DECIMALS_MAX => {
            Ok(Generator::Float { low, high, decimals })
        }
        _ => Err(Refused::Usage),
    }
}

fn randstr(arguments: &[Literal]) -> Result<Generator, Refused> {
    let (length, name) = match arguments {
        [Literal::Int(length)] => (*length, "alnum"),
        [Literal::Int(length), Literal::Text(name)] => (*length, name.as_str()),
        _ => return Err(Refused::Usage),
    };
    let alphabet = generate::alphabet(name);
    match u64::try_from(length) {
        Ok(length) if length <= TEXT_LENGTH_MAX && !alphabet.is_empty() => {
            Ok(Generator::Text { alphabet, length })
        }
        _ => Err(Refused::Usage),
    }
}

fn timestamp(arguments: &[Literal]) -> Result<Generator, Refused> {
    let form = match arguments {
        [] => Some(TimeForm::UnixSeconds),
        [Literal::Text(word)] => TimeForm::named(word),
        _ => None,
    };
    form.map(Generator::Timestamp).ok_or(Refused::Usage)
}

fn counter(arguments: &[Literal]) -> Result<Generator, Refused> {
    let (start, step) = match arguments {
        [] => (1, 1),
        [Literal::Int(start)] => (*start, 1),
        [Literal::Int(start), Literal::Int(step)] => (*start, *step),
        _ => return Err(Refused::Usage),
    };
    Ok(Generator::Counter { start, step })
}
