# SPDX-License-Identifier: BSD-2-Clause
"""Telnet from the host to the guest's telnetd: a shell on a pseudo-terminal, over deaths of the card's driver and of pty itself."""
import contextlib
import re
import socket
import time

from network import Forward, free_port

PORT = Forward(free_port(), 23)
OPTIONS = {"forwards": [PORT]}
ERASE = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")  # the shell's line editor positions the cursor
IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
NAWS = 31


class Telnet:
    """A client of RFC 854 that offers the size of its window (RFC 1073) and nothing else."""

    def __init__(self, rows=24, columns=80):
        self.socket = socket.create_connection(("127.0.0.1", PORT.host), 10)
        self.raw, self.text, self.size = b"", b"", (rows, columns)
        self.has_naws = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def resize(self, rows, columns):
        self.socket.sendall(bytes((IAC, SB, NAWS, 0, columns, 0, rows, IAC, SE)))

    def answer(self, verb, option):
        if verb == DO and option == NAWS and not self.has_naws:
            self.has_naws = True
            self.socket.sendall(bytes((IAC, WILL, NAWS)))
            self.resize(*self.size)
        elif verb == DO and option != NAWS:
            self.socket.sendall(bytes((IAC, WONT, option)))

    def take(self):
        """Moves what is complete from raw to text."""
        while self.raw:
            at = self.raw.find(IAC)
            if at != 0:
                end = len(self.raw) if at < 0 else at
                self.text, self.raw = self.text + self.raw[:end], self.raw[end:]
            elif len(self.raw) < 3:
                return
            else:
                self.answer(self.raw[1], self.raw[2])
                self.raw = self.raw[3:]

    def receive(self, timeout=20):
        """False: the other side has closed."""
        self.socket.settimeout(timeout)
        part = self.socket.recv(65536)
        self.raw += part
        self.take()
        return bool(part)

    def type(self, text):
        self.socket.sendall(text.encode())

    def expect(self, pattern, timeout=20):
        """What came before the pattern; both are taken out of the text."""
        end = time.monotonic() + timeout
        while True:
            clean = ERASE.sub(b"", self.text)
            match = re.search(pattern.encode(), clean)
            if match:
                self.text = clean[match.end():]
                return clean[:match.start()].decode().replace("\r\n", "\n")
            with contextlib.suppress(TimeoutError):
                assert self.receive(max(0.1, end - time.monotonic())), f"closed before {pattern!r}: {clean[-300:]!r}"
            assert time.monotonic() < end, f"{pattern!r} did not come: {clean[-300:]!r}"

    def login(self):
        self.expect(r"# ")
        return self

    def run(self, command, timeout=20):
        """The output of a command, without the echo of what was typed."""
        self.type(f"{command}; echo :$((40+2)):\r")
        self.expect(r"echo :\$\(\(40\+2\)\):\r\n")
        output = self.expect(r":42:\r\n", timeout)
        self.expect(r"# ")
        return output.rstrip("\n")

    def wait_closed(self, timeout=20):
        with contextlib.suppress(ConnectionResetError):
            while self.receive(timeout):
                pass


def start_server(guest):
    guest.until("ip addr show eth0 | grep -q 'inet 10.0.2.15/24'", 20, "a lease of DHCP")
    guest.sh(f"netstat -tln | grep -q ':{PORT.guest} ' || telnetd -p {PORT.guest} -l /bin/sh")


def wait_for_no_pairs(guest):
    guest.until("service status pty | grep -q '^pairs=0$'", 20, "all pairs to be closed")
    guest.check("ls /dev/pts", "")


def wait_for_no_shells(guest):
    """telnetd's, that is; those of init begin with a dash."""
    guest.until("! ps -o args | grep -q '^/bin/sh$'", 20, "the shells of the sessions to end")


def test_commands_run_on_a_terminal(guest):
    start_server(guest)
    with Telnet(rows=33, columns=99).login() as client:
        assert re.fullmatch(r"/dev/pts/\d+", client.run("tty"))
        assert client.run("echo one two | wc -w") == "2"
        assert client.run("stty size") == "33 99"
        assert "isig icanon" in client.run("stty -a | tr '\\n' ' '; echo").replace(";", "")
        assert "root" in client.run("ls -l $(tty)")
        client.resize(40, 120)
        assert client.run("sleep 0.2; stty size") == "40 120"
        assert len(client.run("seq 3000", 60).split()) == 3000
        client.type("exit\r")
        client.wait_closed()
    wait_for_no_pairs(guest)


def test_keys_control_jobs(guest):
    start_server(guest)
    with Telnet().login() as client:
        client.type("sleep 1000\r")
        guest.until("pidof sleep")
        client.type("\3")
        client.expect(r"# ")
        assert guest.run("pidof sleep").status != 0
        client.type("sleep 1001\r")
        guest.until("pidof sleep")
        client.type("\x1a")
        client.expect(r"Stopped")
        client.expect(r"# ")
        assert "Stopped" in client.run("jobs")
        client.type("fg\r")
        client.expect(r"sleep 1001\r\n")
        guest.until("grep -q '^State:.S' /proc/$(pidof sleep)/status", 10, "the job to go on")
        client.type("\3")
        client.expect(r"# ")
        assert client.run("kill %1 2>/dev/null; echo $?") != "0"
        client.type("cat\r")
        guest.until("pidof cat")
        client.type("some words\x17line\r")  # erases a word
        client.expect("some line\r\n")
        client.type("\4")
        client.expect(r"# ")
    wait_for_no_pairs(guest)


def test_lost_connections_end_their_sessions(guest):
    """Closed in the middle of output: the shells get SIGHUP, everything is freed."""
    start_server(guest)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Telnet().login()) for _ in range(8)]
        names = {client.run("tty") for client in clients}
        assert len(names) == len(clients), names
        for number, client in enumerate(clients):
            assert client.run(f"echo client {number}") == f"client {number}"
            client.type("while true; do echo on and on; done\r")
        for client in clients:
            client.expect("on and on\r\non and on")
        guest.check("ps -o args | grep -c '^/bin/sh$'", str(len(clients)))
    wait_for_no_pairs(guest)
    wait_for_no_shells(guest)


def test_session_survives_deaths_of_the_card_driver(guest):
    start_server(guest)
    with Telnet().login() as client:
        client.type("for i in $(seq 60); do echo line $i of 60; sleep 0.02; done; echo e''nd\r")
        for _ in range(3):
            guest.sh("kill -9 $(pidof e1000)")
            guest.until("service list | grep -q '^e1000 *running'")
        lines = re.findall(r"^line (\d+) of 60$", client.expect(r"\r\nend\r\n", 60), re.M)
        assert lines == [str(number) for number in range(1, 61)], lines
        client.expect(r"# ")
        client.type("sleep 1000\r")
        guest.until("pidof sleep")
        guest.sh("kill -9 $(pidof e1000)")
        client.type("\3")
        client.expect(r"# ", 60)
        assert client.run("echo alive") == "alive"
        client.type("exit\r")
        client.wait_closed()
    wait_for_no_pairs(guest)


def test_death_of_pty_hangs_up(guest):
    """Sessions end as if their connections had been lost; new ones begin at once."""
    start_server(guest)
    for _ in range(3):
        with Telnet().login() as client, Telnet().login() as writer:
            assert client.run("echo one") == "one"
            writer.type("while true; do echo on and on; done\r")
            writer.expect("on and on")
            guest.sh("kill -9 $(pidof pty)")
            client.wait_closed()
            writer.wait_closed()
        guest.until("service list | grep -q '^pty *running'")
        with Telnet().login() as client:
            assert client.run("echo again") == "again"
    wait_for_no_pairs(guest)
    wait_for_no_shells(guest)
    guest.check("/tests/abi pty_slave_has_a_name pty_pairs_come_and_go | tail -n 1", "abi: 2 passed, 0 failed", 60)


def test_kills_of_pty_hang_nobody(guest):
    """Whatever programs do with pairs while these die: it ends, and all is well and empty afterwards."""
    rows = guest.sh("/tests/abi -l | grep ^pty_").replace("\n", " ")
    job = guest.agent.start("exec killloop -l pty -i 120 -j 60")
    try:
        shown = guest.run(f"/tests/abi {rows}", 100).text
    finally:
        job.kill(15)
    killed = job.wait(30).text.split("\n")[-1]
    assert re.match(r"killed [1-9]", killed), killed
    assert "no end after" not in shown, shown
    guest.until("service list | grep -q '^pty *running'")
    guest.check(f"/tests/abi {rows} | tail -n 1", f"abi: {len(rows.split())} passed, 0 failed", 100)
    wait_for_no_pairs(guest)


test_kills_of_pty_hang_nobody.timeout = 150


def test_pty_is_allowed_nothing_else(guest):
    assert not re.search(r"\bpty\b", guest.sh("cat /proc/axolotl/violations"))
