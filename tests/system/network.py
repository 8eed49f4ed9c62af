# SPDX-License-Identifier: BSD-2-Clause
"""Sockets as programs see them: busybox ip, ifconfig, route, netstat, ping, nc, wget, httpd and telnetd over e1000 and the loopback."""
import contextlib
import hashlib
import os
import random
import re
import socket
import threading
import urllib.request

HTTP, ECHO, TELNET = 80, 7, 23  # of the guest
HOST = "10.0.2.2"               # the host, as the guest sees it
FORWARDED = {}                  # port of the guest: port of the host


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def add_nic(session):
    """One e1000 in QEMU's user network, with ports of the host forwarded to the guest's servers."""
    FORWARDED.update({port: free_port() for port in (HTTP, ECHO, TELNET)})
    rules = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in FORWARDED.items())
    make = session.config

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + ["-netdev", f"user,id=n0{rules}", "-device", "e1000,netdev=n0"]
        return result
    session.config = config


OPTIONS = {"prepare": add_nic}


def wait_for_lease(guest):
    guest.until("ip addr show eth0 | grep -q 'inet 10.0.2.15/24'", 20, "a lease of DHCP")


def test_explore(guest):
    for cmd in ("ip link", "ip addr", "ip route", "ifconfig -a", "route -n", "netstat -tuln", "cat /proc/net/dev", "cat /proc/net/tcp", "service list", "dmesg | tail -20", "ping -c 2 127.0.0.1", "ping -c 2 10.0.2.2", "arp -n", "ip neigh", "nslookup localhost 10.0.2.3"):
        print("###", cmd)
        print(guest.run(cmd))


test_explore.timeout = 150
