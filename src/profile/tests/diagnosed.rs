//! What is refused, in which words and at which place.

use super::*;

#[test]
fn a_slip_in_a_key_is_shown_with_its_remedy() {
    let shown = refused("requests:\n  - path: /a\n    wieght: 5\n").to_string();
    assert_eq!(
        shown,
        "error: unknown key `wieght` of a request
 --> test.yaml:3:5
  |
3 |     wieght: 5
  |     ^^^^^^
  = help: did you mean `weight`?"
    );
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once() {
    let text = r#"
nmae: x
feeders: []
timeout: 5s
auth: {login: {path: /l, json: {p: "${A_SECRET}"}}, token: "access_token"}
setup:
  - path: /s/{{ pick(ids) }}
    pools: {ids: "$.x[", "a-b": $.x}
requests:
  - name: a
    weight: -1
    path: /a/{{ pick(idz) }}/${A_SECRET}/${B_SECRET}
  - name: a
    weight: 1.5
    path: items
    method: get
    expect: {status: 99, json: {}}
  - path: /b/{{ randint(3, 1) }}/{{ sloot }}/{{ uuid }}/{{ ids }}
    headers: {"bad name": x, Host: y, X: [[1]]}
    json: {}
    body: x
    on_empty: redistibute
slo: {limit: "p95<fast", excellent: "p95<1s"}
arrivals: [poisson]
"#;
    assert_eq!(
        messages(text),
        [
            "2:1 unknown key `nmae` of a profile",
            "3:10 `feeders` must be a mapping of keys to values, found a list",
            "4:1 unknown key `timeout` of a profile",
            "5:37 the environment variable `A_SECRET` is not set",
            "5:60 `token` must be a JSONPath (RFC 9535)",
            "7:14 log-in and set-up requests can't pick from a pool",
            "8:18 the pool `ids` must be a JSONPath (RFC 9535)",
            "8:26 `a-b` can't be the name of a pool",
            "11:13 `weight` must be a whole number from 0 to 1000000",
            "12:14 unknown pool `idz`",
            "12:42 the environment variable `B_SECRET` is not set",
            "13:11 two requests are named `a`",
            "14:13 `weight` must be a whole number from 0 to 1000000",
            "15:11 `path` must begin with a single /",
            "16:13 HTTP methods are in capitals, `get` is another method",
            "17:22 a status must be a whole number from 100 to 599",
            "18:14 randint(3, 1) has its ends the wrong way round",
            "18:34 unknown variable `sloot`",
            "18:46 unknown variable `uuid`",
            "18:57 unknown variable `ids`",
            "19:15 `bad name` is not the name of a header",
            "19:30 the header `host` is set by the connection itself",
            "19:43 the header `X` must be text, found a list",
            "21:11 a request has one body, not json and body",
            "22:15 `on_empty` must be one of: fail, redistribute",
            "23:6 one of the two tiers is missing",
            "23:15 'p95<fast' is not an objective; write for example p95<1000ms, mean<200ms, \
             errors<5% or rps>20",
            "24:11 `arrivals` must be text, found a list",
        ]
    );
}

/// Profiles with one mistake each: its place and cause, and a part of its remedy.
fn check(table: &[(&str, &str, &str)]) {
    for (text, message, remedy) in table {
        assert_eq!(messages(text), [*message], "{text}");
        let hint = refused(text).mistakes[0].hint.clone().unwrap_or_default();
        assert!(hint.contains(remedy), "{text}: {hint}");
    }
}

#[test]
fn structure_and_values() {
    check(&[
        ("", "1:1 the profile is empty", "begin with"),
        ("[]", "1:1 a profile must be a mapping of keys to values, found a list", ""),
        ("name: x", "1:1 the profile has no `requests`", "add a list"),
        ("requests: []", "1:11 `requests` is empty", "add a list"),
        ("requests: {path: /}", "1:11 `requests` must be a list, found a mapping", ""),
        ("requests: [{name: x}]", "1:12 a request needs a `path`", "path: /api/items"),
        ("requests: [{path: /, weight: 0}]", "1:11 every weight is zero", "above 0"),
        (
            "requests: [{path: /, weight: many}]",
            "1:30 `weight` must be a whole number from 0 to 1000000, found text",
            "",
        ),
        (
            "requests: [{path: /a, weight: 1000000}, {path: /b, weight: 1}]",
            "1:11 the weights add up to 1000001 after reduction, more than 1000000",
            "smaller whole numbers",
        ),
        ("requests: [{path: /, path: /}]", "1:22 the key `path` stands here twice", ""),
        (
            "requests: [{path: /, query: {a: {b: c}}}]",
            "1:33 `a` in `query` must be text, found a mapping",
            "",
        ),
    ]);
}

#[test]
fn templates_and_what_they_refer_to() {
    check(&[
        (
            "requests:\n- path: {{ pick(x) }}\n",
            "2:10 a key must be text",
            "put quotes around a value that begins with `{{`",
        ),
        ("requests: [{path: '/{{ rand(1) }}'}]", "1:21 unknown function `rand`", "pick(pool)"),
        (
            "requests: [{path: '/{{ pikc(x) }}'}]",
            "1:21 unknown function `pikc`",
            "did you mean pick(pool)?",
        ),
        ("requests: [{path: '/{{ slot'}]", "1:21 `{{` without its `}}`", "close"),
        ("requests: [{path: '/${A'}]", "1:21 `${` without its `}`", "${NAME}"),
        (
            "requests: [{path: '/${A B}'}]",
            "1:21 `A B` is not the name of an environment variable",
            "${NAME}",
        ),
        (
            "requests: [{path: '/{{ token }}'}]",
            "1:21 there is no `token` without a log-in",
            "add `auth`",
        ),
        (
            "requests: [{path: '/items/{id}'}]",
            "1:19 `path` holds a character that URLs can't",
            "{{ pick(pool) }}",
        ),
        ("requests: [{path: 'http://x/a'}]", "1:19 `path` must begin with a single /", "--host"),
        (
            "requests: [{path: /, body: {a: 1}}]",
            "1:28 `body` must be text, found a mapping",
            "`json`",
        ),
        (
            "requests: [{path: /, headers: {X: '${BREAK}'}}]",
            "1:35 a header's value can't hold line breaks or other control characters",
            "",
        ),
        (
            "variables: {a: '{{ slot }}', b: x}\nrequests: [{path: '/{{ a }}'}]",
            "1:17 `{{ slot }}` is not possible here",
            "${NAME}",
        ),
        (
            "variables: {token: x}\nrequests: [{path: /}]",
            "1:13 `token` can't be the name of a variable",
            "",
        ),
        (
            "host: 'a b'\nrequests: [{path: /}]",
            "1:7 `host` is not the address of a server",
            "http://",
        ),
        (
            "auth: {login: {path: /l}, token: $.t, header: 'X: y'}\nrequests: [{path: /}]",
            "1:47 `header` does not hold {{ token }}",
            "Bearer",
        ),
        (
            "auth: {login: {path: '/{{ token }}'}, token: $.t}\nrequests: [{path: /}]",
            "1:24 the log-in request can't use `token`",
            "log-in has succeeded",
        ),
    ]);
}

#[test]
fn expressions_and_arguments() {
    check(&[
        ("requests: [{path: '/{{ a + b }}'}]", "1:24 unknown variable `a`", "under `variables`"),
        (
            "requests: [{path: '/{{ slot + }}'}]",
            "1:29 `slot +` is not a template: syntax error: unexpected end of input, expected \
             expression",
            "{{ slot % 10 }}",
        ),
        (
            "requests: [{path: '/{{ slot | shout }}'}]",
            "1:31 `slot | shout` is not a template: unknown filter: filter shout is unknown",
            "Jinja",
        ),
        (
            "requests: [{path: '/{{ randint(1) }}'}]",
            "1:21 wrong arguments for `randint`",
            "randint(1, 3)",
        ),
        (
            "requests: [{path: '/{{ choice({\"a\": -1}) }}'}]",
            "1:21 wrong arguments for `choice`",
            "with weights",
        ),
        (
            "requests: [{path: '/{{ timestamp(\"day\") }}'}]",
            "1:21 wrong arguments for `timestamp`",
            "timestamp(\"iso\")",
        ),
        (
            "setup: [{path: '/{{ timestamp() }}'}]\nrequests: [{path: /}]",
            "1:18 log-in and set-up requests have no due instant, so no timestamp()",
            "environment",
        ),
    ]);
}

#[test]
fn syntax() {
    check(&[
        ("requests: [\n", "1:11 unclosed bracket '['", ""),
        ("a: b: c\n", "1:5 mapping values are not allowed in this context", "put quotes"),
        ("a:\n\t- b\n", "2:2 tabs disallowed within this context (block indentation)", "spaces"),
        (
            "a: 1\n---\nb: 1\n",
            "3:1 only single YAML document expected but multiple found",
            "second `---`",
        ),
    ]);
}

#[test]
fn missing_variables_are_all_named_once() {
    let text = "requests:\n- path: /\n  headers: {A: '${ONE}', B: '${TWO} ${ONE}'}\n";
    let diagnostics =
        load(Source { name: "p", text }, NO_ENVIRONMENT).expect_err("two are missing");
    let list: Vec<&str> = diagnostics.mistakes.iter().map(|m| m.message.as_str()).collect();
    assert_eq!(
        list,
        ["the environment variable `ONE` is not set", "the environment variable `TWO` is not set"]
    );
    assert_eq!(
        diagnostics.mistakes[1].hint.as_deref(),
        Some("export TWO=…, name a file that holds it with --env-file, or write ${TWO:-default}")
    );
}

#[test]
fn values_from_the_environment_are_never_shown() {
    let text = "host: 'a b${LOAD_TEST_PASSWORD}'\nrequests:\n\
                - path: x${LOAD_TEST_PASSWORD}\n  headers: {X: '${BREAK}'}\n  wieght: 1\n\
                - name: ${BREAK}\n  method: ${BREAK}\n  path: ${BREAK}\n";
    let shown = refused(text).to_string();
    assert!(shown.contains("${LOAD_TEST_PASSWORD}") && shown.contains("${BREAK}"));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn oversized_profiles_are_refused_unread() {
    let text = "#".repeat(TEXT_BYTES_MAX + 1);
    assert_eq!(messages(&text), ["1:1 the profile is larger than 1048576 bytes"]);
    let many = format!("requests:\n{}", "- path: /\n".repeat(REQUESTS_MAX + 1));
    assert_eq!(messages(&many), ["2:3 more than 10000 requests"]);
    let pools: Vec<String> = (0..=POOLS_MAX).map(|at| format!("      p{at}: $.x\n")).collect();
    let pools = pools.concat();
    let text = format!("setup:\n  - path: /\n    pools:\n{pools}requests: [{{path: /}}]\n");
    assert_eq!(messages(&text), ["1004:7 more than 1000 pools"]);
}
