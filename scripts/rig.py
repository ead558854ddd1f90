"""What the measuring scripts share: the programs, the pinning, the network namespace, the schedule.

Invariant: whatever is started here ends when its `with` block does, so a failed measurement leaves nothing behind.
"""

import json
import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INSIDE = "STEADFIRE_RIG_INSIDE"
# The exit code where this machine does not allow the measurement, as in automake's test protocol.
NOT_HERE = 77
# Where tcpdump and ip are; not on every user's path.
os.environ["PATH"] += ":/usr/sbin:/sbin"
NANOS = 1_000_000_000
MASK = (1 << 64) - 1


def die(message, code=1):
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(code)


def add_binary_option(parser):
    parser.add_argument("--binary", type=Path, help="measure this steadfire instead of building a release")


def binary_of(options):
    """The program to measure: the one given, or a release build of this source tree."""
    if options.binary:
        return options.binary.resolve()
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    metadata = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--format-version", "1", "--locked"],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "steadfire"


def enter_own_network(binary):
    """Starts this script again in a network namespace of its own, where it may capture and nobody else talks."""
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    needed = {"tcpdump": "tcpdump", "ip": "iproute2", "unshare": "util-linux"}
    missing = [package for command, package in needed.items() if not shutil.which(command)]
    if missing:
        die(f"needs {', '.join(missing)}: sudo apt-get install {' '.join(missing)}", NOT_HERE)
    # As a user without rights: the rights of a namespace of its own are enough. The user stays the same in it,
    # since as root tcpdump would want to become another.
    own = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    unshare = ["unshare", "--net", *own, "--"]
    if subprocess.run([*unshare, "ip", "link", "set", "lo", "up"], capture_output=True).returncode != 0:
        die("may not make a network namespace to capture in: run it as root (sudo), or allow user namespaces "
            "(sysctl kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0)", NOT_HERE)
    # Built out here, since there is no way to a crate registry in there; a --binary among the arguments is the same.
    again = [*unshare, sys.executable, sys.argv[0], "--binary", str(binary), *sys.argv[1:]]
    os.execvpe("unshare", again, {**os.environ, INSIDE: "1"})


def pinned(cpu, command):
    return (["taskset", "-c", str(cpu)] if shutil.which("taskset") else []) + [str(word) for word in command]


def first_cpu():
    return min(os.sched_getaffinity(0))


def last_cpu():
    return max(os.sched_getaffinity(0))


def raise_file_limit():
    """As many open files as this user may have, for everything started from here on."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def memory_mb(process):
    """Resident memory now and at most; nothing for a process that has ended."""
    lines = (line.split() for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return {words[0][:-1]: int(words[1]) / 1024 for words in lines if words[0] in ("VmRSS:", "VmHWM:")}


class Target:
    """`steadfire target` on a free port, pinned to the last processor, or as said."""

    def __init__(self, binary, *flags, listen="127.0.0.1:0", cpu=None):
        self.process = subprocess.Popen(
            pinned(last_cpu() if cpu is None else cpu, [binary, "target", "--listen", listen, *flags]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        found = re.search(r"http://\S+:(\d+)", self.process.stdout.readline())
        if not found:
            die(f"the target did not start: {self.process.stderr.read().strip()}")
        self.url, self.port = found.group(0), int(found.group(1))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=10)


class Outcome:
    """What a run left: its result and its CPU seconds."""

    def __init__(self, result, usage):
        self.result = result
        self.cpu_seconds = usage.ru_utime + usage.ru_stime


def run_steadfire(binary, words, cpu=None):
    """Runs `steadfire run` to its end, pinned to the first processor or to `cpu`; exits if it leaves no result."""
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "run", *words, "--json", "-q", "--out", Path(folder) / "run"]
        process = subprocess.Popen(pinned(first_cpu() if cpu is None else cpu, command),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        output, complaint = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if not output.strip():
        die(f"steadfire run ended with {process.returncode} and no result: {complaint.strip()}")
    return Outcome(json.loads(output), usage)


def quantile(ascending, share):
    """The entry of rank ceil(share * count), as steadfire defines it; 0 for none."""
    if not ascending:
        return 0
    rank = math.ceil(share * len(ascending) - 1e-9)
    return ascending[min(max(rank, 1), len(ascending)) - 1]


def due_nanos(arrivals, rate, count, seed=1):
    """The due instants of slots 0 to count - 1, in nanoseconds from the run's start, by the documented schedule."""
    if arrivals == "constant":
        return [slot * NANOS // rate for slot in range(count)]
    gaps, elapsed, dues = exponentials(seed), 0.0, []
    for _ in range(count):
        elapsed += next(gaps)
        dues.append(int(elapsed * 1e9 / rate))
    return dues


def exponentials(seed):
    """The seeded exponential gaps of Poisson arrivals: SplitMix64 and the inverse of the distribution."""
    state = seed
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        unit = ((mixed ^ (mixed >> 31)) >> 11) / (1 << 53)
        yield -math.log(1.0 - unit)


def poisson_within(rate, seconds, seed=1):
    """The due instants that lie within the run's length."""
    due, gaps, elapsed = [], exponentials(seed), 0.0
    while True:
        elapsed += next(gaps)
        instant = int(elapsed * 1e9 / rate)
        if instant >= seconds * NANOS:
            return due
        due.append(instant)
