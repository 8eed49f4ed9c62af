# SPDX-License-Identifier: BSD-2-Clause
"""The network of a machine: its cards, and what they are plugged into on the host.

    user   QEMU's own network (slirp), for everybody: the guest is 10.0.2.15 by DHCP, the host's 127.0.0.1 is 10.0.2.2, and
           connections into the guest need a forwarded port
    tap    a virtual cable into a network namespace of its own, in which the host is 10.0.2.2 and the guest 10.0.2.15 (static, there
           is no DHCP server); faster and without a translator in between, but only where the user may make namespaces

Card N has the network 10.0.(2+N).0/24. The namespace lives as long as a process that holds it: nothing of it is left when the
machine is closed, or when we die. Programs of the host that talk to the guest are started with prefix(), in either case.
"""
import contextlib
import dataclasses
import ipaddress
import os
import re
import select
import socket
import subprocess
import sys

# Option --nic -> QEMU's device.
MODELS = {"e1000": "e1000", "virtio": "virtio-net-pci", "rtl8139": "rtl8139"}
BACKENDS = ("user", "tap")
NICS_MAX = 8
EXAMPLE_ADDRESS = "10.0.2.15/24,gw=10.0.2.2"
HELP_TAP = "--net-backend user needs no rights"
NO_TAP = 77      # status of the script that makes a namespace
# A process of a namespace hands a socket to its parent: such a socket stays there, whoever uses it.
GIVE_SOCKET = ("import socket, sys; to, given = socket.socket(fileno=int(sys.argv[1])), socket.socket(int(sys.argv[2])); "
               "socket.send_fds(to, [b'.'], [given.fileno()])")


class NetworkError(Exception):
    """What is wrong with the network's options or with the host's side of it; the text says what to do."""


class NotPermittedError(NetworkError):
    """This user may make no network namespace, or no tap in one; everything that is wrong beyond that is a NetworkError."""


@dataclasses.dataclass
class Forward:
    """--forward HOSTPORT:GUESTPORT: a TCP port of 127.0.0.1 that leads to a port of the guest."""
    host: int
    guest: int

    @staticmethod
    def parse(text):
        match = re.fullmatch(r"(\d{1,5}):(\d{1,5})", text)
        if not match or not all(0 < int(port) < 65536 for port in match.groups()):
            raise NetworkError(f"--forward {text}: write HOSTPORT:GUESTPORT, for example 8080:80")
        return Forward(int(match[1]), int(match[2]))


def parse_nics(words):
    """Models of --nic, which may be given several times; none is the machine without a network."""
    words = list(words) or ["e1000"]
    if words == ["none"]:
        return []
    for word in words:
        if word not in MODELS:
            raise NetworkError(f"--nic {word}: " + ("none does not go with other cards" if word == "none" else
                                                    f"cards are {', '.join(MODELS)} or none"))
    if len(words) > NICS_MAX:
        raise NetworkError(f"--nic is given {len(words)} times; at most {NICS_MAX} cards fit")
    return words


def tap_addresses(count):
    """Static addresses of so many cards: in a namespace there is no DHCP server."""
    return [f"eth{number}:10.0.{2 + number}.15/24" + (",gw=10.0.2.2" if number == 0 else "") for number in range(count)]


def check_address(text):
    """--address: [ethN:]10.0.2.15/24[,gw=10.0.2.2][,dns=10.0.2.3]..., or [ethN:]none; the text without spaces."""
    text = re.sub(r"\s+", "", text)
    first, *rest = re.sub(r"^eth\d:", "", text).split(",")
    if first == "none" and not rest:
        return text
    try:
        if "/" not in first:
            raise ValueError("the length of the prefix is missing")
        ipaddress.IPv4Interface(first)
        for word in rest:
            key, _, value = word.partition("=")
            if key not in ("gw", "dns"):
                raise ValueError(f"{word!r} is neither gw=ADDRESS nor dns=ADDRESS")
            ipaddress.IPv4Address(value)
    except ValueError as error:
        raise NetworkError(f"--address {text}: {error}; write for example {EXAMPLE_ADDRESS}") from error
    return text


def check_stack(text):
    """--net: the expression without spaces. What its words mean is the guest's business."""
    text = re.sub(r"\s+", "", text)
    depth, bare = 0, re.sub(r'="[^"]*"', "=x", text)
    for letter in bare:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth < 0:
            break
    if depth != 0 or not re.fullmatch(r"[A-Za-z][\w(),.=+:/%@-]*", bare):
        raise NetworkError(f"--net {text}: write a stack over a card's unit, for example 'guard(e1000_0)'")
    return text


def free_port():
    """A TCP port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def _check_ports(forwards):
    for forward in forwards:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind(("127.0.0.1", forward.host))
            except OSError as error:
                raise NetworkError(f"--forward {forward.host}:{forward.guest}: port {forward.host} of 127.0.0.1 cannot be had "
                                   f"({error.strerror}); take another one") from error


class Network:
    """nics: models; forwards: Forwards of the first card (backend user only). open() before QEMU starts, close() after it."""

    def __init__(self, nics=(), backend="user", forwards=()):
        if forwards and (backend != "user" or not nics):
            raise NetworkError("--forward belongs to --net-backend user with a card; with tap the guest is reached at "
                               "10.0.2.15 itself")
        self.nics, self.backend, self.forwards = list(nics), backend, list(forwards)
        self.holder = None
        self.is_root = os.geteuid() == 0

    def args(self):
        """QEMU's options."""
        args = []
        for number, model in enumerate(self.nics):
            if self.backend == "tap":
                netdev = f"tap,id=net{number},ifname=axo{number},script=no,downscript=no"
            else:
                netdev = f"user,id=net{number},net=10.0.{2 + number}.0/24"
                if number == 0:
                    netdev += "".join(f",hostfwd=tcp:127.0.0.1:{f.host}-:{f.guest}" for f in self.forwards)
            args += ["-netdev", netdev, "-device",
                     f"{MODELS[model]},netdev=net{number},mac=52:54:00:12:34:{0x56 + number:02x},romfile="]
        return args

    def open(self):
        """Makes what the cards are plugged into."""
        if self.backend != "tap" or not self.nics:
            _check_ports(self.forwards)
            return
        script = ["echo inside", "ip link set lo up"]
        for number in range(len(self.nics)):
            script += [f"{{ ip tuntap add dev axo{number} mode tap || exit {NO_TAP}; }}", f"ip addr add 10.0.{2 + number}.2/24 dev axo{number}",
                       f"ip link set axo{number} up"]
        command = ["unshare", "--net"] + ([] if self.is_root else ["--user", "--map-root-user"])
        try:
            self.holder = subprocess.Popen(command + ["sh", "-c", " && ".join(script + ["echo ready", "exec cat"])],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           start_new_session=True, bufsize=0)    # or select() misses lines
        except OSError as error:
            raise NetworkError(f"--net-backend tap: {error.filename}: {error.strerror}; {HELP_TAP}") from error
        if self._line() != b"inside\n":
            self._refuse(NotPermittedError if self._has_ended() else NetworkError)
        if self._line() != b"ready\n":
            self._refuse(NotPermittedError if self._has_ended() == NO_TAP else NetworkError)

    def _line(self):
        """What the holder says; empty: nothing in 10 s, or it has ended."""
        return select.select([self.holder.stdout], [], [], 10)[0] and self.holder.stdout.readline()

    def _has_ended(self):
        """Its status; None: it goes on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.holder.wait(1)
        return None

    def _refuse(self, kind):
        self._has_ended()
        self.holder.kill()
        said = self.holder.communicate()[1].decode("utf-8", "replace").strip()
        self.holder = None
        raise kind(f"--net-backend tap: a network namespace with a tap device cannot be made: {said or 'no answer'}\n"
                   f"It takes root, or user namespaces and access to /dev/net/tun; {HELP_TAP}.")

    def prefix(self):
        """Words before a command of the host that is to reach the guest (and before QEMU)."""
        if self.holder is None:
            return []
        words = ["nsenter", "--target", str(self.holder.pid), "--net"]
        if not self.is_root:
            # Entering the user namespace changes credentials, which forgets the signal for a dying parent.
            words += ["--user", "--preserve-credentials", "setpriv", "--pdeathsig", "KILL"]
        return words

    def socket(self, family=socket.AF_INET):
        """A TCP socket of the host, from which the guest is reached or which the guest reaches; the caller closes it."""
        if self.holder is None:
            return socket.socket(family)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            number = theirs.fileno()
            done = subprocess.run(self.prefix() + [sys.executable, "-I", "-S", "-c", GIVE_SOCKET, str(number), str(int(family))],
                                  pass_fds=[number], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
            if done.returncode != 0:
                raise NetworkError(f"no socket in the namespace: {done.stderr.decode('utf-8', 'replace').strip()[-300:]}")
            return socket.socket(fileno=socket.recv_fds(ours, 1, 1)[1][0])

    @property
    def host_address(self):
        """Where servers of the host listen, so that the guest finds them at 10.0.2.2."""
        return "10.0.2.2" if self.backend == "tap" else "127.0.0.1"

    def reach(self, port):
        """(address, port) at which the host finds a port of the guest."""
        if self.backend == "tap":
            return "10.0.2.15", port
        for forward in self.forwards:
            if forward.guest == port:
                return "127.0.0.1", forward.host
        raise NetworkError(f"port {port} of the guest is not forwarded; --forward {free_port()}:{port} does it")

    def close(self):
        """The namespace goes with the process that holds it."""
        if self.holder is None:
            return
        self.holder.stdin.close()
        try:
            self.holder.wait(5)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()
        with contextlib.suppress(OSError):
            self.holder.stdout.close()
            self.holder.stderr.close()
        self.holder = None
