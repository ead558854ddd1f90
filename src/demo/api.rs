//! [`Api`]: request in, [`Reply`] out, without socket, clock or waiting.
//!
//! Checks come in the order of the service this stands for: path, method, token, parameters, item.
//! Invariant: any method, path, header and body is answered; none panics.

use std::io;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};
use serde_json::json;

use super::accounts::{Accounts, Seller};
use super::catalogue::{Catalogue, Page, Total};
use super::endpoint::Endpoint;
use super::insight::{Insight, PERIOD, Thresholds};
use super::query::{Query, path_id};
use super::reply::Reply;
use super::route::Route;
use super::settings::{Seeding, Settings};

mod auth;

/// The demo service and its state.
pub(super) struct Api {
    accounts: Accounts,
    catalogue: Catalogue,
    insight: Insight,
}

/// A request as the service sees it.
pub(super) struct Call<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// Unix seconds.
    pub(super) now: u64,
}

impl Api {
    /// Builds the data as of `now` (Unix seconds).
    pub(super) fn new(settings: &Settings, now: u64) -> io::Result<Self> {
        Ok(Self {
            accounts: Accounts::new(settings, now)?,
            catalogue: Catalogue::new(now),
            insight: Insight::new(now),
        })
    }

    pub(super) fn answer(&mut self, call: &Call<'_>) -> Reply {
        self.route(call).unwrap_or_else(|refusal| refusal)
    }

    fn route(&mut self, call: &Call<'_>) -> Result<Reply, Reply> {
        let route = Route::find(call.method, call.path)?;
        let query = Query::parse(call.query);
        match route {
            Route::Health => {
                let body =
                    json!({ "status": "healthy", "database": "connected", "service": "demo" });
                Ok(Reply::json(Endpoint::Health, &body))
            }
            Route::Register => self.register(call),
            Route::Login => self.login(call),
            Route::Refresh => self.refresh(call),
            Route::SeedDemo => self.seed_demo(call),
            // Lists everybody's chats when nobody is signed in, as its model does.
            Route::Chats => {
                self.chats(&query, self.bearer(call).map_or(self.accounts.widest(), |s| s.seeding))
            }
            _ => self.signed_in(route, call, &query),
        }
    }

    fn signed_in(&self, route: Route<'_>, call: &Call<'_>, query: &Query) -> Result<Reply, Reply> {
        let seller = self.bearer(call)?;
        match route {
            Route::Interactions => self.interactions(query, seller.seeding),
            Route::Interaction(id) => {
                let id =
                    self.visible(id, seller, Seeding::interactions, "Interaction not found")?;
                Ok(Reply::ready(
                    Endpoint::Detail,
                    self.catalogue.interaction(id).unwrap_or_default().to_owned(),
                ))
            }
            Route::Timeline(id) => self.timeline(id, seller, query),
            Route::AiDraft(id) => {
                draft_options(call.body)?;
                let id =
                    self.visible(id, seller, Seeding::interactions, "Interaction not found")?;
                Ok(Reply::ready(Endpoint::AiDraft, self.catalogue.draft(id).unwrap_or_default()))
            }
            Route::Chat(id) => {
                let id = self.visible(id, seller, Seeding::chats, "Chat not found")?;
                Ok(Reply::ready(
                    Endpoint::ChatDetail,
                    self.catalogue.chat(id).unwrap_or_default().to_owned(),
                ))
            }
            Route::SyncReviews => sync_without_credentials(Endpoint::SyncReviews, query),
            Route::SyncQuestions => sync_without_credentials(Endpoint::SyncQuestions, query),
            Route::SyncChats => sync_chats(seller, query),
            _ => self.metrics(route, query),
        }
    }

    fn metrics(&self, route: Route<'_>, query: &Query) -> Result<Reply, Reply> {
        let days = || query.integer("days", PERIOD, 1..=365);
        unbroken(query.text("channel"), Endpoint::Quality)?;
        match route {
            Route::Quality => Ok(Reply::ready(Endpoint::Quality, self.insight.quality(days()?))),
            Route::QualityHistory => {
                Ok(Reply::ready(Endpoint::QualityHistory, self.insight.history(days()?)))
            }
            Route::OpsAlerts => Ok(Reply::ready(Endpoint::OpsAlerts, self.insight.ops_alerts())),
            Route::PilotReadiness => {
                let thresholds = Thresholds {
                    sync_age_minutes: query.integer("max_sync_age_minutes", 30, 1..=10_080)?,
                    overdue_questions: query.integer("max_overdue_questions", 0, 0..=100_000)?,
                    manual_rate: query.share("max_manual_rate", 0.6)?,
                    open_backlog: query.integer("max_open_backlog", 250, 0..=1_000_000)?,
                };
                Ok(Reply::ready(Endpoint::PilotReadiness, self.insight.readiness(thresholds)))
            }
            _ => Err(Reply::not_found("Not Found")),
        }
    }

    fn interactions(&self, query: &Query, seeding: Seeding) -> Result<Reply, Reply> {
        let page = page(query)?;
        let channel = query.text("channel").filter(|channel| !channel.is_empty());
        let endpoint = match channel {
            Some("review") => Endpoint::ListReview,
            Some("question") => Endpoint::ListQuestion,
            Some("chat") => Endpoint::ListChat,
            _ => Endpoint::ListAll,
        };
        unbroken(channel, endpoint)?;
        unbroken(query.text("search"), endpoint)?;
        Ok(Reply::ready(endpoint, self.catalogue.list(seeding.interactions(), channel, page)))
    }

    fn chats(&self, query: &Query, seeding: Seeding) -> Result<Reply, Reply> {
        let page = page(query)?;
        Ok(Reply::ready(Endpoint::ListChats, self.catalogue.chats(seeding.chats(), page)))
    }

    fn timeline(&self, id: &str, seller: &Seller, query: &Query) -> Result<Reply, Reply> {
        let steps_max = query.integer("max_items", 100, 1..=500)?;
        query.integer("product_window_days", 45, 1..=365)?;
        let id = self.visible(id, seller, Seeding::interactions, "Interaction not found")?;
        let body = self.catalogue.timeline(id, steps_max).unwrap_or_default();
        Ok(Reply::ready(Endpoint::Timeline, body))
    }

    /// The id if this seller may see it: 403 if another seller may, 404 if none.
    fn visible(
        &self,
        id: &str,
        seller: &Seller,
        extent: fn(Seeding) -> usize,
        missing: &str,
    ) -> Result<usize, Reply> {
        let id = path_id(id)?.filter(|id| (1..=extent(self.accounts.widest())).contains(id));
        let id = id.ok_or_else(|| Reply::not_found(missing))?;
        if id <= extent(seller.seeding) {
            Ok(id)
        } else {
            Err(Reply::refused(StatusCode::FORBIDDEN, "This item belongs to another seller"))
        }
    }

    /// The seller whose token came along. A cookie wins over the header.
    fn bearer(&self, call: &Call<'_>) -> Result<&Seller, Reply> {
        let token = cookie(call.headers).or_else(|| bearer_header(call.headers));
        let token = token.ok_or_else(|| Reply::unauthorized("Authentication required"))?;
        let seller = self.accounts.bearer(token, call.now);
        seller.ok_or_else(|| Reply::unauthorized("Invalid or expired token"))
    }
}

fn page(query: &Query) -> Result<Page, Reply> {
    Ok(Page {
        number: query.integer("page", 1, 1..=u64::MAX)?,
        size: query.integer("page_size", 20, 1..=100)?,
        total: if query.truth("include_total", true)? { Total::Counted } else { Total::Omitted },
    })
}

/// A NUL byte breaks the database of the service this stands for.
fn unbroken(text: Option<&str>, endpoint: Endpoint) -> Result<(), Reply> {
    if text.is_some_and(|text| text.contains('\0')) {
        return Err(Reply::server_error(endpoint));
    }
    Ok(())
}

fn sync_limits(query: &Query) -> Result<(), Reply> {
    query.integer("max_items", 50, 1..=5_000)?;
    query.integer("page_size", 50, 1..=500)?;
    query.truth("only_unanswered", true)?;
    Ok(())
}

/// Reviews and questions need marketplace credentials, which no demo seller has.
fn sync_without_credentials(endpoint: Endpoint, query: &Query) -> Result<Reply, Reply> {
    sync_limits(query)?;
    Ok(Reply::error(endpoint, StatusCode::BAD_REQUEST, "Marketplace credentials missing"))
}

fn sync_chats(seller: &Seller, query: &Query) -> Result<Reply, Reply> {
    sync_limits(query)?;
    if query.truth("direct_wb_fetch", false)? {
        let detail = "The marketplace does not answer";
        return Ok(Reply::error(Endpoint::SyncChats, StatusCode::BAD_GATEWAY, detail));
    }
    let body = json!({
        "seller_id": seller.id, "channel": "chat", "source": "local_chats",
        "fetched": seller.seeding.chats(), "created": 0, "updated": 0, "skipped": seller.seeding.chats(),
    });
    Ok(Reply::json(Endpoint::SyncChats, &body))
}

/// A draft needs a JSON object, with a boolean if it says whether to write anew.
fn draft_options(body: &[u8]) -> Result<(), Reply> {
    let options = auth::json_object(body)?;
    match options.get("force_regenerate") {
        None | Some(serde_json::Value::Bool(_)) => Ok(()),
        Some(other) => {
            let message = "This must be true or false";
            Err(Reply::invalid(["body", "force_regenerate"], "bool_parsing", message, other))
        }
    }
}

fn bearer_header(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix("access_token="))
}

#[cfg(test)]
mod tests;
