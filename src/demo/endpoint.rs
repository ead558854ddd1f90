//! [`Endpoint`]: every kind of request the demo backend tells apart, and what one costs it.
//!
//! Invariant: each request is charged to exactly one endpoint, whatever it is answered.

use std::time::Duration;

/// A kind of request, named as load profiles name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// `POST /api/auth/register`
    Register,
    /// `POST /api/auth/login`
    Login,
    /// `POST /api/auth/refresh`
    Refresh,
    /// `POST /api/auth/seed-demo`
    SeedDemo,
    /// `GET /health`
    Health,
    /// `GET /api/metrics`
    Metrics,
    /// `GET /api/interactions`, all channels
    ListAll,
    /// `GET /api/interactions?channel=review`
    ListReview,
    /// `GET /api/interactions?channel=question`
    ListQuestion,
    /// `GET /api/interactions?channel=chat`
    ListChat,
    /// `GET /api/chats`
    ListChats,
    /// `GET /api/interactions/{id}`
    Detail,
    /// `GET /api/interactions/{id}/timeline`
    Timeline,
    /// `GET /api/chats/{id}`
    ChatDetail,
    /// `GET /api/interactions/metrics/quality`
    Quality,
    /// `GET /api/interactions/metrics/quality-history`
    QualityHistory,
    /// `GET /api/interactions/metrics/ops-alerts`
    OpsAlerts,
    /// `GET /api/interactions/metrics/pilot-readiness`
    PilotReadiness,
    /// `POST /api/interactions/{id}/ai-draft`
    AiDraft,
    /// `POST /api/interactions/sync/reviews`
    SyncReviews,
    /// `POST /api/interactions/sync/questions`
    SyncQuestions,
    /// `POST /api/interactions/sync/chats`
    SyncChats,
    /// Turned away before any work: unknown path or method, no valid token, malformed parameter.
    Refused,
}

/// The chat-center mix: how often each endpoint occurs among 100 requests.
pub const CHAT_CENTER_MIX: [(Endpoint, u32); 16] = [
    (Endpoint::ListAll, 20),
    (Endpoint::ListReview, 15),
    (Endpoint::ListQuestion, 10),
    (Endpoint::ListChat, 10),
    (Endpoint::ListChats, 5),
    (Endpoint::Detail, 10),
    (Endpoint::Timeline, 5),
    (Endpoint::ChatDetail, 5),
    (Endpoint::Quality, 6),
    (Endpoint::QualityHistory, 5),
    (Endpoint::OpsAlerts, 2),
    (Endpoint::PilotReadiness, 2),
    (Endpoint::AiDraft, 2),
    (Endpoint::SyncReviews, 1),
    (Endpoint::SyncQuestions, 1),
    (Endpoint::SyncChats, 1),
];

impl Endpoint {
    /// Mean time one worker needs for it, before scaling; medians of a FastAPI service lie near these.
    pub const fn mean_service(self) -> Duration {
        Duration::from_micros(match self {
            Self::Refused => 1_000,
            Self::SyncReviews | Self::SyncQuestions | Self::SyncChats | Self::ChatDetail => 2_200,
            Self::Detail => 2_500,
            Self::Health | Self::Metrics => 3_000,
            Self::ListChats | Self::AiDraft => 4_000,
            Self::ListQuestion | Self::ListChat => 4_200,
            Self::ListAll | Self::ListReview => 4_500,
            Self::Register | Self::Login | Self::Refresh | Self::Quality | Self::QualityHistory => {
                5_000
            }
            Self::Timeline => 5_500,
            Self::OpsAlerts => 6_000,
            Self::PilotReadiness => 8_000,
            Self::SeedDemo => 20_000,
        })
    }

    /// True for sign-in, liveness and server-side figures: injected faults spare these, so that a faulty
    /// backend can still be logged in to and watched.
    pub const fn is_plumbing(self) -> bool {
        matches!(
            self,
            Self::Register
                | Self::Login
                | Self::Refresh
                | Self::SeedDemo
                | Self::Health
                | Self::Metrics
        )
    }

    /// The path template as server-side metrics label it.
    pub const fn template(self) -> &'static str {
        match self {
            Self::Register => "/api/auth/register",
            Self::Login => "/api/auth/login",
            Self::Refresh => "/api/auth/refresh",
            Self::SeedDemo => "/api/auth/seed-demo",
            Self::Health => "/health",
            Self::Metrics => "/api/metrics",
            Self::ListAll | Self::ListReview | Self::ListQuestion | Self::ListChat => {
                "/api/interactions"
            }
            Self::ListChats => "/api/chats",
            Self::Detail => "/api/interactions/{id}",
            Self::Timeline => "/api/interactions/{id}/timeline",
            Self::ChatDetail => "/api/chats/{id}",
            Self::Quality => "/api/interactions/metrics/quality",
            Self::QualityHistory => "/api/interactions/metrics/quality-history",
            Self::OpsAlerts => "/api/interactions/metrics/ops-alerts",
            Self::PilotReadiness => "/api/interactions/metrics/pilot-readiness",
            Self::AiDraft => "/api/interactions/{id}/ai-draft",
            Self::SyncReviews => "/api/interactions/sync/reviews",
            Self::SyncQuestions => "/api/interactions/sync/questions",
            Self::SyncChats => "/api/interactions/sync/chats",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mix_sums_to_a_hundred() {
        assert_eq!(CHAT_CENTER_MIX.iter().map(|(_, weight)| weight).sum::<u32>(), 100);
    }
}
