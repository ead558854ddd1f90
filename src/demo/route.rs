//! [`Route`]: method and path to the operation meant, or the 404, 405 or 307 that says there is none.
//!
//! Invariant: a path has one set of methods, so 405 always names what is allowed.

use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};

use super::reply::Reply;

/// An operation, with the id from its path as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Health,
    /// Answered by the server itself, which has the figures.
    Metrics,
    Register,
    Login,
    Refresh,
    SeedDemo,
    Interactions,
    Interaction(&'a str),
    Timeline(&'a str),
    AiDraft(&'a str),
    Chats,
    Chat(&'a str),
    Quality,
    QualityHistory,
    OpsAlerts,
    PilotReadiness,
    SyncReviews,
    SyncQuestions,
    SyncChats,
}

impl<'a> Route<'a> {
    pub(super) fn find(method: &Method, path: &'a str) -> Result<Self, Reply> {
        let Some(route) = Self::at(path) else {
            return Err(redirect(path).unwrap_or_else(|| Reply::not_found("Not Found")));
        };
        let allowed = route.method();
        if *method == allowed {
            return Ok(route);
        }
        let allow = if allowed == Method::GET { "GET" } else { "POST" };
        Err(Reply::refused(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
            .with(ALLOW, HeaderValue::from_static(allow)))
    }

    /// Whether its request body is looked at.
    pub(super) const fn reads_body(self) -> bool {
        matches!(self, Self::Register | Self::Login | Self::AiDraft(_))
    }

    fn at(path: &'a str) -> Option<Self> {
        match path {
            "/health" => return Some(Self::Health),
            "/api/metrics" => return Some(Self::Metrics),
            "/api/interactions" => return Some(Self::Interactions),
            "/api/chats" => return Some(Self::Chats),
            _ => {}
        }
        let mut parts = path.strip_prefix("/api/")?.split('/');
        let parts = (parts.next()?, parts.next()?, parts.next(), parts.next());
        Some(match parts {
            ("auth", "register", None, _) => Self::Register,
            ("auth", "login", None, _) => Self::Login,
            ("auth", "refresh", None, _) => Self::Refresh,
            ("auth", "seed-demo", None, _) => Self::SeedDemo,
            ("interactions", "metrics", Some(name), None) => match name {
                "quality" => Self::Quality,
                "quality-history" => Self::QualityHistory,
                "ops-alerts" => Self::OpsAlerts,
                "pilot-readiness" => Self::PilotReadiness,
                _ => return None,
            },
            ("interactions", "sync", Some(name), None) => match name {
                "reviews" => Self::SyncReviews,
                "questions" => Self::SyncQuestions,
                "chats" => Self::SyncChats,
                _ => return None,
            },
            ("interactions" | "chats", "", _, _) => return None,
            ("interactions", id, Some("timeline"), None) => Self::Timeline(id),
            ("interactions", id, Some("ai-draft"), None) => Self::AiDraft(id),
            ("interactions", id, None, _) => Self::Interaction(id),
            ("chats", id, None, _) => Self::Chat(id),
            _ => return None,
        })
    }

    const fn method(self) -> Method {
        match self {
            Self::Register | Self::Login | Self::Refresh | Self::SeedDemo | Self::AiDraft(_) => {
                Method::POST
            }
            Self::SyncReviews | Self::SyncQuestions | Self::SyncChats => Method::POST,
            _ => Method::GET,
        }
    }
}

/// Sends a path with one slash too many to where it would be found.
fn redirect(path: &str) -> Option<Reply> {
    let target = path.strip_suffix('/')?;
    Route::at(target)?;
    let location = HeaderValue::try_from(target).ok()?;
    Some(Reply::refused(StatusCode::TEMPORARY_REDIRECT, "Moved").with(LOCATION, location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_methods_find_their_route() {
        let get = |path| Route::find(&Method::GET, path).map_err(|reply| reply.status.as_u16());
        assert_eq!(get("/api/interactions/7/timeline"), Ok(Route::Timeline("7")));
        assert_eq!(get("/api/interactions/metrics/quality"), Ok(Route::Quality));
        assert_eq!(get("/api/interactions/metrics"), Ok(Route::Interaction("metrics")));
        let missing =
            ["", "/", "/api", "/api/", "//", "/api/interactions/7/timeline/x", "/api/auth", "*"];
        for path in missing {
            assert_eq!(get(path), Err(404), "{path}");
        }
        for path in
            ["/api/auth/login", "/api/interactions/sync/chats", "/api/interactions/1/ai-draft"]
        {
            assert_eq!(get(path), Err(405), "{path}");
        }
        for path in ["/api/chats/", "/health/", "/api/interactions/7/"] {
            assert_eq!(get(path), Err(307), "{path}");
        }
        assert_eq!(Route::find(&Method::HEAD, "/health").map_err(|r| r.status.as_u16()), Err(405));
    }
}
