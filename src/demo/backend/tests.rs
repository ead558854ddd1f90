//! The demo backend over real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::super::settings::{Faults, Mode, Seeding, Stalls, TEST_EMAIL, TEST_PASSWORD};
use super::*;

/// A plain blocking client.
struct Client(TcpStream);

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Client {
    fn connect(backend: &DemoBackend) -> Self {
        let stream = TcpStream::connect(backend.addr()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn send(&mut self, bytes: &str) {
        self.0.write_all(bytes.as_bytes()).unwrap();
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: demo\r\n\r\n"));
        self.answer()
    }

    fn post(&mut self, path: &str, body: &str) -> Answer {
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: demo\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.answer()
    }

    fn answer(&mut self) -> Answer {
        let head = self.head();
        let length = content_length(&head);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        String::from_utf8(head).unwrap()
    }

    /// What comes until the connection ends, in whatever way.
    fn rest(&mut self) -> (Vec<u8>, Option<ErrorKind>) {
        let mut rest = Vec::new();
        let end = self.0.read_to_end(&mut rest).err().map(|error| error.kind());
        (rest, end)
    }
}

fn content_length(head: &str) -> usize {
    let lower = head.to_lowercase();
    let (_, after) = lower.split_once("content-length: ").expect("always a length");
    after.split_once('\r').unwrap().0.parse().unwrap()
}

fn start(settings: Settings) -> DemoBackend {
    DemoBackend::start(settings).unwrap()
}

fn instant() -> Settings {
    Settings { mode: Mode::Instant, ..Settings::default() }
}

#[test]
fn a_client_logs_in_and_lists_over_one_connection() {
    let backend = start(Settings::default());
    let mut client = Client::connect(&backend);
    let login = format!(r#"{{"email":"{TEST_EMAIL}","password":"{TEST_PASSWORD}"}}"#);
    let answer = client.post("/api/auth/login", &login);
    assert_eq!(answer.status, 200);
    let granted: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let token = granted["access_token"].as_str().unwrap();

    let request = format!(
        "GET /api/interactions?channel=review&page_size=50 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    client.send(&request);
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.body.len() > 30_000 && answer.body.contains("отличное"));

    let refused = client.get("/api/interactions");
    assert_eq!(refused.status, 401);
    assert!(refused.head.to_lowercase().contains("www-authenticate: bearer"), "{}", refused.head);
    assert_eq!(client.get("/api/chats").status, 200);

    let metrics = client.get("/api/metrics");
    assert!(
        metrics.body.contains("endpoint=\"Login\",path=\"/api/auth/login\",status_code=\"200\"} 1"),
        "{}",
        metrics.body
    );
}

#[test]
fn bodies_nobody_reads_leave_the_connection_usable() {
    let backend = start(Settings::default());
    let mut client = Client::connect(&backend);
    assert_eq!(client.post("/nowhere", &"x".repeat(300_000)).status, 404);
    assert_eq!(client.get("/health").status, 200);
    // No more than the server takes: it closes the connection, and what it never read would lose the answer.
    client.send("POST /api/auth/login HTTP/1.1\r\nHost: demo\r\nContent-Length: 5242880\r\n\r\n");
    client.send(&"x".repeat((4 << 20) + 1));
    assert_eq!(client.answer().status, 413);
}

#[test]
fn an_idle_connection_is_closed() {
    let backend = start(Settings { keep_alive: Duration::from_millis(100), ..Settings::default() });
    let mut client = Client::connect(&backend);
    assert_eq!(client.get("/health").status, 200);
    assert_eq!(client.rest(), (vec![], None));
}

#[test]
fn faults_end_an_exchange_as_named() {
    let with = |faults| start(Settings { faults, seeding: Seeding::Full, ..Settings::default() });
    let ask = "GET /api/chats HTTP/1.1\r\nHost: demo\r\n\r\n";

    let backend = with(Faults { reset: 1.0, ..Faults::default() });
    let mut client = Client::connect(&backend);
    assert_eq!(client.get("/health").status, 200, "health is spared");
    client.send(ask);
    assert_eq!(client.rest(), (vec![], Some(ErrorKind::ConnectionReset)));

    let backend = with(Faults { truncate: 1.0, ..Faults::default() });
    let mut client = Client::connect(&backend);
    client.send(ask);
    let length = content_length(&client.head());
    let (rest, end) = client.rest();
    assert_eq!((rest.len(), end), (length / 2, None));

    let backend = with(Faults { endless: 1.0, ..Faults::default() });
    let mut client = Client::connect(&backend);
    client.send(ask);
    assert!(content_length(&client.head()) > 8);
    client.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (rest, end) = client.rest();
    assert_eq!((rest.len(), end), (8, Some(ErrorKind::WouldBlock)));

    let backend = with(Faults { error: 1.0, ..Faults::default() });
    let mut client = Client::connect(&backend);
    assert_eq!(client.get("/api/chats").status, 500);
    assert_eq!(client.get("/api/chats").status, 500, "the connection stays open");
}

#[test]
fn limits_answer_429_and_503() {
    let slow = Settings { workers: 1, service_scale: 100.0, ..Settings::default() };
    let backend = start(Settings { queue_limit: 0, ..slow.clone() });
    let (mut first, mut second) = (Client::connect(&backend), Client::connect(&backend));
    first.send("GET /health HTTP/1.1\r\nHost: demo\r\n\r\n");
    // The first is in service once the second is refused; until then the second is served itself.
    let refused = (0..20).any(|_| second.get("/health").status == 503);
    assert!(refused);

    let backend = start(Settings { reject_above: Some(0.001), ..Settings::default() });
    let mut client = Client::connect(&backend);
    assert_eq!(client.get("/health").status, 200);
    assert_eq!(client.get("/health").status, 429);
}

#[test]
fn stopping_lets_an_open_exchange_finish() {
    let backend = start(Settings { service_scale: 100.0, ..Settings::default() });
    let mut client = Client::connect(&backend);
    let mut idle = Client::connect(&backend);
    assert_eq!(idle.get("/elsewhere").status, 404);
    client.send("GET /health HTTP/1.1\r\nHost: demo\r\n\r\n");
    assert_eq!(idle.get("/elsewhere").status, 404);
    backend.stop();
    assert_eq!(client.answer().status, 200);
    assert_eq!(idle.rest(), (vec![], None));
}

#[test]
fn odd_bytes_do_not_end_the_server() {
    for settings in [Settings::default(), instant()] {
        let backend = start(settings);
        let odd: [&[u8]; 5] = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"\r\n\r\n\r\nnonsense\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET /%ff%00?%=%&=%zz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
            b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        ];
        for bytes in odd {
            let mut client = Client::connect(&backend);
            // The server may close before all is written.
            let _ = client.0.write_all(bytes);
            let _ = client.0.shutdown(std::net::Shutdown::Write);
            client.rest();
        }
        assert_eq!(Client::connect(&backend).get("/health").status, 200);
    }
}

#[test]
fn the_instant_server_answers_pipelined_requests_in_parts() {
    let backend = start(instant());
    let mut client = Client::connect(&backend);
    let request =
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n";
    client.send(&request.repeat(200));
    client.send("GET /part HT");
    for _ in 0..400 {
        assert_eq!(client.answer().status, 200);
    }
    client.send("TP/1.1\r\nConnection: close\r\n\r\n");
    let answer = client.answer();
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["status"], "ok");
    assert_eq!(client.rest(), (vec![], None));

    let mut client = Client::connect(&backend);
    client.send("hello\r\n\r\n");
    assert!(client.head().starts_with("HTTP/1.1 400 "));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the hold is one of real time")]
fn the_instant_server_holds_answers_in_a_stall() {
    let (every, hold) = (Duration::from_millis(200), Duration::from_millis(100));
    let backend = start(Settings { stalls: Some(Stalls { every, hold }), ..instant() });
    let mut client = Client::connect(&backend);
    let (begin, mut longest) = (Instant::now(), Duration::ZERO);
    while begin.elapsed() < 2 * every {
        let sent = Instant::now();
        assert_eq!(client.get("/").status, 200);
        longest = longest.max(sent.elapsed());
    }
    // Back to back requests meet the stall near its beginning.
    assert!(longest > hold.mul_f64(0.8), "{longest:?}");
}

#[test]
fn impossible_settings_do_not_start() {
    let error = DemoBackend::start(Settings { workers: 0, ..Settings::default() }).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
