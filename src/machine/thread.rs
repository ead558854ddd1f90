//! The calling thread: its processor time, its waits for a processor, and the processors it may run on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::measure::generator::WorkerTime;

/// What the calling thread had of the processors so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// On the monotonic clock.
    at: Duration,
    cpu: Duration,
    waited: Option<Duration>,
}

impl ThreadTime {
    /// Of the calling thread, now. Two system calls and a small file: for beginnings and ends, not for the
    /// hot path.
    pub fn now() -> Self {
        Self {
            at: read_clock(ClockId::Monotonic),
            cpu: read_clock(ClockId::ThreadCPUTime),
            waited: super::read("/proc/thread-self/schedstat").and_then(|text| waited(&text)),
        }
    }

    /// What came since `earlier`, on the same thread.
    pub fn since(self, earlier: Self) -> WorkerTime {
        let waited = self.waited.zip(earlier.waited);
        WorkerTime {
            over: self.at.saturating_sub(earlier.at),
            cpu: Some(self.cpu.saturating_sub(earlier.cpu)),
            waited: waited.map(|(now, then)| now.saturating_sub(then)),
        }
    }
}

/// Neither of the two clocks read here is ever negative.
fn read_clock(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    Duration::from_secs(now.tv_sec.unsigned_abs())
        + Duration::from_nanos(now.tv_nsec.unsigned_abs())
}

/// The second of `time-on-processor time-in-queue slices`, in ns. A kernel that keeps no account writes
/// zeros.
fn waited(schedstat: &str) -> Option<Duration> {
    let mut fields = schedstat.split_whitespace().map_while(|field| field.parse::<u64>().ok());
    let (ran, waited) = (fields.next()?, fields.next()?);
    (ran > 0).then(|| Duration::from_nanos(waited))
}

/// The processors that the calling thread may run on, in order; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub fn available_cpus() -> Option<Vec<usize>> {
    let set = rustix::thread::sched_getaffinity(None).ok()?;
    Some((0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}

/// The processors that the calling thread may run on, in order; `None` where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn available_cpus() -> Option<Vec<usize>> {
    None
}

/// Binds the calling thread to one processor.
///
/// # Errors
/// The processor is not available to this process, or the system knows no binding.
#[cfg(target_os = "linux")]
pub fn pin(cpu: usize) -> std::io::Result<()> {
    let mut set = rustix::thread::CpuSet::new();
    set.set(cpu);
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// Binds the calling thread to one processor.
///
/// # Errors
/// The processor is not available to this process, or the system knows no binding.
#[cfg(not(target_os = "linux"))]
pub fn pin(_cpu: usize) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_where_the_kernel_keeps_account() {
        let table = [
            ("941437 2000 1\n", Some(Duration::from_micros(2))),
            ("5 0 1", Some(Duration::ZERO)),
            ("0 0 0\n", None),
            ("5", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(waited(text), expected, "{text}");
        }
    }

    #[test]
    fn a_thread_that_works_is_seen_to_work() {
        let before = ThreadTime::now();
        let mut sum = 0_u64;
        while ThreadTime::now().cpu < before.cpu + Duration::from_millis(2) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let time = ThreadTime::now().since(before);
        assert!(time.cpu >= Some(Duration::from_millis(2)), "{time:?}");
        // The two clocks tick apart by a little.
        assert!(time.cpu_share() < Some(1.1), "{time:?}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_pinned_thread_may_run_on_that_processor_alone() {
        std::thread::spawn(|| {
            let all = available_cpus().unwrap();
            let last = *all.last().unwrap();
            pin(last).unwrap();
            assert_eq!(available_cpus(), Some(vec![last]));
        })
        .join()
        .unwrap();
    }
}
