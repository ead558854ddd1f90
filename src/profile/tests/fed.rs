//! Feeders, files and bodies: what becomes of them, and what is refused.

use std::fmt::Write as _;
use std::io::Cursor;

use super::*;
use crate::load::feeder::{AtEnd, Order};

/// Names and contents.
type Texts<'a> = &'a [(&'a str, &'a [u8])];

/// Loads a profile beside these files; a program prints the file that it is called like.
fn loaded_with(text: &str, files: Texts<'_>) -> Result<Profile, Diagnostics> {
    let inputs = |outside: &Outside<'_>| -> Result<Box<dyn Read>, String> {
        let name = match outside {
            Outside::File(name) => *name,
            Outside::Process(process) => process.command[0].as_str(),
        };
        let found = files.iter().find(|(file, _)| *file == name);
        let (_, bytes) = found.ok_or_else(|| format!("no {name}"))?;
        Ok(Box::new(Cursor::new(bytes.to_vec())))
    };
    load_with(Source { name: "test.yaml", text }, &environment, &inputs)
}

/// The first three slots' paths and the body of the eighth, of the first request.
fn fed(profile: &Profile) -> (Vec<String>, String) {
    let feeding = Feeding::sample(&profile.feeders);
    let request = &profile.requests[0];
    let fill = |slot| Fill {
        rows: Rows::first(&feeding),
        ..Fill::of(SplitMix64::for_slot(1, slot), slot, &[], "")
    };
    let path = |slot| {
        let mut out = String::new();
        request.path.render(&mut fill(slot), &mut out);
        out
    };
    let body = request.body.as_ref().map(|body| body.render(&mut fill(7)).to_vec());
    let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
    ((0..3).map(path).collect(), body)
}

#[test]
fn rows_come_from_files_programs_and_the_profile() {
    let csv: &[u8] = b"\xef\xbb\xbfid,name\r\n1,\"a \"\"b\"\",\r\nc\"\r\n2,x\r\n";
    let table: [(&str, Texts<'_>); 6] = [
        ("f: {csv: u.csv}", &[("u.csv", csv)]),
        ("f: {csv: u.csv, delimiter: ';', columns: [id]}", &[("u.csv", b"1\n2\n")]),
        ("f: {jsonl: u}", &[("u", b"{\"id\":1,\"x\":[2]}\n\n{\"x\":null,\"id\":\"2\"}\n")]),
        ("f: {process: [gen], format: jsonl}", &[("gen", b"{\"id\":1}\n{\"id\":2}\n{\"id\":3}\n")]),
        ("f: {process: [gen], rows: 2}", &[("gen", b"id\n1\n2\n3\n")]),
        ("f: {list: [{id: 1, n: a}, {n: b, id: '2'}]}", &[]),
    ];
    for (feeder, files) in table {
        let text = format!("feeders:\n  {feeder}\nrequests: [{{path: '/{{{{ f.id }}}}'}}]\n");
        let profile = loaded_with(&text, files).unwrap_or_else(|e| panic!("{feeder}: {e}"));
        let third = if feeder.contains("[gen], format") { "/3" } else { "/1" };
        assert_eq!(fed(&profile).0, ["/1", "/2", third], "{feeder}");
    }
}

#[test]
fn cells_stand_in_bodies_expressions_and_names() {
    let text = r#"
feeders:
  users: {csv: u.csv, order: unique}
  colours: {list: [red], order: random}
requests:
  - path: /{{ colours }}
    json:
      name: "{{ users.name }}"
      upper: "{{ users.name | upper }}"
      n: "{{ users.id | int + 1 | tojson }}"
      count: "{{ counter(5) | tojson }}"
      both: "{{ users.id ~ colours.value }}"
"#;
    let profile = loaded_with(text, &[("u.csv", b"id,name\n7,\"a\"\"b\"\n")]).unwrap();
    let (paths, body) = fed(&profile);
    assert_eq!(paths[0], "/red");
    assert_eq!(body, r#"{"name":"a\"b","upper":"A\"B","n":8,"count":12,"both":"7red"}"#);
    let [users, colours] = &profile.feeders[..] else { panic!("two feeders") };
    assert_eq!((users.order, users.at_end), (Order::Unique, AtEnd::Stop));
    assert_eq!((colours.order, colours.at_end), (Order::Random, AtEnd::Rewind));
}

#[test]
fn files_and_parts_are_sent_byte_for_byte() {
    let file = "requests: [{path: /, file: a.bin}]";
    let profile = loaded_with(file, &[("a.bin", b"\x00\xff")]).unwrap();
    let request = &profile.requests[0];
    let body = request.body.as_ref().unwrap();
    let bytes = body.render(&mut Fill::of(SplitMix64::new(1), 0, &[], ""));
    assert_eq!((&bytes[..], body.varies_by_slot()), (&b"\x00\xff"[..], false));
    assert_eq!(header(request, "content-type").unwrap(), "application/octet-stream");
    assert_eq!(request.method, http::Method::POST);

    let parts = r#"
requests:
  - path: /
    multipart:
      fields: {title: "no {{ slot }}", tag: [a, b], gone: null}
      files:
        photo: {path: dir/cat.jpg, name: 'c"{{ slot }}.jpg', type: image/jpeg}
        raw: dir/cat.jpg
"#;
    let profile = loaded_with(parts, &[("dir/cat.jpg", b"JPEG")]).unwrap();
    let content_type = header(&profile.requests[0], "content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let head = |rest: &str| format!("--{boundary}\r\nContent-Disposition: form-data; {rest}");
    let expected = [
        head("name=\"title\"\r\n\r\nno 7\r\n"),
        head("name=\"tag\"\r\n\r\na\r\n"),
        head("name=\"tag\"\r\n\r\nb\r\n"),
        head("name=\"photo\"; filename=\"c%227.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nJPEG\r\n"),
        head(
            "name=\"raw\"; filename=\"cat.jpg\"\r\nContent-Type: application/octet-stream\r\n\r\n\
             JPEG\r\n",
        ),
        format!("--{boundary}--\r\n"),
    ];
    assert_eq!(fed(&profile).1, expected.concat());
}

#[test]
fn a_compressed_body_says_so() {
    let profile = loaded("requests: [{path: /, json: {a: 1}, compress: gzip}]");
    let request = &profile.requests[0];
    assert_eq!(header(request, "content-encoding").unwrap(), "gzip");
    assert_eq!(header(request, "content-type").unwrap(), "application/json");
    let bytes =
        request.body.as_ref().unwrap().render(&mut Fill::of(SplitMix64::new(1), 0, &[], ""));
    assert_eq!(bytes[..2], [0x1f, 0x8b]);
}

#[test]
fn defaults_of_the_load_are_read() {
    let profile = loaded("rate: ${RATE:-90/m}\nduration: 5m\nwarmup: 10s\nrequests: [{path: /}]\n");
    assert_eq!(profile.rate, "90/m".parse().ok());
    assert_eq!(profile.duration, Some(Duration::from_mins(5)));
    assert_eq!(profile.warmup, Some(Duration::from_secs(10)));
    let expected = "100/s:30s,500/s:2m".parse().ok();
    for stages in
        ["100/s:30s,500/s:2m", "[{rate: 100, duration: 30s}, {rate: 500/s, duration: 2m}]"]
    {
        let profile = loaded(&format!("stages: {stages}\nrequests: [{{path: /}}]\n"));
        assert_eq!(profile.stages, expected, "{stages}");
    }
}

#[test]
fn data_that_cannot_be_used_is_told_by_its_line() {
    let files: Texts<'_> = &[
        ("short", b"a,b\n1,2\n3\n"),
        ("twice", b"a,a\n1,2\n"),
        ("header", b"a,b\n"),
        ("empty", b""),
        ("latin", b"a\nb\xe4\n"),
        ("text", b"{\"a\":1}\nnonsense\n"),
        ("keys", b"{\"a\":1}\n{\"b\":1}\n"),
        ("good", b"id,name\n1,x\n"),
        ("open", b"a,b\n1,\"x\n2,y\n3,z\n"),
        ("line", b"{\"a\":1}\n"),
    ];
    let table = [
        ("csv: short", "1:20 line 3: its fields number 1, the columns 2"),
        ("csv: twice", "1:20 line 1: two columns are named `a`"),
        ("csv: header", "1:20 the feeder `f` has no rows"),
        ("csv: empty", "1:20 there is not even a row with the columns' names"),
        ("csv: open", "1:20 line 2: a quote that is opened here is never closed"),
        ("csv: latin", "1:20 line 2: not UTF-8 text"),
        ("jsonl: text", "1:22 line 2: not a JSON object on one line"),
        ("jsonl: keys", "1:22 line 2: it has not the columns of the first line: a"),
        ("csv: none", "1:20 no none"),
        ("list: [{a: 1}, {b: 1}]", "1:30 this row has no `a`"),
        ("order: random", "1:14 a feeder has its rows from one of csv, jsonl, list and process"),
        ("csv: good, order: random, at_end: stop", "1:49 random rows have no end"),
        ("csv: good, order: unique, at_end: rewind", "1:49 rows that come again are not unique"),
        ("jsonl: line, delimiter: ';'", "1:39 `delimiter` is about CSV"),
        ("csv: good, wait: soon, process: [x]", "1:14 a feeder has its rows from one of"),
    ];
    for (feeder, message) in table {
        let text =
            format!("feeders: {{f: {{{feeder}}}}}\nrequests: [{{path: '/{{{{ f.a | int }}}}'}}]\n");
        let refused = loaded_with(&text, files).expect_err(feeder);
        if feeder != "csv: good, order: random, at_end: stop" && !feeder.contains("unique") {
            assert_eq!(refused.mistakes.len(), 1, "{feeder}: {refused}");
        }
        let first = &refused.mistakes[0];
        let shown = format!("{}:{} {}", first.line, first.column, first.message);
        assert!(shown.starts_with(message), "{feeder}: {shown}");
    }
}

#[test]
fn names_of_feeders_and_columns_are_checked() {
    let table = [
        (
            "{{ users.nmae }}",
            "the feeder `users` has no column `nmae`",
            "did you mean `users.name`? it has: id, name",
        ),
        ("{{ users }}", "the feeder `users` has several columns", "{{ users.id }}"),
        ("{{ user.id }}", "unknown feeder `user`", "did you mean `users`?"),
        ("{{ users.age | int }}", "the feeder `users` has no column `age`", "it has: id, name"),
        ("{{ users.name | int }}", "`users.name | int` is not a template: invalid operation", ""),
    ];
    for (template, message, hint) in table {
        let text = format!(
            "feeders: {{users: {{list: [{{id: 1, name: s3cret}}]}}}}\nrequests: [{{path: '/{template}'}}]\n"
        );
        let refused = loaded_with(&text, &[]).expect_err(template);
        let mistake = &refused.mistakes[0];
        assert_eq!(mistake.message, message, "{template}");
        assert!(mistake.hint.clone().unwrap_or_default().contains(hint), "{template}: {mistake:?}");
    }
    let taken =
        "variables: {a: x}\nfeeders: {a: {list: [1]}, slot: {list: [1]}}\nrequests: [{path: /}]";
    assert_eq!(
        messages(taken),
        ["2:11 `a` can't be the name of a feeder", "2:27 `slot` can't be the name of a feeder"]
    );
}

#[test]
fn a_million_rows_stay_small() {
    let mut text = String::from("id,email,password\n");
    for row in 0..1_000_000 {
        writeln!(text, "{row},user{row:07}@example.org,pw{row:08}").unwrap();
    }
    let profile = loaded_with(
        "feeders: {users: {csv: u.csv}}\nrequests: [{path: '/{{ users.id }}'}]\n",
        &[("u.csv", text.as_bytes())],
    );
    let table = &profile.unwrap().feeders[0].table;
    assert_eq!((table.rows(), table.cell(999_999, 1)), (1_000_000, "user0999999@example.org"));
    assert!(table.heap_bytes() < 90 << 20, "{}", table.heap_bytes());
}

#[test]
fn expressions_see_what_answers_of_a_flow_bring() {
    let profile = loaded(
        r#"
flows:
  - name: buy
    steps:
      - name: begin
        path: /orders
        extract: {order: "$.id"}
      - name: pay
        path: /orders/{{ order | int + 1 }}
"#,
    );
    let pay = profile.flows.steps().last().unwrap();
    assert_eq!(pay.gathers(), (Vec::new(), vec![0]), "it waits for the variable");
}
