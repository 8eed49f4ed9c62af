# SPDX-License-Identifier: BSD-2-Clause
"""The card's driver dies while connections are made, closed, or silent, while addresses are asked for, and with datagrams on their way.

The card writes what it receives into the buffers of inet, where it is found after the death; tcplosses.py is for a card where it is lost."""
import contextlib
import re
import socket
import time

from network import Forward, free_port
from puppet import (HOST, Kills, Puppet, answering, dying_in_the_card, frozen, judged, listening, pattern, port_of, sum_of, take_all,
                    wait_for_lease)

DRIVER, NETDEV = "e1000", "net0"
GUEST_PORT = 7000
FORWARD = Forward(free_port(), GUEST_PORT)
OPTIONS = {"forwards": [FORWARD]}
BYTES = 256 << 10
SETTLE_S = 0.1      # for what QEMU and the guest do by themselves within a millisecond or two
INTERVAL_MS = 30
# An answer to a SYN that dies with the driver is repeated by QEMU's network after 6 s and no sooner, so not too many of them.
CONNECTIONS, CONNECTIONS_DEATHS, CONNECTIONS_INTERVAL_MS, CONNECT_S = 30, 15, 100, 75
IDLE_DEATHS, LOOKS = 20, 200
AWAY_S = 1.5
DISCOVER, OFFER, ACKNOWLEDGEMENT = 1, 2, 5      # RFC 2132, 9.6
END_OF_STREAM = sum_of(0, 0)


def wire(guest):
    return judged(guest, NETDEV)


def syn_acks(found, from_guest):
    return len(found.select(lambda frame: frame["tcp.flags.syn"] in ("1", "True") and frame["tcp.flags.ack"] in ("1", "True"),
                            from_guest))


@contextlib.contextmanager
def connected(guest):
    """A Puppet and the host's end of its connection."""
    with Puppet(guest) as puppet, listening(guest.machine.network) as listener:
        puppet.do("connect", HOST, port_of(listener))
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(30)
            yield puppet, connection


def talk(puppet, connection, seed=1):
    """Data in both directions, one after the other."""
    connection.sendall(pattern(seed, BYTES))
    assert puppet.do("receive", BYTES) == sum_of(seed, BYTES)
    puppet.begin("send", BYTES, seed + 1)
    assert take_all(connection, BYTES) == pattern(seed + 1, BYTES)
    assert puppet.answer() == sum_of(seed + 1, BYTES)


def end(puppet, connection):
    """The guest's side ends first."""
    puppet.do("shut")
    assert take_all(connection) == b""
    connection.shutdown(socket.SHUT_WR)
    assert puppet.do("receive", -1) == END_OF_STREAM
    puppet.do("close")


def no_socket_hangs(guest):
    guest.until("! netstat -tn | grep -E 'SYN|FIN_WAIT1|CLOSING|LAST_ACK'", 20, "all connections to be closed")


# ---- connecting ----

def test_connect_with_its_syn_in_the_driver(guest):
    wait_for_lease(guest)
    with wire(guest) as found, Puppet(guest) as puppet, listening(guest.machine.network) as listener:
        with frozen(guest, DRIVER):
            puppet.begin("connect", HOST, port_of(listener))
            time.sleep(SETTLE_S)
            assert not puppet.answers
        puppet.answer()
        connection, _ = listener.accept()
        talk(puppet, connection)
        end(puppet, connection)
    assert found[0].count("syn", True) >= 1


def connect_with_its_answer_in_the_card(guest, driver, is_lost):
    wait_for_lease(guest)
    guest.sh(f"ping -c 1 {HOST}")    # ARP is done with
    with wire(guest) as found, Puppet(guest) as puppet, listening(guest.machine.network) as listener:
        with dying_in_the_card(guest, driver, NETDEV):
            puppet.begin("connect", HOST, port_of(listener))
            connection, _ = listener.accept()
            time.sleep(SETTLE_S)
            assert not puppet.answers
        puppet.answer()
        talk(puppet, connection)
        end(puppet, connection)
    assert syn_acks(found[0], False) >= 2 if is_lost else syn_acks(found[0], False) == 1, found[0]


def test_connect_with_its_answer_in_the_card(guest):
    """The SYN-ACK is in memory when the driver dies, and is found there; nobody needs to repeat it."""
    connect_with_its_answer_in_the_card(guest, DRIVER, False)


def connect_from_outside(guest, driver, is_lost):
    wait_for_lease(guest)
    with wire(guest) as found, Puppet(guest) as puppet:
        puppet.do("listen", "0.0.0.0", GUEST_PORT)
        with dying_in_the_card(guest, driver, NETDEV):
            connection = socket.create_connection(("127.0.0.1", guest.machine.network.forwards[0].host), 30)
            time.sleep(SETTLE_S)
            puppet.begin("accept")
        puppet.answer()
        talk(puppet, connection)
        end(puppet, connection)
    assert found[0].count("syn", False) >= 2 if is_lost else found[0].count("syn", False) == 1, found[0]


def test_connect_from_outside(guest):
    """The SYN is in memory when the driver dies."""
    connect_from_outside(guest, DRIVER, False)


def short_connection(puppet, listener, number):
    puppet.begin("connect", HOST, port_of(listener))
    connection, _ = listener.accept()
    connection.settimeout(30)
    puppet.answer(CONNECT_S)
    with connection:
        connection.sendall(pattern(number, BYTES))
        if number % 2:
            connection.shutdown(socket.SHUT_WR)
            assert puppet.do("receive", -1) == sum_of(number, BYTES)
            puppet.do("close")
            assert take_all(connection) == b""
        else:
            assert puppet.do("receive", BYTES) == sum_of(number, BYTES)
            end(puppet, connection)


def test_short_connections_under_kills(guest):
    """One after the other, ended by either side, so that deaths meet every state; more of them on a fast machine."""
    wait_for_lease(guest)
    number = 0
    with Puppet(guest) as puppet, listening(guest.machine.network) as listener, Kills(guest, {DRIVER: CONNECTIONS_INTERVAL_MS}) as kills:
        while number < CONNECTIONS or kills.deaths(DRIVER) < CONNECTIONS_DEATHS:
            short_connection(puppet, listener, number)
            number += 1
    assert kills.hits[DRIVER] >= CONNECTIONS_DEATHS, kills.hits
    no_socket_hangs(guest)


test_short_connections_under_kills.timeout = 200


# ---- closing ----

def close_by_the_guest(guest, driver, is_lost):
    wait_for_lease(guest)
    with wire(guest) as found, connected(guest) as (puppet, connection):
        with frozen(guest, driver):
            puppet.do("shut")
        assert take_all(connection) == b""
        with Kills(guest, {driver: INTERVAL_MS}) as kills:
            connection.sendall(pattern(3, BYTES))
            kills.until(driver, 3, 20)
            connection.sendall(pattern(4, BYTES))
            assert puppet.do("receive", BYTES) == sum_of(3, BYTES)
            assert puppet.do("receive", BYTES) == sum_of(4, BYTES)
        puppet.begin("receive", -1)
        with dying_in_the_card(guest, driver, NETDEV):
            connection.shutdown(socket.SHUT_WR)
            time.sleep(SETTLE_S)
            assert not puppet.answers
        assert puppet.answer() == END_OF_STREAM
        puppet.do("close")
        no_socket_hangs(guest)
    assert found[0].count("fin", True) >= 1 and found[0].count("fin", False) >= 1 + is_lost, found[0]


def test_close_by_the_guest(guest):
    """Its FIN is in the dying driver, then data flows in the other half, whose FIN is in the card when the driver dies again."""
    close_by_the_guest(guest, DRIVER, False)


def close_by_the_peer(guest, driver, is_lost):
    wait_for_lease(guest)
    with wire(guest) as found, connected(guest) as (puppet, connection):
        puppet.begin("receive", -1)
        with dying_in_the_card(guest, driver, NETDEV):
            connection.shutdown(socket.SHUT_WR)
            time.sleep(SETTLE_S)
            assert not puppet.answers
        assert puppet.answer() == END_OF_STREAM
        with Kills(guest, {driver: INTERVAL_MS}) as kills:
            for count in (1, 2):
                puppet.begin("send", BYTES, 4 + count)
                assert take_all(connection, BYTES) == pattern(4 + count, BYTES)
                assert puppet.answer() == sum_of(4 + count, BYTES)
                kills.until(driver, 3 * count, 20)
        with frozen(guest, driver):
            puppet.do("close")
        assert take_all(connection) == b""
        no_socket_hangs(guest)
    assert found[0].count("fin", True) >= 1 and found[0].count("fin", False) >= 1 + is_lost, found[0]


def test_close_by_the_peer(guest):
    """Its FIN is in the card, then the guest sends in its half, whose FIN is in the dying driver."""
    close_by_the_peer(guest, DRIVER, False)


# ---- silence ----

def start_watch(guest, looks=""):
    return guest.agent.start(f"exec /tests/netpuppet watch eth0 {looks}")


def end_watch(job):
    """The interface was there and up whenever somebody looked."""
    done = job.wait(60)
    assert re.fullmatch(r"looks [1-9]\d* down 0 missing 0", done.text), done


def test_silent_connection_over_deaths(guest):
    """It is idle while the driver dies again and again, and nobody sees the link go down."""
    wait_for_lease(guest)
    with wire(guest), connected(guest) as (puppet, connection):
        talk(puppet, connection)
        watch = start_watch(guest, LOOKS)
        with Kills(guest, {DRIVER: INTERVAL_MS}) as kills:
            kills.until(DRIVER, IDLE_DEATHS, 30, lambda: guest.sh("ip link show eth0 | grep -q '[<,]UP,LOWER_UP[>,]'"))
            end_watch(watch)
        assert kills.hits[DRIVER] >= IDLE_DEATHS, kills.hits
        talk(puppet, connection, 7)
        end(puppet, connection)


def test_watch_sees_a_pulled_cable(guest):
    """So it would have seen the link go down."""
    wait_for_lease(guest)
    watch = start_watch(guest)
    for is_up, said in ((False, "!"), (True, "")):
        guest.machine.qmp("set_link", name=NETDEV, up=is_up)
        guest.until(f"{said} ip link show eth0 | grep -q 'LOWER_UP'", 10)
    watch.kill(15)
    looks = re.fullmatch(r"looks \d+ down (\d+) missing 0", watch.wait(20).text)
    assert looks and int(looks[1]) > 0, looks
    guest.until(f"ping -c 1 -W 1 {HOST}", 20)


# ---- datagrams ----

def test_datagram_and_echo_in_the_driver(guest):
    """They go out when it is replaced, and are answered."""
    wait_for_lease(guest)
    with wire(guest), Puppet(guest) as puppet, answering() as port:
        puppet.do("ask", HOST, port, 1000)
        with frozen(guest, DRIVER):
            ping = guest.agent.start(f"ping -c 1 -W 20 {HOST}")
            puppet.begin("ask", HOST, port, 1200)
            time.sleep(SETTLE_S)
            assert not puppet.answers and not ping.done
        assert puppet.answer() == "1200"
        assert " 0% packet loss" in ping.wait(20).text


def test_datagram_that_waits_for_a_lost_address(guest):
    """The answer of ARP is lost; it is asked for again."""
    wait_for_lease(guest)
    with wire(guest) as found, Puppet(guest) as puppet, answering() as port:
        puppet.do("ask", HOST, port, 500)
        guest.sh(f"arp -d {HOST}")
        with dying_in_the_card(guest, DRIVER, NETDEV):
            puppet.begin("ask", HOST, port, 500)
            time.sleep(SETTLE_S)
            assert not puppet.answers
        assert puppet.answer() == "500"
    assert len(found[0].select(lambda frame: frame["arp.opcode"] == "1", True)) >= 2, found[0]


# ---- addresses ----

def replace_inet(guest):
    """A new inet, which knows nothing and asks for an address."""
    pid = guest.pid_of("inet")
    guest.sh(f"kill -9 {pid}")
    guest.until(f"service list | awk '$1 == \"inet\" && $2 == \"running\" && $3 != {pid} {{ok = 1}} END {{exit !ok}}'", 10)


def dhcp(found, kind):
    """Messages of that type."""
    return len(found.select(lambda frame: frame["dhcp.option.dhcp"] == str(kind)))


def test_address_is_asked_for_under_kills(guest):
    """The first DISCOVER finds a driver that stands still and dies, then deaths come at any time."""
    wait_for_lease(guest)
    with wire(guest) as found:
        with frozen(guest, DRIVER):
            replace_inet(guest)
        wait_for_lease(guest)
        for _ in range(3):
            with Kills(guest, {DRIVER: INTERVAL_MS}) as kills:
                replace_inet(guest)
                wait_for_lease(guest)
            assert kills.hits[DRIVER] >= 1, kills.hits
    for kind in (DISCOVER, OFFER, ACKNOWLEDGEMENT):
        assert dhcp(found[0], kind) >= 4, found[0]


test_address_is_asked_for_under_kills.timeout = 120


# ---- a driver that stays away ----

def test_everything_waits_for_a_driver_that_is_away(guest):
    """For 1.5 s there is no driver at all: nothing fails, nothing is lost, nobody hears of it."""
    guest.sh(f"printf '#!/bin/sh\\nsleep {AWAY_S}\\nservice refresh $1\\n' > /tmp/script; chmod +x /tmp/script")
    guest.sh(f"service down {DRIVER}; service up /sbin/{DRIVER} -label {DRIVER} -recovery /tmp/script")
    wait_for_lease(guest)
    with wire(guest), connected(guest) as (puppet, connection), Puppet(guest) as other, Puppet(guest) as third, \
            answering() as port, listening(guest.machine.network) as listener:
        watch = start_watch(guest)
        guest.sh(f"kill -9 {guest.pid_of(DRIVER)}")
        began = time.monotonic()
        puppet.begin("send", BYTES, 9)
        other.begin("ask", HOST, port, 800)
        third.begin("connect", HOST, port_of(listener))
        ping = guest.agent.start(f"ping -c 1 -W 20 {HOST}")
        time.sleep(AWAY_S / 3)
        assert not other.answers and not third.answers and not ping.done
        assert take_all(connection, BYTES) == pattern(9, BYTES)
        assert time.monotonic() - began >= AWAY_S * 0.9
        assert puppet.answer() == sum_of(9, BYTES)
        assert other.answer() == "800"
        third.answer()
        listener.accept()[0].close()
        assert third.do("receive", -1) == END_OF_STREAM
        third.do("close")
        assert " 0% packet loss" in ping.wait(20).text
        watch.kill(15)
        end_watch(watch)
        end(puppet, connection)
    guest.sh(f"service down {DRIVER}; service up /sbin/{DRIVER} -label {DRIVER}")
