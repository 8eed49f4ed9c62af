# SPDX-License-Identifier: BSD-2-Clause
"""Sockets as applications see them: streams to the host and back, /proc/net, an inet that dies, a machine without one."""
import contextlib
import hashlib
import socket
import threading

HOST = "10.0.2.2"
BYTES = 1 << 20
ROWS = "9 passed, 0 failed"


OPTIONS = {}


@contextlib.contextmanager
def host_server(serve):
    """A TCP server on the host: serve(connection) for each connection; yields its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def loop():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def until_connected(guest):
    guest.until("ifconfig eth0 | grep -q 'inet addr'", 20)


def test_data_from_and_to_the_host(guest):
    data = bytes(i * 7 % 251 for i in range(BYTES))
    received, done = hashlib.sha1(), threading.Event()

    def give(connection):
        with connection:
            connection.sendall(data)

    def take(connection):
        with connection:
            while piece := connection.recv(65536):
                received.update(piece)
        done.set()

    until_connected(guest)
    wanted = hashlib.sha1(data).hexdigest()
    with host_server(give) as port:
        guest.sh(f"nc {HOST} {port} < /dev/null > /tmp/data", 60)
        assert guest.sh("sha1sum < /tmp/data").split()[0] == wanted
    with host_server(take) as port:
        guest.sh(f"nc {HOST} {port} < /tmp/data", 60)
        assert done.wait(20) and received.hexdigest() == wanted


test_data_from_and_to_the_host.timeout = 150


def test_socket_abi(guest):
    until_connected(guest)
    assert guest.sh("/tests/files inet_ | tail -n 1", 60) == ROWS


test_socket_abi.timeout = 90


def test_texts_of_proc_net(guest):
    until_connected(guest)
    assert "eth0:" in guest.sh("cat /proc/net/dev") and "eth0" in guest.sh("cat /proc/self/net/route")
    for name in "tcp tcp6 udp udp6 raw arp if_inet6 snmp netstat sockstat unix".split():
        guest.sh(f"cat /proc/net/{name}")
    assert guest.sh("cat /proc/net/unix").startswith("Num ")
    assert "nameserver" in guest.sh("cat /etc/resolv.conf")
    guest.sh("nc -l -p 7777 & sleep 0.5; netstat -ltn | grep -q ':7777'; ls -l /proc/$!/fd | grep -q 'socket:\\['; kill $!")


def test_a_dead_inet_resets_connections(guest):
    until_connected(guest)
    hold = threading.Event()

    def wait(connection):
        hold.wait(60)
        connection.close()

    with host_server(wait) as port:
        guest.sh(f"mkfifo /tmp/never; (nc {HOST} {port} 0<>/tmp/never; echo ended $? > /tmp/ended) > /dev/null 2>&1 & "
                 f"sleep 1; netstat -tn | grep -q ':{port} .*ESTABLISHED'")
        guest.sh("killall -9 inet")
        guest.until("test -s /tmp/ended", 20)
        hold.set()
    test_data_from_and_to_the_host(guest)


test_a_dead_inet_resets_connections.timeout = 240


def test_calls_end_whenever_inet_dies(guest):
    """Rows may fail, for connections are reset, but none may hang (its alarm would say status e), and nothing may be used up."""
    until_connected(guest)
    out = guest.sh("(while :; do killall -9 inet; usleep 150000; done) > /dev/null 2>&1 & loop=$!; i=0; "
                   "while [ $i -lt 15 ]; do /tests/files inet_; i=$((i+1)); done; kill $loop; :", 200)
    assert out.count(" failed\n") + out.endswith(" failed") == 15 and "(status e)" not in out, out
    guest.until(f"/tests/files inet_ | grep -q '{ROWS}'", 30)


test_calls_end_whenever_inet_dies.timeout = 260


def test_a_machine_without_a_network(boot):
    guest = boot(boot=["skip=inet"])
    assert "not supported" in guest.run(f"nc {HOST} 1").err.decode()
    assert guest.sh("cat /proc/net/tcp") == ""


def test_loopback_of_a_machine_without_a_card(boot):
    """127.0.0.1 and ::1 work; a card's memory is not there, and sockets' only when there is one."""
    guest = boot(nics=[])
    status = guest.sh("service status inet")
    assert "state       running" in status and "arena.blocks=0\n" in status, status
    guest.sh("ping -c 1 127.0.0.1 && ping -c 1 ::1")
    digest = guest.sh("sha1sum < /bin/busybox")
    guest.sh("httpd -h /bin")
    for host in ("127.0.0.1", "[::1]"):
        guest.until(f"wget -q -O /tmp/got http://{host}/busybox")
        assert guest.sh("sha1sum < /tmp/got") == digest
    assert "receive.free=0\n" in guest.sh("service status inet")
    assert "unreachable" in guest.run("nc 10.0.2.2 1").err.decode()


test_loopback_of_a_machine_without_a_card.timeout = 120
