//! What is done with answers, and flows.

use std::time::Duration;

use super::*;
use crate::load::cookies::Cookies;
use crate::load::expect::{JsonTest, JsonType, Test, TextTest};
use crate::load::extract::{Selector, Target};
use crate::load::flow::{OnFailure, RateCounts, Think};
use crate::load::json_path::JsonPath;

#[test]
fn checks_have_names_without_values() {
    let profile = loaded(
        r#"
requests:
  - path: /
    redirects: 3
    expect:
      status: [201, 2xx, 300-304]
      min_bytes: 2
      max_bytes: 9
      contains: [a, "${LOAD_TEST_PASSWORD}"]
      header:
        Content-Type: {contains: json, exists: true}
        x-a: "${LOAD_TEST_PASSWORD}"
        x-b: {exists: false}
      json:
        $.total: 3
        $.items: {type: array, exists: true}
        $.name: "${LOAD_TEST_PASSWORD}"
        $.none: null
        $.list: [1, {a: b}]
        $.gone: {exists: false}
        $.same: {equals: {a: 1}}
"#,
    );
    let expect = &profile.requests[0].expect;
    assert_eq!(expect.statuses, [201..=201, 200..=299, 300..=304]);
    assert_eq!(expect.redirects, 3);
    let names: Vec<&str> = expect.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "max_bytes",
            "min_bytes",
            "contains 1",
            "contains 2",
            "header content-type: exists",
            "header content-type: contains",
            "header x-a: equals",
            "header x-b: absent",
            "json $.total: equals",
            "json $.items: exists",
            "json $.items: type",
            "json $.name: equals",
            "json $.none: equals",
            "json $.list: equals",
            "json $.gone: absent",
            "json $.same: equals",
        ]
    );
    let test = |place: usize| expect.checks[place].test.clone();
    let json = |path: &str, test| Test::Json(JsonPath::parse(path).unwrap(), test);
    assert_eq!(test(3), Test::Contains("s3cret \"{{ slot }}\"".into()));
    assert_eq!(test(7), Test::Header("x-b".parse().unwrap(), TextTest::Absent));
    assert_eq!(test(8), json("$.total", JsonTest::Equals(3.into())));
    assert_eq!(test(10), json("$.items", JsonTest::Is(JsonType::Array)));
    assert_eq!(test(12), json("$.none", JsonTest::Equals(serde_json::Value::Null)));
}

#[test]
fn pools_may_be_filled_by_answers() {
    let profile = loaded(
        r#"
setup:
  - path: /s
    pools: {ids: "$[*]"}
requests:
  - path: /a/{{ pick(ids) }}/{{ pick(fresh) }}
  - path: /b
    extract:
      ids: $.items[*].id
      fresh: {header: x-id, keep: 5}
  - path: /c
    extract: {fresh: {regex: 'id=(\d+)', keep: 20}, next: /page/next}
"#,
    );
    let segments = &profile.requests[0].path.segments;
    assert_eq!(segments[1], Segment::PickGathered(0), "the set-up's pool is where it begins");
    assert_eq!(segments[3], Segment::PickGathered(1));
    let gathered = &profile.flows.gathered;
    let pools: Vec<_> = gathered.iter().map(|p| (p.name.as_str(), p.keep, p.start)).collect();
    assert_eq!(pools, [("ids", 1000, Some(0)), ("fresh", 20, None), ("next", 1000, None)]);
    let extract = &profile.requests[1].expect.extract;
    assert_eq!(extract[1].source, Selector::Header("x-id".parse().unwrap()));
    assert_eq!(extract[1].into, Target::Pool(1));
    let other = &profile.requests[2].expect.extract;
    assert_eq!(other[1].source, Selector::Pointer("/page/next".into()));
}

#[test]
fn a_flow_knows_what_its_earlier_steps_brought() {
    let profile = loaded(
        r#"
rate_counts: flows
flows:
  - name: browse
    weight: 3
    tags: read
    cookies: true
    on_failure: continue
    steps:
      - name: list
        path: /items
        extract: {id: "$.items[0].id", all: {json: "$.items[*].id", into: pool}}
      - name: detail
        think: 1s..3s
        path: /items/{{ id }}
        headers: {x-id: "{{ id }}"}
      - path: /done
        think: 500ms
"#,
    );
    assert!(profile.requests.is_empty());
    let flows = &profile.flows;
    assert_eq!(flows.rate_counts, RateCounts::Flows);
    let flow = &flows.list[0];
    assert_eq!((flow.name.as_str(), flow.weight, flow.variables), ("browse", 3, 1));
    assert_eq!((flow.cookies, flow.on_failure), (Cookies::Kept, OnFailure::Continue));
    let names: Vec<&str> = flow.steps.iter().map(|step| step.request.name.as_str()).collect();
    assert_eq!(names, ["browse / list", "browse / detail", "browse / GET /done"]);
    let detail = &flow.steps[1];
    assert_eq!((detail.request.weight, detail.request.tags.as_slice()), (3, &["read".into()][..]));
    assert_eq!(rendered(&detail.request.path), "/items/v%2F1");
    assert_eq!(header(&detail.request, "x-id").unwrap(), "v/1");
    let (low, high) = (Duration::from_secs(1), Duration::from_secs(3));
    assert_eq!(detail.think, Think { low, high });
    let into: Vec<Target> =
        flow.steps[0].request.expect.extract.iter().map(|extraction| extraction.into).collect();
    assert_eq!(into, [Target::Variable(0), Target::Pool(0)]);
}

/// Profiles with mistakes: their places and causes.
#[test]
fn mistakes_are_told_with_their_place() {
    let request = |rest: &str| format!("requests: [{{path: /, {rest}}}]");
    let flow = |rest: &str| format!("flows: [{{name: f, {rest}}}]");
    let table = [
        (request("expect: {status: 2x}"), "1:39 this is not a status"),
        (request("expect: {json: {id: 1}}"), "1:38 `id` must be a JSONPath (RFC 9535)"),
        (
            request("expect: {json: {$.id: {typ: text}}}"),
            "1:45 unknown key `typ` of a value's check",
        ),
        (
            request("expect: {json: {$.id: {type: text}}}"),
            "1:51 `type` must be one of: string, number, integer, boolean, array, object, null",
        ),
        (request("expect: {header: {a b: x}}"), "1:40 `a b` is not the name of a header"),
        (
            request("expect: {header: {a: {exists: 1}}}"),
            "1:52 `exists` must be true or false, found a number",
        ),
        (request("extract: {ids: items}"), "1:37 `ids` does not say where its value stands"),
        (
            request("extract: {ids: {json: $.a, header: b}}"),
            "1:37 `ids` needs one of json, pointer, header and regex",
        ),
        (
            request("extract: {ids: {regex: 'a('}}"),
            "1:45 `regex` is not a regular expression: unclosed group",
        ),
        (
            request("extract: {ids: {json: $.a, into: variable}}"),
            "1:55 only set-up requests and steps of flows fill variables",
        ),
        (request("extract: {a-b: $.a}"), "1:32 `a-b` can't be the name of a pool"),
        (request("redirects: 50"), "1:33 `redirects` must be a whole number from 0 to 20"),
        ("flows: [{steps: [{path: /}]}]".to_owned(), "1:9 a flow needs a `name`"),
        (flow("steps: []"), "1:26 `steps` is empty"),
        (flow("x: 1, steps: [{path: /}]"), "1:19 unknown key `x` of a flow"),
        (flow("steps: [{path: /, think: 2s}]"), "1:44 the first step can't `think`"),
        (
            flow("steps: [{path: /}, {path: /a, think: 3s..1s}]"),
            "1:56 `think` must lie between 0 and 1h, the shorter length first",
        ),
        (flow("steps: [{path: /}, {path: /}]"), "1:38 two steps of the flow are named `GET /`"),
        (flow("steps: [{path: '/{{ id }}', extract: {id: $.id}}]"), "1:36 unknown variable `id`"),
        (
            flow("steps: [{path: /, extract: {slot: $.id}}]"),
            "1:47 `slot` can't be the name of a flow's variable",
        ),
        (flow("weight: 0, steps: [{path: /}]"), "1:8 every weight is zero"),
        (
            "requests: [{name: f, path: /}]\nflows: [{name: f, steps: [{path: /}]}]".to_owned(),
            "2:16 `f` is the name of another flow or request",
        ),
    ];
    for (text, message) in table {
        assert_eq!(messages(&text), [message], "{text}");
    }
}

#[test]
fn mistakes_of_what_set_up_extracts_are_told_with_their_place() {
    let table = [
        (
            "setup: [{path: '/{{ id }}', extract: {id: $.id}}]\nrequests: [{path: /}]",
            "1:18 unknown variable `id`",
        ),
        (
            "setup: [{path: /, extract: {slot: $.id}}]\nrequests: [{path: /}]",
            "1:29 `slot` can't be the name of a variable",
        ),
        (
            "setup: [{path: /, pools: {id: $.id}, extract: {id: $.id}}]\nrequests: [{path: /}]",
            "1:48 the variable `id` is filled twice",
        ),
        (
            "setup: [{path: /, extract: {id: {json: $.id, keep: 2}}}]\nrequests: [{path: /}]",
            "1:46 unknown key `keep` of a set-up request's extraction",
        ),
        (
            "setup: [{path: /, extract: {id: $.id}}]\nrequests: [{path: /, extract: {id: $.id}}]",
            "2:32 `id` is a variable that set-up fills",
        ),
    ];
    for (text, message) in table {
        assert_eq!(messages(text), [message], "{text}");
    }
}
