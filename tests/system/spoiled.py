# SPDX-License-Identifier: BSD-2-Clause
"""One frame of a hundred is spoiled on its way through the fault filter, in both directions: streams are slower, and right.

Why the streams can be trusted: the filter flips one bit, and the one's complement sum of TCP changes with each bit (two flips may
cancel, one never does), so whoever checks it finds each spoiled segment, and a flip in the IP header is found by that one's own sum. What must
not happen is that nobody checks: e1000e (82574L) says of each good segment that its sum is right, before the filter spoils it, and
that word must not outlive the spoiling. e1000 (82540EM in QEMU) says nothing. ARP and acknowledgements alone are left out by their size: ARP has no
sum, and the wrong address of a neighbour would stay."""
import random

from experiments.net_faults import rules_fired
from inet import both_ways

BYTES = 3 << 20
RULES = "corrupt,rx,size=61-1514,prob=10000;corrupt,tx,size=61-1514,prob=10000"


def add_card(card):
    def prepare(session):
        make = session.config

        def config():
            result = make()
            result.qemu_args = list(result.qemu_args) + ["-netdev", "user,id=n0", "-device", f"{card},netdev=n0"]
            return result
        session.config = config
    return prepare


def bad_sums(guest):
    """Segments that inet has refused for their checksum."""
    lines = [line.split() for line in guest.sh("grep ^Tcp: /proc/net/snmp").split("\n")]
    return int(dict(zip(*lines))["InCsumErrors"])


def transfer(boot, card):
    guest = boot(nics=[], prepare=add_card(card), net=f'fault(e1000_0,rules="{RULES}",seed=11)', addresses=["10.0.2.15/24,gw=10.0.2.2"])
    guest.until("ifconfig eth0 | grep -q 'inet addr:10.0.2.15 '", 20)
    guest.sh(f"head -c {BYTES} /dev/urandom > /tmp/up")
    both_ways(guest, "10.0.2.2", "/tmp/up", random.Random(card).randbytes(BYTES))
    fired = [count for _, count in rules_fired(guest.sh("service status netfault.net0"))]    # by each of the two rules
    assert len(fired) == 2 and min(fired) >= 10, fired
    assert bad_sums(guest) >= fired[0] / 2, (bad_sums(guest), fired)     # others were spoiled in the IP header
    rows = guest.services()
    assert all(rows[label]["RESTARTS"] == "0" for label in ("inet", "e1000", "netfault.net0")), rows


def test_sums_by_the_card(boot):
    transfer(boot, "e1000e")


def test_sums_by_software(boot):
    transfer(boot, "e1000")


for _test in (test_sums_by_the_card, test_sums_by_software):
    _test.timeout = 120
