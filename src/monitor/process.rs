//! A process on this machine, or all that listen on a port: processor time, memory, open files, threads,
//! from `/proc`.

use std::collections::BTreeSet;
use std::fs;

use crate::load::monitor::ProcessId;
use crate::measure::monitored::{Reading, Reads};
use crate::monitor::Look;

/// Looks after which the port's processes are sought again: workers come and go.
const SEARCH_EVERY: u64 = 10;
/// Processes that are added up at most.
const PROCESSES_MAX: usize = 256;

/// Whoever looks at processes.
pub(super) struct Viewer {
    id: ProcessId,
    pids: Vec<u32>,
    looks: u64,
}

/// What one process has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stat {
    /// User and system time in clock ticks, of its ended children too.
    ticks: u64,
    threads: u64,
    /// Pages in memory.
    pages: u64,
}

impl Viewer {
    pub(super) fn new(id: ProcessId) -> Self {
        Self { id, pids: Vec::new(), looks: 0 }
    }

    pub(super) fn look(&mut self) -> Look {
        if self.pids.is_empty() || self.looks.is_multiple_of(SEARCH_EVERY) {
            self.pids = match self.id {
                ProcessId::Pid(pid) => vec![pid],
                ProcessId::Port(port) => listening(port),
            };
        }
        self.looks += 1;
        let (mut sum, mut files, mut seen) = (Stat::default(), Some(0), 0);
        for pid in &self.pids {
            let Some(stat) = text(&format!("/proc/{pid}/stat")).and_then(|text| stat(&text)) else {
                continue;
            };
            seen += 1;
            sum.ticks += stat.ticks;
            sum.threads += stat.threads;
            sum.pages += stat.pages;
            // Other users' processes do not show theirs.
            let open = fs::read_dir(format!("/proc/{pid}/fd")).map(Iterator::count).ok();
            files = files.zip(open).map(|(sum, open)| sum + open);
        }
        if seen < self.pids.len() {
            self.pids.clear();
        }
        if seen == 0 {
            return Err(match self.id {
                ProcessId::Pid(pid) => format!("there is no process {pid}"),
                ProcessId::Port(port) => {
                    format!("no process is seen to listen on port {port}; another user's is not")
                }
            });
        }
        Ok(self.readings(sum, files))
    }

    fn readings(&self, sum: Stat, files: Option<usize>) -> Vec<Reading> {
        let whose = match self.id {
            ProcessId::Port(port) => format!("of port {port}"),
            ProcessId::Pid(pid) => format!("of process {pid}"),
        };
        let ticks_per_s = rustix::param::clock_ticks_per_second() as f64;
        let bytes = sum.pages as f64 * rustix::param::page_size() as f64;
        let reading = |name: &str, unit, reads, value| Reading {
            name: format!("{name} {whose}"),
            unit,
            reads,
            value,
        };
        let mut found = vec![
            reading("cpu", "cores", Reads::Growth, sum.ticks as f64 / ticks_per_s),
            reading("memory", "MB", Reads::Level, bytes / 1e6),
            reading("threads", "", Reads::Level, sum.threads as f64),
        ];
        found.extend(files.map(|files| reading("files", "", Reads::Level, files as f64)));
        found
    }
}

/// Processes that hold a socket which listens on `port`.
fn listening(port: u16) -> Vec<u32> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter().filter_map(text);
    let sockets: BTreeSet<u64> = tables.flat_map(|table| listeners(&table, port)).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let holds = |pid: &u32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links = files.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.filter_map(|link| socket(link.to_str()?)).any(|socket| sockets.contains(&socket))
    };
    pids.filter(holds).take(PROCESSES_MAX).collect()
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// `socket:[1234]`
fn socket(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Inodes of the sockets in a table of the kernel's that listen on `port`:
/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`, in hexadecimal up to st.
fn listeners(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let lines = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let here = u16::from_str_radix(local_port, 16).ok()? == port;
        (here && *fields.get(3)? == LISTEN).then(|| fields.get(9)?.parse().ok())?
    });
    lines.collect()
}

/// `pid (name) state …`: the name may hold anything, so fields are counted behind its last bracket
/// (`proc_pid_stat(5)`: utime is field 14, cutime 16, `num_threads` 20, rss 24).
fn stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    let ticks = [14, 15, 16, 17].into_iter().map(field).sum::<Option<u64>>()?;
    Some(Stat { ticks, threads: field(20)?, pages: field(24)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let text = "4711 (a) b (c) S 1 4711 4711 0 -1 4194560 1 2 3 4 150 50 7 3 20 0 12 0 100 \
                    1000000 2500 18446744073709551615 1 1\n";
        assert_eq!(stat(text), Some(Stat { ticks: 210, threads: 12, pages: 2500 }));
        for text in
            ["", "1 (x", "1 (x) S 1 2 3", "1 (x) S a b c d e f g h i j k l m n o p q r s t u v"]
        {
            assert_eq!(stat(text), None, "{text}");
        }
    }

    #[test]
    fn listening_sockets_are_found_by_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0\n   \
            1: 0100007F:1F41 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0 20 4 30 10 -1\n   \
            2: 0100007F:1F42 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4244 1 0 100 0 0 10 0\n";
        assert_eq!(listeners(table, 8001), [4242]);
        assert_eq!(listeners(table, 8002), [4244]);
        assert!(listeners(table, 1).is_empty() && listeners("", 8001).is_empty());
        let v6 = "sl\n 0: 00000000000000000000000001000000:1F41 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 99 1\n";
        assert_eq!(listeners(v6, 8001), [99]);
        assert_eq!((socket("socket:[99]"), socket("pipe:[99]")), (Some(99), None));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_is_found_by_its_port_and_number() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        for id in [ProcessId::Port(port), ProcessId::Pid(std::process::id())] {
            let found = Viewer::new(id).look().unwrap();
            let value = |name: &str| {
                found.iter().find(|one| one.name.starts_with(name)).map(|one| one.value)
            };
            assert!(value("threads") >= Some(1.0) && value("memory") > Some(1.0), "{found:?}");
            assert!(value("files") >= Some(4.0) && value("cpu").is_some(), "{found:?}");
        }
        drop(listener);
        assert!(Viewer::new(ProcessId::Pid(u32::MAX)).look().is_err());
    }
}
