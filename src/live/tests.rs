//! Scripts of seconds and trials against golden pictures; `STEADFIRE_BLESS=1` rewrites them.

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::draw::paint;
use super::*;
use crate::analysis::search::{SearchProgress, TrialPoint};
use crate::analysis::trial::{TrialPurpose, TrialVerdict};
use crate::load::outline::{LoadEnd, LoadOutline};
use crate::load::slo::Slo;
use crate::measure::fate::{Fate, FateCounts, TransportError};
use crate::measure::slice::Ended;
use crate::measure::window::{Gauges, Interval, Window};
use crate::render::Style;
use crate::time::Offset;

const SECOND: Duration = Duration::from_secs(1);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn at(second: u64) -> Offset {
    Offset::ZERO + Duration::from_secs(second)
}

fn state(kind: Kind) -> State {
    State::new(Subject {
        name: "chat-center".to_owned(),
        target: "127.0.0.1:8001/api".to_owned(),
        kind,
        slo: "p95<1000ms,errors<5%,rps>20".parse::<Slo>().unwrap(),
        requests: ["list interactions", "interaction detail", "create draft"]
            .map(str::to_owned)
            .to_vec(),
        lag_limit: ms(50),
        keys: match kind {
            Kind::Run => Keys::Everything,
            Kind::Search { .. } => Keys::StopAndMark,
        },
    })
}

fn leg(end: LoadEnd) -> LoadOutline {
    LoadOutline { label: String::new(), rate: 200.0, warmup: 2 * SECOND, end, slots_max: 0 }
}

/// A second with 200 slots, of which `failed` got a bad status and `lost` no answer.
fn second(end: u64, (failed, lost): (u64, u64)) -> Interval {
    let mut window = Window {
        planned: 200,
        fates: FateCounts::from_array([200 - failed - lost, failed, 0, 0, lost, 0, 0, 0]),
        bad_statuses: BTreeMap::from([(503, failed)]),
        gauges: Gauges { in_flight: 3 + end % 5, waiting: 0, overdue: 0 },
        ..Window::default()
    };
    for slot in 0..200 {
        window.record_sent();
        window.record_lag(Duration::from_micros(12 + slot / 10));
        let (fate, time) = match slot {
            slot if slot < failed => (Fate::BadStatus, ms(4)),
            slot if slot < failed + lost => (Fate::Timeout, 5 * SECOND),
            slot => (Fate::Ok, ms(10 + slot % 40 + 3 * (end % 7))),
        };
        match fate {
            Fate::Ok => window.response_time.answered.record(time),
            Fate::Timeout => window.response_time.unanswered.record(time),
            _ => {}
        }
        let request = [0, 0, 0, 1, 1, 2][usize::try_from(slot % 6).unwrap()];
        window.ended.push(Ended::new(request, fate, time));
    }
    Interval { end: at(end), length: SECOND, window }
}

fn run(seconds: u64, ends: fn(u64) -> (u64, u64)) -> State {
    let mut state = state(Kind::Run);
    state.begin(leg(LoadEnd::At(at(62))));
    for end in 1..=seconds {
        state.push(&second(end, ends(end)));
    }
    state
}

fn dot(rate: f64, time: Duration, verdict: TrialVerdict, purpose: TrialPurpose) -> TrialPoint {
    let at_least = time >= 4 * SECOND;
    let error_rate = if verdict == TrialVerdict::Fail { 0.08 } else { 0.0 };
    let held = matches!(verdict, TrialVerdict::Pass | TrialVerdict::Undecided);
    TrialPoint { rate, time, at_least, error_rate, verdict, held, purpose }
}

fn search() -> State {
    use TrialPurpose::{Confirm, Ramp, Refine, Repeat};
    use TrialVerdict::{Fail, Invalid, Pass, Undecided};
    let mut state = state(Kind::Search { time: 360 * SECOND });
    state.search_went_on(SearchProgress {
        quantile: "p95".to_owned(),
        points: vec![
            dot(10.0, ms(42), Pass, Ramp),
            dot(20.0, ms(43), Pass, Ramp),
            dot(40.0, ms(44), Pass, Ramp),
            dot(80.0, ms(47), Pass, Ramp),
            dot(160.0, ms(59), Pass, Ramp),
            dot(320.0, ms(4200), Fail, Ramp),
            dot(320.0, ms(5100), Fail, Repeat),
            dot(226.0, ms(1100), Undecided, Refine),
            dot(200.0, ms(160), Pass, Refine),
            dot(1000.0, ms(6000), Invalid, Confirm),
        ],
        estimate: 200.0,
        bracket: (200.0, Some(320.0)),
    });
    let end = LoadEnd::At(at(14));
    state.begin(LoadOutline {
        label: "refine 231/s".to_owned(),
        rate: 231.0,
        warmup: 2 * SECOND,
        end,
        slots_max: 0,
    });
    for end in 1..=5 {
        state.push(&second(end, (0, 0)));
    }
    state.note("ramp 320/s for 3.1 s: not held (p95 ≥ 4.2 s, not p95 < 1 s)".to_owned());
    state
}

fn painted(
    state: &State,
    keyboard: &Keyboard,
    style: Style,
    (width, height): (u16, u16),
) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let scene = state.scene();
    terminal
        .draw(|frame| {
            let area = frame.area();
            paint(&scene, keyboard, style, area, frame.buffer_mut());
        })
        .unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let rows = buffer.content().chunks(width).map(|row| {
        let line: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        format!("{}\n", line.trim_end())
    });
    rows.collect()
}

fn check(name: &str, state: &State, keyboard: &Keyboard, size: (u16, u16)) {
    let text = text(&painted(state, keyboard, Style::Plain, size));
    let path = format!("{}/tests/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "only whoever changes the picture sets it")]
    let bless = std::env::var("STEADFIRE_BLESS").is_ok();
    if bless {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "{name} differs; STEADFIRE_BLESS=1 accepts it");
}

fn keyboard() -> Keyboard {
    Keyboard::new(Keys::Everything)
}

#[test]
fn pictures_are_as_the_golden_files_show_them() {
    let good = run(30, |_| (0, 0));
    let bad = run(40, |end| if end > 25 { (12, end - 25) } else { (0, 0) });
    check("live-run", &good, &keyboard(), (120, 40));
    check("live-bad", &bad, &keyboard(), (120, 30));
    check("live-80x24", &bad, &keyboard(), (80, 24));
    check("live-tiny", &bad, &keyboard(), (40, 6));
    check("live-search", &search(), &Keyboard::new(Keys::StopAndMark), (120, 40));
    check("live-search-80x24", &search(), &Keyboard::new(Keys::StopAndMark), (80, 24));
    let mut help = keyboard();
    help.press(Key::Char('?'));
    check("live-help", &good, &help, (100, 24));
    let mut marking = keyboard();
    "mdeployed v2".chars().for_each(|c| assert_eq!(marking.press(Key::Char(c)), None));
    check("live-mark", &good, &marking, (70, 14));
}

/// A run in which more went wrong than there is room to tell.
fn broken() -> State {
    let mut state = state(Kind::Run);
    state.begin(leg(LoadEnd::At(at(62))));
    for end in 1..=8 {
        let mut second = second(end, (9, 0));
        second.window.bad_statuses = BTreeMap::from([(500, 4), (502, 2), (503, 3)]);
        second.window.fates = FateCounts::from_array([161, 9, 2, 17, 5, 6, 0, 0]);
        for (count, kind) in [9, 4, 3, 1].into_iter().zip(TransportError::ALL) {
            second.window.errors[kind.index()] = count;
        }
        state.push(&second);
    }
    state
}

#[test]
fn failures_are_told_by_kind_as_far_as_there_is_room() {
    check("live-failures", &broken(), &keyboard(), (120, 30));
    check("live-failures-80x24", &broken(), &keyboard(), (80, 24));
    let scene = broken().scene();
    let told: u64 = scene.failures.iter().map(|failed| failed.counts[1]).sum();
    assert_eq!(told, scene.fates[1].failed(), "each failure is in one kind");
    assert_eq!(run(9, |_| (0, 0)).scene().failures, []);
}

#[test]
fn every_size_of_terminal_is_painted() {
    for state in [state(Kind::Run), run(3, |_| (1, 1)), broken(), run(70, |_| (0, 0)), search()] {
        for width in (0..140).step_by(7) {
            for height in (0..50).step_by(3) {
                let mut help = keyboard();
                help.press(Key::Char('?'));
                for keyboard in [keyboard(), help] {
                    painted(&state, &keyboard, Style::Colour, (width, height));
                }
            }
        }
    }
}

#[test]
fn without_colour_there_is_none() {
    let state = search();
    let keyboard = Keyboard::new(Keys::StopAndMark);
    let colours = |style| {
        let buffer = painted(&state, &keyboard, style, (120, 40));
        buffer.content().iter().filter(|cell| cell.fg != Color::Reset).count()
    };
    assert!(colours(Style::Colour) > 100);
    assert_eq!(colours(Style::Plain), 0);
}

#[test]
fn a_run_goes_through_its_stages() {
    let mut state = state(Kind::Run);
    assert_eq!(state.scene().stage, Stage::Starting);
    state.begin(leg(LoadEnd::At(at(10))));
    state.push(&second(2, (0, 0)));
    assert_eq!(state.scene().stage, Stage::Warming);
    assert_eq!(state.scene().fates[1].planned(), 0, "the warm-up does not count");
    state.push(&second(3, (0, 0)));
    assert_eq!(state.scene().stage, Stage::Running);
    state.turned(Some(0.0), "paused");
    assert_eq!((state.scene().stage, state.scene().asked), (Stage::Paused, 0.0));
    state.turned(Some(220.0), "resumed at 220/s");
    assert_eq!((state.scene().stage, state.scene().asked), (Stage::Running, 220.0));
    state.turned(None, "deployed v2");
    assert_eq!(state.scene().notes, ["3 s: paused", "3 s: resumed at 220/s", "3 s: deployed v2"]);
    state.push(&second(10, (0, 0)));
    assert_eq!(state.scene().stage, Stage::Draining);
    state.stop();
    assert_eq!(state.scene().stage, Stage::Stopping);
}

#[test]
fn the_drain_is_in_no_rate_of_the_whole() {
    for end in [LoadEnd::At(at(12)), LoadEnd::Slots(2_400)] {
        let mut state = state(Kind::Run);
        state.begin(leg(end));
        (1..=12).for_each(|end| state.push(&second(end, (0, 0))));
        for end in 13..=16 {
            let mut drained = second(end, (0, 0));
            (drained.window.planned, drained.window.sent) = (0, 0);
            state.push(&drained);
        }
        let scene = state.scene();
        assert!((scene.achieved[1] - 200.0).abs() < 1e-9, "{:?}", scene.achieved);
        assert!((scene.answered[1] - 200.0).abs() < 1e-9, "{:?}", scene.answered);
        assert_eq!(scene.fates[1].ok(), 14 * 200, "they are in the ledger");
    }
}

#[test]
fn recent_figures_forget_and_whole_ones_do_not() {
    let scene = run(40, |end| if end < 20 { (0, 100) } else { (0, 0) }).scene();
    let p95 = |times: Times| times.quantiles.map(|[_, p95, _]| p95.at_least);
    assert_eq!(scene.times.map(p95), [Some(false), Some(true)]);
    assert_eq!(scene.fates.map(|fates| fates.of(Fate::Timeout)), [0, 17 * 100]);
    assert_eq!(scene.history.len(), 40);
    assert_eq!(scene.limits, [None, Some(SECOND), None]);
    let ended: u64 = scene.requests.iter().map(|row| row.fates.planned()).sum();
    assert_eq!(ended, scene.fates[1].planned());
}

#[test]
fn a_number_of_slots_is_left_at_the_rate_of_now() {
    let mut state = state(Kind::Run);
    state.begin(leg(LoadEnd::Slots(1000)));
    state.push(&second(1, (0, 0)));
    assert_eq!(state.scene().leg.left, Some(4 * SECOND));
    state.turned(Some(400.0), "rate 400/s");
    assert_eq!(state.scene().leg.left, Some(2 * SECOND));
    state.turned(Some(0.0), "paused");
    assert_eq!(state.scene().leg.left, None);
}
