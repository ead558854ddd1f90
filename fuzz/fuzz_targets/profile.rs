//! Any text is a profile or is refused with the place of each mistake. `tests/corpus/malformed` is a start.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfire::profile::{self, Source};

fuzz_target!(|text: &str| {
    let environment = |name: &str| name.starts_with("LOAD").then(|| "s3cret-value".to_owned());
    if let Err(mistakes) = profile::load(Source { name: "p.yaml", text }, &environment) {
        assert!(!mistakes.mistakes.is_empty());
        let shown = mistakes.to_string();
        assert!(shown.contains("p.yaml:") && !shown.contains("s3cret-value"));
        assert!(mistakes.mistakes.iter().all(|mistake| mistake.line > 0 && mistake.column > 0));
    }
});
