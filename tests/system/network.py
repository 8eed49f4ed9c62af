# SPDX-License-Identifier: BSD-2-Clause
"""Sockets as programs see them: busybox ip, ifconfig, route, netstat, ping, nc, wget and httpd over e1000 and the loopback."""
import contextlib
import hashlib
import random
import re
import socket
import threading
import urllib.request

HTTP = 80          # port of the guest's server
HOST = "10.0.2.2"  # the host, as the guest sees it
FORWARDED = {}     # port of the guest: port of the host


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def add_nic(session):
    """One e1000 in QEMU's user network, with ports of the host forwarded to the guest's servers."""
    FORWARDED.update({port: free_port() for port in (HTTP,)})
    rules = "".join(f",hostfwd=tcp:127.0.0.1:{host}-:{guest}" for guest, host in FORWARDED.items())
    make = session.config

    def config():
        result = make()
        result.qemu_args = list(result.qemu_args) + ["-netdev", f"user,id=n0{rules}", "-device", "e1000,netdev=n0"]
        return result
    session.config = config


OPTIONS = {"prepare": add_nic, "nics": []}


def wait_for_lease(guest):
    guest.until("ip addr show eth0 | grep -q 'inet 10.0.2.15/24'", 20, "a lease of DHCP")


def make_file(guest, size):
    """Random bytes at /tmp/www/data; their SHA-1."""
    guest.sh(f"mkdir -p /tmp/www; head -c {size} /dev/urandom > /tmp/www/data")
    return guest.sh("sha1sum /tmp/www/data").split()[0]


@contextlib.contextmanager
def serving(kind, handle):
    """A server of ours on a free port of the loopback: handle(socket) is called for each connection, or once for datagrams."""
    with contextlib.closing(socket.socket(socket.AF_INET, kind)) as server:
        server.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            server.listen(16)

        def loop():
            with contextlib.suppress(OSError):
                while kind == socket.SOCK_STREAM:
                    connection, _ = server.accept()
                    with connection:
                        handle(connection)
                handle(server)
        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(0.1)


def test_interfaces_and_routes_are_shown(guest):
    wait_for_lease(guest)
    links = guest.sh("ip link")
    assert re.search(r"^1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536", links, re.M), links
    assert re.search(r"^2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500", links, re.M), links
    routes = guest.sh("ip route")
    assert "default via 10.0.2.2 dev eth0" in routes and "10.0.2.0/24 dev eth0 scope link  src 10.0.2.15" in routes, routes
    assert "10.0.2.3 dev eth0  src 10.0.2.15" in guest.sh("ip route get 10.0.2.3")
    shown = guest.sh("ifconfig eth0")
    assert "inet addr:10.0.2.15  Bcast:10.0.2.255  Mask:255.255.255.0" in shown and "MTU:1500" in shown, shown
    assert "127.0.0.1" in guest.sh("ifconfig lo") and "::1/128" in guest.sh("ifconfig lo")
    shown = guest.sh("route -n")
    assert re.search(r"^0\.0\.0\.0 +10\.0\.2\.2 +0\.0\.0\.0 +UG .* eth0$", shown, re.M), shown


def test_settings_are_changed(guest):
    wait_for_lease(guest)
    guest.sh("ip link set eth0 mtu 1400")
    assert "mtu 1400" in guest.sh("ip link show eth0")
    guest.sh("ifconfig eth0 mtu 1500")
    assert "mtu 1500" in guest.sh("ip link show eth0")
    guest.sh("ip route add 10.9.0.0/16 via 10.0.2.2")
    assert "10.9.0.0/16 via 10.0.2.2 dev eth0" in guest.sh("ip route")
    guest.sh("ip route del 10.9.0.0/16 via 10.0.2.2")
    guest.sh("route add -net 10.8.0.0 netmask 255.255.0.0 gw 10.0.2.2")
    assert "10.8.0.0/16 via 10.0.2.2 dev eth0" in guest.sh("ip route")
    guest.sh("route del -net 10.8.0.0 netmask 255.255.0.0 gw 10.0.2.2")
    assert "10.8.0.0" not in guest.sh("ip route")
    assert "No such process" in guest.run("ip route del 10.8.0.0/16").err.decode()
    assert "No such device" in guest.run("ip link set eth7 up").err.decode()


def test_pings_are_answered(guest):
    wait_for_lease(guest)
    for target in ("127.0.0.1", HOST, "::1"):
        assert "3 packets received, 0% packet loss" in guest.sh(f"ping -c 3 -i 0.2 {target}"), target
    assert HOST in guest.sh("arp -n") and HOST in guest.sh("ip neigh")


def test_refusals_have_their_errors(guest):
    wait_for_lease(guest)
    assert "Connection refused" in guest.run("nc 127.0.0.1 9").err.decode()
    assert "Connection refused" in guest.run("nc ::1 9").err.decode()
    guest.sh("httpd -h /tmp -p 8081")
    assert "Address already in use" in guest.run("httpd -f -h /tmp -p 8081").err.decode()


def test_stream_over_the_loopback(guest):
    sha = make_file(guest, 1000000)
    # The listener's input stays open, or it would close its half, and the other side end too early.
    guest.sh("mkfifo /tmp/open; (nc -l -p 5000 < /tmp/open > /tmp/copy) & exec 3> /tmp/open; sleep 0.5; "
             "nc 127.0.0.1 5000 < /tmp/www/data & "
             "until [ $(stat -c %s /tmp/copy) = 1000000 ]; do sleep 0.1; done; exec 3>&-; wait; rm /tmp/open", 60)
    assert guest.sh("sha1sum /tmp/copy").split()[0] == sha


def test_wget_from_the_host(guest):
    wait_for_lease(guest)
    data = random.Random(1).randbytes(5000000)

    def answer(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    with serving(socket.SOCK_STREAM, answer) as port:
        guest.sh(f"wget -q -O /tmp/got http://{HOST}:{port}/data", 60)
    assert guest.sh("sha1sum /tmp/got").split()[0] == hashlib.sha1(data).hexdigest()


def test_upload_to_the_host(guest):
    wait_for_lease(guest)
    sha = make_file(guest, 1500000)
    got, done = [hashlib.sha1()], threading.Event()

    def take(connection):
        while True:
            part = connection.recv(65536)
            if not part:
                break
            got[0].update(part)
        done.set()
    with serving(socket.SOCK_STREAM, take) as port:
        guest.sh(f"nc {HOST} {port} < /tmp/www/data", 60)
        assert done.wait(10), "the end of the stream did not arrive"
    assert got[0].hexdigest() == sha


def test_httpd_serves_the_host_in_parallel(guest):
    wait_for_lease(guest)
    sha = make_file(guest, 1000000)
    guest.sh(f"httpd -h /tmp/www -p {HTTP}")
    sums = []

    def fetch():
        with urllib.request.urlopen(f"http://127.0.0.1:{FORWARDED[HTTP]}/data", timeout=50) as answer:
            sums.append(hashlib.sha1(answer.read()).hexdigest())
    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sums == [sha] * len(threads), sums
    assert re.search(r"^tcp .*:80 .*LISTEN", guest.sh("netstat -tln"), re.M)


def tftp_server(data):
    """RFC 1350 with the blksize option (RFC 2348), one file for everybody who asks."""
    def serve(server):
        while True:
            request, peer = server.recvfrom(2048)
            fields = request[2:].split(b"\0")
            size = int(fields[fields.index(b"blksize") + 1]) if b"blksize" in fields else 512
            if b"blksize" in fields:
                server.sendto(b"\0\6blksize\0%d\0" % size, peer)
                server.recvfrom(2048)
            for number in range(1, len(data) // size + 2):
                server.sendto(b"\0\3" + number.to_bytes(2, "big") + data[(number - 1) * size:number * size], peer)
                server.recvfrom(2048)
    return serve


def test_datagrams_carry_a_file(guest):
    wait_for_lease(guest)
    data = random.Random(2).randbytes(200000)
    with serving(socket.SOCK_DGRAM, tftp_server(data)) as port:
        guest.sh(f"tftp -g -b 1400 -l /tmp/tftp -r data {HOST} {port}", 40)
    assert guest.sh("sha1sum /tmp/tftp").split()[0] == hashlib.sha1(data).hexdigest()


def dns_server(names, asked):
    """RFC 1035: addresses of these names, no others; what was asked is noted."""
    def serve(server):
        while True:
            query, peer = server.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind, name = int.from_bytes(query[at + 1:at + 3], "big"), ".".join(labels).lower()
            asked.append(name)
            is_known, record = name in names, b""
            if is_known and kind == 1:
                record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(names[name])
            head = query[:2] + bytes((0x81, 0x80 if is_known else 0x83, 0, 1, 0, len(record) // 16, 0, 0, 0, 0))
            server.sendto(head + query[12:at + 5] + record, peer)
    return serve


def test_names_are_looked_up(guest):
    """By nslookup at a server of ours, and by the C library's resolver through /etc/resolv.conf, over deaths of the driver."""
    wait_for_lease(guest)
    asked, names = [], {"axolotl.test": "10.1.2.3", "files.test": HOST, "own.test": "127.0.0.1"}

    def answer(connection):
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nnamed\n")
    with serving(socket.SOCK_DGRAM, dns_server(names, asked)) as dns, serving(socket.SOCK_STREAM, answer) as web:
        shown = guest.sh(f"nslookup -type=a axolotl.test {HOST}:{dns}")
        assert re.search(r"Name:\s+axolotl.test\nAddress: 10.1.2.3", shown), shown
        assert "can't find nowhere.test: NXDOMAIN" in guest.sh(f"nslookup -type=a nowhere.test {HOST}:{dns}", status=1)
        assert guest.sh("cat /etc/resolv.conf").split("\n")[-1] == "nameserver 10.0.2.3"
        guest.sh(f"/tests/udprelay 53 {HOST} {dns}; mv /etc/resolv.conf /etc/resolv.dhcp; "
                 "echo nameserver 127.0.0.1 > /etc/resolv.conf")
        try:
            for _ in range(3):
                guest.sh("kill -9 $(pidof e1000)")
                guest.check(f"wget -q -O - http://files.test:{web}/", "named", 60)
            assert "(127.0.0.1)" in guest.sh("ping -c 1 own.test")
            assert "Address: 10.1.2.3" in guest.sh("nslookup axolotl.test")
            failed = guest.run("wget -O - http://nowhere.test/")
            assert failed.status != 0 and b"bad address 'nowhere.test'" in failed.err, failed.err
            assert re.search(r"^udp .* 127.0.0.1:53 .*", guest.sh("netstat -uan"), re.M)
        finally:
            guest.sh("mv /etc/resolv.dhcp /etc/resolv.conf; killall udprelay")
    assert {"axolotl.test", "files.test", "own.test", "nowhere.test"} <= set(asked), asked


def proc_address(text):
    """0F02000A:1F90 of /proc/net/tcp as ("10.0.2.15", 8080)."""
    address, port = text.split(":")
    return socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


def test_tables_of_proc_show_what_is_open(guest):
    wait_for_lease(guest)
    release = threading.Event()

    def hold(connection):
        connection.recv(10)
        release.wait(30)
    with serving(socket.SOCK_STREAM, hold) as port:
        job = guest.agent.start(f"(echo hello; exec sleep 30) | nc {HOST} {port}")
        shown = guest.until(f"netstat -tan | grep '{HOST}:{port} .*ESTABLISHED'")
        assert re.match(rf"tcp +0 +0 10\.0\.2\.15:\d+ +{HOST}:{port} +ESTABLISHED", shown), shown
        rows = [line.split() for line in guest.sh("tail -n +2 /proc/net/tcp").split("\n")]
        mine = [row for row in rows if proc_address(row[2]) == (HOST, port)]
        assert len(mine) == 1 and mine[0][3] == "01" and proc_address(mine[0][1])[0] == "10.0.2.15", rows
        used = re.search(r"^TCP: inuse (\d+)", guest.sh("cat /proc/net/sockstat"), re.M)
        assert int(used[1]) >= 1
        before = interface_counters(guest)
        guest.sh(f"ping -c 5 -i 0.1 {HOST}")
        after = interface_counters(guest)
        assert after[1] >= before[1] + 5 and after[9] >= before[9] + 5 and after[0] > before[0], (before, after)
        release.set()
        job.kill(15)
        job.wait(10)
    assert HOST in guest.sh("cat /proc/net/arp") and "lo" in guest.sh("cat /proc/net/if_inet6")
    assert re.search(r"^eth0\t00000000\t0202000A\t0003", guest.sh("cat /proc/net/route"), re.M)


def interface_counters(guest):
    """Bytes, packets, ... of eth0 as /proc/net/dev has them."""
    return [int(word) for word in guest.sh("sed -n 's/^ *eth0: *//p' /proc/net/dev").split()]


def test_nothing_is_left_behind(guest):
    guest.sh("killall httpd nc || true")
    guest.until("service status inet | grep -q '^sockets=0$'", 20, "all sockets to be closed")
