//! [`Prepared`]: the mix's requests, rendered as far as they are the same for every slot.
//!
//! Built once per worker; a slot costs clones of shared bytes, and rendering only where its text differs.
//! Headers that differ by token alone are rendered once per token.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION,
    USER_AGENT,
};
use http::uri::Uri;
use http::{Method, Request};
use http_body_util::Full;
use tokio::sync::mpsc::UnboundedSender;

use crate::engine::tokens::{Rejection, Renewed, Tokens};
use crate::load::body::Body;
use crate::load::extract::{Gathered, Ring};
use crate::load::feeder::{Feeding, Taken};
use crate::load::plan::{Origin, Plan, Scheme, SetupRequest};
use crate::load::random::SplitMix64;
use crate::load::redirect;
use crate::load::request::{Escape, Expect, Fill, Pools, RequestTemplate, Rows, Segment, Template};
use crate::load::secrets::shown_target;
use crate::load::url_text::encoded;
use crate::load::way::{HttpChoice, HttpVersion, KeepAlive};
use crate::transport::exchange::Outgoing;
use crate::transport::proxy;

const AGENT: &str = concat!("steadfire/", env!("CARGO_PKG_VERSION"));

/// A part that is either the same for every slot or rendered for each.
enum Part<T, V> {
    Fixed(T),
    Varying(V),
}

/// What a slot's text depends on beside the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn<'a> {
    /// Within its leg.
    pub(super) slot: u64,
    /// Of the flow that it starts, from 0.
    pub(super) step: u64,
    /// What earlier answers have left.
    pub(super) gathered: Gathered<'a>,
    /// Its due instant, since 1970.
    pub(super) due: Duration,
    /// By earlier legs.
    pub(super) taken: &'a Taken,
}

impl Turn<'static> {
    /// Slot `slot` of a leg that comes first and measures nothing.
    pub(super) fn rehearsed(slot: u64) -> Self {
        let (step, gathered) = (0, Gathered::NONE);
        Self { slot, step, gathered, due: Duration::ZERO, taken: Rows::none().taken }
    }
}

struct Entry {
    method: Method,
    /// What goes before the path.
    prefix: String,
    uri: Part<Uri, Template>,
    headers: HeaderMap,
    varying_headers: Vec<(HeaderName, Template)>,
    /// Headers that differ by token alone, and which of each token's values they take.
    token_headers: Vec<(HeaderName, usize)>,
    body: Part<Bytes, Body>,
    expect: Expect,
    /// Whether a token is anywhere in it.
    carries_token: bool,
    /// What earlier answers must have brought: gathered pools and variables, by number.
    needs: (Vec<usize>, Vec<usize>),
}

/// Requests ready to be sent.
pub(super) struct Prepared {
    entries: Vec<Entry>,
    origin: Origin,
    seed: u64,
    pools: Pools,
    feeding: Arc<Feeding>,
    tokens: Tokens,
}

/// A template rendered to something that HTTP forbids, such as a line break in a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "request '{request}': its {part} renders to something HTTP forbids; check the values it is filled from"
)]
pub struct RenderError {
    pub(super) request: String,
    pub(super) part: &'static str,
}

/// Why a slot's templates give nothing that can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unsendable {
    /// An expression fails, or gives what HTTP forbids.
    Forbidden,
    /// The path is a link that leads to another server, or nowhere: the link, without secrets.
    Elsewhere(String),
}

impl Prepared {
    pub(super) fn new(
        requests: &[RequestTemplate],
        plan: &Plan,
        (pools, feeding): (Pools, Arc<Feeding>),
        tokens: &[Arc<str>],
    ) -> Result<Self, RenderError> {
        let carriers = carriers(requests);
        let tokens = Tokens::new(tokens, carriers.clone()).ok_or_else(|| RenderError {
            request: requests.first().map(|request| request.name.clone()).unwrap_or_default(),
            part: "header with the token",
        })?;
        let entries = Vec::with_capacity(requests.len());
        let origin = plan.origin.clone();
        let mut prepared = Self { entries, origin, seed: plan.seed, pools, feeding, tokens };
        for request in requests {
            let entry = prepared.entry(request, plan, &carriers)?;
            prepared.entries.push(entry);
        }
        Ok(prepared)
    }

    /// Tells whoever renews tokens of those that are rejected.
    #[must_use]
    pub(super) fn telling(mut self, rejections: UnboundedSender<Rejection>) -> Self {
        self.tokens.tell(rejections);
        self
    }

    fn entry(
        &self,
        request: &RequestTemplate,
        plan: &Plan,
        carriers: &[Template],
    ) -> Result<Entry, RenderError> {
        let wrong = |part| RenderError { request: request.name.clone(), part };
        let held = self.tokens.of(0);
        let mut fill = self.fill(&Turn::rehearsed(0), &held.text);
        let mut headers = HeaderMap::new();
        let host = HeaderValue::from_str(&plan.origin.authority).map_err(|_| wrong("host"))?;
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, _) in &request.headers {
            headers.remove(name);
        }
        let (varying, fixed): (Vec<_>, Vec<_>) =
            request.headers.iter().partition(|(name, _)| is_rendered_for_each_slot(request, name));
        if !varying.iter().all(|(_, value)| self.fits_header(value)) {
            return Err(wrong("header"));
        }
        let mut token_headers = Vec::new();
        for (name, value) in fixed {
            let rendered = header(value, &mut fill).ok_or_else(|| wrong("header"))?;
            // That of a token is put in its place later, where there is room for it already.
            headers.append(name, rendered);
            if let Some(carrier) = carriers.iter().position(|carrier| carrier == value) {
                token_headers.push((name.clone(), carrier));
            }
        }
        add_hop_headers(&mut headers, plan);
        let prefix = prefix(plan, &mut headers).ok_or_else(|| wrong("host"))?;
        let varies = |text: &Template| text.varies_by_slot() || text.carries_token();
        let is_link = request.path.escape == Escape::Link;
        let uri = if is_link && varies(&request.path) {
            // No answer has brought it yet.
            Part::Varying(request.path.clone())
        } else {
            let uri = self.uri(&prefix, &request.path, &mut fill).map_err(|_| wrong("path"))?;
            if varies(&request.path) {
                Part::Varying(request.path.clone())
            } else {
                Part::Fixed(uri)
            }
        };
        let body = match &request.body {
            None => Part::Fixed(Bytes::new()),
            Some(body) if body.varies_by_slot() || body.templates().any(varies) => {
                Part::Varying(body.clone())
            }
            Some(body) => Part::Fixed(body.render(&mut fill)),
        };
        Ok(Entry {
            method: request.method.clone(),
            prefix,
            uri,
            headers,
            varying_headers: varying.into_iter().cloned().collect(),
            token_headers,
            body,
            expect: request.expect.clone(),
            carries_token: request.carries_token(),
            needs: request.gathers(),
        })
    }

    fn fill<'a>(&'a self, turn: &Turn<'a>, token: &'a str) -> Fill<'a> {
        let random = SplitMix64::for_step(self.seed, turn.slot, turn.step);
        let plain = Fill::of(random, turn.slot, &self.pools, token);
        let rows = Rows { feeding: &self.feeding, taken: turn.taken };
        Fill { due: turn.due, rows, gathered: turn.gathered, ..plain }
    }

    /// Whether every value that the template may take up can stand in a header; what expressions make of
    /// them shows only then.
    fn fits_header(&self, template: &Template) -> bool {
        let fits = |value: &str| HeaderValue::from_str(value).is_ok();
        template.segments.iter().all(|segment| match segment {
            Segment::Pick(pool) => self.pools[*pool].iter().all(|value| fits(value)),
            Segment::Cell { feeder, column } => {
                self.feeding.feeder(*feeder).table.column(*column).all(fits)
            }
            _ => true,
        })
    }

    /// Number of requests in the mix.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What counts as `ok` for a request.
    pub(super) fn expect(&self, request: usize) -> &Expect {
        &self.entries[request].expect
    }

    /// The version of the token that slot `slot` sends now.
    pub(super) fn token_version(&self, slot: u64) -> u64 {
        self.tokens.of(slot).version
    }

    /// Takes note of an answer: a 401 asks for another token than this version of it, unless it was asked
    /// for.
    pub(super) fn heed(&self, status: u16, request: usize, slot: u64, version: u64) {
        let entry = &self.entries[request];
        if status == 401 && entry.carries_token && !entry.expect.accepts(status) {
            self.tokens.rejected(slot, version);
        }
    }

    /// Sends another token from now on.
    pub(super) fn renew(&self, renewed: Renewed) {
        self.tokens.renew(renewed);
    }

    /// Whether earlier answers have brought what a request is filled with.
    pub(super) fn is_filled_by(&self, request: usize, gathered: Gathered<'_>) -> bool {
        let (pools, variables) = &self.entries[request].needs;
        let filled = |ring: &Ring| !ring.values().is_empty();
        pools.iter().all(|&pool| gathered.pools.get(pool).is_some_and(filled))
            && variables
                .iter()
                .all(|&number| gathered.variables.get(number).is_some_and(Option::is_some))
    }

    /// A path as it is sent, behind its prefix. A link is resolved as a redirect from the base path is.
    fn uri(&self, prefix: &str, path: &Template, fill: &mut Fill<'_>) -> Result<Uri, Unsendable> {
        let mut text = prefix.to_owned();
        if path.escape == Escape::Link {
            let link = rendered(path, fill);
            let link = link.trim().split('#').next().unwrap_or_default();
            let elsewhere = || Unsendable::Elsewhere(shown_target(link));
            let base = format!("{}/", self.origin.base_path);
            let target = redirect::target(&encoded(link.as_bytes()), &self.origin, &base);
            let target = target.ok().filter(|_| !link.is_empty()).ok_or_else(elsewhere)?;
            text.truncate(prefix.len() - self.origin.base_path.len());
            text.push_str(target.as_str());
        } else {
            path.render(fill, &mut text);
        }
        Uri::from_maybe_shared(Bytes::from(text)).map_err(|_| Unsendable::Forbidden)
    }

    /// The request that a slot sends, if its templates give one.
    pub(super) fn request(&self, request: usize, turn: &Turn<'_>) -> Result<Outgoing, Unsendable> {
        let entry = &self.entries[request];
        let held = self.tokens.of(turn.slot);
        let mut fill = self.fill(turn, &held.text);
        let uri = match &entry.uri {
            Part::Fixed(uri) => uri.clone(),
            Part::Varying(path) => self.uri(&entry.prefix, path, &mut fill)?,
        };
        let mut headers = entry.headers.clone();
        for (name, carrier) in &entry.token_headers {
            headers.insert(name, held.headers[*carrier].clone());
        }
        for (name, value) in &entry.varying_headers {
            headers.append(name, header(value, &mut fill).ok_or(Unsendable::Forbidden)?);
        }
        let body = match &entry.body {
            Part::Fixed(body) => body.clone(),
            Part::Varying(body) => body.render(&mut fill),
        };
        if fill.broken {
            return Err(Unsendable::Forbidden);
        }
        if body.is_empty() && says_its_length(&entry.method) {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut outgoing = Request::new(Full::new(body));
        *outgoing.method_mut() = entry.method.clone();
        *outgoing.uri_mut() = uri;
        *outgoing.headers_mut() = headers;
        Ok(outgoing)
    }
}

/// Whether requests of this method say so where they have no body, as RFC 9110, 8.6 asks: there are servers
/// that answer 411 otherwise.
fn says_its_length(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Whether the values of a header are rendered anew for each slot: if one of them differs by slot, or by
/// token where there are several. So they keep their order, and a new token replaces nothing else.
fn is_rendered_for_each_slot(request: &RequestTemplate, name: &HeaderName) -> bool {
    let values = || request.headers.iter().filter(|(given, _)| given == name).map(|(_, text)| text);
    values().any(Template::varies_by_slot)
        || values().count() > 1 && values().any(Template::carries_token)
}

/// What goes before a request's path: HTTP/2 and a proxy that forwards are told the whole URL. HTTP/2 has it
/// instead of the `Host` header.
fn prefix(plan: &Plan, headers: &mut HeaderMap) -> Option<String> {
    let origin = &plan.origin;
    if plan.way.http == HttpChoice::Exactly(HttpVersion::Http2) {
        let host = headers.remove(HOST)?;
        let scheme = match origin.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        return Some(format!("{scheme}://{}{}", host.to_str().ok()?, origin.base_path));
    }
    Some(match plan.way.forwarding_proxy(origin) {
        Some(_) => format!("http://{}{}", origin.authority, origin.base_path),
        None => origin.base_path.clone(),
    })
}

/// What concerns the next hop only: the connection and the proxy that forwards.
fn add_hop_headers(headers: &mut HeaderMap, plan: &Plan) {
    if plan.way.keep_alive == KeepAlive::Off {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let proxy = plan.way.forwarding_proxy(&plan.origin);
    if let Some(credentials) = proxy.and_then(|proxy| proxy.credentials.as_ref()) {
        headers.insert(PROXY_AUTHORIZATION, proxy::authorization(credentials));
    }
}

fn rendered(template: &Template, fill: &mut Fill<'_>) -> String {
    let mut text = String::new();
    template.render(fill, &mut text);
    text
}

fn header(template: &Template, fill: &mut Fill<'_>) -> Option<HeaderValue> {
    HeaderValue::from_maybe_shared(Bytes::from(rendered(template, fill))).ok()
}

/// A set-up request's bytes.
pub(super) fn setup_outgoing(
    setup: &SetupRequest,
    plan: &Plan,
    pools: Pools,
    token: &str,
) -> Result<Outgoing, RenderError> {
    let template = RequestTemplate {
        name: setup.name.clone(),
        weight: 1,
        group: None,
        tags: Vec::new(),
        method: setup.method.clone(),
        path: setup.path.clone(),
        headers: setup.headers.clone(),
        body: setup.body.clone(),
        expect: setup.expect.clone(),
        on_empty: crate::load::request::OnEmpty::Fail,
        goals: crate::load::slo::Goals::default(),
    };
    let filled = (pools, Arc::new(Feeding::NONE));
    let wrong = || RenderError { request: setup.name.clone(), part: "template" };
    let prepared = Prepared::new(&[template], plan, filled, &[token.into()])?;
    prepared.request(0, &Turn::rehearsed(0)).map_err(|_| wrong())
}

/// The values of headers that differ by token alone, each once.
fn carriers(requests: &[RequestTemplate]) -> Vec<Template> {
    let mut carriers: Vec<Template> = Vec::new();
    for (_, value) in requests.iter().flat_map(|request| &request.headers) {
        if value.carries_token() && !value.varies_by_slot() && !carriers.contains(value) {
            carriers.push(value.clone());
        }
    }
    carriers
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;
    use http_body_util::BodyExt;

    use super::*;
    use crate::engine::example;
    use crate::load::request::{OnEmpty, Segment, add_header};
    use crate::load::way::{Credentials, Place, Proxy, ProxyKind, Via};

    fn plan() -> Plan {
        let mut plan = example::plan(8001);
        plan.origin.base_path = "/v1".into();
        plan
    }

    fn template(segments: Vec<Segment>, escape: Escape) -> Template {
        Template { segments, escape }
    }

    fn detail() -> RequestTemplate {
        RequestTemplate {
            name: "detail".into(),
            weight: 1,
            group: None,
            tags: Vec::new(),
            method: Method::POST,
            path: template(
                vec![Segment::Literal("/items/".into()), Segment::Pick(0)],
                Escape::Percent,
            ),
            headers: vec![(
                http::header::AUTHORIZATION,
                template(vec![Segment::Literal("Bearer ".into()), Segment::Token], Escape::None),
            )],
            body: Some(template(vec![Segment::SlotIndex], Escape::Json).into()),
            expect: Expect::SUCCESS,
            on_empty: OnEmpty::Fail,
            goals: crate::load::slo::Goals::default(),
        }
    }

    fn prepared(value: &str, requests: &[RequestTemplate]) -> Result<Prepared, RenderError> {
        let pools: Pools = Arc::from([Arc::from([value.to_owned()])]);
        Prepared::new(requests, &plan(), (pools, Arc::default()), &["t0ken".into()])
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_slot_renders_path_headers_and_body() {
        let prepared = prepared("a b", &[detail()]).unwrap();
        let request = prepared.request(0, &Turn::rehearsed(17)).unwrap();
        assert_eq!(request.uri(), "/v1/items/a%20b");
        assert_eq!(request.headers()["authorization"], "Bearer t0ken");
        assert_eq!(request.headers()["host"], "127.0.0.1:8001");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "17");
    }

    #[test]
    fn a_header_given_twice_is_sent_twice_in_its_order() {
        let name = |name: &str| name.parse::<HeaderName>().unwrap();
        let made = |segments| template(segments, Escape::None);
        let mut request = detail();
        for value in ["1", "2"] {
            add_header(&mut request.headers, name("x-a"), Template::literal(value));
            add_header(&mut request.headers, COOKIE, Template::literal(&format!("c={value}")));
        }
        add_header(&mut request.headers, name("x-slot"), Template::literal("first"));
        add_header(&mut request.headers, name("x-slot"), made(vec![Segment::SlotIndex]));
        add_header(&mut request.headers, name("x-key"), made(vec![Segment::Token]));
        add_header(&mut request.headers, name("x-key"), Template::literal("last"));
        add_header(&mut request.headers, USER_AGENT, Template::literal("own"));
        let prepared = prepared("x", &[request]).unwrap();
        prepared.renew(Renewed { token: 0, version: 1, text: "new".into() });
        let sent = prepared.request(0, &Turn::rehearsed(7)).unwrap();
        let values = |name: &str| {
            let all = sent.headers().get_all(name).into_iter();
            all.map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(values("x-a"), ["1", "2"]);
        assert_eq!(values("cookie"), ["c=1; c=2"]);
        assert_eq!(values("x-slot"), ["first", "7"]);
        assert_eq!(values("x-key"), ["new", "last"]);
        assert_eq!(values("user-agent"), ["own"], "in place of our own");
    }

    #[test]
    fn a_path_may_be_a_link_on_the_same_server() {
        let link = template(vec![Segment::Pick(0)], Escape::Link);
        let request = RequestTemplate { path: link, ..detail() };
        let elsewhere = |link: &str| Err(Unsendable::Elsewhere(link.to_owned()));
        let table = [
            ("/v1/items?page=2&q=a b", Ok("/v1/items?page=2&q=a%20b".to_owned())),
            ("http://127.0.0.1:8001/other#part", Ok("/other".to_owned())),
            ("items/7", Ok("/v1/items/7".to_owned())),
            ("?page=2", Ok("/v1/?page=2".to_owned())),
            (
                "http://elsewhere.test/x?token=s3cret",
                elsewhere("http://elsewhere.test/x?token=***"),
            ),
            ("https://127.0.0.1:8001/x", elsewhere("https://127.0.0.1:8001/x")),
            ("", elsewhere("")),
        ];
        for (link, expected) in table {
            let prepared = prepared(link, std::slice::from_ref(&request)).unwrap();
            let sent = prepared.request(0, &Turn::rehearsed(1));
            assert_eq!(sent.map(|sent| sent.uri().to_string()), expected, "{link}");
        }
    }

    #[test]
    fn what_might_have_a_body_says_that_it_has_none() {
        let table = [
            (Method::POST, Some("0")),
            (Method::PUT, Some("0")),
            (Method::PATCH, Some("0")),
            (Method::GET, None),
            (Method::HEAD, None),
            (Method::DELETE, None),
            (Method::OPTIONS, None),
        ];
        for (method, length) in table {
            let request = RequestTemplate { method: method.clone(), body: None, ..detail() };
            let sent = prepared("x", &[request]).unwrap().request(0, &Turn::rehearsed(1)).unwrap();
            let found = sent.headers().get(CONTENT_LENGTH).map(|value| value.to_str().unwrap());
            assert_eq!(found, length, "{method}");
        }
        let full = prepared("x", &[detail()]).unwrap().request(0, &Turn::rehearsed(1)).unwrap();
        assert!(!full.headers().contains_key(CONTENT_LENGTH), "the transport's own");
    }

    #[test]
    fn each_slot_carries_its_token_wherever_it_stands() {
        let mut request = detail();
        let token = || template(vec![Segment::Token], Escape::Percent);
        request.path =
            template(vec![Segment::Literal("/x?key=".into()), Segment::Token], Escape::Percent);
        request.headers.push((http::header::COOKIE, token()));
        let pools: Pools = Arc::from([Arc::from(["x".to_owned()])]);
        let tokens = ["a".into(), "b c".into()];
        let prepared =
            Prepared::new(&[request], &plan(), (pools, Arc::default()), &tokens).unwrap();
        let sent = |slot| {
            let request = prepared.request(0, &Turn::rehearsed(slot)).unwrap();
            let header = |name| request.headers()[name].to_str().unwrap().to_owned();
            (request.uri().to_string(), header("authorization"), header("cookie"))
        };
        let own =
            |uri: &str, bearer: &str, cookie: &str| (uri.into(), bearer.into(), cookie.into());
        assert_eq!(sent(0), own("/v1/x?key=a", "Bearer a", "a"));
        assert_eq!(sent(1), own("/v1/x?key=b%20c", "Bearer b c", "b%20c"));
        prepared.renew(Renewed { token: 0, version: 1, text: "d".into() });
        assert_eq!(sent(2), own("/v1/x?key=d", "Bearer d", "d"));
        assert_eq!((prepared.token_version(2), prepared.token_version(3)), (1, 0));
    }

    #[test]
    fn only_an_unexpected_401_to_a_request_with_a_token_asks_for_another() {
        let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
        let without = RequestTemplate { headers: Vec::new(), ..detail() };
        let mut expecting = detail();
        expecting.expect.statuses = vec![401..=401];
        let requests = [without, expecting, detail()];
        let pools: Pools = Arc::from([Arc::from(["x".to_owned()])]);
        let filled = (pools, Arc::default());
        let prepared = Prepared::new(&requests, &plan(), filled, &["a".into()]).unwrap();
        let prepared = prepared.telling(sender);
        for (request, status) in [(0, 401), (1, 401), (2, 403), (2, 200)] {
            prepared.heed(status, request, 5, 0);
        }
        assert!(told.try_recv().is_err());
        prepared.heed(401, 2, 5, 0);
        assert_eq!(told.try_recv(), Ok(Rejection { token: 0, version: 0 }));
    }

    #[test]
    fn a_forwarding_proxy_is_told_the_whole_url_and_the_password_and_no_one_else_is() {
        let mut plan = plan();
        plan.way.keep_alive = KeepAlive::Off;
        let sent = |plan: &Plan| {
            let pools: Pools = Arc::from([Arc::from(["x".to_owned()])]);
            let filled = (pools, Arc::default());
            let prepared = Prepared::new(&[detail()], plan, filled, &["t0ken".into()]);
            prepared.unwrap().request(0, &Turn::rehearsed(1)).unwrap()
        };
        let direct = sent(&plan);
        assert_eq!((direct.uri().to_string().as_str(), direct.headers().len()), ("/v1/items/x", 4));
        assert_eq!(direct.headers()["connection"], "close");
        plan.way.via = Via::Proxy(Proxy {
            kind: ProxyKind::Http,
            place: Place { host: "proxy".into(), port: 3128 },
            credentials: Some(Credentials { user: "eve".into(), password: "s3cret".into() }),
        });
        let forwarded = sent(&plan);
        assert_eq!(forwarded.uri(), "http://127.0.0.1:8001/v1/items/x");
        assert_eq!(forwarded.headers()["host"], "127.0.0.1:8001");
        assert_eq!(forwarded.headers()["proxy-authorization"], "Basic ZXZlOnMzY3JldA==");
        plan.origin.scheme = crate::load::plan::Scheme::Https;
        let tunnelled = sent(&plan);
        assert_eq!((tunnelled.uri(), tunnelled.headers()), (direct.uri(), direct.headers()));
    }

    #[test]
    fn http2_is_told_the_whole_url_instead_of_the_host() {
        let mut plan = plan();
        plan.way.http = HttpChoice::Exactly(HttpVersion::Http2);
        let mut other = detail();
        other.headers.push((HOST, Template::literal("other.example")));
        for (request, authority) in [(detail(), "127.0.0.1:8001"), (other, "other.example")] {
            let pools: Pools = Arc::from([Arc::from(["x".to_owned()])]);
            let filled = (pools, Arc::default());
            let prepared = Prepared::new(&[request], &plan, filled, &["t0ken".into()]).unwrap();
            let sent = prepared.request(0, &Turn::rehearsed(1)).unwrap();
            assert_eq!(sent.uri().to_string(), format!("http://{authority}/v1/items/x"));
            assert!(!sent.headers().contains_key(HOST));
        }
    }

    #[test]
    fn a_fixed_path_that_http_forbids_is_refused_before_the_load() {
        let mut bad = detail();
        bad.path = Template::literal("/a b\n");
        let error = prepared("x", &[bad]).err().unwrap();
        assert_eq!((error.request.as_str(), error.part), ("detail", "path"));
    }

    #[test]
    fn a_pool_value_that_http_forbids_is_refused_before_the_load() {
        let mut bad = detail();
        bad.headers = vec![(http::header::ACCEPT, template(vec![Segment::Pick(0)], Escape::None))];
        let error = prepared("a\nb", &[bad]).err().unwrap();
        assert_eq!((error.request.as_str(), error.part), ("detail", "header"));
    }
}
