//! A `PostgreSQL` server, asked through one session of `psql` that stays open.
//!
//! psql rather than a client of our own: it is there wherever the server's people are, and it knows every
//! way to log in. The password goes to it in its environment, never on its command line.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::load::monitor::Database;
use crate::measure::monitored::{Reading, Reads, one_line};
use crate::monitor::Look;
use crate::monitor::command::Group;

/// What is asked: a row of numbers, in the order of [`FIGURES`]. Our own session is left out.
const QUERY: &str = "SELECT \
    count(*) FILTER (WHERE state = 'active'), \
    count(*) FILTER (WHERE state = 'idle'), \
    count(*) FILTER (WHERE state LIKE 'idle in transaction%'), \
    count(*) FILTER (WHERE wait_event_type = 'Lock'), \
    (SELECT count(*) FROM pg_locks WHERE NOT granted), \
    coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0), \
    (SELECT sum(xact_commit) FROM pg_stat_database), \
    (SELECT sum(xact_rollback) FROM pg_stat_database) \
    FROM pg_stat_activity \
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid();\n";
/// What ends an answer.
const END: &str = "steadfire-end";
/// Of psql's complaints, what is read.
const COMPLAINT_BYTES_MAX: u64 = 4 << 10;

/// Name, unit and reading of each number.
const FIGURES: [(&str, &str, Reads); 8] = [
    ("postgres active", "", Reads::Level),
    ("postgres idle", "", Reads::Level),
    ("postgres idle in transaction", "", Reads::Level),
    ("postgres waiting for a lock", "", Reads::Level),
    ("postgres locks not granted", "", Reads::Level),
    ("postgres oldest transaction", "s", Reads::Level),
    ("postgres commits", "/s", Reads::Growth),
    ("postgres rollbacks", "/s", Reads::Growth),
];

/// Whoever looks at a server.
pub(super) struct Viewer {
    database: Database,
    /// Gone while a look is under way, so that one which is broken off leaves none that is out of step.
    session: Option<Session>,
}

struct Session {
    /// First, since it must go before the child is waited for.
    _group: Group,
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Viewer {
    pub(super) fn new(database: Database) -> Self {
        Self { database, session: None }
    }

    pub(super) async fn look(&mut self) -> Look {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::start(&self.database)?,
        };
        let Some(row) = session.ask().await else { return Err(session.complaint().await) };
        self.session = Some(session);
        readings(&row).ok_or_else(|| "psql answered with something else than numbers".to_owned())
    }
}

impl Session {
    fn start(database: &Database) -> Result<Self, String> {
        let mut command = Command::new("psql");
        command.args(["-X", "-q", "-A", "-t", "-w", "-F", " ", "-v", "ON_ERROR_STOP=1"]);
        if !database.url.is_empty() {
            command.arg("-d").arg(&database.url);
        }
        if let Some(password) = &database.password {
            command.env("PGPASSWORD", password);
        }
        let spawned = command
            .env("PGAPPNAME", "steadfire")
            .env("PGCONNECT_TIMEOUT", "3")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "there is no psql; install PostgreSQL's client programs".to_owned()
            }
            _ => format!("psql cannot be started: {error}"),
        })?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let (stdin, stdout) = streams.ok_or("psql has no streams")?;
        let group = Group::of(&child);
        Ok(Self { _group: group, child, stdin, stdout: BufReader::new(stdout) })
    }

    /// The answer's row; `None` once psql has ended.
    async fn ask(&mut self) -> Option<String> {
        let question = format!("{QUERY}\\echo {END}\n");
        self.stdin.write_all(question.as_bytes()).await.ok()?;
        self.stdin.flush().await.ok()?;
        let mut row = String::new();
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            if line.trim() == END {
                return Some(row);
            }
            row = line;
        }
    }

    /// Why it ended, in its own words.
    async fn complaint(mut self) -> String {
        let mut text = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let _ = stderr.take(COMPLAINT_BYTES_MAX).read_to_end(&mut text).await;
        }
        match one_line(&String::from_utf8_lossy(&text)) {
            line if line.is_empty() => "psql ended without a word".to_owned(),
            line => line,
        }
    }
}

fn readings(row: &str) -> Option<Vec<Reading>> {
    let values: Vec<f64> = row.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let figures = FIGURES.iter().zip(&values).map(|((name, unit, reads), value)| Reading {
        name: (*name).to_owned(),
        unit,
        reads: *reads,
        value: *value,
    });
    (values.len() == FIGURES.len()).then(|| figures.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_number_for_each_figure() {
        let found = readings("3 5 1 0 2 0.251034 10020 7\n").unwrap();
        assert_eq!(found[2].name, "postgres idle in transaction");
        assert!((found[5].value - 0.251_034).abs() < 1e-9 && found[6].reads == Reads::Growth);
        for row in ["", "1 2 3", "a b c d e f g h", "1 2 3 4 5 6 7 8 9"] {
            assert_eq!(readings(row), None, "{row}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_server_that_cannot_be_reached_is_told_without_the_password() {
        let database = Database {
            url: "postgresql://eve@127.0.0.1:1/none".to_owned(),
            password: Some("s3cret".to_owned()),
        };
        let reason = Viewer::new(database).look().await.unwrap_err();
        assert!(!reason.contains("s3cret"), "{reason}");
        assert!(reason.contains("psql") || reason.contains("refused"), "{reason}");
    }
}
