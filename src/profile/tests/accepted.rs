//! What loads, and what it becomes.

use super::*;
use crate::load::expect::Test;
use crate::load::slo::Goals;

#[test]
fn one_path_is_a_profile() {
    let profile = loaded("requests:\n  - path: /health\n");
    let request = &profile.requests[0];
    assert_eq!(profile.name, "test");
    assert_eq!(profile.sha256.len(), 64);
    assert_eq!((request.name.as_str(), request.weight), ("GET /health", 1));
    assert_eq!((&request.method, rendered(&request.path)), (&http::Method::GET, "/health".into()));
    assert!(request.headers.is_empty() && request.body.is_none());
}

#[test]
fn json_is_read_too() {
    let profile = loaded(r#"{"name": "j", "requests": [{"path": "/a", "weight": 3}]}"#);
    assert_eq!((profile.name.as_str(), profile.requests[0].weight), ("j", 3));
}

#[test]
fn holes_are_escaped_for_their_place() {
    let profile = loaded(
        r#"
variables: {who: "a&b \"c\""}
setup:
  - path: /items
    pools: {ids: "$[*]"}
requests:
  - name: everywhere
    path: /x/{{ pick(ids) }}/{{ who }}?raw=1
    query: {who: "{{ who }}", id: "{{ pick(ids) }}", plain: "a b", on: True, off: null, n: [1, 2.50]}
    headers: {X-Who: "{{ who }} {{ slot }}"}
    json: {who: "{{ who }}", id: "{{ pick(ids) }}", "k\"": [1.50, null, true, "ü\n"]}
  - name: form
    path: /f
    form: {a: "{{ pick(ids) }}", b: "x y"}
  - name: text
    path: /t
    body: '{"id": {{ randint(5, 5) }}, "raw": {{ pick(ids) }}}'
"#,
    );
    let [everywhere, form, text] = &profile.requests[..] else { panic!("three requests") };
    assert_eq!(
        rendered(&everywhere.path),
        "/x/a%2Fb%20%22c%22/a%26b%20%22c%22?raw=1&who=a%26b%20%22c%22&id=a%2Fb%20%22c%22\
         &plain=a%20b&on=True&n=1&n=2.50"
    );
    assert_eq!(header(everywhere, "x-who").unwrap(), "a&b \"c\" 7");
    assert_eq!(
        body(everywhere),
        r#"{"who":"a&b \"c\"","id":"a/b \"c\"","k\"":[1.50,null,true,"ü\n"]}"#
    );
    assert_eq!(header(everywhere, "content-type").unwrap(), "application/json");
    assert_eq!(everywhere.method, http::Method::POST);
    assert_eq!(body(form), "a=a%2Fb%20%22c%22&b=x%20y");
    assert_eq!(header(form, "content-type").unwrap(), "application/x-www-form-urlencoded");
    assert_eq!(body(text), r#"{"id": 5, "raw": a/b "c"}"#);
    assert_eq!(header(text, "content-type"), None);
}

#[test]
fn adjacent_literals_are_one_segment() {
    let profile = loaded("requests:\n- path: ${PREFIX}/a/{{ slot }}/b\n  query: {c: d}\n");
    let literal = |text: &str| Segment::Literal(text.into());
    let expected = [literal("/v2/a/"), Segment::SlotIndex, literal("/b?c=d")];
    assert_eq!(profile.requests[0].path.segments, expected);
}

#[test]
fn the_environment_stands_in_place_and_is_never_read_for_templates() {
    let profile = loaded(
        "variables: {a: \"${LOAD_TEST_PASSWORD}\", b: '${UNSET:-x}${EMPTY:-y}${EMPTY}'}\n\
         host: http://${UNSET:-localhost}:8001\n\
         requests:\n- path: /\n  json: {p: '${LOAD_TEST_PASSWORD}', e: '$${HOME} {{ b }} $5'}\n",
    );
    assert_eq!(profile.host.as_deref(), Some("http://localhost:8001"));
    assert_eq!(body(&profile.requests[0]), r#"{"p":"s3cret \"{{ slot }}\"","e":"${HOME} xy $5"}"#);
}

#[test]
fn plain_scalars_stay_the_text_they_are() {
    let profile = loaded(
        "requests:\n- path: /a\n  query: {a: no, b: 017, c: 08, d: 1_000, e: 1e3, f: 12.50}\n  \
         json: [no, 017, 08, 1_000, 12.50, 184467440737095516160, 1e3, true]\n",
    );
    let request = &profile.requests[0];
    assert_eq!(rendered(&request.path), "/a?a=no&b=017&c=08&d=1_000&e=1e3&f=12.50");
    let sent = r#"["no","017","08","1_000",12.50,184467440737095516160,1e3,true]"#;
    assert_eq!(body(request), sent);
}

#[test]
fn a_thousand_requests_may_share_an_anchor() {
    let shared = "X-A: 1, X-B: 2, X-C: 3, X-D: 4, X-E: 5, X-F: 6, X-G: 7, X-H: 8";
    let others = (1..1_000).map(|number| format!("- {{path: /{number}, headers: *all}}\n"));
    let first = format!("requests:\n- path: /first\n  headers: &all {{{shared}}}\n");
    let profile = loaded(&[first].into_iter().chain(others).collect::<String>());
    assert!(profile.requests.iter().all(|request| request.headers.len() == 8));

    let levels = [("x", "a"), ("*a", "b"), ("*b", "c"), ("*c", "d"), ("*d", "e"), ("*e", "f")];
    let levels = levels.map(|(item, name)| format!("  - &{name} [{}]\n", [item; 10].join(", ")));
    let bomb = format!("requests:\n- path: /\n  json:\n{}", levels.concat());
    let mistakes = refused(&bomb).mistakes;
    assert!(mistakes[0].message.contains("aliases repeat"), "{}", mistakes[0].message);
    assert!(mistakes[0].hint.as_deref().is_some_and(|hint| hint.contains("&name")));
}

#[test]
fn a_path_may_be_one_value_whole() {
    let profile = loaded(
        "variables: {start: '/a?b=c d'}\nrequests:\n- {name: x, path: '{{ start }}'}\n- {name: y, path: \
         '{{ pick(links) }}'}\nsetup: [{path: /, pools: {links: '$.links[*]'}}]\n",
    );
    let paths: Vec<String> = profile.requests.iter().map(|one| rendered(&one.path)).collect();
    assert_eq!(paths, ["/a?b=c d", "a/b \"c\""], "it is resolved and encoded when it is sent");
    assert!(profile.requests.iter().all(|request| request.path.escape == Escape::Link));
    let refused = messages("variables: {a: /x}\nrequests: [{path: '{{ a }}', query: {b: 1}}]");
    assert_eq!(refused, ["2:19 a `path` that is one value has its query in it"]);
    let refused = messages("variables: {a: /x}\nrequests: [{path: '{{ a }}/{{ slot }}'}]");
    assert_eq!(refused, ["2:19 `path` must begin with a single /"]);
}

#[test]
fn a_list_repeats_a_header_and_joins_cookies() {
    let profile = loaded(
        "headers: {X-Shared: [a, b], X-A: shared, Cookie: [s=1, t=2]}\nrequests:\n- path: /a\n  \
         headers: {X-A: [1, 2.50, '{{ slot }}']}\n",
    );
    let lines = |request: &RequestTemplate| {
        let lines =
            request.headers.iter().map(|(name, value)| format!("{name}: {}", rendered(value)));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&profile.requests[0]),
        ["x-a: 1", "x-a: 2.50", "x-a: 7", "x-shared: a", "x-shared: b", "cookie: s=1; t=2"]
    );
    let twice = messages("requests: [{path: /, headers: {X-A: 1, x-a: 2}}]");
    assert_eq!(twice, ["1:40 the header `x-a` stands here twice"]);
}

#[test]
fn the_token_goes_to_all_but_the_login_and_those_that_say_otherwise() {
    let profile = loaded(
        r"
headers: {Accept: application/json}
auth:
  login: {path: /login, form: {u: x}}
  token: $.t
setup:
  - path: /s
requests:
  - path: /a
  - path: /b
    headers: {authorization: none, ACCEPT: text/html}
",
    );
    let Some(Auth::Issued(login)) = profile.auth else { panic!("a log-in") };
    assert_eq!(login.token, TokenPlace::Json("$.t".into()));
    let names: Vec<&str> = login.log_ins[0].headers.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["accept", "content-type"]);
    let setup: Vec<&str> = profile.setup[0].headers.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(setup, ["accept", "authorization"]);
    let [a, b] = &profile.requests[..] else { panic!("two requests") };
    assert_eq!(header(a, "authorization").unwrap(), "Bearer t0ken");
    assert_eq!(header(b, "authorization").unwrap(), "none");
    assert_eq!((b.headers.len(), header(b, "accept").unwrap()), (2, "text/html".into()));
}

#[test]
fn objectives_and_arrivals_are_read() {
    let profile = loaded("slo: p95<200ms\narrivals: poisson\nrequests: [{path: /}]\n");
    assert_eq!(profile.slo, Some("p95<200ms".parse().unwrap()));
    assert_eq!((profile.tiers, profile.arrivals), (None, Some(Arrivals::Poisson)));
    let tiers = "slo: {excellent: 'p95<1s', acceptable: 'p95<2s'}\nrequests: [{path: /}]\n";
    assert_eq!(loaded(tiers).tiers.unwrap().acceptable, "p95<2s".parse().unwrap());
}

#[test]
fn requests_and_steps_have_goals_of_their_own() {
    let profile = loaded(
        "requests:\n- {path: /a, slo: 'p99<2s'}\n\
         - {path: /b, slo: {excellent: 'p95<1s', acceptable: 'p95<2s'}}\n- {path: /c}\n\
         flows:\n- {name: f, steps: [{path: /d}, {path: /e, slo: 'errors<1%'}]}\n",
    );
    let goals = |place: usize| &profile.requests[place].goals;
    assert_eq!((&goals(0).limit, &goals(0).tiers), (&Some("p99<2s".parse().unwrap()), &None));
    assert_eq!(goals(1).tiers.as_ref().unwrap().excellent, "p95<1s".parse().unwrap());
    assert_eq!(goals(2), &Goals::default());
    let steps: Vec<_> = profile.flows.list.iter().flat_map(|flow| &flow.steps).collect();
    assert_eq!(steps[1].request.goals.limit, Some("errors<1%".parse().unwrap()));
    assert_eq!(steps[0].request.goals, Goals::default());
}

#[test]
fn anchors_and_merges_spare_repetition() {
    let profile = loaded(
        "requests:\n- &base\n  name: a\n  path: /a\n  expect: {status: [200, 404], max_bytes: 9}\n\
         - <<: *base\n  name: b\n",
    );
    let expect = &profile.requests[1].expect;
    assert_eq!(expect.statuses, [200..=200, 404..=404]);
    assert_eq!(expect.checks[0].test, Test::MaxBytes(9));
}

#[test]
fn debug_shows_no_values() {
    let profile = loaded(builtin("chat-center").unwrap());
    assert!(!format!("{profile:?}").contains("s3cret"), "{profile:?}");
}
