//! Words in, a way or its mistakes out.

use clap::Parser as _;

use super::*;
use crate::load::plan::Scheme;

#[derive(clap::Parser)]
struct Words {
    #[command(flatten)]
    args: Args,
}

fn example() -> Origin {
    Origin {
        scheme: Scheme::Https,
        host: "example.org".into(),
        port: 443,
        authority: "example.org".into(),
        base_path: String::new(),
    }
}

fn read(words: &str) -> (Way, Vec<String>) {
    let argv = ["x", "https://example.org/"].into_iter().chain(words.split_whitespace());
    let words = Words::try_parse_from(argv).unwrap();
    let mut mistakes = Vec::new();
    let way = resolve(&words.args, Some(&example()), &mut mistakes);
    (way, mistakes)
}

#[track_caller]
fn good(words: &str) -> Way {
    let (way, mistakes) = read(words);
    assert_eq!(mistakes, [""; 0], "{words}");
    way
}

#[test]
fn addresses_of_a_name_are_read_as_curl_writes_them() {
    let table = [
        ("example.org:443:127.0.0.1", "example.org:443:127.0.0.1"),
        ("EXAMPLE.org:443:127.0.0.1,[::1],::2", "EXAMPLE.org:443:127.0.0.1,::1,::2"),
        ("*:443:10.0.0.1", "*:443:10.0.0.1"),
    ];
    for (text, shown) in table {
        assert_eq!(good(&format!("--resolve {text}")).resolve[0].to_string(), shown);
    }
    for text in ["example.org:443", "example.org:0:127.0.0.1", ":443:::1", "example.org:443:host"] {
        let (_, mistakes) = read(&format!("--resolve {text}"));
        assert!(mistakes.len() == 1 && mistakes[0].contains("write HOST:PORT:"), "{mistakes:?}");
    }
}

#[test]
fn other_places_may_leave_parts_out() {
    let origin = |words: &str| {
        let way = good(words);
        way.destination(&example()).to_string()
    };
    assert_eq!(origin("--connect-to example.org:443:other:8443"), "other:8443");
    assert_eq!(origin("--connect-to ::[::1]:"), "[::1]:443");
    assert_eq!(origin("--connect-to :443::80"), "example.org:80");
    for text in ["example.org:443", "a:b:c:d", "a:1:b:99999"] {
        let (_, mistakes) = read(&format!("--connect-to {text}"));
        assert!(mistakes.len() == 1 && mistakes[0].contains("write HOST1:"), "{mistakes:?}");
    }
}

#[test]
fn a_rule_that_never_applies_is_a_mistake() {
    let (_, mistakes) = read("--resolve example.org:80:127.0.0.1 --connect-to other:443:x:1");
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    assert!(mistakes[0].contains("--connect-to") && mistakes[0].contains("example.org:443"));
    assert!(mistakes[1].contains("--resolve") && mistakes[1].contains("never apply"));
    // What is looked up is what the rule leads to, or the proxy.
    good("--connect-to ::other:1 --resolve other:1:127.0.0.1");
    good("--proxy http://gate:3128 --resolve gate:3128:127.0.0.1");
    assert_eq!(read("--proxy http://gate:3128 --resolve example.org:443:127.0.0.1").1.len(), 1);
}

#[test]
fn proxies_are_read_and_their_password_is_never_told() {
    let read_proxy = |url: &str| match good(&format!("-x {url}")).via {
        Via::Proxy(proxy) => proxy,
        other => panic!("{other:?}"),
    };
    let proxy = read_proxy("http://eve:p%40ss:%25@[::1]:3128/");
    assert_eq!(proxy.to_string(), "http://[::1]:3128");
    let credentials = proxy.credentials.unwrap();
    assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("eve", "p@ss:%"));
    assert_eq!(read_proxy("gate:80").to_string(), "http://gate:80");
    assert_eq!(read_proxy("socks5h://gate:1080").to_string(), "socks5://gate:1080");
    for url in [
        "http://eve:s3cret@gate",
        "http://eve:s3cret@gate:0",
        "ftp://eve:s3cret@gate:1",
        "http://eve:s3cret%@gate:1",
        "http://eve:s3cret@gate:80/path",
        "http://e%3Ave:s3cret@gate:80",
        "socks5://:s3cret@gate:1080",
    ] {
        let (_, mistakes) = read(&format!("-x {url}"));
        assert!(mistakes.len() == 1 && !mistakes[0].contains("s3cret"), "{url}: {mistakes:?}");
    }
}

#[test]
fn what_excludes_each_other_and_what_cannot_be_used_is_told_at_once() {
    let (_, mistakes) = read(
        "--unix-socket s --proxy http://p:1 --resolve example.org:443:127.0.0.1 \
         --connect-to ::a:1 --local-address 127.0.0.1 --local-address 203.0.113.7 --local-address eth0",
    );
    let all = mistakes.join("\n");
    for words in [
        "--unix-socket with --proxy",
        "--unix-socket with --resolve",
        "--unix-socket with --connect-to",
        "--unix-socket with --local-address",
        "--connect-to with --proxy",
        "203.0.113.7: it cannot be used",
        "'eth0': give an IP address",
    ] {
        assert!(all.contains(words), "no '{words}' in:\n{all}");
    }
    assert_eq!(mistakes.len(), 7, "{all}");
    assert_eq!(read(&format!("--unix-socket /{}", "x".repeat(200))).1.len(), 1);
}
