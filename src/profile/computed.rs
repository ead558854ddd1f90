//! Templates with filters or operators: names are looked up, and the expression is tried out, so that what
//! can be told before the load is.

use crate::load::expression::{Blame, Expression, Fault, Meaning, Writing};
use crate::load::extract::{Gathered, Ring};
use crate::load::random::SplitMix64;
use crate::load::request::{Fill, Rows, Segment};
use crate::profile::compiler::Compiler;
use crate::profile::diagnostics::nearest;
use crate::profile::functions;
use crate::profile::template::{Mistake, Piece, Place};

/// A mistake, and the bytes of the expression that it is about.
pub(super) type Located = (Option<std::ops::Range<usize>>, Mistake);

impl Compiler<'_> {
    /// The value of an expression, or what computes it for each slot.
    pub(super) fn compute(
        &self,
        text: &str,
        place: Place,
        writing: Writing,
    ) -> Result<Piece, Located> {
        let located = |fault: Fault| (fault.range, refused(text, &fault.message));
        let mut meanings: Vec<(String, Meaning)> = Vec::new();
        for name in Expression::names_in(text).map_err(located)? {
            let (root, column) = name
                .split_once('.')
                .map_or((&*name, None), |(root, rest)| (root, rest.split('.').next()));
            if self.is_broken_feeder(root) {
                return Ok(Piece::Inserted(String::new()));
            }
            let range = || word_at(text, &name).map(|at| at..at + name.len());
            let meaning = self.meaning(root, column, place);
            match meaning.map_err(|mistake| (range(), mistake))? {
                Some(meaning) if meanings.iter().all(|(known, _)| known != root) => {
                    meanings.push((root.to_owned(), meaning));
                }
                _ => {}
            }
        }
        let expression = Expression::compile(text, meanings, writing).map_err(located)?;
        let tried = self.try_out(&expression);
        if expression.is_constant() && writing == Writing::Text {
            return tried.map(Piece::Inserted).map_err(located);
        }
        match tried {
            // Pools and the token have other values then.
            Err(fault) if fault.blame == Blame::Text || !expression.depends_on_answers() => {
                Err(located(fault))
            }
            _ => Ok(Piece::Hole(Segment::Computed(expression))),
        }
    }

    /// What a name stands for; nothing for a function.
    fn meaning(
        &self,
        name: &str,
        column: Option<&str>,
        place: Place,
    ) -> Result<Option<Meaning>, Mistake> {
        if let Some((_, value)) = self.variables.iter().find(|(variable, _)| variable == name) {
            return Ok(Some(Meaning::Text(value.clone())));
        }
        if let Some(number) = self.flow_variables.iter().flatten().position(|known| known == name) {
            return Ok(Some(Meaning::Variable(number)));
        }
        let gathered = self.gathered.iter().position(|gathered| gathered.name == name);
        if let Some(number) = gathered.filter(|_| place == Place::Mix) {
            return Ok(Some(Meaning::Gathered(number)));
        }
        if let Some(feeder) = self.feeder(name) {
            self.column(feeder, column, place)?;
            let columns = self.feeders[feeder].table.columns().to_vec();
            return Ok(Some(Meaning::Row(feeder, columns)));
        }
        if let Some(pool) = self.set_up_variable(name) {
            return Ok(Some(Meaning::Only(pool)));
        }
        if let Some(pool) = self.pools.iter().position(|pool| pool.name == name) {
            return match place {
                Place::Mix => Ok(Some(Meaning::Pool(pool))),
                _ => Err(functions::outside_the_mix()),
            };
        }
        match name {
            "slot" => Ok(Some(Meaning::Slot)),
            "token" => self.token(place).map(|_| Some(Meaning::Token)),
            "timestamp" if place != Place::Mix => Err(functions::no_due_instant()),
            _ if functions::names().any(|function| function == name) => Ok(None),
            _ => Err(self.unknown_name(name)),
        }
    }

    /// Where the column of a feeder stands; the first one if the feeder has no other and none is named.
    pub(super) fn column(
        &self,
        feeder: usize,
        column: Option<&str>,
        place: Place,
    ) -> Result<Option<usize>, Mistake> {
        let feeder = &self.feeders[feeder];
        let (name, columns) = (&feeder.name, feeder.table.columns());
        if place != Place::Mix {
            let remedy = "each slot has its row, and only `requests` have slots";
            let cause = format!("log-in and set-up requests can't use the feeder `{name}`");
            return Err((cause, remedy.into()));
        }
        let Some(column) = column else { return Ok((columns.len() == 1).then_some(0)) };
        if let Some(at) = columns.iter().position(|known| known == column) {
            return Ok(Some(at));
        }
        let all = columns.join(", ");
        let hint = match nearest(column, columns.iter().map(String::as_str)) {
            Some(close) => format!("did you mean `{name}.{close}`? it has: {all}"),
            None => format!("it has: {all}"),
        };
        Err((format!("the feeder `{name}` has no column `{column}`"), hint))
    }

    /// The expression's value with the first rows, and with placeholders for what comes from answers.
    fn try_out(&self, expression: &Expression) -> Result<String, Fault> {
        let pools: Vec<_> = self.pools.iter().map(|_| ["1".to_owned()].into()).collect();
        let variables: Vec<_> =
            self.flow_variables.iter().flatten().map(|_| Some("1".to_owned())).collect();
        let mut ring = Ring::new(1);
        ring.push("1".to_owned());
        let gathered = vec![ring; self.gathered.len()];
        let mut fill = Fill::of(SplitMix64::new(0), 0, &pools, "token");
        fill.gathered = Gathered { variables: &variables, pools: &gathered };
        fill.rows = Rows::first(&self.sample);
        expression.evaluate(&mut fill)
    }
}

/// Where a name stands that is no part of a longer one.
fn word_at(text: &str, name: &str) -> Option<usize> {
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).map(|(at, _)| at).find(|&at| {
        !text[..at].ends_with(of_a_word) && !text[at + name.len()..].starts_with(of_a_word)
    })
}

fn refused(text: &str, message: &str) -> Mistake {
    let remedy = "expressions are Jinja's: {{ slot % 10 }}, {{ users.name | lower }}; functions are \
                  pick, choice, randint, randfloat, randstr, uuid, timestamp and counter";
    (format!("`{text}` is not a template: {message}"), remedy.to_owned())
}
