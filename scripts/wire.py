"""A packet capture beside a run: what really left and arrived, and when.

tcpdump writes what passes over loopback on one port, stamped by the kernel in nanoseconds; `exchanges` pairs each
request with its answer. HTTP/1.1 without pipelining is assumed: on a connection, a segment of the client after an
answer begins the next request. Requests of steadfire name their slot in the path, so each is known on the wire by
the number under which the ledger has it.
"""

import os
import re
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import rig

# Ethernet, IP and TCP with options leave room for the request line.
SNAP_BYTES = 160
RING_KIB = 64 * 1024
# tcpdump gets its packets in blocks that the kernel hands over at least once a second.
BLOCK_SECONDS = 1.3
ETHERNET, IPV4, TCP = 14, 0x0800, 6
SLOT = re.compile(rb"GET /(\d+) ")
PROFILE = '{"name": "wire", "host": "%s", "requests": [{"name": "slot", "path": "/{{ slot }}"}]}'


class Capture:
    """tcpdump on loopback while the `with` block runs; afterwards `packets` has what it saw."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "wire.pcap"
        # Below the tools in priority and beside the target, so that the load's processor is left alone.
        command = ["nice", "-n", "19", "tcpdump", "-i", "lo", "-j", "host", "--time-stamp-precision=nano",
                   "-s", str(SNAP_BYTES), "-B", str(RING_KIB), "-n", "-w", str(self.path)]
        command += ["-Z", "root"] if os.geteuid() == 0 else []
        # On loopback each packet comes by twice. The kernel drops the outbound one for less than it would cost the
        # sender, between its send instant and the stamp, to have it copied.
        command.append(f"tcp port {self.port} and inbound")
        self.process = subprocess.Popen(rig.pinned(rig.last_cpu(), command), stderr=subprocess.PIPE, text=True)
        told = ""
        while "listening on" not in told:
            line = self.process.stderr.readline()
            if not line:
                rig.die(f"tcpdump does not capture: {told.strip()}")
            told += line
        return self

    def __exit__(self, failure, *_):
        time.sleep(BLOCK_SECONDS)
        self.process.send_signal(signal.SIGINT)
        _, told = self.process.communicate(timeout=60)
        if failure is None:
            dropped = re.search(r"(\d+) packets? dropped by kernel", told)
            if not dropped or int(dropped.group(1)):
                rig.die(f"the capture is not whole, so it proves nothing: {told.strip()}")
            self.packets = list(packets(self.path.read_bytes()))
        self.folder.cleanup()


def packets(pcap):
    """Of each TCP segment with data: stamp in nanoseconds, source and destination port, number, length, data."""
    magic, link = struct.unpack_from("<I16xI", pcap)
    if magic != 0xA1B23C4D or link != 1:
        rig.die("the capture is not in nanoseconds on Ethernet")
    at = 24
    while at + 16 <= len(pcap):
        seconds, nanos, kept, _ = struct.unpack_from("<IIII", pcap, at)
        frame, at = at + 16, at + 16 + kept
        if at > len(pcap):
            return
        ip = frame + ETHERNET
        if struct.unpack_from(">H", pcap, frame + 12)[0] != IPV4 or pcap[ip + 9] != TCP:
            continue
        tcp = ip + (pcap[ip] & 15) * 4
        data = tcp + (pcap[tcp + 12] >> 4) * 4
        length = ip + struct.unpack_from(">H", pcap, ip + 2)[0] - data
        if length > 0:
            source, destination, number = struct.unpack_from(">HHI", pcap, tcp)
            yield seconds * rig.NANOS + nanos, source, destination, number, length, pcap[data:min(data + length, at)]


class Exchange:
    """A request and its answer as they passed: instants in nanoseconds, 0 for an answer that never came."""

    __slots__ = ("slot", "sent", "first", "last")

    def __init__(self, slot, sent):
        self.slot, self.sent, self.first, self.last = slot, sent, 0, 0


def exchanges(segments, server_port):
    """Every exchange in order of its send."""
    found, current, seen = [], {}, {}
    for stamp, source, destination, number, length, data in segments:
        end, way = (number + length) & 0xFFFFFFFF, (source, destination)
        # A segment sent again says nothing new.
        if repeats(seen.get(way), end):
            continue
        seen[way] = end
        if destination == server_port:
            exchange = current.get(source)
            if exchange is None or exchange.first:
                named = SLOT.match(data)
                current[source] = Exchange(int(named.group(1)) if named else None, stamp)
                found.append(current[source])
        elif (exchange := current.get(destination)) is not None:
            exchange.first = exchange.first or stamp
            exchange.last = stamp
    return sorted(found, key=lambda exchange: exchange.sent)


def repeats(highest, end):
    """Whether a segment's end lies at or before what was seen already, in the 32-bit circle of sequence numbers."""
    return highest is not None and (end - highest - 1) & 0xFFFFFFFF >= 1 << 31


class Observation:
    """A run of steadfire against the instant target, with what passed on the wire meanwhile.

    Slots due in the warm-up are left out by their number: slot i is due at a known instant of the schedule.
    """

    def __init__(self, binary, load, extra=()):
        words = ["-r", str(load.rate), "-d", f"{load.seconds}s", "--warmup", f"{load.warmup}s",
                 "--arrivals", load.arrivals, "-c", str(load.connections), "--threads", str(load.threads), *extra]
        with rig.Target(binary, "--instant") as target, tempfile.NamedTemporaryFile("w", suffix=".json") as profile:
            profile.write(PROFILE % target.url)
            profile.flush()
            with Capture(target.port) as capture:
                self.outcome = rig.run_steadfire(binary, [profile.name, *words])
            everything = exchanges(capture.packets, target.port)
        self.result = self.outcome.result
        slots = max((one.slot for one in everything), default=-1) + 1
        self.dues = rig.due_nanos(load.arrivals, load.rate, slots)
        self.measured = [one for one in everything if self.dues[one.slot] >= load.warmup * rig.NANOS]

    def disagreements(self):
        """What the ledger and the wire tell differently; empty when each knows exactly the other's requests."""
        fates = self.result["fates"]
        sent = fates["planned"] - fates["shed"] - fates["unsent"]
        answered = fates["ok"]
        numbers = [one.slot for one in self.measured]
        wire_answers = sum(1 for one in self.measured if one.first)
        told = []
        if len(set(numbers)) != len(numbers):
            told.append(f"{len(numbers) - len(set(numbers))} slots were sent more than once")
        if len(numbers) != sent:
            told.append(f"{sent} sent by the ledger, {len(numbers)} on the wire")
        if wire_answers != answered:
            told.append(f"{answered} answered by the ledger, {wire_answers} on the wire")
        if fates["planned"] == sent and numbers and max(numbers) - min(numbers) + 1 != sent:
            told.append(f"slots {min(numbers)} to {max(numbers)} on the wire are not the {sent} of the ledger")
        return told


class Load:
    """What is asked of a run that is observed."""

    def __init__(self, options, rate):
        self.rate, self.seconds, self.warmup = rate, options.seconds, options.warmup
        self.arrivals = getattr(options, "arrivals", "constant")
        self.connections, self.threads = options.connections, options.threads


def add_load_options(parser, seconds):
    parser.add_argument("--rate", type=int, nargs="+", default=[1_000, 5_000, 20_000], metavar="R",
                        help="requests per second [1000 5000 20000]")
    parser.add_argument("--seconds", type=int, default=seconds, metavar="S", help=f"length of one try [{seconds}]")
    parser.add_argument("--warmup", type=int, default=1, metavar="S", help="load before it that is left out [1]")
    parser.add_argument("--tries", type=int, default=3, metavar="N", help="tries; medians are printed [3]")
    parser.add_argument("--connections", type=int, default=64, metavar="N", help="open connections [64]")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="workers [1]")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of tables")
    rig.add_binary_option(parser)
