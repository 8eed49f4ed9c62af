# SPDX-License-Identifier: BSD-2-Clause
"""TCP whose peer is Linux, on a cable of its own: SACK, timestamps, window scaling; over kills, and over frames that are dropped,
corrupted, doubled, reordered; what is on the wire meanwhile; that nothing of the cable is left.

AXO_SEED repeats the kills and faults of a run as far as time lets it; without it the clock decides, and the seed is printed."""
import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from experiments.net_faults import rules_fired
from guest import Skipped
from network import tap_addresses
from puppet import crowd_under_kills, judged, streams_under_kills
from wire import is_set

GUEST, HOST6, GUEST6, PREFIX6 = "10.0.2.15", "fd00:2::2", "fd00:2::15", 64
PORTS = 7000
NETDEV, TAP = "net0", "axo0"
DEATHS, INTERVAL_MS = 40, 50
STREAM_BYTES = 4 << 20
CROWD, CROWD_BYTES = 50, 128 << 10
MSS = 1460
FAULT_BYTES, FAULT_INTERVAL_MS, FILTER = 1 << 20, 150, "netfault.net0"
# ARP has no checksum, and a neighbour's wrong address would stay: it is left out by its size.
FAULTS = ("drop,prob=3000", "corrupt,size=61-1514,prob=3000", "duplicate,prob=5000", "reorder,prob=5000")
SEED = int(os.environ.get("AXO_SEED") or int(time.time()) % 1000000)
CABLE = {"net_backend": "tap", "addresses": tap_addresses(1)}
OPTIONS = CABLE
AGREED = ("SACK_PERM", "TSval", "WS=")    # what tshark calls the options of a SYN
SIOCGSKNS = 0x894c    # Linux: the network namespace of a socket
GONE_S = 5


def inside(guest, *words):
    """What a command of the host's end prints."""
    done = subprocess.run(guest.machine.network.prefix() + list(words), capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def begin(guest):
    """The address is there, and the seed is told."""
    print(f"      tcptap: AXO_SEED={SEED}", flush=True)
    guest.until(f"ifconfig eth0 2>/dev/null | grep -q 'inet addr:{GUEST} '", 20)


def has_ipv6():
    return os.path.exists("/proc/net/if_inet6")


def give_ipv6(guest):
    inside(guest, "ip", "address", "replace", f"{HOST6}/{PREFIX6}", "dev", TAP, "nodad")
    guest.sh(f"ip address add {GUEST6}/{PREFIX6} dev eth0 2>/dev/null; ip -6 address show dev eth0 | grep -q {GUEST6}")
    guest.until(f"ping -6 -c 1 -W 1 {HOST6}", 20)


def bad_sums(guest):
    """Segments that Linux has refused for their checksum."""
    lines = [line.split() for line in inside(guest, "grep", "^Tcp:", "/proc/net/snmp").splitlines()]
    return int(dict(zip(*lines))["InCsumErrors"])


@contextlib.contextmanager
def no_mistakes(guest, has_vnet=False):
    """tshark finds nothing wrong with the wire of the block, and Linux none of its checksums; all connections have all options."""
    with judged(guest, NETDEV, has_vnet) as found:
        yield found
    syns = found[0].select(lambda frame: is_set(frame["tcp.flags.syn"]))
    assert syns and all(word in frame["_ws.col.Info"] for frame in syns for word in AGREED), syns
    assert bad_sums(guest) == 0, f"Linux has refused {bad_sums(guest)} segments for their checksums"


def streams(guest, deaths, size=1, **ends):
    streams_under_kills(guest, deaths, size, SEED, **ends)


# ---- e1000 ----

def test_streams_under_kills(guest):
    begin(guest)
    with no_mistakes(guest):
        streams(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES)


def test_streams_of_ipv6_under_kills(guest):
    if not has_ipv6():
        raise Skipped("this computer has no IPv6")
    begin(guest)
    give_ipv6(guest)
    with no_mistakes(guest):
        streams(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES, host=HOST6)


def test_connections_into_the_guest_under_kills(guest):
    begin(guest)
    streams(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES, server=(GUEST, PORTS))


def test_crowd_under_kills(guest):
    begin(guest)
    crowd_under_kills(guest, ("e1000", 3, INTERVAL_MS), CROWD, CROWD_BYTES, SEED)


# ---- virtio: segments of up to 64 KB without checksums ----

def test_virtio(boot):
    """The same with a card that leaves cutting and summing of segments to Linux."""
    guest = boot(nics=["virtio"], **CABLE)
    begin(guest)
    with no_mistakes(guest, has_vnet=True) as found:
        streams(guest, {"virtio_net": (DEATHS, INTERVAL_MS)}, STREAM_BYTES)
    for from_guest in (True, False):
        assert found[0].select(lambda frame: int(frame["tcp.len"] or 0) > MSS, from_guest), f"no large segment, by the guest: {from_guest}"
    crowd_under_kills(guest, ("virtio_net", 3, INTERVAL_MS), CROWD, CROWD_BYTES, SEED)
    streams(guest, {"virtio_net": (DEATHS // 2, INTERVAL_MS)}, server=(GUEST, PORTS))
    if has_ipv6():
        give_ipv6(guest)
        streams(guest, {"virtio_net": (DEATHS // 2, INTERVAL_MS)}, host=HOST6)


# ---- faults ----

def fired(guest):
    return rules_fired(guest.sh(f"service status {FILTER}"))


def test_faults(boot):
    """Frames dropped, corrupted, doubled, reordered in both directions, first alone, then while card and filter die; by IPv6 too."""
    guest = boot(net=f'fault(e1000_0,rules="{";".join(FAULTS)}",seed={SEED})', **CABLE)
    begin(guest)
    streams(guest, {}, FAULT_BYTES)
    assert any(count > 0 for _, count in fired(guest)), fired(guest)
    streams(guest, {"e1000": (10, FAULT_INTERVAL_MS)}, FAULT_BYTES)
    streams(guest, {"e1000": (5, FAULT_INTERVAL_MS), FILTER: (5, FAULT_INTERVAL_MS + 70)}, FAULT_BYTES)
    assert bad_sums(guest) > 0, "Linux has seen none of the corrupted segments"
    if has_ipv6():
        give_ipv6(guest)
        streams(guest, {"e1000": (5, FAULT_INTERVAL_MS)}, FAULT_BYTES, host=HOST6)
    assert len(fired(guest)) == len(FAULTS) and all(count > 0 for _, count in fired(guest)), fired(guest)


# ---- afterwards ----

SCENARIO = """
import os
import signal
from puppet import Kills, Streams
from tcptap import CABLE, members, namespace_of

found = []


def amid_streams(boot, end):
    guest = boot(**CABLE)
    found.append(namespace_of(guest))
    assert len(members(found[-1])) >= 2, "the holder and QEMU are not seen"
    with Streams(guest) as streams, Kills(guest, {"e1000": 100}):
        streams.until(1, 20)
        assert len(members(found[-1])) >= 4, "our sockets are not seen"
        end()


def fail():
    raise AssertionError("as it should")


def die():
    print(f"namespace={found[-1]}", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def test_that_fails(boot):
    amid_streams(boot, fail)


def test_that_looks():
    assert found and members(found[-1]) == [], members(found[-1])


def test_that_dies(boot):
    amid_streams(boot, die)
"""


def namespace_of(guest):
    return os.stat(f"/proc/{guest.machine.network.holder.pid}/ns/net").st_ino


def members(namespace):
    """Whoever keeps a network namespace and its taps: processes in it, and sockets of ours."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            found += [f"process {pid}"] if os.stat(f"/proc/{pid}/ns/net").st_ino == namespace else []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):    # it is no socket, or the one of listdir()
            own = fcntl.ioctl(int(number), SIOCGSKNS)
            found += [f"socket {number}"] if os.stat(own).st_ino == namespace else []
            os.close(own)
    return found


def test_nothing_is_left():
    """A test fails, and the tests' process is killed, amid streams and kills: nobody keeps the namespace, and so the tap."""
    with tempfile.TemporaryDirectory(prefix="axo-test-") as folder:
        with open(os.path.join(folder, "leaves.py"), "w", encoding="utf-8") as file:
            file.write(SCENARIO)
        runner = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run")
        done = subprocess.run([sys.executable, runner, "--folder", folder], capture_output=True, text=True, check=False, timeout=100)
    if "skip  leaves.that_fails" in done.stdout:
        raise Skipped(done.stdout.split("\n", maxsplit=1)[0].partition(": ")[2])
    assert "as it should" in done.stdout and "ok    leaves.that_looks" in done.stdout, done.stdout + done.stderr
    namespace = re.search(r"^namespace=(\d+)$", done.stdout, re.M)
    assert done.returncode == -signal.SIGKILL and namespace, (done.returncode, done.stdout)
    end = time.monotonic() + GONE_S
    while (left := members(int(namespace[1]))) and time.monotonic() < end:
        time.sleep(0.05)
    assert not left, left
    assert not os.path.exists(f"/sys/class/net/{TAP}")


for _test in (test_virtio, test_faults, test_nothing_is_left):
    _test.timeout = 120
