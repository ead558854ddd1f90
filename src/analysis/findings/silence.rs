//! The finding about a silence that lasts to the end of a run: the target is gone, or the way to it.
//!
//! A target is blamed for it only where neither slowness, nor chance, nor this program explains it.

use crate::analysis::findings::checks::{MAY_BE_OURS, MEASURE_AGAIN, finding};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::measure::fate::TransportError;
use crate::measure::silence::Silence;
use crate::time::{Human, Offset};

/// How likely chance alone may be to leave every slot of a silence unanswered.
const SILENCE_CHANCE_MAX: f64 = 1e-3;

/// Nothing is said of the server where nothing got as far as to it.
pub(super) fn target_gone(evidence: &Evidence<'_>) -> Option<Finding> {
    let silence = evidence.silence?;
    let since = Human(silence.since.since(Offset::ZERO));
    let broken = |kinds: &[TransportError]| -> u64 {
        kinds.iter().map(|kind| silence.errors[kind.index()]).sum()
    };
    let before: Vec<TransportError> =
        TransportError::ALL.into_iter().filter(|kind| kind.is_before_target()).collect();
    let lost = silence.lost();
    if 2 * broken(&before) > lost {
        let kind = before.into_iter().max_by_key(|kind| silence.errors[kind.index()])?;
        return Some(finding(
            Cause::WayGone,
            Severity::Warning,
            format!(
                "nothing was answered from {since} into the run on, since nothing got as far as to the server: {}",
                kind.explanation()
            ),
            "look at what lies before the target: this machine's interface and routes, its name server, a proxy, \
             the certificates on either side",
        ));
    }
    // It answered, in its way, or this program does not know what it did.
    let told: Vec<TransportError> =
        TransportError::ALL.into_iter().filter(|kind| is_told_apart(*kind)).collect();
    if 2 * broken(&told) > lost {
        return None;
    }
    // A refusal or a reset comes from the target's machine; silence may as well be the network's.
    let unheard = silence.timeouts + broken(&[TransportError::ConnectTimeout]);
    let who = if unheard < lost { "the server" } else { "the server, or the network before it," };
    if is_slowness(evidence, silence) || may_be_chance(evidence, silence) {
        return None;
    }
    if evidence.is_limited() {
        return Some(finding(
            Cause::TargetGone,
            Severity::Warning,
            format!("nothing was answered from {since} into the run on; {MAY_BE_OURS}"),
            MEASURE_AGAIN,
        ));
    }
    let what = if silence.since == Offset::ZERO {
        "answered nothing in the whole run".to_owned()
    } else {
        format!("stopped answering {since} into the run and did not come back")
    };
    Some(finding(
        Cause::TargetGone,
        Severity::Warning,
        format!("{who} {what}"),
        "look at the target's log around that instant: a crash, a restart or a full queue",
    ))
}

/// Whether a broken exchange is no silence of the target's: it said something, if only that it takes no more,
/// or the fault is this program's.
const fn is_told_apart(kind: TransportError) -> bool {
    use TransportError::{Protocol, RefusedStream};
    kind.is_own() || matches!(kind, Protocol | RefusedStream)
}

/// Whether the target may merely have taken longer than the time limit: it never answered within it, or had
/// come near it, or requests reached it when little of it was left.
fn is_slowness(evidence: &Evidence<'_>, silence: &Silence) -> bool {
    let near = silence.since == Offset::ZERO || silence.median_before * 2 >= evidence.patience();
    (near || evidence.is_lost_waiting()) && silence.timeouts == silence.lost()
}

/// Whether slots that each had the luck of those before the silence could all be lost in a row. The share
/// that was lost before is Laplace's: never 0, and 1/2 where there were none.
fn may_be_chance(evidence: &Evidence<'_>, silence: &Silence) -> bool {
    let answers: u64 = evidence.summary.total.statuses.values().sum();
    let before = evidence.planned().saturating_sub(silence.planned);
    let lost_before = before.saturating_sub(answers);
    let share = (lost_before + 1) as f64 / (before + 2) as f64;
    share.powf(silence.planned as f64) > SILENCE_CHANCE_MAX
}
