//! One document from a URL, over a connection of its own.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{ACCEPT, HOST, HeaderValue, USER_AGENT};
use http_body_util::Full;

use crate::commands::Failure;
use crate::load::plan::Scheme;
use crate::load::url::split_url;
use crate::load::way::{HttpVersion, Way};
use crate::transport::connect::Dialer;
use crate::transport::exchange::Outgoing;
use crate::transport::route::Route;
use crate::transport::single;
use crate::transport::tls::{TlsSettings, client_config};

const PATIENCE: Duration = Duration::from_secs(30);
const AGENT: &str = concat!("steadfire/", env!("CARGO_PKG_VERSION"));

/// The body that a GET of `url` is answered with.
///
/// # Errors
/// A URL that is none, a server that cannot be reached, or an answer other than 200.
pub(super) fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    let (origin, path) =
        split_url(url).map_err(|reason| Failure::usage(format!("'{url}': {reason}")))?;
    let tls = match origin.scheme {
        Scheme::Http => None,
        Scheme::Https => Some(client_config(&TlsSettings::default()).map_err(Failure::usage)?),
    };
    let request = request(&origin.authority, &path)
        .ok_or_else(|| Failure::usage(format!("'{url}' holds a character that URLs can't")))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unexpected)?;
    let answer = runtime.block_on(async {
        let route = Route::resolve(&origin, &Way::default(), tls.as_ref()).await;
        let route = route.map_err(Failure::unreachable)?.speaking(HttpVersion::Http1);
        let dialer = Dialer::new(route, PATIENCE);
        single::fetch(&dialer, request, PATIENCE).await.map_err(|error| {
            Failure::unreachable(format!("{url}: {error}; is it running, and is the URL right?"))
        })
    })?;
    if answer.status == 200 {
        return Ok(answer.body);
    }
    let status = answer.status;
    Err(Failure::unreachable(format!(
        "{url} was answered with status {status}; save the document to a file, and import that"
    )))
}

fn request(authority: &str, path: &str) -> Option<Outgoing> {
    let mut request: Outgoing = Request::new(Full::new(Bytes::new()));
    *request.uri_mut() = path.parse().ok()?;
    let headers = request.headers_mut();
    headers.insert(HOST, HeaderValue::from_str(authority).ok()?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Some(request)
}
