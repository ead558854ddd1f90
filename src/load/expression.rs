//! [`Expression`]: the part of a template that has filters or operators, compiled once and evaluated by
//! minijinja for each slot.
//!
//! Whatever is undefined is an error, and what is random comes from the slot's own stream, so a slot gets
//! the same text every time. No error holds a value: it may be a password.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use minijinja::value::{Enumerator, Object, ObjectRepr};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::load::expression::functions::engine;
use crate::load::extract::Ring;
use crate::load::feeder::FeederId;
use crate::load::random::SplitMix64;
use crate::load::request::{Escape, Fill, PoolId};

mod functions;

/// Functions that expressions may call.
pub const FUNCTIONS: [&str; 8] =
    ["choice", "counter", "pick", "randfloat", "randint", "randstr", "timestamp", "uuid"];

/// What a name in an expression stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// A fixed text.
    Text(String),
    /// The slot's index.
    Slot,
    /// The token that log-in obtained.
    Token,
    /// A pool's values.
    Pool(PoolId),
    /// A pool's only value.
    Only(PoolId),
    /// One of the values of a pool that answers fill.
    Gathered(usize),
    /// A variable of the flow.
    Variable(usize),
    /// The row that a feeder has for the slot, by the names of its columns.
    Row(FeederId, Vec<String>),
}

/// What is wrong with an expression, and where in its text if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Without any value.
    pub message: String,
    /// Bytes of the expression's text.
    pub range: Option<Range<usize>>,
    /// Whose fault it is.
    pub blame: Blame,
}

/// What a fault follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// From the expression's text, whatever it is filled with.
    Text,
    /// From the values that it met.
    Values,
}

/// How what comes out is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As text, escaped for its place.
    Text,
    /// As it is: a JSON value where one is expected.
    Json,
}

/// A compiled expression.
#[derive(Clone)]
pub struct Expression {
    engine: Arc<Environment<'static>>,
    text: Arc<str>,
    names: Arc<[String]>,
    meanings: Arc<[Meaning]>,
    writing: Writing,
}

const TEMPLATE: &str = "expression";
/// What stands before the expression's text in its template.
const OPENING: &str = "{{ (";
/// The name under which functions find what the slot gives them; no variable can be called so.
const CONTEXT: &str = "#";

impl Expression {
    /// The names that `text` uses, functions included: `slot`, `users.email`.
    ///
    /// # Errors
    /// When it is not an expression.
    pub fn names_in(text: &str) -> Result<Vec<String>, Fault> {
        let engine = engine();
        let expression = engine.compile_expression_owned(text.to_owned()).map_err(Fault::from)?;
        let mut names: Vec<String> = expression.undeclared_variables(true).into_iter().collect();
        names.sort();
        Ok(names)
    }

    /// Compiles `text`, in which names have these `meanings`.
    ///
    /// # Errors
    /// When it is not an expression.
    pub fn compile(
        text: &str,
        meanings: Vec<(String, Meaning)>,
        writing: Writing,
    ) -> Result<Self, Fault> {
        let mut engine = engine();
        let filter = match writing {
            Writing::Text => "",
            Writing::Json => " | tojson",
        };
        engine
            .add_template_owned(TEMPLATE, format!("{OPENING}{text}){filter} }}}}"))
            .map_err(Fault::of_template)?;
        let (names, meanings): (Vec<String>, Vec<Meaning>) = meanings.into_iter().unzip();
        let engine = Arc::new(engine);
        Ok(Self {
            engine,
            text: text.into(),
            names: names.into(),
            meanings: meanings.into(),
            writing,
        })
    }

    /// Whether it is the same for every slot: nothing but fixed texts and no function.
    pub fn is_constant(&self) -> bool {
        let fixed = |meaning: &Meaning| matches!(meaning, Meaning::Text(_));
        self.meanings.iter().all(fixed) && !FUNCTIONS.iter().any(|name| self.text.contains(name))
    }

    /// Whether it uses values that only the target's answers give.
    pub fn depends_on_answers(&self) -> bool {
        let fixed = |meaning: &Meaning| {
            matches!(meaning, Meaning::Text(_) | Meaning::Slot | Meaning::Row(..))
        };
        !self.meanings.iter().all(fixed)
    }

    /// What its names stand for.
    pub fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// Whether it uses the token.
    pub fn carries_token(&self) -> bool {
        self.meanings.iter().any(|meaning| matches!(meaning, Meaning::Token))
    }

    /// The pools it may pick from.
    pub fn pools(&self) -> impl Iterator<Item = PoolId> {
        self.meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Pool(pool) | Meaning::Only(pool) => Some(*pool),
            _ => None,
        })
    }

    /// The feeders it takes rows from.
    pub fn feeders(&self) -> impl Iterator<Item = FeederId> {
        self.meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Row(feeder, _) => Some(*feeder),
            _ => None,
        })
    }

    /// Its value for one slot.
    ///
    /// # Errors
    /// When it cannot be evaluated, as with a division by zero.
    pub fn evaluate(&self, fill: &mut Fill<'_>) -> Result<String, Fault> {
        let values = self.meanings.iter().map(|meaning| value(meaning, fill)).collect();
        let context = Arc::new(Context {
            random: Mutex::new(fill.random.clone()),
            number: fill.number(),
            due: fill.due,
            names: Arc::clone(&self.names),
            values,
        });
        let template = self.engine.get_template(TEMPLATE).map_err(Fault::of_template)?;
        let text = template.render(Value::from_dyn_object(Arc::clone(&context)));
        fill.random = context.random().clone();
        text.map_err(Fault::of_template)
    }

    /// Appends its value for one slot; sets `broken` if there is none.
    pub fn render(&self, escape: Escape, fill: &mut Fill<'_>, out: &mut String) {
        match (self.evaluate(fill), self.writing) {
            (Ok(text), Writing::Text) => escape.push(&text, out),
            (Ok(text), Writing::Json) => out.push_str(&text),
            (Err(_), _) => fill.broken = true,
        }
    }
}

/// The same text with the same meanings; of both, what they look like is decided by the profile.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.names == other.names
            && self.meanings == other.meanings
            && self.writing == other.writing
    }
}

/// The text alone: fixed texts may be passwords.
impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (detail, blame) = match error.kind() {
            ErrorKind::SyntaxError
            | ErrorKind::UnknownFilter
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownMethod
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments => (error.detail(), Blame::Text),
            ErrorKind::UndefinedError => (None, Blame::Text),
            // Others may quote a value.
            _ => (None, Blame::Values),
        };
        let message = match detail {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        Self { message, range: error.range(), blame }
    }
}

impl Fault {
    /// Its place is that within the template around the expression.
    fn of_template(error: Error) -> Self {
        let fault = Self::from(error);
        let range = fault.range.and_then(|range| {
            let start = range.start.checked_sub(OPENING.len())?;
            Some(start..range.end.saturating_sub(OPENING.len()))
        });
        Self { range, ..fault }
    }
}

fn value(meaning: &Meaning, fill: &mut Fill<'_>) -> Value {
    match meaning {
        Meaning::Text(text) => Value::from(text.as_str()),
        Meaning::Slot => Value::from(fill.slot),
        Meaning::Token => Value::from(fill.token),
        Meaning::Pool(pool) => Value::from_object(Pool(Arc::clone(&fill.pools[*pool]))),
        Meaning::Only(pool) => {
            fill.pools[*pool].first().map_or(Value::UNDEFINED, |value| Value::from(value.as_str()))
        }
        Meaning::Gathered(pool) => {
            // One of perhaps very many: all of them would be copied for each slot.
            let values = fill.gathered.pools.get(*pool).map_or(&[][..], Ring::values);
            let drawn = usize::try_from(fill.random.below(values.len() as u64)).unwrap_or(0);
            Value::from_object(Pool(values.get(drawn).cloned().into_iter().collect()))
        }
        Meaning::Variable(number) => {
            let value = fill.gathered.variables.get(*number).and_then(Option::as_deref);
            value.map_or(Value::UNDEFINED, Value::from)
        }
        Meaning::Row(feeder, columns) => (0..)
            .zip(columns)
            .map(|(column, name)| {
                let cell = fill.rows.cell(*feeder, column, fill.slot);
                (name.clone(), Value::from(cell))
            })
            .collect::<BTreeMap<_, _>>()
            .into(),
    }
}

/// What a slot gives an expression.
#[derive(Debug)]
struct Context {
    random: Mutex<SplitMix64>,
    number: u64,
    due: Duration,
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Context {
    fn random(&self) -> std::sync::MutexGuard<'_, SplitMix64> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == CONTEXT {
            return Some(Value::from_dyn_object(Arc::clone(self)));
        }
        self.names.iter().position(|name| name == key).map(|at| self.values[at].clone())
    }
}

/// A pool's values as a list.
#[derive(Debug)]
struct Pool(Arc<[String]>);

impl Object for Pool {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_usize()?).map(|value| Value::from(value.as_str()))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluated(text: &str, slot: u64) -> Result<String, Fault> {
        let pools: Vec<Arc<[String]>> = vec![Arc::from(["a".to_owned(), "b".to_owned()])];
        let meanings = vec![
            ("slot".to_owned(), Meaning::Slot),
            ("who".to_owned(), Meaning::Text("s3cret".into())),
            ("ids".to_owned(), Meaning::Pool(0)),
        ];
        let expression = Expression::compile(text, meanings, Writing::Text)?;
        let mut fill = Fill::of(SplitMix64::for_slot(9, slot), slot, &pools, "t0ken");
        fill.due = Duration::from_millis(1_700_000_000_042);
        expression.evaluate(&mut fill)
    }

    #[test]
    fn values_are_reckoned_with() {
        let table = [
            ("slot % 3 + 1", "2"),
            ("who | upper", "S3CRET"),
            ("ids | length", "2"),
            ("pick(ids) | replace('b', 'a')", "a"),
            ("'x' if slot > 5 else 'y'", "x"),
            ("'%05d' | format(slot)", "00007"),
            ("randint(5, 5) * 2", "10"),
            ("counter(100, 10)", "170"),
            ("timestamp() - 3600", "1699996400"),
            ("timestamp('ms') % 1000", "42"),
            ("timestamp('iso')[:10]", "2023-11-14"),
            ("randstr(12, 'hex') | length", "12"),
            ("choice({'only': 1, 'never': 0})", "only"),
            ("choice('z', 'z')", "z"),
            ("uuid() | length", "36"),
        ];
        for (text, expected) in table {
            assert_eq!(evaluated(text, 7), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_slot_gets_the_same_values_every_time_and_slots_differ() {
        let draw =
            |slot| evaluated("randint(1, 1000000) ~ '-' ~ randint(1, 1000000)", slot).unwrap();
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        let (first, second) =
            draw(3).split_once('-').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_ne!(first, second);
    }

    #[test]
    fn faults_have_a_place_and_no_value() {
        let table = [
            ("slot +", "syntax error", Blame::Text),
            ("slot | shout", "unknown filter", Blame::Text),
            ("nobody", "undefined value", Blame::Text),
            ("1 // (slot - 7)", "invalid operation", Blame::Values),
            ("choice({'a': 0})", "invalid operation", Blame::Values),
        ];
        for (text, message, blame) in table {
            let fault = evaluated(text, 7).unwrap_err();
            assert!(fault.message.contains(message), "{text}: {fault:?}");
            assert_eq!(fault.blame, blame, "{text}");
        }
        let fault = evaluated("who | int", 7).unwrap_err();
        assert!(!fault.message.contains("s3cret"), "{fault:?}");
    }

    #[test]
    fn names_are_those_of_variables_columns_and_functions() {
        let names = Expression::names_in("users.email | lower ~ randint(1, top) ~ 'who'").unwrap();
        assert_eq!(names, ["randint", "top", "users.email"]);
        assert!(Expression::names_in("a b").is_err());
    }
}
