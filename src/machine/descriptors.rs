//! File descriptors: how many this process may have, and how many it has.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit on open files to `needed`, or to the hard limit if that is less, and returns what it
/// is then; [`u64::MAX`] without a limit. It is never lowered.
pub fn raise(needed: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    // Absence of a limit is told as `None`.
    let (soft, hard) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    let wanted = needed.min(hard);
    if wanted <= soft {
        return soft;
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => soft,
    }
}

/// The most open files that [`raise`] can allow.
pub fn hard_limit() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Open files of this process now; `None` where the system does not list them.
pub fn open() -> Option<u64> {
    // The listing itself takes one, which is closed again.
    std::fs::read_dir("/dev/fd").ok().map(|entries| (entries.count() as u64).saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_never_falls_and_never_passes_the_hard_one() {
        let before = raise(0);
        assert!(raise(before) >= before && raise(u64::MAX) <= hard_limit());
        assert!(raise(1) >= before);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_open_file_is_counted() {
        // Other tests of this process open and close files meanwhile: only the lower bound is certain.
        let _file = std::fs::File::open("/proc/self/stat").unwrap();
        assert!(open() >= Some(4));
    }
}
