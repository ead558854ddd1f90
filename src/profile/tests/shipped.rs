//! The profiles that come with the program are what they say.

use super::*;

fn shares(profile: &Profile) -> Vec<(&str, &str, u32)> {
    let group = |request: &'_ RequestTemplate| request.group.clone().unwrap_or_default();
    let mut sums: Vec<(&str, &str, u32)> = Vec::new();
    for request in &profile.requests {
        assert!(!group(request).is_empty(), "{}", request.name);
        let group = request.group.as_deref().unwrap_or_default();
        sums.push((group, &request.name, request.weight));
    }
    sums
}

#[test]
fn the_chat_center_mix_is_the_documented_one() {
    let profile = loaded(builtin("chat-center").unwrap());
    assert_eq!(
        shares(&profile),
        [
            ("lists", "list all", 20),
            ("lists", "list review", 15),
            ("lists", "list question", 10),
            ("lists", "list chat", 10),
            ("lists", "list chats", 5),
            ("detail", "detail", 10),
            ("detail", "timeline", 5),
            ("detail", "chat detail", 5),
            ("analytics", "quality", 6),
            ("analytics", "quality-history", 5),
            ("analytics", "ops-alerts", 2),
            ("analytics", "pilot-readiness", 2),
            ("writes", "ai-draft", 2),
            ("writes", "sync reviews", 1),
            ("writes", "sync questions", 1),
            ("writes", "sync chats", 1),
        ]
    );
    assert_eq!(profile.requests.iter().map(|request| request.weight).sum::<u32>(), 100);
    assert!(profile.host.is_none());
    let pools: Vec<(&str, usize)> =
        profile.pools.iter().map(|pool| (pool.name.as_str(), pool.setup)).collect();
    assert_eq!(pools, [("interaction_ids", 0), ("chat_ids", 1)]);
    assert_eq!(profile.slo, Some(Slo::standard()));
    assert_eq!(profile.tiers, Some(Tiers::standard()));
}

#[test]
fn the_chat_center_requests_are_the_documented_ones() {
    let profile = loaded(builtin("chat-center").unwrap());
    let request =
        |name: &str| profile.requests.iter().find(|request| request.name == name).unwrap();
    let path = |name: &str| rendered(&request(name).path);
    assert_eq!(
        path("list review"),
        "/api/interactions?channel=review&page=1&page_size=50&include_total=False"
    );
    let list_all: Vec<Segment> = request("list all").path.segments.clone();
    assert!(list_all.contains(&Segment::RandomInt { low: 1, high: 3 }));
    assert_eq!(
        path("pilot-readiness"),
        "/api/interactions/metrics/pilot-readiness?max_sync_age_minutes=30\
         &max_overdue_questions=0&max_manual_rate=0.6&max_open_backlog=250"
    );
    let draft = request("ai-draft");
    assert_eq!(body(draft), r#"{"force_regenerate":false}"#);
    assert_eq!(header(draft, "authorization").unwrap(), "Bearer t0ken");
    assert_eq!(request("sync reviews").expect.statuses, [200..=200, 400..=400]);
    assert!(request("sync reviews").body.is_none());
    let Some(Auth::Issued(login)) = &profile.auth else { panic!("a log-in") };
    assert_eq!(
        sent(login.log_ins[0].body.as_ref().unwrap()),
        r#"{"email":"load@example.com","password":"s3cret \"{{ slot }}\""}"#
    );
}

#[test]
fn without_chats_the_detail_group_keeps_its_share() {
    let profile = loaded(builtin("chat-center").unwrap());
    let pools: [Arc<[String]>; 2] = [Arc::from(["1".to_owned()]), Arc::from([])];
    let (requests, notes) =
        redistribute(profile.requests, &profile.pools, &profile.setup, &pools).unwrap();
    let sum = |group: &str| -> u32 {
        let of = requests.iter().filter(|request| request.group.as_deref() == Some(group));
        of.map(|request| request.weight).sum()
    };
    assert_eq!((sum("lists"), sum("detail"), sum("analytics"), sum("writes")), (180, 60, 45, 15));
    assert_eq!(notes[0].to, ["detail", "timeline"]);
}

#[test]
fn the_smaller_profiles_are_parts_of_the_whole() {
    let whole = loaded(builtin("chat-center").unwrap());
    let whole: Vec<String> = whole.requests.iter().map(|r| format!("{r:?}")).collect();
    for (name, count) in [("chat-center-read", 12), ("chat-center-analytics", 4)] {
        let part = loaded(builtin(name).unwrap());
        assert_eq!((part.name.as_str(), part.requests.len()), (name, count));
        for request in &part.requests {
            assert!(whole.contains(&format!("{request:?}")), "{name}: {}", request.name);
        }
    }
    assert!(builtin("chat-centre").is_none());
}
