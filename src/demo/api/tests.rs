//! What each endpoint answers, without sockets.

use std::sync::{LazyLock, Mutex};

use proptest::prelude::*;
use serde_json::Value;

use super::super::settings::{TEST_EMAIL, TEST_PASSWORD};
use super::*;

const NOW: u64 = 1_700_000_000;

/// A service at a settable time, and the token of its test user.
struct Bench {
    api: Api,
    token: String,
    now: u64,
}

impl Bench {
    fn new(seeding: Seeding) -> Self {
        let settings = Settings { seeding, ..Settings::default() };
        let api = Api::new(&settings, NOW).unwrap();
        let mut bench = Self { api, token: String::new(), now: NOW };
        bench.token = bench.login(TEST_EMAIL, TEST_PASSWORD);
        bench
    }

    fn login(&mut self, email: &str, password: &str) -> String {
        let body = json!({ "email": email, "password": password }).to_string();
        let reply = self.send("POST /api/auth/login", &HeaderMap::new(), body.as_bytes());
        assert_eq!((reply.status.as_u16(), reply.endpoint), (200, Endpoint::Login));
        value(&reply)["access_token"].as_str().unwrap().to_owned()
    }

    fn send(&mut self, line: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = method.parse().unwrap();
        self.api.answer(&Call { method: &method, path, query, headers, body, now: self.now })
    }

    fn ask(&mut self, line: &str) -> Reply {
        let headers = bearer(&self.token);
        self.send(line, &headers, b"")
    }

    fn status(&mut self, line: &str) -> u16 {
        self.ask(line).status.as_u16()
    }
}

fn bearer(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {token}").try_into().unwrap())])
}

fn value(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

/// Every request of the chat-center mix: line, body, status, endpoint, smallest body.
const MIX: [(&str, &str, u16, Endpoint, usize); 19] = [
    ("GET /health", "", 200, Endpoint::Health, 50),
    (
        "GET /api/interactions?page=1&page_size=20&include_total=False",
        "",
        200,
        Endpoint::ListAll,
        14_000,
    ),
    (
        "GET /api/interactions?page=3&page_size=50&include_total=False",
        "",
        200,
        Endpoint::ListAll,
        36_000,
    ),
    (
        "GET /api/interactions?channel=review&page=1&page_size=50",
        "",
        200,
        Endpoint::ListReview,
        36_000,
    ),
    (
        "GET /api/interactions?channel=question&page=1&page_size=50",
        "",
        200,
        Endpoint::ListQuestion,
        36_000,
    ),
    ("GET /api/interactions?channel=chat&page=1&page_size=50", "", 200, Endpoint::ListChat, 30_000),
    ("GET /api/chats?page=1&page_size=50", "", 200, Endpoint::ListChats, 28_000),
    ("GET /api/interactions/5", "", 200, Endpoint::Detail, 700),
    (
        "GET /api/interactions/5/timeline?max_items=100&product_window_days=45",
        "",
        200,
        Endpoint::Timeline,
        1_500,
    ),
    ("GET /api/chats/60", "", 200, Endpoint::ChatDetail, 550),
    ("GET /api/interactions/metrics/quality?days=30", "", 200, Endpoint::Quality, 900),
    (
        "GET /api/interactions/metrics/quality-history?days=30",
        "",
        200,
        Endpoint::QualityHistory,
        3_800,
    ),
    ("GET /api/interactions/metrics/ops-alerts", "", 200, Endpoint::OpsAlerts, 900),
    (
        "GET /api/interactions/metrics/pilot-readiness?max_sync_age_minutes=30&max_overdue_questions=0&max_manual_rate=0.6&max_open_backlog=250",
        "",
        200,
        Endpoint::PilotReadiness,
        1_500,
    ),
    (
        "POST /api/interactions/5/ai-draft",
        "{\"force_regenerate\": false}",
        200,
        Endpoint::AiDraft,
        1_400,
    ),
    (
        "POST /api/interactions/sync/reviews?only_unanswered=True&max_items=50&page_size=50",
        "",
        400,
        Endpoint::SyncReviews,
        40,
    ),
    (
        "POST /api/interactions/sync/questions?only_unanswered=True&max_items=50",
        "",
        400,
        Endpoint::SyncQuestions,
        40,
    ),
    (
        "POST /api/interactions/sync/chats?max_items=50&direct_wb_fetch=False",
        "",
        200,
        Endpoint::SyncChats,
        80,
    ),
    ("POST /api/interactions/sync/chats?direct_wb_fetch=true", "", 502, Endpoint::SyncChats, 20),
];

#[test]
fn every_request_of_the_mix_is_answered() {
    let mut bench = Bench::new(Seeding::Full);
    let headers = bearer(&bench.token);
    for (line, body, status, endpoint, least) in MIX {
        let reply = bench.send(line, &headers, body.as_bytes());
        assert_eq!((reply.status.as_u16(), reply.endpoint), (status, endpoint), "{line}");
        assert!(reply.body.len() >= least, "{line}: {} bytes", reply.body.len());
        assert!(value(&reply).is_object(), "{line}");
    }
}

#[test]
fn bad_parameters_and_items_are_told() {
    let mut bench = Bench::new(Seeding::Full);
    let table = [
        ("GET /api/interactions?page=0", 422),
        ("GET /api/interactions?page=x", 422),
        ("GET /api/interactions?page_size=101", 422),
        ("GET /api/interactions?include_total=perhaps", 422),
        ("GET /api/interactions?page=1000000000000000000", 500),
        ("GET /api/interactions?channel=%00", 500),
        ("GET /api/interactions?channel=fax", 200),
        ("GET /api/interactions?channel=", 200),
        ("GET /api/interactions?page=999", 200),
        ("GET /api/interactions/0", 404),
        ("GET /api/interactions/-4", 404),
        ("GET /api/interactions/181", 404),
        ("GET /api/interactions/2147483648", 500),
        ("GET /api/interactions/abc", 422),
        ("GET /api/interactions/1/timeline?max_items=501", 422),
        ("GET /api/interactions/999/timeline", 404),
        ("GET /api/chats/61", 404),
        ("GET /api/chats?page=0", 422),
        ("GET /api/interactions/metrics/quality?days=0", 422),
        ("GET /api/interactions/metrics/quality?days=366", 422),
        ("GET /api/interactions/metrics/quality-history?days=365", 200),
        ("GET /api/interactions/metrics/pilot-readiness?max_manual_rate=2", 422),
        ("GET /api/interactions/metrics/nothing", 404),
        ("POST /api/interactions/sync/reviews?max_items=0", 422),
        ("POST /api/interactions/5/ai-draft", 422),
        ("DELETE /api/interactions/5", 405),
        ("HEAD /api/interactions", 405),
        ("GET /api/interactions/", 307),
        ("GET /elsewhere", 404),
    ];
    for (line, status) in table {
        let reply = bench.ask(line);
        assert_eq!(reply.status.as_u16(), status, "{line}");
        if status >= 400 {
            assert!(!value(&reply)["detail"].is_null(), "{line}");
        }
    }
    let headers = bearer(&bench.token);
    for (body, status) in [("{", 400), ("[]", 422), ("{}", 200), ("{\"force_regenerate\":3}", 422)]
    {
        let reply = bench.send("POST /api/interactions/5/ai-draft", &headers, body.as_bytes());
        assert_eq!(reply.status.as_u16(), status, "{body}");
    }
}

#[test]
fn tokens_are_demanded_except_for_the_chat_list() {
    let mut bench = Bench::new(Seeding::Full);
    let wrong_scheme =
        HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Basic x"))]);
    for headers in [HeaderMap::new(), bearer("a.b.c"), wrong_scheme] {
        for (line, body, ..) in MIX {
            let reply = bench.send(line, &headers, body.as_bytes());
            let open = line.starts_with("GET /health") || line.starts_with("GET /api/chats?");
            assert_eq!(reply.status.as_u16(), if open { 200 } else { 401 }, "{line}");
            if !open {
                assert_eq!(
                    reply.extra[0],
                    (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
                );
            }
        }
        assert_eq!(bench.send("POST /api/auth/refresh", &headers, b"").status.as_u16(), 401);
        assert_eq!(bench.send("POST /api/auth/seed-demo", &headers, b"").status.as_u16(), 401);
    }
}

#[test]
fn a_cookie_wins_over_the_header() {
    let mut bench = Bench::new(Seeding::Full);
    let mut headers = bearer(&bench.token);
    headers.insert(header::COOKIE, HeaderValue::from_static("theme=dark; access_token=stale"));
    assert_eq!(bench.send("GET /api/interactions/1", &headers, b"").status.as_u16(), 401);
}

#[test]
fn tokens_expire_and_can_be_refreshed() {
    let mut bench = Bench::new(Seeding::Full);
    bench.now = NOW + 7 * 86_400 - 1;
    let refreshed = bench.ask("POST /api/auth/refresh");
    bench.now += 1;
    assert_eq!(bench.status("GET /api/interactions/1"), 401);
    bench.token = value(&refreshed)["access_token"].as_str().unwrap().to_owned();
    assert_eq!(bench.status("GET /api/interactions/1"), 200);
}

#[test]
fn log_in_tells_good_bad_and_malformed_apart() {
    let mut bench = Bench::new(Seeding::Full);
    let table = [
        (r#"{"email":"loadtest@agentiq.ru","password":"loadtest123"}"#, 200, Endpoint::Login),
        (r#"{"email":"loadtest@agentiq.ru","password":"hidden-word"}"#, 401, Endpoint::Login),
        (r#"{"email":"nobody@agentiq.ru","password":"hidden-word"}"#, 401, Endpoint::Refused),
        (r#"{"email":"nobody","password":"hidden-word"}"#, 422, Endpoint::Refused),
        (r#"{"email":"loadtest@agentiq.ru"}"#, 422, Endpoint::Refused),
        (r#"{"email":"loadtest@agentiq.ru","password":["hidden-word"]}"#, 422, Endpoint::Refused),
        ("", 422, Endpoint::Refused),
        ("{hidden-word", 400, Endpoint::Refused),
    ];
    for (body, status, endpoint) in table {
        let reply = bench.send("POST /api/auth/login", &HeaderMap::new(), body.as_bytes());
        assert_eq!((reply.status.as_u16(), reply.endpoint), (status, endpoint), "{body}");
        let text = String::from_utf8_lossy(&reply.body);
        assert!(!text.contains("hidden-word") && !text.contains(TEST_PASSWORD), "{text}");
    }
}

#[test]
fn log_in_hands_over_token_cookie_and_seller() {
    let mut bench = Bench::new(Seeding::Full);
    let body = json!({ "email": TEST_EMAIL, "password": TEST_PASSWORD }).to_string();
    let reply = bench.send("POST /api/auth/login", &HeaderMap::new(), body.as_bytes());
    let granted = value(&reply);
    assert_eq!(granted["expires_in"], 604_800);
    assert_eq!(granted["seller"].as_object().unwrap().len(), 11);
    let cookie = reply.extra[0].1.to_str().unwrap();
    assert!(cookie.starts_with("access_token=eyJ") && cookie.contains("HttpOnly"), "{cookie}");
}

#[test]
fn a_new_seller_is_empty_until_seeded() {
    let mut bench = Bench::new(Seeding::Full);
    let body = br#"{"email":"shop@example.com","password":"p4ss-word","name":"Shop"}"#;
    let reply = bench.send("POST /api/auth/register", &HeaderMap::new(), body);
    assert_eq!((reply.status.as_u16(), reply.endpoint), (201, Endpoint::Register));
    let again = bench.send("POST /api/auth/register", &HeaderMap::new(), body);
    assert_eq!(again.status.as_u16(), 400);
    bench.token = bench.login("shop@example.com", "p4ss-word");

    let listed =
        |bench: &mut Bench| value(&bench.ask("GET /api/interactions"))["total"].as_u64().unwrap();
    assert_eq!(listed(&mut bench), 0);
    assert_eq!(bench.status("GET /api/interactions/5"), 403);
    assert_eq!(value(&bench.ask("POST /api/auth/seed-demo"))["created"], 12);
    assert_eq!(value(&bench.ask("POST /api/auth/seed-demo"))["skipped"], 1);
    assert_eq!(listed(&mut bench), 12);
    assert_eq!(bench.status("GET /api/interactions/5"), 200);
    assert_eq!(bench.status("GET /api/interactions/13"), 403);
    assert_eq!(bench.status("GET /api/chats/3"), 200, "the demo data has chats too");
    assert_eq!(bench.status("GET /api/chats/4"), 403);
}

#[test]
fn seeding_decides_what_is_there_at_the_start() {
    for (seeding, interactions, chats, first) in [
        (Seeding::Full, 180, 60, 200),
        (Seeding::Demo, 12, 3, 200),
        (Seeding::Chatless, 12, 0, 200),
        (Seeding::Empty, 0, 0, 404),
    ] {
        let mut bench = Bench::new(seeding);
        assert_eq!(
            value(&bench.ask("GET /api/interactions"))["total"],
            interactions,
            "{seeding:?}"
        );
        assert_eq!(value(&bench.ask("GET /api/chats"))["total"], chats, "{seeding:?}");
        assert_eq!(bench.status("GET /api/interactions/12"), first, "{seeding:?}");
        assert_eq!(bench.status("GET /api/chats/1"), if chats > 0 { 200 } else { 404 });
    }
}

proptest! {
    #[test]
    fn nothing_sent_makes_it_panic(
        path in "/(api/)?(auth|interactions|chats)?/?[a-z0-9%/-]{0,12}", query in "\\PC{0,30}", body in prop::collection::vec(any::<u8>(), 0..60),
        token in "[!-~ ]{0,40}",
    ) {
        static API: LazyLock<Mutex<Api>> =
            LazyLock::new(|| Mutex::new(Api::new(&Settings::default(), NOW).unwrap()));
        let mut api = API.lock().unwrap();
        let headers = bearer(&token);
        for method in [Method::GET, Method::POST] {
            let call = Call { method: &method, path: &path, query: &query, headers: &headers, body: &body, now: NOW };
            prop_assert!(api.answer(&call).status.as_u16() >= 200);
        }
    }
}
