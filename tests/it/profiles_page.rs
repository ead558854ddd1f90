//! `docs/profiles.md` is true: each of its examples loads, and each key of the format stands in one.
//!
//! A block that names a file behind its kind (`csv users.csv`) is that file for the examples.

use std::collections::BTreeSet;
use std::io::Cursor;

use steadfire::profile::{Outside, Source, json_schema, load_with};

const PAGE: &str = include_str!("../../docs/profiles.md");

/// A fenced block of the page.
struct Block {
    /// What stands behind the fence's backquotes: `yaml`.
    info: String,
    /// Of the page, counted from 1.
    line: usize,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, number) in page.lines().zip(1..) {
        match (open.take(), line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), line: number, text: String::new() });
            }
            (Some(block), Some(_)) => blocks.push(block),
            (Some(mut block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of the page is not closed");
    blocks
}

/// The examples: whole profiles, and parts of one made whole.
fn examples() -> Vec<(usize, String)> {
    let whole = |text: &str| {
        ["requests:", "flows:"].iter().any(|key| text.lines().any(|line| line.starts_with(key)))
    };
    let yaml = blocks(PAGE).into_iter().filter(|block| block.info == "yaml");
    yaml.map(|block| {
        let rest = if whole(&block.text) { "" } else { "requests: [{path: /}]\n" };
        (block.line, block.text + rest)
    })
    .collect()
}

/// What examples name: a file is the block of its name, a program prints the block of its first file.
fn content(outside: &Outside<'_>) -> Result<Vec<u8>, String> {
    let names = |block: &Block, name: &str| block.info.split(' ').nth(1) == Some(name);
    let all = blocks(PAGE);
    let of =
        |name: &str| all.iter().find(|block| names(block, name)).map(|block| block.text.clone());
    let found = match outside {
        Outside::File(path) => of(path),
        Outside::Process(process) => process.command.iter().find_map(|word| of(word)),
    };
    found.map(String::into_bytes).ok_or_else(|| "the page shows no such file".to_owned())
}

#[test]
fn every_example_loads() {
    let environment = |_: &str| Some("value".to_owned());
    let inputs = |outside: &Outside<'_>| -> Result<Box<dyn std::io::Read>, String> {
        Ok(Box::new(Cursor::new(content(outside)?)))
    };
    let complaints: Vec<String> = examples()
        .into_iter()
        .filter_map(|(line, text)| {
            let name = format!("docs/profiles.md, the example of line {line}");
            load_with(Source { name: &name, text: &text }, &environment, &inputs).err()
        })
        .map(|mistakes| mistakes.to_string())
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_key_of_the_format_stands_in_an_example() {
    let mut keys = BTreeSet::new();
    collect_keys(&json_schema(), &mut keys);
    let examples: String = examples().into_iter().map(|(_, text)| text).collect();
    let shown = |key: &String| {
        examples.match_indices(&format!("{key}:")).any(|(at, _)| {
            examples[..at].chars().next_back().is_none_or(|before| " {\n".contains(before))
        })
    };
    let missing: Vec<&String> = keys.iter().filter(|key| !shown(key)).collect();
    assert!(missing.is_empty(), "docs/profiles.md shows no example of: {missing:?}");
}

/// The names under every `properties` of a schema.
fn collect_keys(schema: &serde_json::Value, keys: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(entries) => {
            for (name, value) in entries {
                if let ("properties", serde_json::Value::Object(properties)) =
                    (name.as_str(), value)
                {
                    keys.extend(properties.keys().cloned());
                }
                collect_keys(value, keys);
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}
