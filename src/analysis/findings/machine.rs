//! The checks of the machine under the generator: what it withheld, and what that explains.
//!
//! A busy worker alone is no finding, since precise pacing polls by design: only where requests left late
//! does it become the reason. Whatever distorts times without making requests late is a warning.

use std::time::Duration;

use crate::analysis::findings::checks::{client_late, finding, rate_missed};
use crate::analysis::findings::{Cause, Evidence, Finding, Severity};
use crate::analysis::words::{Part, Percent, counted};
use crate::load::rate::Figures;
use crate::measure::generator::{Supply, WorkerTime};
use crate::measure::histogram::LatencyHistogram;
use crate::time::Human;

/// From here on a worker has no time left in which it could have been on time.
const BUSY_SHARE: f64 = 0.9;
/// Kept off a processor for this share of its time, a worker is late often enough to move a p99.
const WAITED_SHARE: f64 = 0.02;
/// Time that the hypervisor takes comes in slices of milliseconds: a hundredth of all is enough to move a
/// p99.
const STEAL_SHARE: f64 = 0.01;
/// The shortest time after which Linux takes a segment for lost that nothing was heard of.
const RETRANSMISSION: Duration = Duration::from_millis(200);
/// Where quick answers spread over more than this, the delay by a retransmission cannot be told.
const DELAYED_MAX: Duration = Duration::from_millis(150);
/// Fewer timers, or fewer answers that show them, are the background of any network.
const LOSSES_MIN: u64 = 10;
/// So many times as many answers lie just after a retransmission as just before, if it delayed them.
const DELAYED_RATIO: u64 = 3;
/// Above this share of a supply the next larger run may not fit.
const NEAR_SHARE: f64 = 0.9;

impl Evidence<'_> {
    /// Whether the generator was late, or lost arrivals.
    fn spoiled(&self) -> bool {
        client_late(self).is_some() || rate_missed(self).is_some()
    }

    /// Joins what was seen to what it explains.
    fn explains(&self) -> &'static str {
        if self.spoiled() { "; this is a reason why requests left late" } else { "" }
    }
}

pub(super) fn client_cpu(evidence: &Evidence<'_>) -> Option<Finding> {
    let workers = &evidence.generator.workers;
    let busiest = evidence.generator.busiest().filter(|share| *share >= BUSY_SHARE)?;
    if !evidence.spoiled() {
        return None;
    }
    let busy = workers.iter().filter_map(WorkerTime::cpu_share);
    let busy = Part {
        count: busy.filter(|share| *share >= BUSY_SHARE).count() as u64,
        of: workers.len() as u64,
        things: "workers",
    };
    Some(finding(
        Cause::ClientCpu,
        Severity::Warning,
        format!(
            "the client used up its processor: {busy} were busy at least {} of the time, the busiest {}",
            Percent(BUSY_SHARE),
            percent(busiest)
        ),
        "raise --threads if processors are free, use --pacing relaxed, take a faster machine, or lower the rate",
    ))
}

pub(super) fn client_waited(evidence: &Evidence<'_>) -> Option<Finding> {
    let waited = evidence.generator.longest_wait().filter(|share| *share >= WAITED_SHARE)?;
    if !evidence.spoiled() {
        return None;
    }
    Some(finding(
        Cause::ClientWaited,
        Severity::Warning,
        format!(
            "other programs, or other workers, held the client's processor: a worker was ready to send and \
             kept waiting for {} of the time",
            percent(waited)
        ),
        "leave this machine to the generator, run the target elsewhere, lower --threads, or give workers processors of their own with --pin",
    ))
}

pub(super) fn cpu_stolen(evidence: &Evidence<'_>) -> Option<Finding> {
    let share = evidence.generator.strain.steal_share.filter(|share| *share >= STEAL_SHARE)?;
    Some(finding(
        Cause::CpuStolen,
        Severity::Warning,
        format!(
            "the hypervisor took {} of the client machine's processor time for others{}",
            percent(share),
            evidence.explains()
        ),
        "use a machine with dedicated processors; times of this run hold the hypervisor's pauses",
    ))
}

pub(super) fn cpu_throttled(evidence: &Evidence<'_>) -> Option<Finding> {
    let throttled = evidence.generator.strain.throttled.filter(|stops| stops.periods > 0)?;
    let quota = evidence
        .generator
        .cpu_quota
        .map(|cpus| format!(" of {} processors", Figures(cpus)))
        .unwrap_or_default();
    Some(finding(
        Cause::CpuThrottled,
        Severity::Warning,
        format!(
            "the control group's CPU quota{quota} stopped the client in {}, for {} in all{}",
            counted(throttled.periods, "period"),
            Human(throttled.time),
            evidence.explains()
        ),
        "raise the container's CPU limit, or use --pacing relaxed; each stop is a pause of up to 100 ms in every time measured",
    ))
}

/// The counters are those of the whole machine, and most segments that are sent again delay nothing: probes,
/// and what the other side had already. So only timers count, and only where this run's times show them.
pub(super) fn retransmits(evidence: &Evidence<'_>) -> Option<Finding> {
    let tcp = evidence.generator.strain.tcp?;
    let timeouts = tcp.timeouts.saturating_sub(tcp.spurious_timeouts);
    let delayed = delayed(&evidence.summary.total.service_time);
    if timeouts < LOSSES_MIN || delayed < LOSSES_MIN {
        return None;
    }
    Some(finding(
        Cause::Retransmits,
        Severity::Warning,
        format!(
            "the network lost segments: {} ran out on this machine, and {} came \
             just after the {} that such a timer takes",
            counted(timeouts, "retransmission timer"),
            counted(delayed, "answer"),
            Human(RETRANSMISSION)
        ),
        "look for a full link, a lossy path or a full listen queue between client and target before judging the target",
    ))
}

/// Answers in a heap just after a retransmission; none if as many lie before it, or if the target itself
/// takes so long.
fn delayed(times: &LatencyHistogram) -> u64 {
    // The timer takes a round trip more than its least, and the answer another, with its service.
    let length = times.quantile(0.5) * 3;
    if length > DELAYED_MAX {
        return 0;
    }
    let within = |from: Duration| -> u64 {
        let entries = times.entries().into_iter();
        let near = entries.filter(|(time, _)| (from..from + length).contains(time));
        near.map(|(_, count)| count).sum()
    };
    let (before, after) = (within(RETRANSMISSION.saturating_sub(length)), within(RETRANSMISSION));
    if after >= DELAYED_RATIO * before { after } else { 0 }
}

pub(super) fn accept_queue(evidence: &Evidence<'_>) -> Option<Finding> {
    let tcp = evidence.generator.strain.tcp.filter(|tcp| tcp.accept_overflows > 0)?;
    Some(finding(
        Cause::AcceptQueueFull,
        Severity::Warning,
        format!(
            "a server on this machine let its accept queue overflow, {}; if it is the target, \
             connecting to it took a second or more",
            counted(tcp.accept_overflows, "time")
        ),
        "raise the server's listen backlog and net.core.somaxconn, or let it accept faster",
    ))
}

pub(super) fn descriptors_near(evidence: &Evidence<'_>) -> Option<Finding> {
    near(
        evidence.generator.descriptors,
        Cause::DescriptorsNear,
        "file descriptors that it may open",
        "raise `ulimit -n` before a larger run",
    )
}

pub(super) fn ports_near(evidence: &Evidence<'_>) -> Option<Finding> {
    near(
        evidence.generator.ports,
        Cause::PortsNear,
        "local ports towards an address of the target",
        "widen net.ipv4.ip_local_port_range, or give the target more addresses, before a larger run",
    )
}

fn near(
    supply: Option<Supply>,
    cause: Cause,
    things: &'static str,
    remedy: &str,
) -> Option<Finding> {
    let supply = supply.filter(|supply| supply.share() >= NEAR_SHARE)?;
    let part = Part { count: supply.needed, of: supply.limit, things };
    Some(finding(cause, Severity::Warning, format!("the client needed {part}"), remedy))
}

/// A share of time to a tenth of a percent: it was not measured more finely.
fn percent(share: f64) -> Percent {
    Percent((share * 1e3).round() / 1e3)
}

#[cfg(test)]
mod tests;
