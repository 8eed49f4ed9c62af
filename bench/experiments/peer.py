# SPDX-License-Identifier: BSD-2-Clause
"""The host's end of the network experiments: a web server and iperf3, where the guest finds them at 10.0.2.2.

Each work of a Peer is one connection that must live from its first to its last byte: it gives (bytes, seconds, mistakes), and
mistakes is empty only if all bytes arrived. `wget` of the guest moves files (out: by POST, the SHA-1 of the body is compared),
`iperf3` of the distribution streams.
"""
import ctypes
import hashlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time

from machine import PR_SET_PDEATHSIG, ROOT, MachineError

GUEST_SEES = "10.0.2.2"
ANSWER_S = 20
CONNECT_S = 60


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Peer:
    """with Peer(machine, tile) as peer: tile is the path of a file of random bytes, on the host."""

    def __init__(self, machine, tile):
        self.machine, self.network, self.tile = machine, machine.network, tile
        self.web = self.iperf = None
        self.port = None

    def __enter__(self):
        if not shutil.which("iperf3"):
            raise MachineError("iperf3 is not installed on this computer; run tools/setup")
        self.web = self._start([sys.executable, os.path.join(ROOT, "bench/webserver.py"), self.network.host_address, self.tile])
        self.port = int(self._line(self.web, "the web server").split()[1])
        return self

    def __exit__(self, *_):
        """Ends both; may be called twice."""
        for process in (self.web, self.iperf):
            self._end(process)
        self.web = self.iperf = None

    def _start(self, command):
        return subprocess.Popen(self.network.prefix() + command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_die_with_parent,
                                bufsize=0)

    @staticmethod
    def _end(process):
        if process is None:
            return
        process.kill()
        process.wait()
        process.stdout.close()

    @staticmethod
    def _line(process, what):
        """The next line that a process prints. Pipes are unbuffered here, so select() knows of every line."""
        if not select.select([process.stdout], [], [], ANSWER_S)[0]:
            raise MachineError(f"{what} on this computer says nothing in {ANSWER_S} s")
        line = process.stdout.readline().decode("utf-8", "replace").strip()
        if not line:
            raise MachineError(f"{what} on this computer has ended")
        return line

    def body_sha1(self, size):
        """SHA-1 of what GET /size sends."""
        digest = hashlib.sha1()
        with open(self.tile, "rb") as file:
            data = file.read()
        for _ in range(size // len(data)):
            digest.update(data)
        digest.update(data[:size % len(data)])
        return digest.hexdigest()

    def tile_sha1(self, count):
        """SHA-1 of so many tiles."""
        return self.body_sha1(count * os.path.getsize(self.tile))

    def url(self, path=""):
        return f"http://{GUEST_SEES}:{self.port}/{path}"

    def forget_answers(self):
        """What the web server has said of requests that nobody asks about."""
        while select.select([self.web.stdout], [], [], 0.2)[0]:
            self._line(self.web, "the web server")

    # ---- works ----

    def _web(self, command, size, timeout):
        """One request of the guest's wget; (bytes, seconds, mistakes, output, the server's last word)."""
        started = time.monotonic()
        result = self.machine.agent.run(command, timeout)
        seconds, mistakes = time.monotonic() - started, []
        if result.status != 0:
            mistakes.append(f"wget: status {result.status}: {result.err.decode('utf-8', 'replace').strip()[-200:]}")
            if not select.select([self.web.stdout], [], [], 1)[0]:
                return 0, seconds, mistakes, result.text, ""
        _, got, _, how = self._line(self.web, "the web server").split()
        if how == "lost" or int(got) != size:
            mistakes.append(f"the connection was lost after {got} of {size} bytes")
        return int(got), seconds, mistakes, result.text, how

    def wget_in(self, size, timeout=900):
        return self._web(f"wget -q -O /dev/null {self.url(size)}", size, timeout)[:3]

    def wget_in_sha1(self, size, expected, timeout=900):
        """A download whose bytes are looked at."""
        got, seconds, mistakes, text, _ = self._web(f"wget -q -O - {self.url(size)} | sha1sum", size, timeout)
        if text.split()[:1] != [expected]:
            mistakes.append(f"WRONG DATA: SHA-1 {text.split()[:1]}, {expected} was sent")
        return got, seconds, mistakes

    def wget_out(self, path, size, expected, timeout=900):
        """An upload of the guest's file `path`; its bytes are compared with what they were."""
        got, seconds, mistakes, text, how = self._web(f"wget -q -O - --post-file {path} {self.url()}", size, timeout)
        if how not in ("lost", expected):
            mistakes.append(f"WRONG DATA: SHA-1 {how}, {path} has {expected}")
        elif not mistakes and text.strip() != expected:
            mistakes.append(f"the answer of the server arrived as {text[:60]!r}")
        return got, seconds, mistakes

    def iperf3(self, seconds, is_in, patience_s=CONNECT_S):
        """A TCP stream of so many seconds; received bytes of the receiver's own count. patience_s: for connecting and ending."""
        port = self._iperf_server()
        seconds = math.ceil(seconds)
        result = self.machine.agent.run(f"iperf3 -c {GUEST_SEES} -p {port} -t {seconds} -J {'-R' if is_in else ''}",
                                        seconds + patience_s)
        self._end(self.iperf)
        self.iperf = None
        return iperf3_result(result.status, result.text)

    def _iperf_server(self):
        """A server for one test, so that none can find it busy with a predecessor; its port."""
        self._end(self.iperf)
        for _ in range(5):
            port = 20000 + int.from_bytes(os.urandom(2), "big") % 20000
            self.iperf = self._start(["iperf3", "-s", "-1", "-B", self.network.host_address, "-p", str(port),
                                  "--forceflush"])
            while True:
                line = self._line(self.iperf, "iperf3 -s")
                if "listening" in line:
                    return port
                if "unable" in line or "error" in line:
                    break
            self._end(self.iperf)
            self.iperf = None
        raise MachineError(f"iperf3 -s does not start on this computer: {line}")


def iperf3_result(status, text):
    """(bytes, seconds, mistakes) from iperf3 -J of the guest."""
    try:
        found = json.loads(text)
    except ValueError:
        return 0, 0.0, [f"iperf3: status {status}, no report: {text[-200:]!r}"]
    mistakes = [f"iperf3: {found['error']}"] if "error" in found else []
    if status != 0 and not mistakes:
        mistakes.append(f"iperf3: status {status}")
    received = found.get("end", {}).get("sum_received", {})
    if not mistakes and not received.get("bytes"):
        mistakes.append("iperf3: nothing was received")
    return int(received.get("bytes", 0)), float(received.get("seconds", 0.0)), mistakes
