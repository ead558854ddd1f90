//! Instruction counts of what every slot passes through, from its due instant to its place in the ledger.
//!
//! `scripts/bench-instructions` runs them. A bench does the same work each time, so a figure changes only
//! with the code; what the kernel does on its behalf is not in it.

#![expect(missing_docs, reason = "the bench macros make public items without")]
#![expect(clippy::disallowed_methods, reason = "their `main` exits")]

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gungraun::prelude::*;
use http::Request;
use http::header::{HOST, USER_AGENT};
use http_body_util::Full;
use steadfire::load::expression::{Expression, Meaning, Writing};
use steadfire::load::feeder::{AtEnd, Feeder, Feeding, Order};
use steadfire::load::generate::{Choice, Generator, TimeForm};
use steadfire::load::mix::Mix;
use steadfire::load::random::SplitMix64;
use steadfire::load::rate::Rate;
use steadfire::load::request::{Escape, Fill, Rows, Segment, Template};
use steadfire::load::schedule::{Arrivals, Horizon, Schedule, Slots};
use steadfire::load::table::Table;
use steadfire::measure::fate::Fate;
use steadfire::measure::histogram::LatencyHistogram;
use steadfire::measure::sample::{Sample, SetUp, Wait};
use steadfire::measure::tally::Tally;
use steadfire::time::Offset;
use steadfire::transport::connect::Dialed;
use steadfire::transport::exchange::{Exchange, Http1, Link, Outgoing, Reuse};
use steadfire::transport::io::{MeasuredIo, Stamps};
use steadfire::transport::socket::Socket;
use steadfire::transport::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

/// Items of one bench, but for exchanges; no more than a histogram keeps as a list.
const ITEMS: u64 = 1_000;
/// Exchanges of one bench.
const EXCHANGES: usize = 200;
/// Slots of each name in a large tally: far more than a histogram keeps as a list.
const MANY: u64 = 20_000;
/// Names of the mix.
const NAMES: usize = 3;
const SEED: u64 = 42;

fn slots(arrivals: Arrivals) -> Slots {
    let rate = Rate::per_second(20_000).expect("in range");
    let horizon = Horizon::after(Duration::from_hours(1));
    Schedule { rate, stages: None, trace: None, arrivals, seed: SEED, horizon }.stride(0, 1)
}

#[library_benchmark(setup = slots)]
#[bench::constant(Arrivals::Constant)]
#[bench::poisson(Arrivals::Poisson)]
fn schedule(mut slots: Slots) -> Slots {
    for _ in 0..ITEMS {
        black_box(slots.next());
    }
    slots
}

fn three_names() -> Mix {
    Mix::new(&[70, 25, 5], SEED).expect("a short cycle")
}

#[library_benchmark]
#[bench::three_names(three_names())]
fn mix(mix: Mix) -> Mix {
    for slot in 0..ITEMS {
        black_box(mix.request(black_box(slot)));
    }
    mix
}

/// A template and what it needs.
struct Path {
    template: Template,
    pools: [Arc<[String]>; 1],
    feeding: Feeding,
    text: String,
}

/// A feeder of a million rows, as a profile's.
fn million(order: Order) -> Feeding {
    let mut table = Table::new(vec!["id".to_owned(), "email".to_owned()]);
    for row in 0..1_000_000 {
        let cells = [row.to_string(), format!("user{row}@example.org")];
        table.push(cells.iter().map(String::as_str)).expect("room for a million rows");
    }
    let at_end = AtEnd::Rewind;
    Feeding::sample(&[Arc::new(Feeder { name: "users".to_owned(), table, order, at_end })])
}

/// A path's last part that says when it was due, and one of three words.
fn made() -> [Segment; 2] {
    let words = ["red", "green", "blue"].map(|word| (word.to_owned(), 2)).to_vec();
    [
        Segment::Made(Generator::Timestamp(TimeForm::Iso)),
        Segment::Made(Generator::Choice(Choice::new(words).expect("weights above 0"))),
    ]
}

/// A filter and an operator.
fn computed() -> Segment {
    let meanings = vec![("slot".to_owned(), Meaning::Slot)];
    let expression = Expression::compile("(slot % 10) | abs + 1", meanings, Writing::Text);
    Segment::Computed(expression.expect("a valid expression"))
}

/// `/customers`, and a segment for each hole.
fn path(holes: &[Segment]) -> Path {
    fed_path(holes, Feeding::NONE)
}

/// The same with a feeder of a million rows.
fn column(order: Order) -> Path {
    fed_path(&[Segment::Cell { feeder: 0, column: 1 }], million(order))
}

fn fed_path(holes: &[Segment], feeding: Feeding) -> Path {
    let literal = |text: &str| Segment::Literal(text.to_owned());
    let mut segments = vec![literal("/customers")];
    for hole in holes {
        segments.extend([literal("/"), hole.clone()]);
    }
    let customers: Vec<String> = (0..100).map(|place| format!("customer-{place}")).collect();
    Path {
        template: Template { segments, escape: Escape::Percent },
        pools: [customers.into()],
        feeding,
        text: String::with_capacity(256),
    }
}

#[library_benchmark(setup = path)]
#[bench::pick(&[Segment::Pick(0)])]
#[bench::number(&[Segment::RandomInt { low: 1, high: 500 }])]
#[bench::uuid(&[Segment::Uuid])]
#[bench::all_three(&[Segment::Pick(0), Segment::RandomInt { low: 1, high: 500 }, Segment::Uuid])]
#[bench::made(&made())]
#[bench::computed(&[computed()])]
fn template(mut path: Path) -> Path {
    render(&mut path);
    path
}

#[library_benchmark(setup = column)]
#[bench::sequential(Order::Sequential)]
#[bench::random(Order::Random)]
#[bench::unique(Order::Unique)]
fn feeder(mut path: Path) -> Path {
    render(&mut path);
    path
}

fn render(path: &mut Path) {
    for slot in 0..ITEMS {
        let random = SplitMix64::for_slot(SEED, slot);
        path.text.clear();
        let plain = Fill::of(random, slot, &path.pools, "");
        let mut fill = Fill { rows: Rows::first(&path.feeding), ..plain };
        path.template.render(&mut fill, &mut path.text);
        black_box(&path.text);
    }
}

/// Response times around a millisecond with a long tail.
fn times(count: u64) -> Vec<Duration> {
    let mut random = SplitMix64::new(SEED);
    (0..count).map(|_| Duration::from_millis(1).mul_f64(random.lognormal(1.0))).collect()
}

/// Good answers on an open connection, the names in turn.
fn samples(count: u64) -> Vec<Sample> {
    let sample = |(index, time): (usize, Duration)| {
        let due = Offset::from_nanos(index as u64 * 50_000);
        let sent = due + Duration::from_micros(20);
        let first_byte = sent + time;
        Sample {
            request: index % NAMES,
            due,
            taken: Some(due),
            wait: Wait::default(),
            sent: Some(sent),
            first_byte: Some(first_byte),
            done: first_byte + Duration::from_micros(5),
            fate: Fate::Ok,
            status: Some(200),
            bytes: 512,
        }
    };
    times(count).into_iter().enumerate().map(sample).collect()
}

fn tally_of(count: u64) -> Tally {
    let mut tally = Tally::new(NAMES);
    for sample in samples(count) {
        tally.record(&sample);
    }
    tally
}

fn histogram_of(count: u64) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::default();
    for time in times(count) {
        histogram.record(time);
    }
    histogram
}

#[library_benchmark]
#[bench::lists(tally_of(0), samples(ITEMS))]
#[bench::histograms(tally_of(MANY * NAMES as u64), samples(ITEMS))]
fn record(mut tally: Tally, samples: Vec<Sample>) -> (Tally, Vec<Sample>) {
    for sample in &samples {
        tally.record(black_box(sample));
    }
    (tally, samples)
}

#[library_benchmark]
#[bench::list(histogram_of(0), times(ITEMS))]
#[bench::histogram(histogram_of(MANY), times(ITEMS))]
fn record_time(
    mut histogram: LatencyHistogram,
    times: Vec<Duration>,
) -> (LatencyHistogram, Vec<Duration>) {
    for time in &times {
        histogram.record(black_box(*time));
    }
    (histogram, times)
}

#[library_benchmark]
#[bench::lists(tally_of(ITEMS / 2), tally_of(ITEMS / 2))]
#[bench::histograms(tally_of(MANY * NAMES as u64), tally_of(MANY * NAMES as u64))]
fn merge(mut ours: Tally, theirs: Tally) -> (Tally, Tally) {
    ours.merge(&theirs);
    (ours, theirs)
}

const REQUEST: &[u8] =
    b"GET /customers/17/orders HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nuser-agent: steadfire\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
    content-length: 16\r\n\r\n{\"orders\": [1]}\n";

/// Answers every request until the other end closes.
async fn answer(mut socket: UnixStream) {
    let mut request = Vec::with_capacity(1024);
    while socket.read_buf(&mut request).await.is_ok_and(|bytes| bytes > 0) {
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            if socket.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// One end of a socket pair; a task of the runtime answers at the other.
fn connected() -> (Runtime, UnixStream) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.expect("a reactor");
    let (ours, theirs) = {
        let _context = runtime.enter();
        UnixStream::pair().expect("two sockets")
    };
    runtime.spawn(answer(theirs));
    (runtime, ours)
}

/// A connection that has carried an exchange, and the runtime it needs.
struct Connected {
    runtime: Runtime,
    link: Http1,
}

fn http1() -> Connected {
    let (runtime, socket) = connected();
    let stamps = Rc::new(Stamps::default());
    let io = MeasuredIo::new(Socket::unix(socket), Rc::clone(&stamps));
    let dialed = Dialed { stream: Stream::Plain(io), stamps, set_up: SetUp::default(), place: 0 };
    let mut link = runtime.block_on(Http1::open(dialed)).expect("a handshake without bytes");
    runtime.block_on(exchange_once(&mut link, get()));
    Connected { runtime, link }
}

fn get() -> Outgoing {
    Request::get("/customers/17/orders")
        .header(HOST, "127.0.0.1:8080")
        .header(USER_AGENT, "steadfire")
        .body(Full::new(Bytes::new()))
        .expect("a valid request")
}

async fn exchange_once(link: &mut Http1, request: Outgoing) {
    let end = link.exchange(request, &mut |_: &bytes::Bytes| {}).await;
    assert!(matches!(end, Exchange::Answered { status: 200, body_bytes: 16, .. }), "{end:?}");
    assert_eq!(link.settle().await, Reuse::Open);
    black_box(link.instants());
}

/// Requests are cloned, as a worker does where a slot does not change them.
async fn exchanges(link: &mut Http1) {
    let request = get();
    for _ in 0..EXCHANGES {
        exchange_once(link, request.clone()).await;
    }
}

// Counting stops where a closure of the bench function itself begins, so futures come from elsewhere.
#[library_benchmark]
#[bench::one_connection(http1())]
fn http1_exchange(mut connected: Connected) -> Connected {
    let Connected { runtime, link } = &mut connected;
    runtime.block_on(exchanges(link));
    connected
}

async fn bare_exchanges(socket: &mut UnixStream) {
    let mut answer = Vec::with_capacity(1024);
    for _ in 0..EXCHANGES {
        socket.write_all(REQUEST).await.expect("room for a request");
        answer.clear();
        while answer.len() < ANSWER.len() {
            socket.read_buf(&mut answer).await.expect("an answer");
        }
        black_box(&answer);
    }
}

// The share of `http1_exchange` that is not ours: the runtime, the two sockets, and the end that answers.
#[library_benchmark]
#[bench::bytes_only(connected())]
fn bare_exchange((runtime, mut socket): (Runtime, UnixStream)) -> (Runtime, UnixStream) {
    runtime.block_on(bare_exchanges(&mut socket));
    (runtime, socket)
}

library_benchmark_group!(
    name = hot_path,
    benchmarks = [
        schedule,
        mix,
        template,
        feeder,
        record,
        record_time,
        merge,
        http1_exchange,
        bare_exchange
    ]
);
main!(library_benchmark_groups = hot_path);
