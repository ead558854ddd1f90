//! [`redistribute`]: what becomes of requests whose pool is still empty after set-up.
//!
//! Shares are kept exact: what a request leaves behind goes to its group in proportion to the group's
//! weights, and weights stay whole numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::load::greatest_common_divisor;
use crate::load::mix::CYCLE_MAX;
use crate::load::plan::{PoolSource, SetupRequest};
use crate::load::request::{OnEmpty, PoolId, RequestTemplate};

/// A request that is not sent because its pool is empty, as the profile allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redistributed {
    /// Its name.
    pub request: String,
    /// The empty pool.
    pub pool: String,
    /// The weight it had.
    pub weight: u32,
    /// Names of the requests that are sent instead, at least one.
    pub to: Vec<String>,
}

/// A request that can't be sent because its pool is empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{request}' needs a value from '{pool}', but '{setup}' found none{}",
    hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default()
)]
pub struct EmptyPool {
    /// The request's name.
    pub request: String,
    /// The empty pool.
    pub pool: String,
    /// The set-up request that should have filled it.
    pub setup: String,
    /// The profile's advice.
    pub hint: Option<String>,
}

/// Takes requests that pick from an empty pool out of the mix, their weight going to the others of their
/// group, or to all others if the group has none.
///
/// Names all requests that must have a value (`on_empty: fail`), or everything that is empty when no
/// request would be left. Requests of weight 0 need no values.
pub fn redistribute(
    requests: Vec<RequestTemplate>,
    sources: &[PoolSource],
    setup: &[SetupRequest],
    pools: &[Arc<[String]>],
) -> Result<(Vec<RequestTemplate>, Vec<Redistributed>), Vec<EmptyPool>> {
    let empty_pool = |request: &RequestTemplate| {
        request.pools().find(|&pool| pools.get(pool).is_none_or(|values| values.is_empty()))
    };
    let (lost, mut kept): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .map(|request| (if request.weight > 0 { empty_pool(&request) } else { None }, request))
        .partition(|(pool, _)| pool.is_some());
    let nothing_left = kept.iter().all(|(_, request)| request.weight == 0);
    let refused: Vec<EmptyPool> = lost
        .iter()
        .filter(|(_, request)| nothing_left || request.on_empty == OnEmpty::Fail)
        .filter_map(|(pool, request)| Some(refusal(request, sources.get((*pool)?)?, setup)))
        .collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut kept: Vec<RequestTemplate> = kept.drain(..).map(|(_, request)| request).collect();
    let notes = lost
        .iter()
        .map(|(pool, request)| Redistributed {
            request: request.name.clone(),
            pool: pool
                .and_then(|pool| sources.get(pool))
                .map_or_else(String::new, |s| s.name.clone()),
            weight: request.weight,
            to: heirs(request, &kept),
        })
        .collect();
    let lost: Vec<&RequestTemplate> = lost.iter().map(|(_, request)| request).collect();
    hand_over(&lost, &mut kept);
    Ok((kept, notes))
}

/// Those of `requests`, which must all have values, that pick from an empty pool.
pub fn empty_pools<'a>(
    requests: impl Iterator<Item = &'a RequestTemplate>,
    sources: &[PoolSource],
    setup: &[SetupRequest],
    pools: &[Arc<[String]>],
) -> Vec<EmptyPool> {
    let is_empty =
        |pool: &PoolId| pools.get(*pool).is_none_or(|values: &Arc<[String]>| values.is_empty());
    requests
        .filter_map(|request| {
            Some(refusal(request, sources.get(request.pools().find(is_empty)?)?, setup))
        })
        .collect()
}

fn refusal(request: &RequestTemplate, source: &PoolSource, setup: &[SetupRequest]) -> EmptyPool {
    EmptyPool {
        request: request.name.clone(),
        pool: source.name.clone(),
        setup: setup.get(source.setup).map_or_else(String::new, |setup| setup.name.clone()),
        hint: source.hint.clone(),
    }
}

/// Who is sent instead of `lost`.
fn heirs(lost: &RequestTemplate, kept: &[RequestTemplate]) -> Vec<String> {
    let sent = || kept.iter().filter(|request| request.weight > 0);
    let names = |request: &RequestTemplate| request.name.clone();
    let group: Vec<String> = sent()
        .filter(|request| lost.group.is_some() && request.group == lost.group)
        .map(names)
        .collect();
    if group.is_empty() { sent().map(names).collect() } else { group }
}

/// A share of the mix: `weight` · (`group` + `gained`) / `group`, before all are scaled alike.
struct Share {
    weight: u64,
    /// Sum of the kept weights of its group.
    group: u64,
    /// Sum of the lost weights of its group.
    gained: u64,
}

/// Adds the weights of `lost` to `kept`. What no group inherits needs no step of its own: leaving it out
/// raises all other shares in proportion.
fn hand_over(lost: &[&RequestTemplate], kept: &mut [RequestTemplate]) {
    let mut groups: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for request in kept.iter().filter(|request| request.weight > 0) {
        let Some(group) = &request.group else { continue };
        groups.entry(group.clone()).or_default().0 += u64::from(request.weight);
    }
    for request in lost {
        if let Some(sums) = request.group.as_ref().and_then(|group| groups.get_mut(group)) {
            sums.1 += u64::from(request.weight);
        }
    }
    if groups.values().all(|(_, gained)| *gained == 0) {
        return;
    }
    let shares: Vec<Share> = kept
        .iter()
        .map(|request| {
            let sums = request.group.as_ref().and_then(|group| groups.get(group));
            let (group, gained) = sums.copied().unwrap_or((1, 0));
            Share { weight: request.weight.into(), group: group.max(1), gained }
        })
        .collect();
    let weights = exact(&shares).unwrap_or_else(|| rounded(&shares));
    for (request, weight) in kept.iter_mut().zip(weights) {
        request.weight = weight;
    }
}

/// The smallest whole numbers in the shares' proportion, if the mix can hold them.
fn exact(shares: &[Share]) -> Option<Vec<u32>> {
    let scale = shares.iter().try_fold(1_u64, |scale, share| {
        let part = share.weight.checked_mul(share.group + share.gained)?;
        let needed = share.group / greatest_common_divisor(share.group, part);
        let scale = (scale / greatest_common_divisor(scale, needed)).checked_mul(needed)?;
        (scale <= CYCLE_MAX).then_some(scale)
    })?;
    let scaled: Vec<u64> = shares
        .iter()
        .map(|share| {
            let part = u128::from(share.weight) * u128::from(share.group + share.gained);
            u64::try_from(part * u128::from(scale) / u128::from(share.group)).ok()
        })
        .collect::<Option<_>>()?;
    let divisor = scaled.iter().copied().fold(0, greatest_common_divisor).max(1);
    let sum = scaled.iter().try_fold(0_u64, |sum, weight| sum.checked_add(weight / divisor))?;
    if sum > CYCLE_MAX {
        return None;
    }
    scaled.iter().map(|weight| u32::try_from(weight / divisor).ok()).collect()
}

/// Whole numbers that add up to [`CYCLE_MAX`], none further than one from its share: the largest
/// remainders are rounded up.
fn rounded(shares: &[Share]) -> Vec<u32> {
    let share = |share: &Share| {
        share.weight as f64 * (share.group + share.gained) as f64 / share.group as f64
    };
    let total: f64 = shares.iter().map(share).sum();
    let ideal: Vec<f64> = shares.iter().map(|s| share(s) / total * CYCLE_MAX as f64).collect();
    // Every request that is to be sent keeps at least one slot of the cycle.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most CYCLE_MAX"
    )]
    let mut weights: Vec<u32> = ideal
        .iter()
        .map(|&ideal| if ideal > 0.0 { (ideal.floor() as u32).max(1) } else { 0 })
        .collect();
    let sum: u64 = weights.iter().copied().map(u64::from).sum();
    let mut order: Vec<usize> = (0..shares.len()).collect();
    order.sort_by(|&a, &b| ideal[b].fract().total_cmp(&ideal[a].fract()));
    let missing = usize::try_from(CYCLE_MAX.saturating_sub(sum)).unwrap_or(0);
    for &at in order.iter().take(missing) {
        weights[at] += 1;
    }
    weights
}

#[cfg(test)]
mod tests {
    use http::Method;
    use proptest::prelude::*;

    use super::*;
    use crate::load::plan::PoolValues;
    use crate::load::request::{Escape, Expect, Segment, Template};

    fn request(name: &str, weight: u32, group: &str, pool: Option<usize>) -> RequestTemplate {
        let segments = pool.map(Segment::Pick).into_iter().collect();
        RequestTemplate {
            name: name.into(),
            weight,
            group: (!group.is_empty()).then(|| group.into()),
            tags: Vec::new(),
            method: Method::GET,
            path: Template { segments, escape: Escape::Percent },
            headers: Vec::new(),
            body: None,
            expect: Expect::SUCCESS,
            on_empty: OnEmpty::Redistribute,
            goals: crate::load::slo::Goals::default(),
        }
    }

    fn sources() -> (Vec<PoolSource>, Vec<SetupRequest>) {
        let setup = SetupRequest {
            name: "chats".into(),
            method: Method::GET,
            path: Template::literal("/chats"),
            headers: Vec::new(),
            body: None,
            expect: Expect::SUCCESS,
        };
        let source = |name: &str, hint: Option<&str>| PoolSource {
            name: name.into(),
            setup: 0,
            values: PoolValues::Selected("$[*]".into()),
            hint: hint.map(Into::into),
        };
        (vec![source("empty", Some("seed the demo data")), source("full", None)], vec![setup])
    }

    type Outcome = Result<(Vec<RequestTemplate>, Vec<Redistributed>), Vec<EmptyPool>>;

    fn run(requests: Vec<RequestTemplate>) -> Outcome {
        let (sources, setup) = sources();
        let pools: [Arc<[String]>; 2] = [Arc::from([]), Arc::from(["1".to_owned()])];
        redistribute(requests, &sources, &setup, &pools)
    }

    fn weights(outcome: &Outcome) -> Vec<(&str, u32)> {
        let (requests, _) = outcome.as_ref().unwrap();
        requests.iter().map(|request| (request.name.as_str(), request.weight)).collect()
    }

    #[test]
    fn the_group_inherits_in_proportion_and_the_others_keep_their_share() {
        let outcome = run(vec![
            request("list", 60, "lists", None),
            request("detail", 10, "detail", Some(1)),
            request("timeline", 5, "detail", Some(1)),
            request("chat detail", 5, "detail", Some(0)),
            request("quality", 20, "", None),
        ]);
        // 15 : 5 of the detail group's 20, out of 100: 40/3 and 20/3.
        assert_eq!(
            weights(&outcome),
            [("list", 9), ("detail", 2), ("timeline", 1), ("quality", 3)]
        );
        let note = &outcome.unwrap().1[0];
        assert_eq!((note.request.as_str(), note.pool.as_str()), ("chat detail", "empty"));
        assert_eq!((note.weight, note.to.clone()), (5, vec!["detail".into(), "timeline".into()]));
    }

    #[test]
    fn without_a_group_everyone_inherits() {
        for group in ["", "lonely"] {
            let outcome = run(vec![
                request("a", 30, "x", None),
                request("b", 60, "y", None),
                request("c", 10, group, Some(0)),
            ]);
            assert_eq!(weights(&outcome), [("a", 30), ("b", 60)]);
            assert_eq!(outcome.unwrap().1[0].to, ["a", "b"]);
        }
    }

    #[test]
    fn full_pools_change_nothing() {
        let outcome = run(vec![request("a", 4, "x", Some(1)), request("off", 0, "x", Some(0))]);
        assert_eq!(weights(&outcome), [("a", 4), ("off", 0)]);
        assert!(outcome.unwrap().1.is_empty());
    }

    #[test]
    fn a_required_pool_is_refused_with_its_remedy() {
        let required =
            RequestTemplate { on_empty: OnEmpty::Fail, ..request("detail", 5, "", Some(0)) };
        let refused = run(vec![request("a", 1, "", None), required]).unwrap_err();
        assert_eq!(
            refused[0].to_string(),
            "'detail' needs a value from 'empty', but 'chats' found none; seed the demo data"
        );
        assert_eq!(refused.len(), 1);
    }

    #[test]
    fn a_mix_that_would_be_empty_is_refused() {
        let refused =
            run(vec![request("a", 1, "", Some(0)), request("b", 2, "", Some(0))]).unwrap_err();
        assert_eq!(refused.len(), 2);
    }

    #[test]
    fn shares_too_fine_for_the_cycle_are_rounded_to_its_length() {
        let outcome = run(vec![
            request("a", 499_979, "g", None),
            request("b", 499_957, "h", None),
            request("c", 7, "g", Some(0)),
            request("d", 11, "h", Some(0)),
            request("e", 1, "", None),
        ]);
        let sum: u64 = weights(&outcome).iter().map(|(_, weight)| u64::from(*weight)).sum();
        assert!(sum <= CYCLE_MAX, "{sum}");
        assert!(weights(&outcome).iter().all(|(_, weight)| *weight > 0));
    }

    proptest! {
        #[test]
        fn every_group_keeps_its_share_of_the_mix(
            rows in prop::collection::vec((1_u32..50, 0_u8..3, any::<bool>()), 1..12),
        ) {
            let name = |group: u8| ["", "g", "h"][usize::from(group)];
            let requests: Vec<RequestTemplate> = rows
                .iter()
                .enumerate()
                .map(|(at, &(weight, group, lost))| {
                    request(&at.to_string(), weight, name(group), lost.then_some(0))
                })
                .collect();
            prop_assume!(requests.iter().any(|request| request.pools().next().is_none()));
            let heir = |r: &RequestTemplate| {
                r.group.as_ref().is_some_and(|g| {
                    requests.iter().any(|o| o.group.as_ref() == Some(g) && o.pools().next().is_none())
                })
            };
            // What stays in the mix: kept requests, and lost ones whose group inherits.
            let remaining: u64 = requests
                .iter()
                .filter(|r| r.pools().next().is_none() || heir(r))
                .map(|r| u64::from(r.weight))
                .sum();
            let (kept, _) = run(requests.clone()).unwrap();
            let total: u64 = kept.iter().map(|r| u64::from(r.weight)).sum();
            for group in ["g", "h"] {
                let sum = |list: &[RequestTemplate]| -> u64 {
                    list.iter()
                        .filter(|r| r.group.as_deref() == Some(group))
                        .map(|r| u64::from(r.weight))
                        .sum()
                };
                if sum(&kept) > 0 {
                    // Exact, unless the common factor would pass the bound on weights: then each request's
                    // share is off by at most one part of the new total.
                    let share = |part: u64, whole: u64| part as f64 / whole as f64;
                    let off = share(sum(&kept), total) - share(sum(&requests), remaining);
                    let rounded = if total < CYCLE_MAX { 0.0 } else { kept.len() as f64 };
                    prop_assert!(off.abs() <= rounded / total as f64 + 1e-12, "{off} off");
                }
            }
        }
    }
}
