//! [`Orders`]: what someone who steers a run has asked for so far, and what the next order comes to.

use crate::load::rate::Rate;
use crate::load::steering::{Change, Pace};

/// Faster and slower cancel each other out.
const FACTOR: f64 = 1.1;
/// Each order costs a ledger, so there is an end to them.
const ORDERS_MAX: usize = 100;

/// What someone wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// The rate up by a tenth.
    Faster,
    /// The rate down to where [`Self::Faster`] would lead back from.
    Slower,
    /// No more arrivals, or again.
    PauseOrResume,
    /// A mark with this text.
    Mark(String),
}

/// Orders that were carried out.
#[derive(Clone, Debug)]
pub struct Orders {
    /// `None` where the pace has a course of its own.
    rate: Option<Rate>,
    paused: bool,
    labels: Vec<String>,
}

impl Orders {
    /// None so far, on a run at `rate`, or on one whose pace is not to be changed.
    pub const fn new(rate: Option<Rate>) -> Self {
        Self { rate, paused: false, labels: Vec::new() }
    }

    /// What `order` comes to; nothing if it cannot be carried out.
    pub fn heed(&mut self, order: Order) -> Option<Change> {
        if self.labels.len() == ORDERS_MAX {
            return None;
        }
        let (change, label) = match (order, self.rate) {
            (Order::Mark(text), _) => (Change::Mark, text),
            (_, None) => return None,
            (Order::PauseOrResume, Some(rate)) => {
                self.paused = !self.paused;
                if self.paused {
                    (Change::Pace(Pace::Paused), "paused".to_owned())
                } else {
                    (Change::Pace(Pace::Steady(rate)), format!("resumed at {rate}"))
                }
            }
            // A rate is changed where it can be seen.
            (Order::Faster | Order::Slower, _) if self.paused => return None,
            (order, Some(rate)) => {
                let factor = if order == Order::Faster { FACTOR } else { 1.0 / FACTOR };
                let rate = Rate::from_per_second(rate.as_per_second() * factor).ok()?;
                self.rate = Some(rate);
                (Change::Pace(Pace::Steady(rate)), format!("rate {rate}"))
            }
        };
        self.labels.push(label);
        Some(change)
    }

    /// One for each change, in order.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_become_changes_with_a_label() {
        let mut orders = Orders::new(Some(Rate::per_second(200).unwrap()));
        let steady = |rate| Some(Change::Pace(Pace::Steady(Rate::from_per_second(rate).unwrap())));
        let table = [
            (Order::Faster, steady(220.0), "rate 220/s"),
            (Order::Slower, steady(200.0), "rate 200/s"),
            (Order::Mark("deployed v2".to_owned()), Some(Change::Mark), "deployed v2"),
            (Order::PauseOrResume, Some(Change::Pace(Pace::Paused)), "paused"),
            (Order::Faster, None, "paused"),
            (Order::PauseOrResume, steady(200.0), "resumed at 200/s"),
        ];
        for (order, change, label) in table {
            assert_eq!(orders.heed(order.clone()), change, "{order:?}");
            assert_eq!(orders.labels().last().map(String::as_str), Some(label));
        }
        for _ in 0..2 * ORDERS_MAX {
            orders.heed(Order::Mark("x".to_owned()));
        }
        assert_eq!(orders.labels().len(), ORDERS_MAX);
    }

    #[test]
    fn where_the_pace_is_given_only_marks_are_heeded() {
        let mut orders = Orders::new(None);
        for order in [Order::Faster, Order::Slower, Order::PauseOrResume] {
            assert_eq!(orders.heed(order), None);
        }
        assert_eq!(orders.heed(Order::Mark("x".to_owned())), Some(Change::Mark));
    }
}
