//! TCP counters of this process's network namespace, from `/proc/self/net/{snmp,netstat}`.
//!
//! Both files hold pairs of lines, `Group: name …` and `Group: value …`, whose columns differ from
//! kernel to kernel and are found by name.

use crate::measure::generator::Tcp;

/// Counters since the namespace's start.
pub(super) fn read() -> Option<Tcp> {
    let snmp = super::read("/proc/self/net/snmp")?;
    let netstat = super::read("/proc/self/net/netstat").unwrap_or_default();
    parse(&snmp, &netstat)
}

/// What happened between two readings.
pub(super) fn since(now: Tcp, earlier: Tcp) -> Tcp {
    let passed = |of: fn(&Tcp) -> u64| of(&now).saturating_sub(of(&earlier));
    Tcp {
        segments: passed(|tcp| tcp.segments),
        retransmitted: passed(|tcp| tcp.retransmitted),
        timeouts: passed(|tcp| tcp.timeouts),
        spurious_timeouts: passed(|tcp| tcp.spurious_timeouts),
        fast: passed(|tcp| tcp.fast),
        probes: passed(|tcp| tcp.probes),
        duplicates: passed(|tcp| tcp.duplicates),
        accept_overflows: passed(|tcp| tcp.accept_overflows),
    }
}

/// The finer counters of `netstat` are zero where a kernel lacks them.
fn parse(snmp: &str, netstat: &str) -> Option<Tcp> {
    let finer = |name| counter(netstat, "TcpExt:", name).unwrap_or(0);
    Some(Tcp {
        segments: counter(snmp, "Tcp:", "OutSegs")?,
        retransmitted: counter(snmp, "Tcp:", "RetransSegs")?,
        timeouts: finer("TCPTimeouts"),
        spurious_timeouts: finer("TCPSpuriousRTOs"),
        fast: finer("TCPFastRetrans"),
        probes: finer("TCPLossProbes"),
        duplicates: finer("TCPDSACKRecv"),
        accept_overflows: finer("ListenOverflows"),
    })
}

fn counter(text: &str, group: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(group));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|column| column == name)?;
    values.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNMP: &str = "Ip: Forwarding OutSegs\nIp: 1 9\n\
        Tcp: RtoMin MaxConn OutSegs RetransSegs\nTcp: 200 -1 5000 12\nUdp: a\nUdp: 1\n";
    const NETSTAT: &str = "TcpExt: ListenOverflows TCPTimeouts TCPLossProbes TCPDSACKRecv TCPFastRetrans\n\
        TcpExt: 3 4 8 7 2\n";

    #[test]
    fn counters_are_found_by_group_and_name() {
        let bare = Tcp { segments: 5000, retransmitted: 12, ..Tcp::default() };
        let finer = Tcp { timeouts: 4, fast: 2, probes: 8, duplicates: 7, ..bare };
        let all = Tcp { accept_overflows: 3, ..finer };
        assert_eq!(parse(SNMP, NETSTAT), Some(all));
        assert_eq!(parse(SNMP, ""), Some(bare));
        for snmp in
            ["", "Tcp: OutSegs RetransSegs\n", "Tcp: OutSegs\nTcp: 5\n", "Tcp: OutSegs\nTcp:\n"]
        {
            assert_eq!(parse(snmp, NETSTAT), None, "{snmp}");
        }
        let later = Tcp { segments: 5100, retransmitted: 13, ..all };
        let passed = since(later, all);
        assert_eq!((passed.segments, passed.retransmitted, passed.timeouts), (100, 1, 0));
    }
}
