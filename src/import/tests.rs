//! Whatever is imported loads as a profile, holds no secret and says what it left out.

use super::*;
use crate::load::auth::{Auth, TokenPlace};
use crate::load::body::Chunk;
use crate::profile::{self, Profile, Source};

/// The profile of a draft, with a value for every variable of the environment.
#[track_caller]
fn loaded(draft: &Draft) -> Profile {
    let text = yaml::write(draft);
    let environment = |name: &str| name.starts_with("LOAD_TEST_").then(|| "value".to_owned());
    let source = Source { name: "imported.yaml", text: &text };
    profile::load_with(source, &environment, &|_| Ok(Box::new(&b"a file"[..])))
        .unwrap_or_else(|mistakes| panic!("{mistakes}\n{text}"))
}

type Translate = fn(&str, &Choices) -> Result<Draft, ImportError>;

/// Weights and names of what was imported.
#[track_caller]
fn mix(translate: Translate, text: &str, choices: &Choices) -> Vec<(u32, String)> {
    let profile = loaded(&translate(text, choices).unwrap());
    profile.requests.into_iter().map(|request| (request.weight, request.name)).collect()
}

fn named(mix: &[(u32, &str)]) -> Vec<(u32, String)> {
    mix.iter().map(|(weight, name)| (*weight, (*name).to_owned())).collect()
}

const OPENAPI: &str = include_str!("../../tests/import/fastapi.json");

#[test]
fn a_fastapi_document_becomes_a_profile_that_logs_in_and_fills_pools() {
    let choices = Choices { host: Some("http://127.0.0.1:8000".into()), ..Choices::default() };
    let draft = openapi::translate_openapi(OPENAPI, &choices).unwrap();
    let text = yaml::write(&draft);
    assert_eq!(text, include_str!("../../tests/import/fastapi.yaml"), "{text}");
    let profile = loaded(&draft);
    assert!(profile.auth.is_some());
    assert_eq!(profile.pools.len(), 3);
}

#[test]
fn writes_are_sent_only_if_asked_for() {
    let sent = Choices { writes: Writes::Sent, ..Choices::default() };
    let weights = |choices: &Choices| -> Vec<u32> {
        mix(openapi::translate_openapi, OPENAPI, choices).into_iter().map(|(w, _)| w).collect()
    };
    assert!(weights(&Choices::default()).iter().all(|weight| *weight <= 1));
    assert!(weights(&sent).contains(&10) && weights(&sent).contains(&1));
}

const HAR: &str = r#"{"log": {"creator": {"name": "Firefox"}, "entries": [
  {"request": {"method": "POST", "url": "https://api.test/login", "headers": [],
    "postData": {"mimeType": "application/json", "text": "{\"email\":\"a@b.c\",\"password\":\"pw-s3cret\"}"}},
   "response": {"status": 200, "content": {"text": "{\"data\":{\"token\":\"t0ken-s3cret\"}}"}}},
  {"request": {"method": "GET", "url": "https://api.test/items?page=1",
    "headers": [{"name": "Authorization", "value": "Bearer t0ken-s3cret"}, {"name": "sec-ch-ua", "value": "x"},
                {"name": "Cookie", "value": "sid=c00kie-s3cret"}, {"name": "X-App", "value": "web"}]},
   "response": {"status": 200}},
  {"request": {"method": "GET", "url": "https://api.test/items?page=1",
    "headers": [{"name": "Authorization", "value": "Bearer t0ken-s3cret"}, {"name": "X-App", "value": "web"},
                {"name": "Cookie", "value": "sid=c00kie-s3cret"}]}, "response": {"status": 304}},
  {"request": {"method": "PUT", "url": "https://api.test/items/1", "headers": [{"name": "X-App", "value": "web"},
                {"name": "Cookie", "value": "sid=c00kie-s3cret"}],
    "postData": {"mimeType": "application/json", "text": "{\"a\":{\"b\":[1]},\"x\":\"{{ y }}\"}"}},
   "response": {"status": 200}},
  {"request": {"method": "GET", "url": "https://api.test/logo.png", "headers": []}, "response": {"status": 200}},
  {"request": {"method": "OPTIONS", "url": "https://api.test/items", "headers": []}, "response": {"status": 204}},
  {"request": {"method": "GET", "url": "wss://api.test/ws", "headers": []}, "response": {"status": 101}},
  {"request": {"method": "GET", "url": "https://cdn.test/a", "headers": []}, "response": {"status": 200}}
]}}"#;

#[test]
fn a_recording_becomes_a_mix_without_secrets_and_third_parties() {
    let draft = har::translate_har(HAR, &Choices::default()).unwrap();
    let text = yaml::write(&draft);
    assert!(!text.contains("s3cret") && !text.contains("a@b.c"), "{text}");
    for words in ["https://cdn.test", "static files", "preflight", "not HTTP"] {
        assert!(draft.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", draft.notes);
    }
    let profile = loaded(&draft);
    assert_eq!(profile.host.as_deref(), Some("https://api.test"));
    let Some(Auth::Issued(issuance)) = profile.auth else { panic!("a log-in") };
    assert_eq!(issuance.token, TokenPlace::Json("$.data.token".to_owned()));
    let mix = mix(har::translate_har, HAR, &Choices::default());
    assert_eq!(mix, named(&[(2, "GET /items?page=1"), (0, "PUT /items/1")]));
    let shared: Vec<&str> = draft.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(shared, ["Cookie", "X-App"]);
    let other = Choices { host: Some("https://cdn.test".into()), ..Choices::default() };
    assert_eq!(self::mix(har::translate_har, HAR, &other), named(&[(1, "GET /a")]));
}

const CURL: &str = r#"
curl 'http://127.0.0.1:8000/api/items?q=a%20b' -H 'Accept: application/json' -H 'User-Agent: x' \
  -b 'sid=c00kie-s3cret' --compressed --made-up
curl -sSXPUT http://127.0.0.1:8000/api/items/1 --json '{"name":"it'"'"'s"}' -u me:pw-s3cret;
curl -G http://127.0.0.1:8000/search -d q=x -d limit=5
curl http://127.0.0.1:8000/text --data-raw $'a\nb' -H 'Content-Type: text/plain'
curl -F 'file=@/home/me/x.png;type=image/png' -F api_key=k3y-s3cret http://127.0.0.1:8000/upload
curl http://elsewhere.test/
echo done
"#;

#[test]
fn curl_commands_become_requests() {
    let draft = curl::translate_curl(CURL, &Choices::default()).unwrap();
    let text = yaml::write(&draft);
    assert!(!text.contains("s3cret"), "{text}");
    for words in ["--made-up", "elsewhere.test", "'echo' is not curl", "--compressed"] {
        assert!(draft.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", draft.notes);
    }
    assert!(text.contains("path: ${LOAD_TEST_FILE_FILE}\n          name: x.png\n"), "{text}");
    let profile = loaded(&draft);
    let upload = profile.requests[4].body.as_ref().unwrap();
    assert!(
        upload.chunks.iter().any(|chunk| matches!(chunk, Chunk::Bytes(bytes) if bytes == "a file"))
    );
    let sent: Vec<String> = profile
        .requests
        .iter()
        .map(|r| {
            let body = r
                .body
                .as_ref()
                .and_then(|body| body.as_template()?.as_literal())
                .unwrap_or_default();
            format!("{} {} {body}", r.method, r.path.as_literal().unwrap())
        })
        .collect();
    assert_eq!(
        sent,
        [
            "GET /api/items?q=a%20b ",
            "PUT /api/items/1 {\"name\":\"it's\"}",
            "GET /search?q=x&limit=5 ",
            "POST /text a\nb",
            "POST /upload ",
        ]
    );
    assert!(profile.requests.iter().all(|request| request.weight == 1));
}

#[test]
fn headers_given_twice_to_curl_are_sent_twice() {
    let text = "curl http://h/a -H 'X-A: 1' -H 'x-a: 2' -b a=1 -b b=2 -A one -A two -u me:pw \\
        -H 'Authorization: Basic c3VyZQ=='
        curl http://h/b -H 'X-A: 1' -b a=1 -b b=2 -H 'Authorization: Basic c3VyZQ=='";
    let profile = loaded(&curl::translate_curl(text, &Choices::default()).unwrap());
    let values = |request: usize, name: &str| {
        let headers = profile.requests[request].headers.iter().filter(|(given, _)| given == name);
        headers.map(|(_, value)| value.as_literal().unwrap_or("…").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (values(0, "x-a"), values(1, "x-a")),
        (vec!["1".into(), "2".into()], vec!["1".into()])
    );
    assert_eq!(values(0, "cookie").len(), 1, "joined");
    assert_eq!(values(0, "authorization").len(), 1, "-H replaces -u");
}

const LOG: &str = r#"10.0.0.1 - - [25/Nov/2026:23:00:00 +0000] "GET /api/items/1?x=1 HTTP/1.1" 200 5 "-" "x"
10.0.0.1 - - [25/Nov/2026:23:00:01 +0000] "GET /api/items/2 HTTP/1.1" 200 5 "-" "x"
10.0.0.1 - - [25/Nov/2026:23:00:01 +0000] "GET /api/items/2 HTTP/1.1" 200 5 "-" "x"
10.0.0.1 - - [25/Nov/2026:23:00:02 +0000] "GET /static/app.js HTTP/1.1" 200 5 "-" "x"
10.0.0.1 - - [25/Nov/2026:23:00:03 +0000] "GET /wp-login.php HTTP/1.1" 404 5 "-" "x"
10.0.0.1 - - [25/Nov/2026:23:00:04 +0000] "POST /api/items HTTP/1.1" 201 5 "-" "x"
nonsense
"#;

#[test]
fn an_access_log_becomes_a_mix_with_its_rate() {
    let draft = access_log::translate_access_log(LOG, &Choices::default()).unwrap();
    assert_eq!(draft.flags.as_deref(), Some("-r 1.50/s -d 5m"));
    for words in ["1 lines hold no request", "line 7", "status 400", "1.50 requests/s", "static"] {
        assert!(draft.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", draft.notes);
    }
    let mix = mix(access_log::translate_access_log, LOG, &Choices::default());
    assert_eq!(mix, named(&[(3, "GET /api/items/2"), (0, "POST /api/items")]));
    let error = access_log::translate_access_log("a\nb\n", &Choices::default()).unwrap_err();
    assert_eq!(error.place, Some((1, None)));
}

const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Requests/s\n\
    GET,/api/items,300,0,5,30.0\n\
    GET,/api/items/[id],100,0,5,10.0\n\
    POST,/api/items,50,0,5,5.0\n\
    GET,\"list, all /api/all?page=1\",50,0,5,5.0\n\
    ,nothing,5,0,5,1\n\
    ,Aggregated,505,0,5,51.0\n";

#[test]
fn locusts_statistics_become_weights_and_a_rate() {
    let draft = locust_stats::translate_locust_stats(STATS, &Choices::default()).unwrap();
    assert_eq!(draft.flags.as_deref(), Some("-r 51.00/s -d 5m"));
    let mix = mix(locust_stats::translate_locust_stats, STATS, &Choices::default());
    assert_eq!(
        mix,
        named(&[
            (300, "GET /api/items"),
            (0, "GET /api/items/[id]"),
            (0, "POST /api/items"),
            (50, "list, all /api/all?page=1"),
            (0, "nothing"),
        ])
    );
}

#[test]
fn vegetas_targets_become_requests() {
    let http = "# two\nGET http://h:81/a\nX-Y: z\n\nPOST http://h:81/b\nContent-Type: application/json\n@body.json\n\nGET http://h:81/a\nX-Y: z\n";
    let json = "{\"method\":\"GET\",\"url\":\"http://h:81/a\",\"header\":{\"X-Y\":[\"z\"]}}\n\
                {\"method\":\"POST\",\"url\":\"http://h:81/b\",\"body\":\"e30=\"}\n\
                {\"method\":\"GET\",\"url\":\"http://h:81/a\",\"header\":{\"X-Y\":[\"z\"]}}\n";
    for text in [http, json] {
        let draft = vegeta::translate_vegeta(text, &Choices::default()).unwrap();
        assert_eq!(draft.host.as_deref(), Some("http://h:81"));
        let mix = mix(vegeta::translate_vegeta, text, &Choices::default());
        assert_eq!(mix, named(&[(2, "GET /a"), (1, "POST /b")]));
    }
    let error = vegeta::translate_vegeta("GET http://h/\n\nX: y\n", &Choices::default());
    assert_eq!(error.unwrap_err().place, Some((3, None)));
    let error = vegeta::translate_vegeta("{\"method\":\"GET\"}\n", &Choices::default());
    assert!(error.unwrap_err().to_string().contains("missing field `url`"));
}

const K6: &str = r#"{"scenarios": {
    "a": {"executor": "constant-arrival-rate", "rate": 600, "timeUnit": "1m", "duration": "5m", "preAllocatedVUs": 5, "maxVUs": 50}},
  "thresholds": {"http_req_duration": ["p(95)<200", {"threshold": "avg<100", "abortOnFail": true}],
                 "http_req_failed": ["rate<0.01"], "checks": ["rate>0.9"], "vus": ["value < 5"]},
  "insecureSkipTLSVerify": true}"#;

#[test]
fn k6s_options_become_flags_and_limits() {
    let draft = k6_options::translate_k6_options(K6, &Choices::default()).unwrap();
    assert_eq!(draft.flags.as_deref(), Some("-r 10/s -d 5m --max-in-flight 50"));
    let slo = loaded(&draft).slo.unwrap();
    let limits = "p95<200ms,mean<100ms,errors<1%,errors<10%";
    let limits: crate::load::slo::Slo = limits.parse().unwrap();
    for objective in &limits.objectives {
        assert!(slo.objectives.contains(objective), "{slo}");
    }
    for words in ["vus:value<5", "-k", "abortOnFail", "no requests"] {
        assert!(draft.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", draft.notes);
    }
    let ramp = r#"{"scenarios": {"r": {"executor": "ramping-arrival-rate", "startRate": 0, "timeUnit": "1s",
        "stages": [{"target": 50, "duration": "1m"}, {"target": 0, "duration": "10s"}]}}}"#;
    let draft = k6_options::translate_k6_options(ramp, &Choices::default()).unwrap();
    assert_eq!(draft.flags.as_deref(), Some(""));
    let stages = loaded(&draft).stages.unwrap();
    assert_eq!(stages.as_slice().len(), 20);
    assert_eq!(stages.to_string().split(',').next(), Some("2.5/s:6s"));
    // The area under both ramps.
    let requests: f64 = stages.as_slice().iter().map(|stage| stage.arrivals_mean()).sum();
    assert!((requests - 1750.0).abs() < 1e-6, "{requests}");
    assert!(draft.notes.iter().any(|note| note.contains("in steps")), "{:?}", draft.notes);
    let long = (1..=1500).map(|n| format!("{{\"target\": {n}, \"duration\": \"9s\"}}"));
    let long = long.collect::<Vec<_>>().join(",");
    let ramp = format!(
        "{{\"scenarios\": {{\"r\": {{\"executor\": \"ramping-arrival-rate\", \"stages\": [{long}]}}}}}}"
    );
    let draft = k6_options::translate_k6_options(&ramp, &Choices::default()).unwrap();
    assert_eq!(loaded(&draft).stages.unwrap().as_slice().len(), 1000);
}

/// A document with one way to prove who asks, and an upload.
fn guarded(scheme: &str) -> String {
    format!(
        r#"{{"openapi": "3.1.0", "paths": {{
  "/a": {{"get": {{"security": [{{"s": []}}], "responses": {{"200": {{}}}}}}}},
  "/up": {{"post": {{"security": [{{"s": []}}], "responses": {{"201": {{}}}}, "requestBody": {{"content":
    {{"multipart/form-data": {{"schema": {{"type": "object", "required": ["title", "file"], "properties": {{
      "title": {{"type": "string", "example": "a cat"}},
      "file": {{"type": "string", "contentMediaType": "application/octet-stream"}}}}}}}}}}}}}}}}}},
  "components": {{"securitySchemes": {{"s": {scheme}}}}}}}"#
    )
}

#[test]
fn security_schemes_become_auth() {
    let table = [
        (
            r#"{"type": "http", "scheme": "basic"}"#,
            "basic:\n    user: ${LOAD_TEST_USERNAME}\n    password: ${LOAD_TEST_PASSWORD}",
        ),
        (
            r#"{"type": "apiKey", "in": "header", "name": "X-Key"}"#,
            "api_key:\n    header: X-Key\n    value: ${LOAD_TEST_API_KEY}",
        ),
        (
            r#"{"type": "apiKey", "in": "query", "name": "key"}"#,
            "api_key:\n    query: key\n    value: ${LOAD_TEST_API_KEY}",
        ),
        (
            r#"{"type": "apiKey", "in": "cookie", "name": "sid"}"#,
            "api_key:\n    cookie: sid\n    value: ${LOAD_TEST_API_KEY}",
        ),
    ];
    for (scheme, auth) in table {
        let draft = openapi::translate_openapi(&guarded(scheme), &Choices::default()).unwrap();
        let text = yaml::write(&draft);
        assert!(text.contains(&format!("\nauth:\n  {auth}\n")), "{scheme}: {text}");
        assert!(matches!(loaded(&draft).auth, Some(Auth::Given(_))), "{scheme}");
    }
    let odd = r#"{"type": "apiKey", "in": "cookie", "name": "a=b"}"#;
    let draft = openapi::translate_openapi(&guarded(odd), &Choices::default()).unwrap();
    assert!(draft.auth.is_none() && draft.notes.iter().any(|note| note.contains("'a=b'")));
}

#[test]
fn an_upload_needs_its_file_only_where_it_is_sent() {
    let document = guarded(r#"{"type": "http", "scheme": "basic"}"#);
    let listed = openapi::translate_openapi(&document, &Choices::default()).unwrap();
    let text = yaml::write(&listed);
    assert!(text.contains("write files: {file: PATH} under `multipart`"), "{text}");
    assert!(!listed.environment().contains("LOAD_TEST_FILE_FILE"));
    let writes = Choices { writes: Writes::Sent, ..Choices::default() };
    let sent = openapi::translate_openapi(&document, &writes).unwrap();
    assert!(sent.environment().contains("LOAD_TEST_FILE_FILE"));
    let upload = loaded(&sent).requests.remove(1).body.unwrap();
    assert!(upload.templates().any(|text| text.as_literal() == Some("a cat")), "{upload:?}");
}

#[test]
fn bad_input_gets_cause_and_remedy() {
    let table: [(Translate, &str, &str, &str); 12] = [
        (openapi::translate_openapi, "{\"a\":}", "line 1, column 6", "/openapi.json"),
        (openapi::translate_openapi, "{\"swagger\":\"2.0\"}", "Swagger 2", "convert"),
        (openapi::translate_openapi, "{\"openapi\":\"3.1.0\"}", "no `paths`", "/openapi.json"),
        (
            openapi::translate_openapi,
            "{\"openapi\":\"3.1.0\",\"paths\":{}}",
            "no request",
            "look at",
        ),
        (openapi::translate_openapi, "", "no key `openapi`", "/openapi.json"),
        (har::translate_har, "{\"a\":1}", "not a browser recording", "Save all as HAR"),
        (har::translate_har, "nonsense", "not JSON", "Save all as HAR"),
        (curl::translate_curl, "wget http://h/", "no curl command", "curl 'https"),
        (curl::translate_curl, "curl -X GET", "line 1", "write the URL"),
        (locust_stats::translate_locust_stats, "a,b\n1,2\n", "column 'Type'", "_stats.csv"),
        (k6_options::translate_k6_options, "export const options = {}", "not JSON", "k6 inspect"),
        (access_log::translate_access_log, "", "empty", "combined"),
    ];
    for (translate, text, cause, remedy) in table {
        let error = translate(text, &Choices::default()).unwrap_err().to_string();
        assert!(error.contains(cause) && error.contains(remedy), "{text}: {error}");
    }
}

mod any_input {
    use proptest::prelude::*;

    use super::*;

    const TRANSLATORS: [Translate; 7] = [
        openapi::translate_openapi,
        har::translate_har,
        curl::translate_curl,
        access_log::translate_access_log,
        locust_stats::translate_locust_stats,
        vegeta::translate_vegeta,
        k6_options::translate_k6_options,
    ];
    const SAMPLES: [&str; 6] = [OPENAPI, HAR, CURL, LOG, STATS, K6];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// What is translated loads; everything else is refused.
        #[test]
        fn loads_or_is_refused(
            sample in 0..SAMPLES.len(),
            at in 0_usize..8000,
            length in 0_usize..60,
            insert in "[{}\\[\\]:,&*!|>'\"%@#$ü\t\n\\\\a-z0-9-]{0,8}",
        ) {
            let mut text = SAMPLES[sample].to_owned();
            let start = text.floor_char_boundary(at % text.len());
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &insert);
            for translate in TRANSLATORS {
                if let Ok(draft) = translate(&text, &Choices::default()) {
                    loaded(&draft);
                }
            }
        }
    }
}
