//! [`Tokens`]: a worker's own copy of the tokens, with the headers that carry them rendered ahead.
//!
//! Slot i sends token i mod their number, whichever worker takes it. A renewed token comes by message and
//! is exchanged between slots: nothing is shared, so nothing is locked.

use std::cell::{Ref, RefCell};
use std::sync::Arc;

use http::HeaderValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::load::random::SplitMix64;
use crate::load::request::{Fill, Template};

/// A token that takes the place of another.
#[derive(Clone)]
pub(super) struct Renewed {
    /// Which of the tokens.
    pub(super) token: usize,
    /// One more than the version that it replaces.
    pub(super) version: u64,
    /// Fit for a header.
    pub(super) text: Arc<str>,
}

/// A 401 to a request that carried a token; told once for each version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rejection {
    /// Which of the tokens.
    pub(super) token: usize,
    /// The version that was sent.
    pub(super) version: u64,
}

/// One token as a worker sends it.
pub(super) struct Held {
    pub(super) text: Arc<str>,
    /// Counts renewals.
    pub(super) version: u64,
    /// The values of the headers that differ by token alone.
    pub(super) headers: Vec<HeaderValue>,
    /// Whether this version's rejection has been told.
    told: bool,
}

/// All tokens; without any, one that is empty.
pub(super) struct Tokens {
    held: RefCell<Vec<Held>>,
    carriers: Vec<Template>,
    rejections: Option<UnboundedSender<Rejection>>,
}

impl Tokens {
    /// `carriers` are the values of headers that differ by token alone; `None` if one cannot be a header's
    /// value.
    pub(super) fn new(texts: &[Arc<str>], carriers: Vec<Template>) -> Option<Self> {
        let texts = if texts.is_empty() { vec![Arc::from("")] } else { texts.to_vec() };
        let held: Option<Vec<Held>> =
            texts.into_iter().map(|text| Held::new(text, 0, &carriers)).collect();
        Some(Self { held: RefCell::new(held?), carriers, rejections: None })
    }

    /// Tells whoever renews of tokens that are rejected.
    pub(super) fn tell(&mut self, rejections: UnboundedSender<Rejection>) {
        self.rejections = Some(rejections);
    }

    fn place(&self, slot: u64) -> usize {
        let count = self.held.borrow().len() as u64;
        usize::try_from(slot % count).expect("less than a length")
    }

    /// The token that this slot sends.
    pub(super) fn of(&self, slot: u64) -> Ref<'_, Held> {
        let place = self.place(slot);
        Ref::map(self.held.borrow(), |held| &held[place])
    }

    /// Takes in a renewed token; whoever renews has made sure that it fits a header.
    pub(super) fn renew(&self, renewed: Renewed) {
        let Renewed { token, version, text } = renewed;
        if let Some(held) = Held::new(text, version, &self.carriers) {
            self.held.borrow_mut()[token] = held;
        }
    }

    /// The slot's token, of this version, was rejected. Only the first to say so of the version in use is
    /// told of: a storm asks for one renewal.
    pub(super) fn rejected(&self, slot: u64, version: u64) {
        let token = self.place(slot);
        let held = &mut self.held.borrow_mut()[token];
        if held.version != version || std::mem::replace(&mut held.told, true) {
            return;
        }
        if let Some(rejections) = &self.rejections {
            // Nobody renews any more once the run is over.
            let _ = rejections.send(Rejection { token, version });
        }
    }
}

impl Held {
    fn new(text: Arc<str>, version: u64, carriers: &[Template]) -> Option<Self> {
        let value = |carrier: &Template| {
            let mut out = String::new();
            let random = SplitMix64::for_slot(0, 0);
            carrier.render(&mut Fill::of(random, 0, &[], &text), &mut out);
            HeaderValue::try_from(out).ok()
        };
        let headers: Option<Vec<HeaderValue>> = carriers.iter().map(value).collect();
        Some(Self { headers: headers?, text, version, told: false })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::load::request::{Escape, Segment};

    fn bearer() -> Template {
        let segments = vec![Segment::Literal("Bearer ".into()), Segment::Token];
        Template { segments, escape: Escape::None }
    }

    fn tokens(texts: &[&str]) -> Option<Tokens> {
        let texts: Vec<Arc<str>> = texts.iter().map(|text| Arc::from(*text)).collect();
        Tokens::new(&texts, vec![bearer()])
    }

    #[test]
    fn slots_take_tokens_in_turn() {
        let three = tokens(&["a", "b", "c"]).unwrap();
        let sent: Vec<String> =
            (0..5).map(|slot| three.of(slot).headers[0].to_str().unwrap().to_owned()).collect();
        assert_eq!(sent, ["Bearer a", "Bearer b", "Bearer c", "Bearer a", "Bearer b"]);
        let none = tokens(&[]).unwrap();
        assert_eq!((&*none.of(0).text, &*none.of(9).text), ("", ""));
        assert!(tokens(&["a\nb"]).is_none(), "no header can hold it");
    }

    #[test]
    fn a_renewed_token_takes_the_place_of_its_own() {
        let two = tokens(&["a", "b"]).unwrap();
        two.renew(Renewed { token: 1, version: 1, text: "B".into() });
        assert_eq!((&*two.of(0).text, two.of(0).version), ("a", 0));
        assert_eq!((&*two.of(3).text, two.of(3).version), ("B", 1));
        assert_eq!(two.of(1).headers[0], "Bearer B");
    }

    #[test]
    fn a_storm_is_told_once_for_each_version() {
        let (sender, mut told) = unbounded_channel();
        let mut one = tokens(&["a"]).unwrap();
        one.tell(sender);
        for slot in 0..1_000 {
            one.rejected(slot, 0);
        }
        one.renew(Renewed { token: 0, version: 1, text: "b".into() });
        // An answer to a request that was sent before the renewal.
        one.rejected(7, 0);
        one.rejected(8, 1);
        let seen: Vec<u64> =
            std::iter::from_fn(|| told.try_recv().ok()).map(|r| r.version).collect();
        assert_eq!(seen, [0, 1]);
    }
}
