//! Golden files under `tests/golden`, for tests of output; `STEADFIRE_BLESS=1` rewrites them.

/// Requires that `text` is what the file `name` holds.
#[track_caller]
pub(in crate::render) fn check(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "only whoever changes the output sets it")]
    let bless = std::env::var("STEADFIRE_BLESS").is_ok();
    if bless {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "{name} differs; STEADFIRE_BLESS=1 accepts it");
}
