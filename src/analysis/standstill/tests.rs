//! Simulated servers that stand still, seen through the windows of a run.

use super::*;
use crate::load::random::SplitMix64;
use crate::measure::fate::Fate;
use crate::measure::sample::{Sample, Wait};
use crate::measure::tally::Tally;

const NAMES: [&str; 4] = ["chats", "chat", "ops-alerts", "pilot-readiness"];
const MS: u64 = 1_000_000;

/// What a server does to requests.
#[derive(Clone, Copy)]
struct Server {
    /// Of each name, how often it is called: every so many slots, from that slot on.
    calls: [(u64, u64); 2],
    /// How long one of these calls holds up everything; zero if it does not.
    blocks_ms: u64,
    /// A pause of the server's own, from and to.
    pause_ms: (u64, u64),
    /// When a client gives up.
    timeout_ms: u64,
}

const QUICK: Server =
    Server { calls: [(100, 37), (100, 83)], blocks_ms: 0, pause_ms: (0, 0), timeout_ms: 30_000 };

impl Server {
    /// The slots of a minute at 10/s, by one event loop that takes 5 to 25 ms for each.
    fn samples(self) -> Vec<Sample> {
        let mut random = SplitMix64::for_slot(7, 0);
        let mut free = 0;
        let mut samples = Vec::new();
        for slot in 0..600_u64 {
            let due = slot * 100 * MS;
            let rare = self.calls.iter().position(|(every, first)| slot % every == *first);
            let request = rare.map_or(usize::from(slot % 3 == 0), |place| 2 + place);
            let mut begin = due.max(free);
            if (self.pause_ms.0 * MS..self.pause_ms.1 * MS).contains(&begin) {
                begin = self.pause_ms.1 * MS;
            }
            let blocks = rare.map_or(0, |_| self.blocks_ms * MS);
            free = begin + blocks + (1 + (2.0 * random.unit()) as u64) * MS;
            let answered = free + (4 + (20.0 * random.unit()) as u64) * MS;
            let given_up = due + self.timeout_ms * MS;
            let in_time = answered <= given_up;
            samples.push(Sample {
                request,
                due: Offset::from_nanos(due),
                taken: Some(Offset::from_nanos(due)),
                wait: Wait::default(),
                sent: Some(Offset::from_nanos(due)),
                first_byte: None,
                done: Offset::from_nanos(answered.min(given_up)),
                fate: if in_time { Fate::Ok } else { Fate::Timeout },
                status: None,
                bytes: 0,
            });
        }
        samples
    }

    fn standstills(self, warmup: Duration) -> (Standstills, Option<Finding>) {
        let (found, tally) = watched(&self.samples(), warmup);
        let presences: Vec<Presence<'_>> = NAMES
            .iter()
            .zip(tally.requests())
            .map(|(name, tally)| Presence::new(name, tally))
            .collect();
        let told = found.finding(&presences);
        (found, told)
    }
}

/// Windows of 100 ms with what ended in each.
fn watched(samples: &[Sample], warmup: Duration) -> (Standstills, Tally) {
    let mut tally = Tally::new(NAMES.len());
    let mut windows: Vec<Window> = Vec::new();
    for sample in samples {
        tally.record(sample);
        let place = (sample.done.as_nanos() / (100 * MS)) as usize;
        if windows.len() <= place {
            windows.resize_with(place + 1, Window::default);
        }
        windows[place].record_ended(sample, None);
    }
    let mut watch = Watch::default();
    windows.iter().for_each(|window| watch.push(window));
    (watch.finish(warmup), tally)
}

#[test]
fn who_blocks_the_server_is_named_with_the_length_and_the_instants() {
    let calls = [(200, 37), (200, 133)];
    let (found, told) = Server { calls, blocks_ms: 5_100, ..QUICK }.standstills(Duration::ZERO);
    assert!(found.list.iter().all(|one| (5_000..5_200).contains(&one.length().as_millis())));
    let told = told.expect("it stood still");
    assert_eq!((told.cause, told.severity), (Cause::Blocked, Severity::Warning));
    let begins = "ops-alerts and pilot-readiness: the server answered nothing for 5.1 s after each of their \
                  6 calls, the first at 3.7 s, 13.3 s, 23.7 s into the run; ";
    let typical = told.message.replace("5.11 s", "5.1 s").replace("5.12 s", "5.1 s");
    assert!(typical.starts_with(begins), "{}", told.message);
}

#[test]
fn a_call_that_times_out_itself_is_named_all_the_same() {
    let server = Server { blocks_ms: 3_000, timeout_ms: 2_500, ..QUICK };
    let told = server.standstills(Duration::ZERO).1.expect("it stood still");
    assert_eq!(told.cause, Cause::Blocked, "{}", told.message);
    assert!(told.message.starts_with("ops-alerts and pilot-readiness: "), "{}", told.message);
}

#[test]
fn a_pause_of_the_servers_own_names_nobody() {
    let server = Server { pause_ms: (20_000, 22_000), ..QUICK };
    let (found, told) = server.standstills(Duration::ZERO);
    assert_eq!(found.list.len(), 1);
    assert!(found.list[0].waited > 15, "{found:?}");
    let told = told.expect("it stood still");
    assert_eq!(told.cause, Cause::Standstill);
    assert!(
        told.message.contains("stood still once: it answered nothing for 2"),
        "{}",
        told.message
    );
    assert!(told.message.contains("the first at 20 s into the run"), "{}", told.message);
    let after = server.standstills(Duration::from_secs(15)).0;
    assert_eq!(after.list[0].begin, found.list[0].begin - Duration::from_secs(15));
    assert_eq!(server.standstills(Duration::from_secs(30)).0.list, []);
}

#[test]
fn one_standstill_after_the_only_call_of_a_rare_name_is_no_chance() {
    let server = Server { calls: [(1_000, 301), (1_000, 999)], blocks_ms: 2_000, ..QUICK };
    let told = server.standstills(Duration::ZERO).1.expect("it stood still");
    assert_eq!(told.cause, Cause::Blocked, "{}", told.message);
    assert!(told.message.starts_with("ops-alerts: "), "{}", told.message);
    assert!(told.message.contains("after its one call"), "{}", told.message);
}

#[test]
fn a_quick_server_a_slow_one_and_a_pause_of_the_generator_stand_still_nowhere() {
    assert_eq!(QUICK.standstills(Duration::ZERO).0.list, []);
    let changed = |change: fn(&mut Sample)| {
        let mut samples = QUICK.samples();
        samples.iter_mut().for_each(change);
        watched(&samples, Duration::ZERO).0.list
    };
    assert_eq!(changed(|one| one.done = one.done + Duration::from_secs(2)), [], "all alike slow");
    let pause = |one: &mut Sample| {
        let resumes = Offset::from_nanos(22_000 * MS);
        if (20_000 * MS..22_000 * MS).contains(&one.due.as_nanos()) {
            (one.sent, one.done) = (Some(resumes), resumes + Duration::from_millis(20));
        }
    };
    assert_eq!(changed(pause), [], "nothing was sent meanwhile");
    let sparse: Vec<Sample> = QUICK.samples().into_iter().step_by(20).collect();
    assert_eq!(watched(&sparse, Duration::ZERO).0.list, [], "nothing was under way");
}
