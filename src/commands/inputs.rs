//! Opens what a profile names: files beside it, and programs whose lines are rows.
//!
//! A program is waited for before the load, for a bounded time and number of lines, and then ended. Its
//! standard error goes to the user's. No message holds a path or an argument: either may be a secret, and
//! the profile shows where they are named.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Cursor, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};

use crate::analysis::words::counted;
use crate::machine::wall_clock;
use crate::profile::{Outside, Process};

/// The longest wait for all lines of a program.
const ALL_LINES_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);
/// Longest line, and all of them together, in bytes.
const LINE_BYTES_MAX: u64 = 1 << 20;
const BYTES_MAX: usize = 256 << 20;
/// Lines read ahead.
const AHEAD: usize = 64;

/// Opens it; relative paths begin in `folder`, and programs run there.
pub(super) fn open(folder: &Path, outside: &Outside<'_>) -> Result<Box<dyn Read>, String> {
    match outside {
        Outside::File(path) => {
            let file = File::open(folder.join(path)).map_err(|error| {
                format!("this file cannot be read ({error}); paths begin in the profile's folder")
            })?;
            Ok(Box::new(file))
        }
        Outside::Process(process) => {
            let lines = run(folder, process).map_err(|cause| format!("this program {cause}"))?;
            Ok(Box::new(Cursor::new(lines)))
        }
    }
}

/// The lines that a program prints, at most one more than rows are wanted: the first may name columns.
fn run(folder: &Path, process: &Process) -> Result<Vec<u8>, String> {
    let (program, arguments) = process.command.split_first().ok_or("has no name")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(if folder == Path::new("") { Path::new(".") } else { folder })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let (sender, lines) = sync_channel(AHEAD);
    let reader = child.stdout.take().map(|stdout| {
        std::thread::Builder::new()
            .name("feeder".to_owned())
            .spawn(move || read_lines(stdout, &sender))
    });
    let read = match reader {
        Some(Ok(_)) => collect(&lines, process),
        _ => Err("cannot be listened to".to_owned()),
    };
    drop(lines);
    let (bytes, ended) = read.inspect_err(|_| end(&mut child))?;
    match ended {
        ProgramEnd::Enough => end(&mut child),
        ProgramEnd::ByItself => {
            let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
            if !status.success() {
                let count = bytes.split(|&byte| byte == b'\n').count() - 1;
                return Err(format!("ended with {status} after {}", counted(count as u64, "line")));
            }
        }
    }
    Ok(bytes)
}

/// Why no more lines come.
enum ProgramEnd {
    /// There are as many as are wanted.
    Enough,
    /// The program has closed its output.
    ByItself,
}

fn collect(
    lines: &Receiver<std::io::Result<Vec<u8>>>,
    process: &Process,
) -> Result<(Vec<u8>, ProgramEnd), String> {
    let began = wall_clock::now();
    let mut bytes = Vec::new();
    let mut count = 0;
    while count <= process.rows {
        match lines.recv_timeout(process.wait) {
            Ok(Ok(line)) => bytes.extend_from_slice(&line),
            Ok(Err(error)) => return Err(format!("cannot be read: {error}")),
            Err(RecvTimeoutError::Disconnected) => return Ok((bytes, ProgramEnd::ByItself)),
            Err(RecvTimeoutError::Timeout) => {
                let wait = process.wait;
                return Err(format!(
                    "printed no line within {wait:?}, after {}",
                    counted(count, "line")
                ));
            }
        }
        count += 1;
        if bytes.len() > BYTES_MAX {
            return Err(format!("printed more than {} MiB", BYTES_MAX >> 20));
        }
        if wall_clock::now().duration_since(began) > ALL_LINES_WAIT {
            return Err(format!(
                "took longer than {ALL_LINES_WAIT:#} for {}",
                counted(count, "line")
            ));
        }
    }
    Ok((bytes, ProgramEnd::Enough))
}

/// Hands over line by line until nobody wants more.
fn read_lines(stdout: ChildStdout, lines: &SyncSender<std::io::Result<Vec<u8>>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = (&mut stdout).take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
        let last = matches!(read, Ok(0) | Err(_));
        let sent = match read {
            Ok(0) => return,
            Ok(_) => lines.send(Ok(line)),
            Err(error) => lines.send(Err(error)),
        };
        if last || sent.is_err() {
            return;
        }
    }
}

/// Ends a program that is not needed any more.
fn end(child: &mut Child) {
    // Either it is gone already, or it goes now.
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn lines(script: &str, rows: u64, wait: Duration) -> Result<String, String> {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let process = Process { command, rows, wait };
        let mut text = String::new();
        let mut input = open(Path::new(""), &Outside::Process(&process))?;
        input.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    #[test]
    fn a_program_is_read_to_its_end_or_until_there_are_enough_rows() {
        assert_eq!(lines("echo id; echo 1; echo 2", 10, LONG), Ok("id\n1\n2\n".into()));
        assert_eq!(lines("while :; do echo x; done", 2, LONG), Ok("x\nx\nx\n".into()));
    }

    #[test]
    fn a_program_that_fails_or_says_nothing_is_told() {
        let failed = lines("echo id; exit 3", 10, LONG).unwrap_err();
        assert_eq!(failed, "this program ended with exit status: 3 after 1 line");
        let silent = lines("exec sleep 60", 10, Duration::from_millis(300)).unwrap_err();
        assert_eq!(silent, "this program printed no line within 300ms, after 0 lines");
        let missing = Process { command: vec!["no-such-program-here".into()], rows: 1, wait: LONG };
        let missing = open(Path::new(""), &Outside::Process(&missing)).err().unwrap();
        assert!(missing.starts_with("this program cannot be started"), "{missing}");
    }

    #[test]
    fn files_are_found_beside_the_profile() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
        let mut text = String::new();
        open(folder.path(), &Outside::File("a.csv")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "id\n1\n");
        let missing = open(folder.path(), &Outside::File("b.csv")).err().unwrap();
        assert!(missing.contains("paths begin in the profile's folder"), "{missing}");
    }
}
