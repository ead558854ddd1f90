//! The malformed profiles of `tests/corpus`: each is refused with its place, and nothing is sent.

use std::path::{Path, PathBuf};

use steadfire::profile::{self, Source};

use crate::server::{OK, Server};
use crate::support::steadfire;

/// The real program is started for every so many of them; the library reads them all.
const PROGRAM_EVERY: usize = 12;

fn malformed() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/malformed");
    let entries = std::fs::read_dir(folder).expect("the corpus is there");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    assert!(paths.len() >= 200, "{} profiles", paths.len());
    paths
}

fn environment(name: &str) -> Option<String> {
    name.starts_with("LOAD_TEST_").then(|| "s3cret".to_owned())
}

#[test]
fn each_mistake_has_its_place() {
    for path in malformed() {
        let text = std::fs::read_to_string(&path).expect("a profile of the corpus is text");
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let outcome = profile::load(Source { name: &name, text: &text }, &environment);
        let Err(mistakes) = outcome else { panic!("{name} loads") };
        let shown = mistakes.to_string();
        assert!(!shown.contains("s3cret"), "{name}: {shown}");
        for mistake in &mistakes.mistakes {
            let (line, column) = (mistake.line, mistake.column);
            let written = text.split('\n').nth(line - 1).unwrap_or_default();
            assert!(column <= written.chars().count() + 1, "{name}: {shown}");
            assert!(!mistake.message.is_empty(), "{name}");
            assert!(shown.contains(&format!("{name}:{line}:{column}")), "{name}: {shown}");
        }
    }
}

#[test]
fn none_of_them_starts_load() {
    let server = Server::answering(|_| OK.to_vec());
    for path in malformed().into_iter().step_by(PROGRAM_EVERY) {
        let name = path.to_string_lossy().into_owned();
        let program = steadfire("run").arg(&name).arg("--host").arg(&server.url()).arg("-n1");
        let place = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        program.run().refused(2, &[&place]);
    }
    assert_eq!(server.connections(), 0);
}
