//! [`Catalogue`]: the demo data, built once at the start: interactions with their threads and drafts, and chats.
//!
//! Ids run from 1 in order of age, so the newest has the highest; who may see how many is the caller's affair.
//! Invariant: after the start, answering costs copies of prepared text only.

use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};

/// Interactions of a full data set; its first [`DEMO_INTERACTIONS`] are the small one.
pub(super) const FULL_INTERACTIONS: usize = 180;
/// Interactions that `seed-demo` brings: 5 reviews, 4 questions, 3 chats.
pub(super) const DEMO_INTERACTIONS: usize = 12;
/// Chats that `seed-demo` brings, one for each interaction of that channel.
pub(super) const DEMO_CHATS: usize = 3;
/// Chats of a full data set.
pub(super) const FULL_CHATS: usize = 60;

/// Where an interaction came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    Review,
    Question,
    Chat,
}

/// All data there can be to see.
pub(super) struct Catalogue {
    interactions: Vec<Interaction>,
    chats: Vec<String>,
}

struct Interaction {
    channel: Channel,
    body: String,
    /// The beginning of its timeline, up to the opening bracket of the steps.
    thread: String,
    steps: Vec<String>,
    draft: Bytes,
}

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// Counted from 1.
    pub(super) number: u64,
    pub(super) size: u64,
    pub(super) total: Total,
}

/// Whether a list counts all that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Total {
    Counted,
    /// Given as 0.
    Omitted,
}

impl Channel {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Review => "review",
            Self::Question => "question",
            Self::Chat => "chat",
        }
    }

    /// Five reviews, four questions and three chats in every dozen.
    const fn of(index: usize) -> Self {
        match index % DEMO_INTERACTIONS {
            0..5 => Self::Review,
            5..9 => Self::Question,
            _ => Self::Chat,
        }
    }
}

impl Catalogue {
    /// Builds everything, dated back from `now` (Unix seconds).
    pub(super) fn new(now: u64) -> Self {
        Self {
            interactions: (0..FULL_INTERACTIONS)
                .map(|index| Interaction::new(index, now))
                .collect(),
            chats: (0..FULL_CHATS).map(|index| chat(index, now).to_string()).collect(),
        }
    }

    /// The list of interactions, newest first, of those with an id up to `visible`.
    pub(super) fn list(&self, visible: usize, channel: Option<&str>, page: Page) -> String {
        let matching = self.interactions[..visible.min(FULL_INTERACTIONS)]
            .iter()
            .rev()
            .filter(|item| channel.is_none_or(|name| name == item.channel.name()))
            .map(|item| item.body.as_str());
        listing("interactions", matching, page)
    }

    /// The list of chats, newest first, of those with an id up to `visible`.
    pub(super) fn chats(&self, visible: usize, page: Page) -> String {
        let matching = self.chats[..visible.min(FULL_CHATS)].iter().rev().map(String::as_str);
        listing("chats", matching, page)
    }

    /// One interaction by id.
    pub(super) fn interaction(&self, id: usize) -> Option<&str> {
        self.item(id).map(|item| item.body.as_str())
    }

    /// One chat by id.
    pub(super) fn chat(&self, id: usize) -> Option<&str> {
        self.chats.get(id.checked_sub(1)?).map(String::as_str)
    }

    /// What happened around an interaction, at most `steps_max` steps.
    pub(super) fn timeline(&self, id: usize, steps_max: u64) -> Option<String> {
        let item = self.item(id)?;
        let count = usize::try_from(steps_max).unwrap_or(usize::MAX).min(item.steps.len());
        Some(format!("{}{}]}}", item.thread, item.steps[..count].join(",")))
    }

    /// The proposed answer to an interaction.
    pub(super) fn draft(&self, id: usize) -> Option<Bytes> {
        self.item(id).map(|item| item.draft.clone())
    }

    fn item(&self, id: usize) -> Option<&Interaction> {
        self.interactions.get(id.checked_sub(1)?)
    }
}

fn listing<'a>(key: &str, matching: impl Iterator<Item = &'a str> + Clone, page: Page) -> String {
    let Page { number, size, total } = page;
    let total = if total == Total::Counted { matching.clone().count() } else { 0 };
    let skip = usize::try_from((number - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    let items: Vec<&str> = matching.skip(skip).take(take).collect();
    let length: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut body = String::with_capacity(length + 80);
    body.push_str("{\"");
    body.push_str(key);
    body.push_str("\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(item);
    }
    // Writing to a string can't fail.
    let _ = write!(body, "],\"total\":{total},\"page\":{number},\"page_size\":{size}}}");
    body
}

const PRODUCTS: [(&str, &str); 6] = [
    ("TERMO-500", "Термокружка 500 мл, матовая"),
    ("PLED-200", "Плед вязаный 150×200 см"),
    ("LAMPA-LED", "Лампа настольная с беспроводной зарядкой"),
    ("RUKZAK-21", "Рюкзак городской на 21 литр"),
    ("KOVRIK-6", "Коврик для йоги, 6 мм"),
    ("CHAINIK-G", "Чайник стеклянный с подсветкой"),
];

const REVIEWS: [&str; 5] = [
    "Пользуюсь вторую неделю, качество отличное, швы ровные. Доставили на день раньше, упаковано бережно. Возьму ещё одну в подарок.",
    "В целом неплохо, но цвет на фото ярче, чем в жизни. За эти деньги ожидала большего, хотя пользоваться удобно.",
    "Пришла с царапиной на корпусе, коробка мятая. Подскажите, можно ли обменять, или проще оформить возврат?",
    "Размер подошёл, материал приятный, запаха нет. Через несколько дней напишу, как ведёт себя после стирки.",
    "Перестала работать на третий день. Очень расстроена, обратилась в поддержку и жду ответа уже двое суток.",
];

const QUESTIONS: [&str; 4] = [
    "Здравствуйте! Подойдёт ли этот товар для ребёнка семи лет, и есть ли сертификат? Когда снова будет серый цвет?",
    "Подскажите, пожалуйста, точные размеры в упаковке и вес. Поместится ли в ручную кладь на самолёте?",
    "Можно ли мыть в посудомоечной машине, и что входит в комплект, кроме инструкции и чехла?",
    "Какая гарантия и куда обращаться, если найдётся брак? На странице товара об этом ничего не сказано.",
];

const CHATS: [&str; 3] = [
    "Добрый день! Заказ застрял на сортировке, статус не меняется четвёртый день. Когда его ждать, и что делать, если не успеет?",
    "Оформила возврат неделю назад, товар приняли, а деньги не пришли. Проверьте, пожалуйста, заявку и сроки.",
    "Положили не тот цвет, я заказывала синий. Можно прислать правильный без отправки этого обратно?",
];

const DRAFT: &str = "Здравствуйте! Спасибо, что написали нам. Нам жаль, что вышло не так, как вы ждали: \
    мы уже проверяем заказ и вернёмся с ответом в течение рабочего дня. Если удобно, приложите фото \
    товара и упаковки, так мы быстрее подберём решение: обмен, возврат или помощь с настройкой.";

const NOTES: [&str; 3] = [
    "Покупатель открыл обращение и приложил две фотографии товара, на одной виден повреждённый угол упаковки.",
    "Оператор уточнил номер заказа и передал вопрос на склад; срок ответа по регламенту — один рабочий день.",
    "Склад подтвердил остаток и готовность к замене, ответ покупателю подготовлен и ждёт проверки оператора.",
];

/// Time between two interactions, in seconds.
const SPACING: u64 = 37 * 60;

impl Interaction {
    fn new(index: usize, now: u64) -> Self {
        let channel = Channel::of(index);
        let age = SPACING * (FULL_INTERACTIONS - index) as u64;
        let body = interaction(index, now.saturating_sub(age));
        let draft = json!({
            "interaction": body,
            "draft_text": DRAFT,
            "intent": pick(&["thanks", "quality", "delivery"], index),
            "sentiment": pick(&["positive", "neutral", "negative"], index),
            "sla_priority": pick(&["low", "normal", "high"], index),
            "recommendation_reason": "Шаблон выбран по каналу и оценке обращения",
            "source": "fallback",
            "guardrail_warnings": [],
        });
        let id = index + 1;
        let steps = (0..3 + index % 6)
            .map(|step| {
                json!({
                    "id": id * 100 + step,
                    "interaction_id": id,
                    "channel": channel.name(),
                    "event_type": pick(&["received", "assigned", "answer_prepared"], step),
                    "occurred_at": timestamp(now.saturating_sub(age - 240 * step as u64)),
                    "actor": pick(&["customer", "operator", "warehouse"], step),
                    "subject": pick(&PRODUCTS, index).1,
                    "text": pick(&NOTES, step),
                    "match_reason": "customer_and_product",
                    "confidence": 0.92,
                    "details": { "order_id": order(index), "nm_id": product_number(index), "source": "marketplace_api" },
                })
                .to_string()
            })
            .collect();
        let thread = format!(
            "{{\"interaction_id\":{id},\"thread_scope\":\"customer_product\",\"thread_key\":{},\
             \"channels_present\":[\"{}\"],\"steps\":[",
            json!({ "customer_id": customer(index), "nm_id": product_number(index) }),
            channel.name(),
        );
        Self { channel, body: body.to_string(), thread, steps, draft: draft.to_string().into() }
    }
}

fn interaction(index: usize, occurred: u64) -> Value {
    let channel = Channel::of(index);
    let (article, product) = pick(&PRODUCTS, index);
    let text = match channel {
        Channel::Review => pick(&REVIEWS, index),
        Channel::Question => pick(&QUESTIONS, index),
        Channel::Chat => pick(&CHATS, index),
    };
    let answered = index.is_multiple_of(4);
    let rating = (channel == Channel::Review).then_some(pick(&[5, 4, 2, 5, 1], index));
    json!({
        "id": index + 1,
        "seller_id": 1,
        "marketplace": "wildberries",
        "channel": channel.name(),
        "external_id": format!("{}-{:08x}", channel.name(), 0x5f3a_0000 + index * 7_919),
        "customer_id": customer(index),
        "order_id": order(index),
        "nm_id": product_number(index),
        "product_article": article,
        "subject": product,
        "text": text,
        "rating": rating,
        "status": if answered { "responded" } else { "open" },
        "priority": pick(&["low", "normal", "high"], index),
        "needs_response": !answered,
        "source": "marketplace_api",
        "is_auto_response": false,
        "occurred_at": timestamp(occurred),
        "created_at": timestamp(occurred + 40),
        "updated_at": timestamp(occurred + 95),
        "extra_data": { "product_name": product, "has_photos": index % 5 == 2, "locale": "ru-RU" },
    })
}

fn chat(index: usize, now: u64) -> Value {
    let occurred = now.saturating_sub(SPACING * (FULL_CHATS - index) as u64);
    let (article, product) = pick(&PRODUCTS, index);
    json!({
        "id": index + 1,
        "seller_id": 1,
        "marketplace": "wildberries",
        "marketplace_chat_id": format!("chat-{:08x}", 0x2b1c_0000 + index * 104_729),
        "customer_name": format!("Покупатель {}", index + 1),
        "customer_id": customer(index),
        "order_id": order(index),
        "product_article": article,
        "product_name": product,
        "status": pick(&["waiting", "responded", "client-replied"], index),
        "chat_status": "open",
        "unread_count": index % 4,
        "last_message_preview": pick(&CHATS, index),
        "last_message_at": timestamp(occurred),
        "sla_deadline_at": timestamp(occurred + 3_600),
        "sla_priority": pick(&["low", "normal", "high"], index),
        "first_message_at": timestamp(occurred.saturating_sub(5_400)),
    })
}

/// The choice for `index`, going round.
fn pick<T: Copy>(choices: &[T], index: usize) -> T {
    choices[index % choices.len()]
}

fn customer(index: usize) -> String {
    format!("cust-{:05}", 10_000 + index * 37 % 90_000)
}

fn order(index: usize) -> String {
    format!("WB-{}", 70_000_000 + index * 1_237)
}

fn product_number(index: usize) -> usize {
    148_200_000 + index % PRODUCTS.len() * 311
}

/// RFC 3339 of Unix seconds.
pub(super) fn timestamp(unix: u64) -> String {
    i64::try_from(unix)
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn page(number: u64, size: u64) -> Page {
        Page { number, size, total: Total::Counted }
    }

    #[test]
    fn lists_are_newest_first_and_paged() {
        let catalogue = Catalogue::new(1_700_000_000);
        let ids = |text: String| -> Vec<u64> {
            parsed(&text)["interactions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_u64().unwrap())
                .collect()
        };
        assert_eq!(ids(catalogue.list(12, None, page(1, 20))), (1..=12).rev().collect::<Vec<_>>());
        assert_eq!(
            ids(catalogue.list(180, None, page(3, 50))),
            (31..=80).rev().collect::<Vec<_>>()
        );
        assert_eq!(ids(catalogue.list(12, Some("chat"), page(1, 50))), [12, 11, 10]);
        assert_eq!(ids(catalogue.list(12, None, page(2, 50))), [0; 0]);
        assert_eq!(ids(catalogue.list(12, Some("fax"), page(1, 50))), [0; 0]);
        assert_eq!(parsed(&catalogue.list(180, Some("review"), page(1, 50)))["total"], 75);
        assert_eq!(
            parsed(&catalogue.chats(60, page(2, 50)))["chats"].as_array().unwrap().len(),
            10
        );
        let far =
            catalogue.list(180, None, Page { number: u64::MAX, size: 100, total: Total::Omitted });
        assert_eq!(parsed(&far)["total"], 0);
    }

    #[test]
    fn bodies_have_the_sizes_of_the_service_they_stand_for() {
        let catalogue = Catalogue::new(1_700_000_000);
        let within = |what: &str, length: usize, range: std::ops::Range<usize>| {
            assert!(range.contains(&length), "{what}: {length}");
        };
        within("page of 50", catalogue.list(180, None, page(1, 50)).len(), 36_000..50_000);
        within("demo page", catalogue.list(12, None, page(1, 50)).len(), 8_500..12_000);
        within("chats", catalogue.chats(60, page(1, 50)).len(), 28_000..42_000);
        within("detail", catalogue.interaction(7).unwrap().len(), 700..1_100);
        within("timeline", catalogue.timeline(6, 100).unwrap().len(), 3_000..8_000);
        within("draft", catalogue.draft(3).unwrap().len(), 1_400..2_200);
        within("chat", catalogue.chat(60).unwrap().len(), 550..900);
    }

    #[test]
    fn an_interaction_has_its_21_keys() {
        let catalogue = Catalogue::new(1_700_000_000);
        assert_eq!(parsed(catalogue.interaction(1).unwrap()).as_object().unwrap().len(), 21);
        assert_eq!(catalogue.interaction(0), None);
        assert_eq!(catalogue.interaction(181), None);
        let timeline = parsed(&catalogue.timeline(6, 2).unwrap());
        assert_eq!(timeline["steps"].as_array().unwrap().len(), 2);
        assert_eq!(timeline["interaction_id"], 6);
    }
}
