//! The functions that expressions may call, fed by what the slot gives them.

use std::sync::Arc;

use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value};

use crate::load::expression::{CONTEXT, Context};
use crate::load::generate::{self, TimeForm};
use crate::load::request::push_uuid;

/// An engine that knows them and no template.
pub(super) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_debug(false);
    engine.add_function("pick", choose);
    engine.add_function("choice", choose);
    engine.add_function("randint", |state: &State<'_, '_>, low: i64, high: i64| {
        if low > high {
            return Err(Error::from(ErrorKind::InvalidOperation));
        }
        Ok(generate::random_int(&mut context(state)?.random(), low, high))
    });
    engine.add_function(
        "randfloat",
        |state: &State<'_, '_>, low: f64, high: f64, places: Option<u32>| {
            let decimals = places.unwrap_or(generate::DECIMALS_MAX);
            Ok(generate::random_float(&mut context(state)?.random(), low, high, decimals))
        },
    );
    engine.add_function("randstr", |state: &State<'_, '_>, length: u64, name: Option<&str>| {
        let alphabet = generate::alphabet(name.unwrap_or("alnum"));
        if length > generate::TEXT_LENGTH_MAX || alphabet.is_empty() {
            return Err(Error::from(ErrorKind::InvalidOperation));
        }
        let mut text = String::new();
        generate::push_text(&mut context(state)?.random(), &alphabet, length, &mut text);
        Ok(text)
    });
    engine.add_function("uuid", |state: &State<'_, '_>| {
        let mut text = String::new();
        push_uuid(&mut context(state)?.random(), &mut text);
        Ok::<_, Error>(text)
    });
    engine.add_function(
        "counter",
        |state: &State<'_, '_>, start: Option<i64>, step: Option<i64>| {
            let number = context(state)?.number;
            Ok::<_, Error>(generate::counted(number, start.unwrap_or(1), step.unwrap_or(1)))
        },
    );
    engine.add_function("timestamp", timestamp);
    engine
}

/// A number in the two forms that are numbers, so that it can be reckoned with.
fn timestamp(state: &State<'_, '_>, form: Option<&str>) -> Result<Value, Error> {
    let due = context(state)?.due;
    let form = TimeForm::named(form.unwrap_or("s"))
        .ok_or_else(|| Error::from(ErrorKind::InvalidOperation))?;
    Ok(match form {
        TimeForm::UnixSeconds => Value::from(due.as_secs()),
        TimeForm::UnixMillis => Value::from(u64::try_from(due.as_millis()).unwrap_or(u64::MAX)),
        TimeForm::Iso => {
            let mut text = String::new();
            generate::push_time(due, form, &mut text);
            Value::from(text)
        }
    })
}

/// One of several values, of a list, or of a mapping's keys in proportion to its values.
#[expect(clippy::needless_pass_by_value, reason = "how functions are given any number of values")]
fn choose(state: &State<'_, '_>, options: Rest<Value>) -> Result<Value, Error> {
    let context = context(state)?;
    let (values, weights): (Vec<Value>, Vec<u64>) = match &options[..] {
        [one] if one.kind() == ValueKind::Map => {
            let mut weighted = Vec::new();
            for key in one.try_iter()? {
                let weight = u64::try_from(one.get_item(&key)?)?;
                weighted.push((key, weight));
            }
            weighted.into_iter().unzip()
        }
        [one] if one.kind() == ValueKind::Seq => {
            let length = one.len().unwrap_or_default() as u64;
            let drawn = context.random().below(length);
            // A pool stays empty where the profile takes the request out of the mix.
            return if length == 0 {
                Ok(Value::from(""))
            } else {
                one.get_item(&Value::from(drawn))
            };
        }
        several => several.iter().map(|value| (value.clone(), 1)).unzip(),
    };
    let total = weights.iter().copied().fold(0, u64::saturating_add);
    let mut drawn = context.random().below(total);
    for (value, weight) in values.into_iter().zip(weights) {
        if drawn < weight {
            return Ok(value);
        }
        drawn -= weight;
    }
    Err(Error::from(ErrorKind::InvalidOperation))
}

fn context(state: &State<'_, '_>) -> Result<Arc<Context>, Error> {
    let found = state.lookup(CONTEXT).and_then(|value| value.downcast_object::<Context>());
    found.ok_or_else(|| Error::from(ErrorKind::InvalidOperation))
}
