//! What the end-to-end tests share: the real program away from the user's files, and its report.
//!
//! Whatever is started here ends when it is dropped, so a failing test leaves nothing behind.

use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use steadfire::report::{Fates, Report};
use tempfile::TempDir;

/// No run here is planned to take a quarter as long.
const LIMIT: Duration = Duration::from_mins(1);

/// The program, about to be started in a home of its own.
pub(crate) struct Program {
    command: Command,
    home: TempDir,
}

/// The program with these words, parted at white space.
pub(crate) fn steadfire(words: &str) -> Program {
    let home = TempDir::new().expect("a temporary folder can be made");
    let mut command = Command::new(env!("CARGO_BIN_EXE_steadfire"));
    command
        .args(words.split_whitespace())
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null());
    Program { command, home }
}

/// The program with these words, started by a shell that first does `before`.
#[cfg(unix)]
pub(crate) fn steadfire_after(before: &str, words: &str) -> Program {
    let Program { command, home } = steadfire(words);
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("{before} && exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null());
    Program { command: shell, home }
}

impl Program {
    /// Adds a word that may hold white space.
    pub(crate) fn arg(mut self, word: &str) -> Self {
        self.command.arg(word);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// What would be started, and its home.
    pub(crate) fn into_parts(self) -> (Command, TempDir) {
        (self.command, self.home)
    }

    /// Its home, which is also its working folder.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Finished {
        let mut command = assert_cmd::Command::from_std(self.command);
        let output = command.timeout(LIMIT).output().expect("the program starts");
        Finished::new(
            output.status.code(),
            String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            self.home,
        )
    }

    /// Starts it and lets it run.
    pub(crate) fn spawn(self) -> Running {
        let mut running = self.spawn_unread();
        running.stdout = lines(running.pipe.take().expect("nobody took it before"));
        running
    }

    /// Starts it with a stdout that nobody reads; dropping the pipe closes it.
    pub(crate) fn spawn_unread(mut self) -> Running {
        let command = self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let pipe = child.stdout.take();
        let stderr = lines(child.stderr.take().expect("stderr is a pipe"));
        let (_, stdout) = channel();
        Running { child, pipe, stdout, stderr, told: String::new(), home: Some(self.home) }
    }
}

/// Hands over each line as it comes; the channel closes at the end of the stream.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The program while it runs; dropping it kills it.
pub(crate) struct Running {
    child: Child,
    /// Its stdout, unless that is read line by line.
    pub(crate) pipe: Option<ChildStdout>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// What was read of stderr so far.
    told: String,
    /// Taken when it has finished.
    home: Option<TempDir>,
}

impl Running {
    /// The next line of stdout.
    pub(crate) fn line(&self) -> String {
        self.stdout.recv_timeout(LIMIT).expect("a line comes on stdout")
    }

    /// Waits until a line of stderr holds `text`, and returns it.
    pub(crate) fn await_progress(&mut self, text: &str) -> String {
        loop {
            let line = self.stderr.recv_timeout(LIMIT).expect("a line comes on stderr");
            self.told += &line;
            self.told.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// Waits for the end of stderr, which is the program's end, and says whether it came.
    pub(crate) fn ends_within(&mut self, limit: Duration) -> bool {
        loop {
            match self.stderr.recv_timeout(limit) {
                Ok(line) => {
                    self.told += &line;
                    self.told.push('\n');
                }
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        assert!(self.ends_within(LIMIT), "the program ends; it told:\n{}", self.told);
        let status = self.child.wait().expect("a child can be waited for");
        let stdout = self.stdout.iter().map(|line| line + "\n").collect();
        let home = self.home.take().expect("a program finishes once");
        Finished::new(status.code(), stdout, std::mem::take(&mut self.told), home)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the program left.
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    home: TempDir,
}

impl Finished {
    fn new(code: Option<i32>, stdout: String, stderr: String, home: TempDir) -> Self {
        let Some(code) = code else { panic!("ended by a signal or the test's limit:\n{stderr}") };
        assert!(!stderr.contains("panicked"), "{stderr}");
        Self { code, stdout, stderr, home }
    }

    /// What `--json` printed, after checking that it adds up.
    pub(crate) fn report(&self) -> Report {
        let report: Report = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.stdout, self.stderr));
        assert_balanced(&report);
        report
    }

    /// The text of every file below the program's home, by path.
    pub(crate) fn files(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut folders = vec![self.home.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder can be listed") {
                let path = entry.expect("an entry can be listed").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).expect("a file can be read");
                    found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
        }
        found
    }

    /// Requires an end before any load: this code, nothing on stdout, and these words on stderr.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (code, ""), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no '{word}' in:\n{}", self.stderr);
        }
    }
}

/// Every slot has exactly one fate, in each place where a report counts them.
fn assert_balanced(report: &Report) {
    let sum = |fates: &Fates| fates.named().iter().map(|(_, count)| count).sum::<u64>();
    let total = &report.fates;
    assert_eq!(total.planned, sum(total), "{total:?}");
    let mut planned = 0;
    for request in &report.requests {
        let fates = &request.fates;
        planned += fates.planned;
        assert_eq!(fates.planned, sum(fates), "{}: {fates:?}", request.name);
        assert_eq!(request.errors.values().sum::<u64>(), fates.transport_error, "{fates:?}");
        let answers = fates.ok + fates.bad_status + fates.check_failed;
        assert_eq!(request.statuses.values().sum::<u64>(), answers, "{fates:?}");
    }
    assert_eq!(planned, total.planned, "over all requests");
    let unanswered = total.timeout + total.shed + total.unsent + total.open;
    // Exchanges that broke count as answered if a part of an answer had come.
    let censored = report.response_time.censored;
    let bounds = unanswered..=unanswered + total.transport_error;
    assert!(bounds.contains(&censored), "{censored} of {total:?}");
    assert_eq!(report.response_time.count, total.ok + censored, "{total:?}");
    let failed = report.failed_response_time.count;
    assert_eq!(total.ok + censored + failed, total.planned, "{total:?}");
    for request in &report.requests {
        let failures = request.failures.iter().filter(|failure| failure.kind != "check_failed");
        let failed = request.fates.planned - request.fates.ok - request.fates.check_failed;
        assert_eq!(failures.map(|failure| failure.count).sum::<u64>(), failed, "{request:?}");
    }
    let series = report.series.iter();
    let (planned, ended) = series.fold((0, 0), |(planned, ended), point| {
        (planned + point.planned, ended + point.ok + point.failed)
    });
    assert_eq!((planned, ended), (total.planned, total.planned), "over time");
}
