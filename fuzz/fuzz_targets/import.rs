//! Any text is refused by an importer, or translated to a profile that loads. The first byte chooses which.

#![no_main]

use libfuzzer_sys::fuzz_target;
use steadfire::import::{
    Choices, access_log, curl, har, k6_options, locust_stats, openapi, vegeta, yaml,
};
use steadfire::profile::{self, Source};

fuzz_target!(|input: (u8, &str)| {
    let (choice, text) = input;
    let translators = [
        openapi::translate_openapi,
        har::translate_har,
        curl::translate_curl,
        access_log::translate_access_log,
        locust_stats::translate_locust_stats,
        vegeta::translate_vegeta,
        k6_options::translate_k6_options,
    ];
    let translate = translators[usize::from(choice) % translators.len()];
    let Ok(draft) = translate(text, &Choices::default()) else { return };
    let written = yaml::write(&draft);
    let environment = |name: &str| name.starts_with("LOAD_TEST_").then(|| "value".to_owned());
    let source = Source { name: "p.yaml", text: &written };
    let loaded = profile::load_with(source, &environment, &|_| Ok(Box::new(&b"a file"[..])));
    if let Err(mistakes) = loaded {
        panic!("{mistakes}\n{written}");
    }
});
