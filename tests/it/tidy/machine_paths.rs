//! No file names a folder of the machine on which it was written.

use super::assert_none;
use super::source::{files_below, read};

/// Folders whose every text file is read; of the repository's root, the documents and manifests are.
const FOLDERS: &[&str] = &[".ci", ".github", "docs", "profiles", "scripts", "src", "tests"];
/// First folders of a path that exist on one machine only, spelt so that this file is not one of them.
const MACHINE_FOLDERS: &[&str] = &["root", "work", "Users"];

#[test]
fn no_file_names_a_path_of_one_machine() {
    let paths = FOLDERS.iter().flat_map(|folder| files_below(folder)).chain(root_documents());
    let complaints = paths.flat_map(|path| {
        let text = read(&path).unwrap_or_default();
        machine_paths(&text)
            .into_iter()
            .map(move |line| format!("{path}:{line}: names a machine's path"))
    });
    assert_none(&complaints.collect::<Vec<_>>());
}

fn root_documents() -> impl Iterator<Item = String> {
    ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Cargo.toml", "deny.toml", ".clippy.toml"]
        .into_iter()
        .map(str::to_owned)
}

/// The lines, counted from 1, on which an absolute path begins in a machine's folder.
fn machine_paths(text: &str) -> Vec<usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| {
        MACHINE_FOLDERS.iter().any(|folder| {
            let needle = format!("/{folder}/");
            line.match_indices(&needle).any(|(at, _)| begins_a_path(&line[..at]))
        })
    });
    lines.map(|(index, _)| index + 1).collect()
}

/// Whether a `/` behind `before` is the first of its path: `target/x` and `$HOME/x` go on, `"/x` begins.
fn begins_a_path(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || "_-.~}/".contains(c))
}

#[test]
fn absolute_paths_are_found_and_relative_ones_are_not() {
    let [root, work] = ["root", "work"].map(|folder| format!("/{folder}/"));
    let bad = [
        format!("cd {root}x"),
        format!("\"{work}x\""),
        format!("see `{work}`"),
        format!("A={root}"),
    ];
    for line in bad {
        assert_eq!(machine_paths(&format!("fine\n{line}\n")), [2], "{line}");
    }
    let good =
        [format!("target{work}x"), format!("$HOME{root}x"), format!("..{work}"), "/tmp/x".into()];
    for line in good {
        assert!(machine_paths(&line).is_empty(), "{line}");
    }
}
