//! [`RequestTemplate`]: one weighted request of the mix, compiled to segments that render without parsing.
//!
//! Rendering depends on the seed and the slot's index alone, so a slot sends the same bytes whichever
//! worker takes it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderName, Method};

use crate::load::body::Body;
use crate::load::expression::{Expression, Meaning};
use crate::load::extract::{Gathered, Ring};
use crate::load::feeder::{FeederId, Feeding, Taken};
use crate::load::generate::{self, Generator, Moment};
use crate::load::random::SplitMix64;
use crate::load::slo::Goals;

pub use crate::load::expect::Expect;

/// Index into the plan's pools.
pub type PoolId = usize;

/// Values that set-up requests collected, one list per pool; shared by all workers.
pub type Pools = Arc<[Arc<[String]>]>;

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// Text sent as it stands.
    Literal(String),
    /// A uniformly chosen value of a pool.
    Pick(PoolId),
    /// A uniformly chosen value of a pool that answers fill.
    PickGathered(usize),
    /// A variable of the flow.
    Variable(usize),
    /// A uniform whole number, both ends included.
    RandomInt {
        /// Smallest value.
        low: i64,
        /// Largest value; at least `low`.
        high: i64,
    },
    /// The slot's index.
    SlotIndex,
    /// A random version-4 UUID (RFC 9562).
    Uuid,
    /// The token that log-in obtained.
    Token,
    /// Another value that is made up.
    Made(Generator),
    /// A column of the row that a feeder has for the slot.
    Cell {
        /// Which feeder.
        feeder: FeederId,
        /// Which of its columns.
        column: usize,
    },
    /// Filters and operators.
    Computed(Expression),
    /// What was recorded for the slot.
    Recorded(Arc<[Box<str>]>),
}

/// How rendered values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Not at all.
    None,
    /// Percent-encoded for a path segment or a query value (RFC 3986, all but unreserved characters).
    Percent,
    /// For the inside of a JSON string (RFC 8259).
    Json,
    /// Not at all: the whole text is a link, a path or a URL, that is resolved once it is rendered.
    Link,
}

/// Text with holes.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// In order.
    pub segments: Vec<Segment>,
    /// Applied to every hole, never to literals.
    pub escape: Escape,
}

/// What a template's holes are filled from.
#[derive(Clone, Debug)]
pub struct Fill<'a> {
    /// The slot's own random stream.
    pub random: SplitMix64,
    /// The slot's index.
    pub slot: u64,
    /// Its due instant, since 1970.
    pub due: Duration,
    /// Collected values.
    pub pools: &'a [Arc<[String]>],
    /// Empty when the plan has no log-in.
    pub token: &'a str,
    /// What earlier answers left.
    pub gathered: Gathered<'a>,
    /// Which rows the slot takes.
    pub rows: Rows<'a>,
    /// Set when an expression could not be evaluated: the text is not to be sent then.
    pub broken: bool,
}

/// The feeders of a plan, and what earlier legs have taken of them.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Which row which slot takes.
    pub feeding: &'a Feeding,
    /// By earlier legs.
    pub taken: &'a Taken,
}

impl Rows<'static> {
    /// Where there is no feeder.
    pub fn none() -> Self {
        static FEEDING: Feeding = Feeding::NONE;
        static TAKEN: Taken = Taken::NOTHING;
        Self { feeding: &FEEDING, taken: &TAKEN }
    }
}

impl<'a> Rows<'a> {
    /// Of a run's first leg.
    pub fn first(feeding: &'a Feeding) -> Self {
        Self { feeding, ..Rows::none() }
    }

    /// The cell that slot `slot` of the leg is given.
    pub fn cell(self, feeder: FeederId, column: usize, slot: u64) -> &'a str {
        self.feeding.cell((feeder, column), slot, self.taken)
    }
}

impl<'a> Fill<'a> {
    /// For slot `slot` of a plan without feeders, due in 1970.
    pub fn of(random: SplitMix64, slot: u64, pools: &'a [Arc<[String]>], token: &'a str) -> Self {
        let (due, rows, broken) = (Duration::ZERO, Rows::none(), false);
        let gathered = Gathered::NONE;
        Self { random, slot, due, pools, token, gathered, rows, broken }
    }

    /// The slot's number within the run, over all legs.
    pub const fn number(&self) -> u64 {
        self.rows.taken.slots.saturating_add(self.slot)
    }
}

impl Template {
    /// A template without holes.
    pub fn literal(text: &str) -> Self {
        Self { segments: vec![Segment::Literal(text.to_owned())], escape: Escape::None }
    }

    /// The whole text, if no slot changes it.
    pub fn as_literal(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text before the first hole.
    pub fn beginning(&self) -> &str {
        match self.segments.first() {
            Some(Segment::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether a slot's index or chance changes the text; the token alone does not.
    pub fn varies_by_slot(&self) -> bool {
        self.segments.iter().any(|segment| !matches!(segment, Segment::Literal(_) | Segment::Token))
    }

    /// Whether the token stands in it.
    pub fn carries_token(&self) -> bool {
        self.segments.iter().any(|segment| match segment {
            Segment::Token => true,
            Segment::Computed(expression) => expression.carries_token(),
            _ => false,
        })
    }

    /// The pools it picks from, in order of appearance.
    pub fn pools(&self) -> impl Iterator<Item = PoolId> {
        self.segments.iter().flat_map(|segment| match segment {
            Segment::Pick(pool) => vec![*pool],
            Segment::Computed(expression) => expression.pools().collect(),
            _ => Vec::new(),
        })
    }

    /// The feeders it takes rows from, in order of appearance.
    pub fn feeders(&self) -> impl Iterator<Item = FeederId> {
        self.segments.iter().flat_map(|segment| match segment {
            Segment::Cell { feeder, .. } => vec![*feeder],
            Segment::Computed(expression) => expression.feeders().collect(),
            _ => Vec::new(),
        })
    }

    /// Appends the text for one slot to `out`. An empty pool renders as nothing; a plan whose requests
    /// need an empty pool is refused before the load.
    pub fn render(&self, fill: &mut Fill<'_>, out: &mut String) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Pick(pool) => {
                    let values = &fill.pools[*pool];
                    let at = usize::try_from(fill.random.below(values.len() as u64)).unwrap_or(0);
                    if let Some(value) = values.get(at) {
                        self.escape.push(value, out);
                    }
                }
                Segment::PickGathered(pool) => {
                    let values = fill.gathered.pools.get(*pool).map_or(&[][..], Ring::values);
                    let at = usize::try_from(fill.random.below(values.len() as u64)).unwrap_or(0);
                    if let Some(value) = values.get(at) {
                        self.escape.push(value, out);
                    }
                }
                Segment::Variable(number) => {
                    if let Some(Some(value)) = fill.gathered.variables.get(*number) {
                        self.escape.push(value, out);
                    }
                }
                Segment::RandomInt { low, high } => {
                    push_display(generate::random_int(&mut fill.random, *low, *high), out);
                }
                Segment::SlotIndex => push_display(fill.slot, out),
                Segment::Uuid => push_uuid(&mut fill.random, out),
                Segment::Token => self.escape.push(fill.token, out),
                Segment::Made(generator) => self.push_made(generator, fill, out),
                Segment::Cell { feeder, column } => {
                    self.escape.push(fill.rows.cell(*feeder, *column, fill.slot), out);
                }
                Segment::Computed(expression) => expression.render(self.escape, fill, out),
                Segment::Recorded(texts) => {
                    let place = usize::try_from(fill.slot).unwrap_or(0) % texts.len().max(1);
                    out.push_str(texts.get(place).map_or("", |text| text));
                }
            }
        }
    }

    fn push_made(&self, generator: &Generator, fill: &mut Fill<'_>, out: &mut String) {
        let number = fill.number();
        let mut moment = Moment { random: &mut fill.random, number, due: fill.due };
        if self.escape == Escape::None || generator.is_number() {
            generator.push(&mut moment, out);
        } else {
            let mut text = String::new();
            generator.push(&mut moment, &mut text);
            self.escape.push(&text, out);
        }
    }
}

fn push_display(value: impl std::fmt::Display, out: &mut String) {
    write!(out, "{value}").expect("writing to a String cannot fail");
}

/// Appends a random version-4 UUID (RFC 9562).
pub fn push_uuid(random: &mut SplitMix64, out: &mut String) {
    let (high, low) = (random.next_u64(), random.next_u64());
    let high = high & !0xF000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    push_display(
        format_args!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xFFFF,
            high & 0xFFFF,
            low >> 48,
            low & 0xFFFF_FFFF_FFFF
        ),
        out,
    );
}

impl Escape {
    /// Appends `text`, escaped.
    pub fn push(self, text: &str, out: &mut String) {
        match self {
            Self::None | Self::Link => out.push_str(text),
            Self::Percent => push_percent(text, out),
            Self::Json => push_json(text, out),
        }
    }
}

/// Appends `text` percent-encoded, all but RFC 3986's unreserved characters.
pub fn push_percent(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            push_display(format_args!("%{byte:02X}"), out);
        }
    }
}

fn push_json(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\u{0}'..='\u{1f}' => {
                push_display(format_args!("\\u{:04x}", u32::from(character)), out);
            }
            _ => out.push(character),
        }
    }
}

/// Adds a header after those there are, also one of the same name. A cookie joins those there are: a request
/// has one `Cookie` header at the most (RFC 6265, 5.4).
pub fn add_header(headers: &mut Vec<(HeaderName, Template)>, name: HeaderName, value: Template) {
    match headers.iter_mut().find(|(present, _)| name == COOKIE && *present == COOKIE) {
        Some((_, cookies)) => {
            cookies.segments.push(Segment::Literal("; ".to_owned()));
            cookies.segments.extend(value.segments);
        }
        None => headers.push((name, value)),
    }
}

/// What becomes of a request whose pool is empty once set-up has run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnEmpty {
    /// The run is refused.
    #[default]
    Fail,
    /// Its weight goes to the other requests of its group, and a finding says so.
    Redistribute,
}

/// One weighted request of the mix.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    /// Unique within the plan.
    pub name: String,
    /// Share of the mix; 0 is never sent.
    pub weight: u32,
    /// Requests of one group share weight when a pool is empty.
    pub group: Option<String>,
    /// For `--tags` and `--exclude-tags`.
    pub tags: Vec<String>,
    /// HTTP method.
    pub method: Method,
    /// Path and query, percent-encoded, beginning with `/`; or one value, a link on the same server.
    pub path: Template,
    /// Without escapes, as [`add_header`] collects them; Host, Content-Length and Connection are the
    /// transport's.
    pub headers: Vec<(HeaderName, Template)>,
    /// Absent sends no body.
    pub body: Option<Body>,
    /// What counts as `ok`.
    pub expect: Expect,
    /// When a pool it picks from is empty.
    pub on_empty: OnEmpty,
    /// What it must meet, beside the run as a whole.
    pub goals: Goals,
}

impl RequestTemplate {
    /// A GET of `path`, percent-encoded and beginning with `/`, of weight 1, whose answer is `ok` with a
    /// status of success.
    pub fn get(path: &str) -> Self {
        Self {
            name: format!("GET {path}"),
            weight: 1,
            group: None,
            tags: Vec::new(),
            method: Method::GET,
            path: Template::literal(path),
            headers: Vec::new(),
            body: None,
            expect: Expect::SUCCESS,
            on_empty: OnEmpty::Fail,
            goals: Goals::default(),
        }
    }

    /// Every pool the request picks from.
    pub fn pools(&self) -> impl Iterator<Item = PoolId> {
        self.templates().flat_map(Template::pools)
    }

    /// Every feeder the request takes a row from.
    pub fn feeders(&self) -> impl Iterator<Item = FeederId> {
        self.templates().flat_map(Template::feeders)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        let headers = self.headers.iter().map(|(_, value)| value);
        let body = self.body.iter().flat_map(Body::templates);
        [&self.path].into_iter().chain(headers).chain(body)
    }

    /// Whether the token stands anywhere in it.
    pub fn carries_token(&self) -> bool {
        self.templates().any(Template::carries_token)
    }

    /// Every gathered pool and every variable that it is filled from.
    pub fn gathers(&self) -> (Vec<usize>, Vec<usize>) {
        let (mut pools, mut variables) = (Vec::new(), Vec::new());
        for segment in self.templates().flat_map(|template| &template.segments) {
            match segment {
                Segment::PickGathered(pool) => pools.push(*pool),
                Segment::Variable(number) => variables.push(*number),
                Segment::Computed(expression) => {
                    for meaning in expression.meanings() {
                        match meaning {
                            Meaning::Gathered(pool) => pools.push(*pool),
                            Meaning::Variable(number) => variables.push(*number),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        (pools, variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &Template, slot: u64) -> String {
        let pools: Vec<Arc<[String]>> = vec![Arc::from(["a b".to_owned(), "\"ö\"".to_owned()])];
        let mut fill = Fill::of(SplitMix64::for_slot(9, slot), slot, &pools, "t0ken");
        let mut out = String::new();
        template.render(&mut fill, &mut out);
        out
    }

    #[test]
    fn holes_are_escaped_and_literals_are_not() {
        let template = |escape| Template {
            segments: vec![Segment::Literal("/x y/".into()), Segment::Pick(0)],
            escape,
        };
        let seen = |escape| {
            let mut texts: Vec<String> =
                (0..50).map(|slot| rendered(&template(escape), slot)).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        assert_eq!(seen(Escape::None), ["/x y/\"ö\"", "/x y/a b"]);
        assert_eq!(seen(Escape::Percent), ["/x y/%22%C3%B6%22", "/x y/a%20b"]);
        assert_eq!(seen(Escape::Json), ["/x y/\\\"ö\\\"", "/x y/a b"]);
    }

    #[test]
    fn a_slot_renders_the_same_every_time() {
        let template =
            Template { segments: vec![Segment::Uuid, Segment::SlotIndex], escape: Escape::None };
        assert_eq!(rendered(&template, 5), rendered(&template, 5));
        assert_ne!(rendered(&template, 5), rendered(&template, 6));
        let uuid = rendered(&template, 5);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }

    #[test]
    fn random_integers_cover_both_ends() {
        let template = Template {
            segments: vec![Segment::RandomInt { low: -1, high: 2 }],
            escape: Escape::None,
        };
        let mut seen: Vec<String> = (0..100).map(|slot| rendered(&template, slot)).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen, ["-1", "0", "1", "2"]);
    }

    #[test]
    fn json_control_characters_are_escaped() {
        let mut out = String::new();
        push_json("a\n\u{1}", &mut out);
        assert_eq!(out, "a\\u000a\\u0001");
    }
}
