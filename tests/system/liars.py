# SPDX-License-Identifier: BSD-2-Clause
"""TCP over a driver that lies (tests/guest/badnic), with and without a guard between: inet finds each lie, names the rule, has the driver
replaced, and the stream goes on with every byte right."""
import re

from netfilters import RULES, start_filter

STREAM_KB = 800
AFTER = 300          # frames before the lie, of about a thousand
# An e1000 that nobody talks to is eth0: inet starts with the first driver. badnic, or the guard above it, is eth1.
OPTIONS = {"nics": [], "boot": ["address=eth1:10.7.0.1/24"]}


def add_card(session):
    make = session.config

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + ["-netdev", "user,id=n0,restrict=on", "-device", "e1000,netdev=n0"]
        return result
    session.config = config


OPTIONS["prepare"] = add_card

# Mode: the rule that is broken, or None: a driver that dies of itself.
LIES = {"wrong-id": "N3", "double": "N3", "invent": "N3", "long": "N2", "short": "N2", "reserved": "R4", "index": "R4", "never": "N1",
        "crash": None, "hang": None}


def start(guest, mode, guard):
    guest.sh(f"service up /tests/badnic -args {mode},after={AFTER},hairpin")
    if guard:
        start_filter(guest, "netguard.g0", "bad0", "-timeout 300ms -silence 400ms")
    guest.until("ifconfig eth1 | grep -q 'inet addr:10.7.0.1 '", 10)


def stop(guest, guard):
    guest.run("killall nc sleep")
    if guard:
        guest.run("service down netguard.g0")
    guest.run("service down badnic")


def start_stream(guest):
    """A server and a client on this machine; what the client sends arrives as from another one."""
    guest.sh(f"[ -f /tmp/data ] || head -c {STREAM_KB}k /dev/urandom > /tmp/data; rm -f /tmp/copy; "
             "[ -p /tmp/open ] || mkfifo /tmp/open; (nc -l -p 5000 < /tmp/open > /tmp/copy) & (sleep 60 > /tmp/open) & sleep 0.2; "
             "(nc 10.7.0.2 5000 < /tmp/data; echo ended) > /tmp/client.out 2>&1 &")


def wait_for_stream(guest):
    guest.until(f"[ $(stat -c %s /tmp/copy) = {STREAM_KB * 1024} ]", 30, "the stream")
    guest.sh("cmp /tmp/data /tmp/copy")


def complaints(guest):
    found = re.search(r"^complaints +(\d+), last rule (\d+)", guest.sh("service status badnic"), re.M)
    return int(found.group(1)), int(found.group(2))


def check_lie(guest, mode, rule, guard=False):
    start(guest, mode, guard)
    try:
        start_stream(guest)
        wait_for_stream(guest)
        guest.until("service status badnic | grep -q '^lives=2$'", 10, "the second life")
        if rule:
            count, last = complaints(guest)
            assert count >= 1 and last == RULES[rule], f"{mode}: {count} complaints, the last one about rule {last}"
    except AssertionError as error:
        raise AssertionError(f"{mode}, guard {guard}: {error}; " + guest.sh("service status badnic; service status inet; tail -5 /proc/axolotl/events")) from error
    finally:
        stop(guest, guard)
    assert guest.services()["inet"]["RESTARTS"] == "0"


def test_lies_below_inet(guest):
    for mode, rule in LIES.items():
        check_lie(guest, mode, rule)


def test_lies_below_a_guard(guest):
    for mode, rule in (("never", "N1"), ("deaf", "N2"), ("invent", "N3"), ("index", "R4"), ("crash", None)):
        check_lie(guest, mode, rule, guard=True)


for _test in (test_lies_below_inet, test_lies_below_a_guard):
    _test.timeout = 240
