//! [`Insight`]: the bodies of the four metrics endpoints, prepared at the start.
//!
//! Invariant: a body depends only on the start time and the parameters, so runs are comparable.

use bytes::Bytes;
use serde_json::{Value, json};

use super::catalogue::{Channel, timestamp};

const DAY: u64 = 86_400;
/// The period asked for when none is given, days.
pub(super) const PERIOD: u64 = 30;

/// The prepared bodies.
pub(super) struct Insight {
    now: u64,
    quality: Bytes,
    history: Bytes,
    ops_alerts: Bytes,
}

/// What a release must not exceed, as the caller sets it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thresholds {
    pub(super) sync_age_minutes: u64,
    pub(super) overdue_questions: u64,
    pub(super) manual_rate: f64,
    pub(super) open_backlog: u64,
}

impl Insight {
    /// Builds all bodies as of `now` (Unix seconds).
    pub(super) fn new(now: u64) -> Self {
        Self {
            now,
            quality: quality(now, PERIOD).to_string().into(),
            history: history(now, PERIOD).to_string().into(),
            ops_alerts: ops_alerts(now).to_string().into(),
        }
    }

    pub(super) fn quality(&self, days: u64) -> Bytes {
        if days == PERIOD {
            return self.quality.clone();
        }
        quality(self.now, days).to_string().into()
    }

    pub(super) fn history(&self, days: u64) -> Bytes {
        if days == PERIOD {
            return self.history.clone();
        }
        history(self.now, days).to_string().into()
    }

    pub(super) fn ops_alerts(&self) -> Bytes {
        self.ops_alerts.clone()
    }

    pub(super) fn readiness(&self, thresholds: Thresholds) -> Bytes {
        readiness(self.now, thresholds).to_string().into()
    }
}

fn quality(now: u64, days: u64) -> Value {
    let by_channel: Vec<Value> =
        [(Channel::Review, 41), (Channel::Question, 28), (Channel::Chat, 19)]
            .into_iter()
            .map(|(channel, replies)| {
                let mut counts = counts(replies);
                counts["channel"] = json!(channel.name());
                counts
            })
            .collect();
    json!({
        "period_days": days,
        "generated_from": timestamp(now.saturating_sub(days * DAY)),
        "generated_to": timestamp(now),
        "totals": counts(88),
        "by_channel": by_channel,
        "pipeline": {
            "interactions_total": 180,
            "needs_response_total": 135,
            "responded_total": 45,
            "drafts_generated": 60,
            "draft_cache_hits": 210,
            "sync_runs": 96,
            "sync_failures": 1,
        },
    })
}

fn counts(replies: u64) -> Value {
    let (accepted, edited) = (replies * 6 / 10, replies / 4);
    json!({
        "replies_total": replies,
        "draft_accepted": accepted,
        "draft_edited": edited,
        "reply_manual": replies - accepted - edited,
        "accept_rate": 0.6,
        "edit_rate": 0.25,
        "manual_rate": 0.15,
        "first_reply_minutes": 18.5,
    })
}

fn history(now: u64, days: u64) -> Value {
    let series: Vec<Value> = (0..days)
        .map(|day| {
            let mut counts = counts(2 + day * 7 % 5);
            let date = timestamp(now.saturating_sub((days - 1 - day) * DAY));
            counts["date"] = json!(date.get(..10));
            counts
        })
        .collect();
    json!({
        "period_days": days,
        "generated_from": timestamp(now.saturating_sub(days * DAY)),
        "generated_to": timestamp(now),
        "series": series,
    })
}

fn ops_alerts(now: u64) -> Value {
    json!({
        "generated_at": timestamp(now),
        "question_sla": { "open_total": 45, "overdue_total": 2, "due_soon_total": 4, "sla_minutes": 60 },
        "quality_regression": {
            "current": { "period_days": 7, "manual_rate": 0.15, "accept_rate": 0.6 },
            "previous": { "period_days": 7, "manual_rate": 0.14, "accept_rate": 0.62 },
            "manual_rate_delta": 0.01,
            "accept_rate_delta": -0.02,
            "detected": false,
        },
        "sync_health": {
            "status": "ok",
            "last_sync_at": timestamp(now.saturating_sub(600)),
            "age_minutes": 10,
            "worker_alive": true,
        },
        "alerts": [
            { "code": "question_sla_overdue", "severity": "medium",
              "title": "Есть вопросы с истёкшим сроком",
              "message": "Два вопроса ждут ответа дольше часа, назначьте оператора." },
            { "code": "quality_watch", "severity": "low",
              "title": "Доля ручных ответов выросла",
              "message": "Рост на один пункт за неделю, пока в пределах нормы." },
        ],
    })
}

fn readiness(now: u64, thresholds: Thresholds) -> Value {
    let Thresholds { sync_age_minutes, overdue_questions, manual_rate, open_backlog } = thresholds;
    let check = |code: &str, title: &str, holds: bool, detail: String| {
        let status = if holds { "pass" } else { "fail" };
        json!({ "code": code, "title": title, "status": status, "blocking": true, "severity": "high", "detail": detail })
    };
    let (age, overdue, manual, backlog) = (10, 2, 0.15, 135);
    let checks = [
        check(
            "sync_age",
            "Свежесть данных",
            age <= sync_age_minutes,
            format!("Возраст {age} мин, допустимо {sync_age_minutes}"),
        ),
        check(
            "overdue",
            "Просроченные вопросы",
            overdue <= overdue_questions,
            format!("Просрочено {overdue}, допустимо {overdue_questions}"),
        ),
        check(
            "manual_rate",
            "Доля ручных ответов",
            manual <= manual_rate,
            format!("Доля {manual}, допустимо {manual_rate}"),
        ),
        check(
            "backlog",
            "Открытые обращения",
            backlog <= open_backlog,
            format!("Открыто {backlog}, допустимо {open_backlog}"),
        ),
        check("worker", "Фоновый обработчик", true, "Отвечает".to_owned()),
        check(
            "sync_errors",
            "Ошибки синхронизации",
            true,
            "Одна за сутки, повтор прошёл".to_owned(),
        ),
        check("drafts", "Черновики ответов", true, "Создаются для всех каналов".to_owned()),
        check("regression", "Качество за неделю", true, "Без ухудшения".to_owned()),
    ];
    let failed = checks.iter().filter(|check| check["status"] == "fail").count();
    let go = failed == 0;
    json!({
        "generated_at": timestamp(now),
        "go_no_go": go,
        "decision": if go { "go" } else { "no-go" },
        "summary": { "total": checks.len(), "passed": checks.len() - failed, "failed": failed, "blockers": failed },
        "thresholds": {
            "max_sync_age_minutes": sync_age_minutes,
            "max_overdue_questions": overdue_questions,
            "max_manual_rate": manual_rate,
            "max_open_backlog": open_backlog,
        },
        "checks": checks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_sizes_of_the_service_they_stand_for() {
        let insight = Insight::new(1_700_000_000);
        let thresholds = Thresholds {
            sync_age_minutes: 30,
            overdue_questions: 0,
            manual_rate: 0.6,
            open_backlog: 250,
        };
        let table = [
            ("quality", insight.quality(30), 900..1_400),
            ("history", insight.history(30), 3_800..5_400),
            ("a year", insight.history(365), 45_000..65_000),
            ("alerts", insight.ops_alerts(), 900..1_400),
            ("readiness", insight.readiness(thresholds), 1_500..2_300),
        ];
        for (name, body, range) in table {
            assert!(range.contains(&body.len()), "{name}: {}", body.len());
            assert!(serde_json::from_slice::<Value>(&body).unwrap().is_object(), "{name}");
        }
    }

    #[test]
    fn readiness_follows_the_thresholds() {
        let insight = Insight::new(1_700_000_000);
        let decision = |overdue_questions| {
            let thresholds = Thresholds {
                sync_age_minutes: 30,
                overdue_questions,
                manual_rate: 0.6,
                open_backlog: 250,
            };
            let body: Value = serde_json::from_slice(&insight.readiness(thresholds)).unwrap();
            assert_eq!(body["checks"].as_array().unwrap().len(), 8);
            body["decision"].as_str().unwrap().to_owned()
        };
        assert_eq!(decision(0), "no-go");
        assert_eq!(decision(2), "go");
    }
}
