# SPDX-License-Identifier: BSD-2-Clause
"""TCP whose peer is Linux, on a cable of its own: SACK, timestamps, window scaling; over kills, and over frames that are dropped,
corrupted, doubled, reordered; what is on the wire meanwhile; that nothing of the cable is left.

AXO_SEED repeats the kills and faults of a run as far as time lets it; without it the clock decides, and the seed is printed."""
import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from guest import Skipped
from network import tap_addresses
from puppet import HOST, Crowd, Kills, Streams, dumped
from wire import Wire, without_vnet

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
ALL_OPTIONS = 7     # tcpi_options of Linux: timestamps, SACK, window scaling
SIOCGSKNS = 0x894c  # Linux: the network namespace of a socket
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


def give_ipv6(guest):
    if not os.path.exists("/proc/net/if_inet6"):
        raise Skipped("this computer has no IPv6")
    inside(guest, "ip", "address", "replace", f"{HOST6}/{PREFIX6}", "dev", TAP, "nodad")
    guest.sh(f"ip address add {GUEST6}/{PREFIX6} dev eth0 2>/dev/null; ip -6 address show dev eth0 | grep -q {GUEST6}")
    guest.until(f"ping -6 -c 1 -W 1 {HOST6}", 20)


def has_all_options(connection):
    """Both sides have agreed about SACK, timestamps and window scaling."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5] & ALL_OPTIONS == ALL_OPTIONS


def bad_sums(guest):
    """Segments that Linux has refused for their checksum."""
    lines = [line.split() for line in inside(guest, "grep", "^Tcp:", "/proc/net/snmp").splitlines()]
    return int(dict(zip(*lines))["InCsumErrors"])


def streams_under_kills(guest, deaths, size=1, **ends):
    """Streams both ways over so many deaths of each label (label: (deaths, mean interval in ms)), and of so many bytes at least."""
    with Streams(guest, **ends) as streams:
        assert all(map(has_all_options, streams.connections)), "Linux and the guest did not agree about TCP's options"
        streams.until(1, 10)
        with Kills(guest, {label: interval for label, (_, interval) in deaths.items()}, SEED) as kills:
            for label, (count, _) in deaths.items():
                kills.until(label, count, 40)
            before = streams.moved()
        streams.until(max(size, max(before) + 1), 60)
        streams.end()
    assert all(kills.hits[label] >= count for label, (count, _) in deaths.items()), kills.hits


@contextlib.contextmanager
def judged(guest, has_vnet=False):
    """The wire of a block that ends well: tshark finds nothing wrong with the guest's frames, neither does Linux. Yields a list that
    has the Wire then."""
    path, found = guest.session.path("wire.pcap"), []
    with dumped(guest, NETDEV, path):
        yield found
    found.append(Wire(without_vnet(path) if has_vnet else path))
    found[0].check_frames()
    assert bad_sums(guest) == 0, f"Linux has refused {bad_sums(guest)} segments for their checksums"


# ---- e1000 ----

def test_streams_under_kills(guest):
    begin(guest)
    with judged(guest):
        streams_under_kills(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES)


def test_streams_of_ipv6_under_kills(guest):
    begin(guest)
    give_ipv6(guest)
    with judged(guest):
        streams_under_kills(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES, host=HOST6)


def test_connections_into_the_guest_under_kills(guest):
    begin(guest)
    streams_under_kills(guest, {"e1000": (DEATHS, INTERVAL_MS)}, STREAM_BYTES, server=(GUEST, PORTS))


def crowd_under_kills(guest, label):
    """50 connections at once: each completes in both directions, with the bytes of its own."""
    crowd = Crowd(CROWD_BYTES, guest.machine.network)
    try:
        with Kills(guest, {label: INTERVAL_MS}, SEED) as kills:
            text = guest.sh(f"/tests/netpuppet crowd {HOST} {crowd.port} {CROWD} {CROWD_BYTES}", 50)
        crowd.settle(CROWD, 10)
    finally:
        crowd.end()
    assert text == f"open {CROWD}\ndone {CROWD}", text
    assert crowd.right == set(range(CROWD)) and not crowd.wrong, (len(crowd.right), crowd.wrong)
    assert kills.hits[label] >= 3, kills.hits


def test_crowd_under_kills(guest):
    begin(guest)
    crowd_under_kills(guest, "e1000")


# ---- virtio: segments of up to 64 KB without checksums ----

def test_virtio(boot):
    """The same with a card that leaves cutting and summing of segments to Linux."""
    guest = boot(nics=["virtio"], **CABLE)
    begin(guest)
    with judged(guest, has_vnet=True) as found:
        streams_under_kills(guest, {"virtio_net": (DEATHS, INTERVAL_MS)}, STREAM_BYTES)
    for from_guest in (True, False):
        assert found[0].select(lambda frame: int(frame["tcp.len"] or 0) > MSS, from_guest), f"no large segment, by the guest: {from_guest}"
    crowd_under_kills(guest, "virtio_net")
    streams_under_kills(guest, {"virtio_net": (DEATHS // 2, INTERVAL_MS)}, server=(GUEST, PORTS))
    give_ipv6(guest)
    streams_under_kills(guest, {"virtio_net": (DEATHS // 2, INTERVAL_MS)}, host=HOST6)


# ---- faults ----

def shots(guest):
    """{kind: how often it was fired}"""
    found = re.findall(r"^rule\d+=(\w+) matched=\d+ fired=(\d+)", guest.sh(f"service status {FILTER}"), re.M)
    return {kind: int(fired) for kind, fired in found}


def test_faults(boot):
    """Frames dropped, corrupted, doubled, reordered in both directions, first alone, then while card and filter die; by IPv6 too."""
    guest = boot(net=f'fault(e1000_0,rules="{";".join(FAULTS)}",seed={SEED})', **CABLE)
    begin(guest)
    streams_under_kills(guest, {}, FAULT_BYTES)
    fired = shots(guest)
    assert len(fired) == len(FAULTS) and min(fired.values()) > 0, fired
    streams_under_kills(guest, {"e1000": (10, FAULT_INTERVAL_MS)}, FAULT_BYTES)
    streams_under_kills(guest, {"e1000": (5, FAULT_INTERVAL_MS), FILTER: (5, FAULT_INTERVAL_MS + 70)}, FAULT_BYTES)
    assert bad_sums(guest) > 0, "Linux has seen none of the corrupted segments"
    give_ipv6(guest)
    streams_under_kills(guest, {"e1000": (5, FAULT_INTERVAL_MS)}, FAULT_BYTES, host=HOST6)


# ---- afterwards ----

SCENARIO = """
import os, signal, sys
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
        raise Skipped(done.stdout.split("\n", maxsplit=1)[0])
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
