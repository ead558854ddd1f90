//! [`Expect`]: what an answer must be like, what is taken from it, and how far redirects are followed.
//!
//! Pure: an [`Answer`] comes in, an [`Inspection`] goes out. Names of checks hold no values, since those may
//! come from the environment.

use std::ops::RangeInclusive;

use http::HeaderName;
use serde_json::Value;

use crate::load::answer::{Answer, Body};
use crate::load::extract::{Extraction, Target};
use crate::load::json_path::JsonPath;

/// Most checks and extractions of one request.
pub const MARKS_MAX: usize = 48;

/// What counts as a good answer, and what is done with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// Accepted statuses; empty accepts 200 to 399.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What must hold of an answer with an accepted status; with `extract` at most [`MARKS_MAX`].
    pub checks: Vec<Check>,
    /// What is taken from an answer with an accepted status.
    pub extract: Vec<Extraction>,
    /// How many redirects are followed; with 0 a redirect is an answer like any other.
    pub redirects: u32,
}

/// Something that must hold of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// For results, such as `json $.id: exists`.
    pub name: String,
    /// What must hold.
    pub test: Test,
}

/// What must hold of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// The body has at least so many bytes as it is sent.
    MinBytes(u64),
    /// The body has at most so many bytes as it is sent.
    MaxBytes(u64),
    /// The body, decoded, holds this text.
    Contains(String),
    /// A header; of several values one suffices.
    Header(HeaderName, TextTest),
    /// What a path selects in the body; if it is several values, all of them.
    Json(JsonPath, JsonTest),
}

/// What must hold of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextTest {
    /// It is there.
    Exists,
    /// It is not.
    Absent,
    /// It is this, letter by letter.
    Equals(String),
    /// This is part of it.
    Contains(String),
}

/// What must hold of selected values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonTest {
    /// There is one.
    Exists,
    /// There is none.
    Absent,
    /// There is one, and each is this.
    Equals(Value),
    /// There is one, and each is of this type.
    Is(JsonType),
}

/// A type of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction.
    Integer,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// An object.
    Object,
    /// Null.
    Null,
}

/// Why an answer could not be dealt with, apart from the checks of the profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The body is longer than what is kept of it.
    TooLong,
    /// The body's content encoding is not understood.
    Encoding,
    /// A redirect leads to another host.
    OtherHost,
    /// There were more redirects than are to be followed.
    TooManyRedirects,
    /// A redirect does not say where to.
    NoLocation,
    /// The request was not sent, since no answer had brought yet what it is filled with.
    NothingToFill,
    /// The body is encoded with Brotli (RFC 7932), which is not decoded here.
    Brotli,
    /// The body is encoded with Zstandard (RFC 8878), which is not decoded here.
    Zstandard,
    /// The body is not gzip, or not whole, though its header says so.
    NotGzip,
    /// The body is not deflate, or not whole, though its header says so.
    NotDeflate,
    /// The body is no JSON, where a check or an extraction looks for values in it.
    NotJson,
    /// A redirect leads to the same host by another scheme, mostly from http to https.
    OtherScheme,
    /// The request was not sent, since the link that is its path leads to another server, or nowhere.
    LinkElsewhere,
}

impl Trouble {
    /// All of them; their places in [`Amiss`] follow the last check's.
    pub const ALL: [Self; 13] = [
        Self::TooLong,
        Self::Encoding,
        Self::OtherHost,
        Self::TooManyRedirects,
        Self::NoLocation,
        Self::NothingToFill,
        Self::Brotli,
        Self::Zstandard,
        Self::NotGzip,
        Self::NotDeflate,
        Self::NotJson,
        Self::OtherScheme,
        Self::LinkElsewhere,
    ];

    /// Where it stands in an [`Amiss`].
    pub const fn place(self) -> usize {
        MARKS_MAX + self as usize
    }

    /// Whether the answer may be as good as any, and only this program cannot read it.
    pub const fn is_own(self) -> bool {
        matches!(self, Self::TooLong | Self::Encoding | Self::Brotli | Self::Zstandard)
    }

    /// The stable name used in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooLong => "body too long to check",
            Self::Encoding => "body in an unknown content encoding",
            Self::OtherHost => "redirect to another host",
            Self::TooManyRedirects => "too many redirects",
            Self::NoLocation => "redirect without a location",
            Self::NothingToFill => "nothing to fill in yet",
            Self::Brotli => "cannot look into br-encoded bodies: send Accept-Encoding: identity",
            Self::Zstandard => {
                "cannot look into zstd-encoded bodies: send Accept-Encoding: identity"
            }
            Self::NotGzip => "body is not gzip, or broken, though its Content-Encoding says gzip",
            Self::NotDeflate => {
                "body is not deflate, or broken, though its Content-Encoding says deflate"
            }
            Self::NotJson => "body is not JSON",
            Self::OtherScheme => {
                "redirect to another scheme: give the target with the scheme that it redirects to"
            }
            Self::LinkElsewhere => "path that leads to another server, or nowhere",
        }
    }
}

/// What was amiss with one answer: a bit for each check, extraction and [`Trouble`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amiss(u64);

impl Amiss {
    /// Notes the check, or, after those, the extraction at this place.
    pub const fn add_place(&mut self, place: usize) {
        self.0 |= 1 << place;
    }

    /// Notes a trouble.
    pub const fn add(&mut self, trouble: Trouble) {
        self.add_place(trouble.place());
    }

    /// The troubles noted, in order.
    pub fn troubles(self) -> impl Iterator<Item = Trouble> {
        let noted = move |trouble: &Trouble| self.0 >> trouble.place() & 1 == 1;
        Trouble::ALL.into_iter().filter(noted)
    }

    /// The places noted, in order.
    pub fn places(self) -> impl Iterator<Item = usize> {
        (0..MARKS_MAX + Trouble::ALL.len()).filter(move |place| self.0 >> place & 1 == 1)
    }

    /// Whether all was well.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Trouble> for Amiss {
    fn from(trouble: Trouble) -> Self {
        let mut amiss = Self::default();
        amiss.add(trouble);
        amiss
    }
}

/// How much of an answer must be kept to judge it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// Nothing.
    Nothing,
    /// The headers.
    Headers,
    /// Headers and body.
    Body,
}

/// What came of looking at an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inspection {
    /// What was amiss.
    pub amiss: Amiss,
    /// Whether that makes the answer a bad one: values that a pool did not get do not.
    pub failed: bool,
    /// What was taken.
    pub taken: Vec<(Target, Vec<String>)>,
}

impl Expect {
    /// Any answer from 200 to 399.
    pub const SUCCESS: Self =
        Self { statuses: Vec::new(), checks: Vec::new(), extract: Vec::new(), redirects: 0 };

    /// Whether `status` is accepted.
    pub fn accepts(&self, status: u16) -> bool {
        if self.statuses.is_empty() {
            (200..400).contains(&status)
        } else {
            self.statuses.iter().any(|range| range.contains(&status))
        }
    }

    /// Whether the status alone decides.
    pub const fn is_plain(&self) -> bool {
        self.checks.is_empty() && self.extract.is_empty() && self.redirects == 0
    }

    /// What must be kept of an answer.
    pub fn reads(&self) -> Reads {
        let checks = self.checks.iter().map(|check| check.test.reads());
        let extracts = self.extract.iter().map(|extraction| extraction.source.reads());
        let redirects = if self.redirects > 0 { Reads::Headers } else { Reads::Nothing };
        checks.chain(extracts).max().unwrap_or(Reads::Nothing).max(redirects)
    }

    /// What the place of an [`Amiss`] stands for.
    pub fn name_of(&self, place: usize) -> String {
        if let Some(check) = self.checks.get(place) {
            return check.name.clone();
        }
        if let Some(extraction) = self.extract.get(place - self.checks.len()) {
            return format!("extract {}", extraction.name);
        }
        let trouble = place.checked_sub(MARKS_MAX).and_then(|place| Trouble::ALL.get(place));
        trouble.map_or_else(String::new, |trouble| trouble.name().to_owned())
    }

    /// Checks an answer with an accepted status and takes from it what is to be taken.
    pub fn inspect(&self, answer: &Answer<'_>) -> Inspection {
        let mut inspection = Inspection::default();
        let (mut unread, mut unread_json) = (false, false);
        for (place, check) in self.checks.iter().enumerate() {
            if !check.test.holds(answer) {
                inspection.amiss.add_place(place);
                inspection.failed = true;
                unread |= check.test.reads() == Reads::Body;
                unread_json |= matches!(check.test, Test::Json(..));
            }
        }
        for (place, extraction) in self.extract.iter().enumerate() {
            let values = extraction.values(answer);
            if values.is_empty() {
                inspection.amiss.add_place(self.checks.len() + place);
                inspection.failed |= extraction.into.is_needed();
                unread |= extraction.source.reads() == Reads::Body;
                unread_json |= extraction.source.is_json();
            } else {
                inspection.taken.push((extraction.into, values));
            }
        }
        if unread {
            match answer.body() {
                Body::Whole(_) if unread_json && answer.json().is_none() => {
                    inspection.amiss.add(Trouble::NotJson);
                }
                Body::Whole(_) => {}
                Body::Beginning(_) => inspection.amiss.add(Trouble::TooLong),
                Body::Unread(why) => inspection.amiss.add(why),
            }
        }
        inspection
    }
}

impl Test {
    const fn reads(&self) -> Reads {
        match self {
            Self::MinBytes(_) | Self::MaxBytes(_) => Reads::Nothing,
            Self::Header(..) => Reads::Headers,
            Self::Contains(_) | Self::Json(..) => Reads::Body,
        }
    }

    fn holds(&self, answer: &Answer<'_>) -> bool {
        match self {
            Self::MinBytes(least) => answer.body_bytes >= *least,
            Self::MaxBytes(most) => answer.body_bytes <= *most,
            Self::Contains(text) => holds_text(answer.bytes(), text.as_bytes()),
            Self::Header(name, wanted) => {
                let mut values = answer.header(name);
                match wanted {
                    TextTest::Exists => values.next().is_some(),
                    TextTest::Absent => values.next().is_none(),
                    TextTest::Equals(whole) => values.any(|value| value == whole),
                    TextTest::Contains(part) => values.any(|value| value.contains(part.as_str())),
                }
            }
            Self::Json(path, test) => {
                answer.json().is_some_and(|document| test.holds(&path.select(document)))
            }
        }
    }
}

fn holds_text(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}

impl JsonTest {
    fn holds(&self, found: &[&Value]) -> bool {
        match self {
            Self::Exists => !found.is_empty(),
            Self::Absent => found.is_empty(),
            Self::Equals(value) => {
                !found.is_empty() && found.iter().all(|found| same(found, value))
            }
            Self::Is(kind) => !found.is_empty() && found.iter().all(|found| kind.is_of(found)),
        }
    }
}

/// Equality of JSON values; 1 and 1.0 are one number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => {
            let close = |(a, b): (f64, f64)| (a - b).abs() <= f64::EPSILON * a.abs();
            a == b || (a.is_f64() || b.is_f64()) && a.as_f64().zip(b.as_f64()).is_some_and(close)
        }
        _ => left == right,
    }
}

impl JsonType {
    /// All of them, by name.
    pub const NAMED: [(&str, Self); 7] = [
        ("string", Self::String),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("array", Self::Array),
        ("object", Self::Object),
        ("null", Self::Null),
    ];

    fn is_of(self, value: &Value) -> bool {
        match value {
            Value::String(_) => matches!(self, Self::String),
            Value::Number(number) => match self {
                Self::Number => true,
                Self::Integer => !number.is_f64(),
                _ => false,
            },
            Value::Bool(_) => matches!(self, Self::Boolean),
            Value::Array(_) => matches!(self, Self::Array),
            Value::Object(_) => matches!(self, Self::Object),
            Value::Null => matches!(self, Self::Null),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use serde_json::json;

    use super::*;
    use crate::load::extract::Selector;

    const BODY: &str = r#"{"id": 7, "name": "x", "items": [{"n": 1.0}, {"n": 1}], "none": null}"#;

    fn headers() -> HeaderMap {
        let pairs = [("content-type", "application/json"), ("x-page", "1"), ("x-page", "2")];
        pairs
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn holds(test: &Test, body: Body<'_>) -> bool {
        test.holds(&Answer::new(BODY.len() as u64, &headers(), body))
    }

    #[test]
    fn statuses_are_a_set_of_ranges() {
        assert!(Expect::SUCCESS.accepts(204) && Expect::SUCCESS.accepts(301));
        assert!(!Expect::SUCCESS.accepts(404) && !Expect::SUCCESS.accepts(101));
        let expect = Expect { statuses: vec![200..=299, 404..=404], ..Expect::SUCCESS };
        for (status, accepted) in
            [(200, true), (299, true), (300, false), (404, true), (405, false)]
        {
            assert_eq!(expect.accepts(status), accepted, "{status}");
        }
    }

    #[test]
    fn tests_hold_or_do_not() {
        let header = |name: &str, test| Test::Header(name.parse().unwrap(), test);
        let json = |path: &str, test| Test::Json(JsonPath::parse(path).unwrap(), test);
        let length = BODY.len() as u64;
        let table = [
            (Test::MinBytes(length), true),
            (Test::MinBytes(length + 1), false),
            (Test::MaxBytes(length), true),
            (Test::MaxBytes(length - 1), false),
            (Test::Contains("\"name\": \"x\"".into()), true),
            (Test::Contains(String::new()), true),
            (Test::Contains("absent".into()), false),
            (header("X-Page", TextTest::Exists), true),
            (header("x-other", TextTest::Exists), false),
            (header("x-other", TextTest::Absent), true),
            (header("x-page", TextTest::Absent), false),
            (header("x-page", TextTest::Equals("2".into())), true),
            (header("x-page", TextTest::Equals("3".into())), false),
            (header("content-type", TextTest::Contains("json".into())), true),
            (header("content-type", TextTest::Contains("html".into())), false),
            (json("$.id", JsonTest::Exists), true),
            (json("$.none", JsonTest::Exists), true),
            (json("$.other", JsonTest::Exists), false),
            (json("$.other", JsonTest::Absent), true),
            (json("$.id", JsonTest::Equals(json!(7))), true),
            (json("$.id", JsonTest::Equals(json!(7.0))), true),
            (json("$.id", JsonTest::Equals(json!("7"))), false),
            (json("$.items[*].n", JsonTest::Equals(json!(1))), true),
            (json("$.items[*].m", JsonTest::Equals(json!(1))), false),
            (json("$.items", JsonTest::Equals(json!([{"n": 1.0}, {"n": 1}]))), true),
            (json("$.none", JsonTest::Equals(json!(null))), true),
            (json("$.id", JsonTest::Is(JsonType::Integer)), true),
            (json("$.items[0].n", JsonTest::Is(JsonType::Integer)), false),
            (json("$.items[*].n", JsonTest::Is(JsonType::Number)), true),
            (json("$.items", JsonTest::Is(JsonType::Array)), true),
            (json("$.items[0]", JsonTest::Is(JsonType::Object)), true),
            (json("$.name", JsonTest::Is(JsonType::String)), true),
            (json("$.none", JsonTest::Is(JsonType::Null)), true),
            (json("$.name", JsonTest::Is(JsonType::Boolean)), false),
        ];
        for (test, expected) in table {
            assert_eq!(holds(&test, Body::Whole(BODY.as_bytes())), expected, "{test:?}");
        }
    }

    #[test]
    fn what_is_not_json_passes_no_json_check() {
        let test = |test| Test::Json(JsonPath::parse("$.id").unwrap(), test);
        assert!(!holds(&test(JsonTest::Exists), Body::Whole(b"{\"id\": 7")));
        assert!(!holds(&test(JsonTest::Absent), Body::Whole(b"<html>")));
    }

    #[test]
    fn a_cut_body_is_judged_by_what_is_known_of_it() {
        let check = |name: &str, test| Check { name: name.to_owned(), test };
        let path = JsonPath::parse("$.id").unwrap();
        let expect = Expect {
            checks: vec![
                check("contains", Test::Contains("\"id\"".into())),
                check("json $.id: exists", Test::Json(path.clone(), JsonTest::Exists)),
            ],
            extract: vec![Extraction {
                name: "id".to_owned(),
                source: Selector::Json(path),
                into: Target::Pool(0),
            }],
            ..Expect::SUCCESS
        };
        assert_eq!(expect.reads(), Reads::Body);
        let headers = HeaderMap::new();
        let names = |body| {
            let inspection = expect.inspect(&Answer::new(9, &headers, body));
            let names = inspection.amiss.places().map(|place| expect.name_of(place));
            (names.collect::<Vec<_>>(), inspection.failed, inspection.taken)
        };
        let (amiss, failed, taken) = names(Body::Whole(BODY.as_bytes()));
        assert_eq!((amiss.len(), failed), (0, false));
        assert_eq!(taken, [(Target::Pool(0), vec!["7".to_owned()])]);
        let (amiss, failed, _) = names(Body::Beginning(&BODY.as_bytes()[..20]));
        assert_eq!(amiss, ["json $.id: exists", "extract id", "body too long to check"]);
        assert!(failed);
        let (amiss, ..) = names(Body::Unread(Trouble::Encoding));
        assert_eq!(amiss[3], "body in an unknown content encoding");
        let (amiss, ..) = names(Body::Whole(b"\"id\" of an <html> page"));
        assert_eq!(amiss, ["json $.id: exists", "extract id", "body is not JSON"]);
    }

    #[test]
    fn an_empty_pool_harvest_is_no_failure_and_a_missing_variable_is() {
        let extraction = |into| Extraction {
            name: "id".to_owned(),
            source: Selector::Pointer("/id".to_owned()),
            into,
        };
        for (into, failed) in [(Target::Pool(0), false), (Target::Variable(0), true)] {
            let expect = Expect { extract: vec![extraction(into)], ..Expect::SUCCESS };
            let inspection = expect.inspect(&Answer::new(2, &HeaderMap::new(), Body::Whole(b"{}")));
            assert_eq!(inspection.failed, failed, "{into:?}");
            assert!(!inspection.amiss.is_empty() && inspection.taken.is_empty());
        }
    }

    #[test]
    fn a_plain_expectation_reads_nothing() {
        assert!(Expect::SUCCESS.is_plain());
        assert_eq!(Expect::SUCCESS.reads(), Reads::Nothing);
        let follows = Expect { redirects: 2, ..Expect::SUCCESS };
        assert_eq!((follows.is_plain(), follows.reads()), (false, Reads::Headers));
    }
}
