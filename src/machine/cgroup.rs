//! The control groups of this process: the CPU quota they set, and how often it stopped the process.
//!
//! A group's limit binds everything below it, so the whole way from the process's group to the root is
//! read, in version 2 and in version 1 of the interface.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::measure::generator::Throttled;

/// Where the kernel's interface is mounted.
const ROOT: &str = "/sys/fs/cgroup";
/// A way longer than this is none that people make.
const DEPTH_MAX: usize = 32;

/// Stops by the quota since the groups were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Throttling {
    periods: u64,
    time: Duration,
}

impl Throttling {
    pub(super) fn since(self, earlier: Self) -> Throttled {
        Throttled {
            periods: self.periods.saturating_sub(earlier.periods),
            time: self.time.saturating_sub(earlier.time),
        }
    }
}

/// Stops over all groups that this process belongs to; `None` where none keeps account.
pub(super) fn throttling() -> Option<Throttling> {
    let counts = folders().into_iter().filter_map(|folder| {
        super::read(folder.join("cpu.stat")).and_then(|text| parse_stat(&text))
    });
    counts.reduce(|sum, more| Throttling {
        periods: sum.periods + more.periods,
        time: sum.time + more.time,
    })
}

/// Processors that this process may use up at most, such as 1.5; `None` without a quota.
pub fn quota() -> Option<f64> {
    let quotas = folders().into_iter().filter_map(|folder| {
        super::read(folder.join("cpu.max"))
            .and_then(|text| parse_max(&text))
            .or_else(|| parse_cfs(&folder))
    });
    quotas.min_by(f64::total_cmp)
}

/// Every folder that may hold a CPU limit for this process, in both versions of the interface.
fn folders() -> Vec<PathBuf> {
    let memberships = super::read("/proc/self/cgroup").unwrap_or_default();
    chains(&memberships)
        .iter()
        .flat_map(|(mount, group)| ancestry(&Path::new(ROOT).join(mount), group))
        .collect()
}

/// Mount (below the root) and group of each hierarchy that rules processors. Version 2 may be mounted at
/// the root or, beside version 1, below it.
fn chains(memberships: &str) -> Vec<(String, String)> {
    let mut chains = Vec::new();
    for line in memberships.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(group)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        if number == "0" && controllers.is_empty() {
            chains.extend(["", "unified"].map(|mount| (mount.to_owned(), group.to_owned())));
        } else if controllers.split(',').any(|controller| controller == "cpu") {
            chains.push((controllers.to_owned(), group.to_owned()));
        }
    }
    chains
}

/// The group's folder and those above it, up to the mount. A container sees its own group at the mount
/// and the host's name for it, which leads nowhere: such folders do not exist and read as unknown.
fn ancestry(mount: &Path, group: &str) -> Vec<PathBuf> {
    let own = mount.join(group.trim_start_matches('/'));
    own.ancestors()
        .take_while(|folder| folder.starts_with(mount))
        .take(DEPTH_MAX)
        .map(Path::to_path_buf)
        .collect()
}

/// `cpu.stat` of version 2 (`throttled_usec`) or 1 (`throttled_time`, in ns).
fn parse_stat(text: &str) -> Option<Throttling> {
    let value = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
    };
    let time = value("throttled_usec")
        .map(Duration::from_micros)
        .or_else(|| value("throttled_time").map(Duration::from_nanos))?;
    Some(Throttling { periods: value("nr_throttled")?, time })
}

/// `cpu.max` of version 2: quota and period in µs, or `max`.
fn parse_max(text: &str) -> Option<f64> {
    let mut fields = text.split_whitespace();
    ratio(fields.next()?, fields.next()?)
}

/// The two files of version 1; a quota of -1 is none.
fn parse_cfs(folder: &Path) -> Option<f64> {
    let quota = super::read(folder.join("cpu.cfs_quota_us"))?;
    let period = super::read(folder.join("cpu.cfs_period_us"))?;
    ratio(quota.trim(), period.trim())
}

fn ratio(quota: &str, period: &str) -> Option<f64> {
    let (quota, period) = (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?);
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_tell_of_stops() {
        let two = "usage_usec 9\nnr_periods 50\nnr_throttled 3\nthrottled_usec 1500\n";
        let one = "nr_periods 50\nnr_throttled 3\nthrottled_time 1500000\n";
        let stops = Throttling { periods: 3, time: Duration::from_micros(1500) };
        assert_eq!((parse_stat(two), parse_stat(one)), (Some(stops), Some(stops)));
        // Version 2's root has no limit and so no account.
        for text in ["", "usage_usec 9\nuser_usec 3\n", "nr_throttled x\nthrottled_usec 1\n"] {
            assert_eq!(parse_stat(text), None, "{text}");
        }
        let earlier = Throttling { periods: 1, time: Duration::from_micros(500) };
        let passed = Throttled { periods: 2, time: Duration::from_millis(1) };
        assert_eq!(stops.since(earlier), passed);
    }

    #[test]
    fn a_quota_is_a_number_of_processors() {
        let table = [
            ("150000 100000\n", Some(1.5)),
            ("max 100000\n", None),
            ("0 100000", None),
            ("100000 0", None),
            ("100000", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse_max(text), expected, "{text}");
        }
        assert_eq!((ratio("-1", "100000"), ratio("50000", "100000")), (None, Some(0.5)));
    }

    #[test]
    fn every_hierarchy_that_rules_processors_is_followed_to_its_root() {
        let text =
            "9:name=systemd:/\n4:memory:/a\n2:cpu,cpuacct:/a/b\n1:cpuset:/\n0::/c\nnonsense\n";
        let chain = |mount: &str, group: &str| (mount.to_owned(), group.to_owned());
        assert_eq!(
            chains(text),
            [chain("cpu,cpuacct", "/a/b"), chain("", "/c"), chain("unified", "/c")]
        );
        let mount = Path::new("/m");
        assert_eq!(ancestry(mount, "/a/b"), ["/m/a/b", "/m/a", "/m"].map(PathBuf::from));
        assert_eq!(ancestry(mount, "/").len(), 1);
    }

    #[test]
    fn files_of_version_one_are_read_from_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(parse_cfs(folder.path()), None);
        std::fs::write(folder.path().join("cpu.cfs_quota_us"), "250000\n").unwrap();
        std::fs::write(folder.path().join("cpu.cfs_period_us"), "100000\n").unwrap();
        assert_eq!(parse_cfs(folder.path()), Some(2.5));
    }
}
