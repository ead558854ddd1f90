//! [`Ticks`]: the machine's processor time by use, from `/proc/stat`.

/// Processor time of all processors together, in the kernel's ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ticks {
    /// Nobody ran, waits for disks included.
    idle: u64,
    /// The hypervisor ran something else.
    stolen: u64,
    total: u64,
}

impl Ticks {
    pub(super) fn read() -> Option<Self> {
        super::read("/proc/stat").and_then(|text| parse(&text))
    }

    /// Counters of single processors may run backwards a little; nothing here does.
    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            idle: self.idle.saturating_sub(earlier.idle),
            stolen: self.stolen.saturating_sub(earlier.stolen),
            total: self.total.saturating_sub(earlier.total),
        }
    }

    /// Of all processor time, 0 to 1; `None` if no tick has passed.
    pub(super) fn steal_share(self) -> Option<f64> {
        self.share(self.stolen)
    }

    /// Of all processor time, 0 to 1; `None` if no tick has passed.
    pub(super) fn idle_share(self) -> Option<f64> {
        self.share(self.idle)
    }

    fn share(self, part: u64) -> Option<f64> {
        (self.total > 0).then(|| (part as f64 / self.total as f64).min(1.0))
    }
}

/// The first line: `cpu  user nice system idle iowait irq softirq steal guest guest_nice`. The time of
/// guests is contained in user and nice.
fn parse(stat: &str) -> Option<Ticks> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let [_, _, _, idle, iowait, _, _, stolen, ..] = fields[..] else { return None };
    Some(Ticks { idle: idle + iowait, stolen, total: fields[..8].iter().sum() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_all_processors_is_read() {
        let text = "cpu  100 5 50 800 20 0 5 20 7 1\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 5\n";
        assert_eq!(parse(text), Some(Ticks { idle: 820, stolen: 20, total: 1000 }));
        // Kernels before 2.6.11 have no steal.
        for text in ["", "cpu0 1 2 3 4 5 6 7 8\n", "cpu  1 2 3 4 5 6 7\n", "cpu  a b c\n"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn shares_are_of_what_passed_between_two_readings() {
        let then = Ticks { idle: 100, stolen: 10, total: 200 };
        let now = Ticks { idle: 150, stolen: 12, total: 300 };
        let passed = now.since(then);
        assert_eq!((passed.idle_share(), passed.steal_share()), (Some(0.5), Some(0.02)));
        assert_eq!(now.since(now).steal_share(), None);
    }
}
