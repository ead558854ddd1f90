//! A shell command of the user's that prints `name value` lines; run anew for each look.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::monitor::Look;
use crate::monitor::lines::readings;

/// Output that is read.
const BYTES_MAX: u64 = 64 << 10;

/// A process group that ends with this, whatever it is doing.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// That of a child which was started as its leader.
    pub(super) fn of(child: &tokio::process::Child) -> Self {
        let pid = child.id().and_then(|id| i32::try_from(id).ok());
        Self(pid.and_then(Pid::from_raw))
    }

    /// Lets it be: it has ended.
    fn release(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Its leader has not been waited for, so the number is still its own.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Runs the command; whoever stops waiting ends it with everything it started.
pub(super) async fn look(text: &str) -> Look {
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(text)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("sh cannot be started: {error}"))?;
    let group = Group::of(&child);
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(BYTES_MAX).read_to_end(&mut output).await;
        read.map_err(|error| format!("its output cannot be read: {error}"))?;
    }
    if output.len() as u64 == BYTES_MAX {
        return Err(format!("it prints more than {} KiB", BYTES_MAX >> 10));
    }
    let status = child.wait().await.map_err(|error| error.to_string())?;
    group.release();
    if !status.success() {
        return Err(format!("it ended with {status}"));
    }
    let found = readings(&String::from_utf8_lossy(&output));
    if found.is_empty() {
        return Err("it printed no line of a name and a number".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_it_prints_is_read_and_what_it_fails_with_is_told() {
        let found = look("echo depth 4; echo noise").await.unwrap();
        assert_eq!((found.len(), found[0].name.as_str()), (1, "depth"));
        let table = [
            ("exit 3", "exit status: 3"),
            ("true", "no line of a name and a number"),
            ("yes 'a 1'", "more than 64 KiB"),
        ];
        for (text, expected) in table {
            let reason = look(text).await.unwrap_err();
            assert!(reason.contains(expected), "{text}: {reason}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn one_that_does_not_end_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let text = format!("sleep 600 & echo $! > '{}'; wait", file.display());
        let patience = async {
            while !std::fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            _ = look(&text) => panic!("it does not end"),
            () = patience => {}
        }
        let pid = std::fs::read_to_string(&file).unwrap();
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Whoever inherits it may take a moment to reap it.
        for _ in 0..1_000 {
            if state().map_or(true, |stat| stat.contains(") Z ")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it is still there: {:?}", state());
    }
}
