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
    wait_for_lease(guest)
    for cmd in ("busybox --list | tr '\\n' ' '", "ip addr show eth0", "ip route", "ip -6 route", "cat /etc/resolv.conf; ls -l /etc/resolv.conf", "ping -c 1 ::1", "ls -l /dev/ptmx /dev/pts", "nc 127.0.0.1 9", "ls /proc/net",
                "head -c 3000000 /dev/urandom > /tmp/a; (nc -l -p 5000 > /tmp/b & nc 127.0.0.1 5000 < /tmp/a; wait); cmp /tmp/a /tmp/b && echo same",
                "ip link set eth0 mtu 1400; ip link show eth0", "ip route add 10.9.0.0/16 via 10.0.2.2; ip route; ip route del 10.9.0.0/16 via 10.0.2.2; ip route", "ip route get 10.0.2.3",
                "ip addr add 10.7.7.7/24 dev lo; ip addr add 10.0.2.77/24 dev eth0; ip addr show eth0", "service status inet", "dmesg | tail -3",
                "mkdir -p /tmp/www; cp /tmp/a /tmp/www; httpd -h /tmp/www -p 80; sleep 0.3; wget -q -O /tmp/c http://127.0.0.1/a && cmp /tmp/a /tmp/c && echo same; telnetd -l /bin/sh"):
        print("###", cmd)
        r = guest.run(cmd, 60)
        print(r)
    import time
    t = time.time()
    data = urllib.request.urlopen(f"http://127.0.0.1:{FORWARDED[HTTP]}/a", timeout=30).read()
    print("httpd:", len(data), hashlib.sha1(data).hexdigest(), time.time() - t, guest.run("sha1sum /tmp/a"))
    s = socket.create_connection(("127.0.0.1", FORWARDED[TELNET]), 10)
    s.settimeout(3)
    time.sleep(1)
    try:
        print(s.recv(1000))
        s.sendall(b"echo $((6*7))\r\n")
        time.sleep(1)
        print(s.recv(1000))
    except OSError as e:
        print("telnet", e)


test_explore.timeout = 150
