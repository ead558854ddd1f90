//! [`Reply`]: an answer before it meets a socket, and the error bodies every endpoint shares.
//!
//! Invariant: every body is complete UTF-8, so its length is known before the first byte goes out.

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::endpoint::Endpoint;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a request is answered, and which endpoint is charged for it.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) endpoint: Endpoint,
    pub(super) status: StatusCode,
    pub(super) content_type: HeaderValue,
    /// Headers beyond content type and length.
    pub(super) extra: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Bytes,
}

impl Reply {
    /// A body that is JSON already.
    pub(super) fn ready(endpoint: Endpoint, body: impl Into<Bytes>) -> Self {
        Self {
            endpoint,
            status: StatusCode::OK,
            content_type: JSON,
            extra: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn json(endpoint: Endpoint, body: &Value) -> Self {
        Self::ready(endpoint, body.to_string())
    }

    /// Prometheus text.
    pub(super) fn text(endpoint: Endpoint, body: String) -> Self {
        let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        Self { content_type, ..Self::ready(endpoint, body) }
    }

    /// `{"detail": …}` with that status.
    pub(super) fn error(endpoint: Endpoint, status: StatusCode, detail: &str) -> Self {
        Self { status, ..Self::json(endpoint, &json!({ "detail": detail })) }
    }

    /// Turned away before any work.
    pub(super) fn refused(status: StatusCode, detail: &str) -> Self {
        Self::error(Endpoint::Refused, status, detail)
    }

    pub(super) fn unauthorized(detail: &str) -> Self {
        Self::refused(StatusCode::UNAUTHORIZED, detail)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::refused(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn server_error(endpoint: Endpoint) -> Self {
        Self::error(endpoint, StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    }

    /// Status 422 naming the place and what is wrong there.
    pub(super) fn invalid(place: [&str; 2], kind: &str, message: &str, input: &Value) -> Self {
        let detail = json!([{ "type": kind, "loc": place, "msg": message, "input": input }]);
        Self::json(Endpoint::Refused, &json!({ "detail": detail }))
            .with_status(StatusCode::UNPROCESSABLE_ENTITY)
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.extra.push((name, value));
        self
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}
