//! The live view in a terminal of its own: keys steer the run, and the terminal comes back as it was.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};
use steadfire::report::segment::SegmentReport;
use steadfire::report::{Outcome, Report};
use tempfile::TempDir;

use crate::server::{OK, Server};
use crate::support::{Program, steadfire};

const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// The program with a terminal for stdin and stderr; its stdout is a pipe.
struct OnTerminal {
    child: Child,
    keys: File,
    /// Kept open, so that the terminal outlives the program.
    terminal: File,
    before: String,
    painted: Arc<Mutex<String>>,
    _home: TempDir,
}

impl OnTerminal {
    fn start(program: Program, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it is ours");
        let path = ptsname(&master, Vec::new()).expect("it has a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY;
        let terminal = File::from(rustix::fs::open(path, flags, Mode::empty()).expect("it opens"));
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("it takes any size");
        let (command, home) = program.into_parts();
        let mut command = with_terminal_of_its_own(&command);
        let stream = || Stdio::from(terminal.try_clone().expect("a descriptor is free"));
        let before = attributes(&terminal);
        let child = command
            .stdin(stream())
            .stderr(stream())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let keys = File::from(master);
        let painted = Arc::new(Mutex::new(String::new()));
        let (mut screen, seen) =
            (keys.try_clone().expect("a descriptor is free"), Arc::clone(&painted));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { child, keys, terminal, before, painted, _home: home }
    }

    fn painted(&self) -> String {
        self.painted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[track_caller]
    fn await_text(&self, text: &str) {
        for _ in 0..LIMIT.as_millis() / LOOK_EVERY.as_millis() {
            if self.painted().contains(text) {
                return;
            }
            wait(LOOK_EVERY);
        }
        panic!("no '{text}' in {:?}", self.painted());
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("keys can be pressed");
    }

    /// Waits for the end: its code, what it wrote to stdout, and the screen; the terminal is as before.
    fn finish(mut self) -> (Option<i32>, String, String) {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().expect("it is a pipe");
        pipe.read_to_string(&mut stdout).expect("stdout is UTF-8");
        let status = self.child.wait().expect("it can be waited for");
        assert_eq!(attributes(&self.terminal), self.before, "the terminal is given back");
        self.await_text(LEAVE);
        (status.code(), stdout, self.painted())
    }
}

/// The command in a session whose terminal is its stdin, as a shell's would be.
fn with_terminal_of_its_own(command: &Command) -> Command {
    let mut leader = Command::new("setsid");
    leader.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    leader.env_clear();
    leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        leader.current_dir(folder);
    }
    leader
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a terminal says nothing when it has been painted")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

fn attributes(terminal: &File) -> String {
    format!("{:?}", tcgetattr(terminal).expect("a terminal has attributes"))
}

#[test]
fn keys_steer_a_run_and_each_segment_is_reported() {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -r 200 -d 10m --threads 2 --json --slo p95<60s", server.url());
    let mut run = OnTerminal::start(steadfire(&words), 110, 32);
    run.await_text("RUNNING");
    run.press("+");
    run.await_text("rate 220/s");
    run.press("mdeployed v2\r");
    run.await_text("deployed v2");
    run.press("p");
    run.await_text("PAUSED");
    run.press("p");
    run.await_text("resumed");
    wait(Duration::from_millis(400));
    run.press("q");
    let (code, stdout, painted) = run.finish();
    assert_eq!(code, Some(130), "as after a first SIGINT");
    assert!(painted.contains(ENTER) && !painted.contains("panicked"), "{painted:?}");

    let report: Report = serde_json::from_str(&stdout).expect("stdout is the result alone");
    let told: Vec<_> = report.segments.iter().map(|one| (one.label.as_str(), one.rate)).collect();
    let expected = [
        ("start", 200.0),
        ("rate 220/s", 220.0),
        ("deployed v2", 220.0),
        ("paused", 0.0),
        ("resumed at 220/s", 220.0),
    ];
    assert_eq!(told, expected);
    assert_adds_up(&report);
    assert_eq!(report.verdict.outcome, Outcome::Incomplete);
    assert!(report.verdict.findings.iter().any(|finding| finding.id == "steered"));
    assert_eq!(report.fates.ok, report.fates.planned);
    assert_eq!(server.received().len() as u64, report.fates.planned);
}

/// Segments follow each other without a gap, and their ledgers add up to that of the run.
fn assert_adds_up(report: &Report) {
    let segments = &report.segments;
    assert_eq!((segments[0].begin, segments[segments.len() - 1].end), (0, report.duration));
    assert!(segments.windows(2).all(|pair| pair[0].end == pair[1].begin));
    let sum = |of: fn(&SegmentReport) -> u64| segments.iter().map(of).sum::<u64>();
    assert_eq!(sum(|one| one.fates.planned), report.fates.planned);
    assert_eq!(sum(|one| one.fates.ok), report.fates.ok);
    for one in segments {
        let due = one.rate * one.length() as f64 / 1e9;
        assert!((one.fates.planned as f64 - due).abs() <= 1.0, "{due} in {one:?}");
    }
}

#[test]
fn a_second_interrupt_ends_the_drain_and_gives_the_terminal_back() {
    let server = Server::start(|mut peer| peer.wait_for_close());
    let mut run = OnTerminal::start(steadfire(&format!("{} -r 50 -d 10m", server.url())), 80, 24);
    run.await_text("RUNNING");
    run.press("\u{3}");
    // Nothing is answered, so the drain of 30 s goes on.
    run.await_text("STOPPING");
    // The same key sooner would be the same request.
    wait(Duration::from_millis(1_100));
    run.press("\u{3}");
    let (code, stdout, _) = run.finish();
    assert_eq!(code, Some(130));
    assert!(stdout.contains("unanswered when the wait for it was ended"), "{stdout}");
}

#[test]
fn the_summary_follows_the_view_and_small_terminals_do() {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -r 50 -d 2s", server.url());
    for (columns, rows) in [(30, 5), (1, 1), (120, 40)] {
        let run = OnTerminal::start(steadfire(&words), columns, rows);
        let (code, stdout, painted) = run.finish();
        assert_eq!(code, Some(0), "{painted:?}");
        assert!(stdout.contains("Result: PASS"), "{stdout}");
        let after = painted.rsplit(LEAVE).next().unwrap_or_default();
        assert!(after.contains("run folder:"), "{after:?}");
    }
}

#[test]
fn there_is_no_view_where_it_is_not_wanted() {
    let server = Server::answering(|_| OK.to_vec());
    let words = format!("{} -r 50 -d 1s", server.url());
    let plain = [
        steadfire(&words).arg("--no-tui"),
        steadfire(&words).arg("--headless"),
        steadfire(&words).arg("--quiet"),
        steadfire(&words).env("CI", "1"),
        steadfire(&words).env("TERM", "dumb"),
    ];
    for program in plain {
        let mut run = OnTerminal::start(program, 80, 24);
        let mut stdout = String::new();
        let mut pipe = run.child.stdout.take().expect("it is a pipe");
        pipe.read_to_string(&mut stdout).expect("stdout is UTF-8");
        let status = run.child.wait().expect("it can be waited for");
        assert_eq!(status.code(), Some(0));
        assert!(!run.painted().contains('\u{1b}'), "{:?}", run.painted());
    }
}
