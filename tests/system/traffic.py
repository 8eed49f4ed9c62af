# SPDX-License-Identifier: BSD-2-Clause
"""Traffic between the guest and this computer: wget, iperf3 and servers in the guest; no connection notices that the card's driver
is killed."""
import os
import random
import subprocess
import tempfile
import threading
import time
import urllib.request

from experiments.peer import Peer
from network import Forward, free_port

TILE_BYTES = 1 << 20
WEB, STREAM = Forward(free_port(), 80), Forward(free_port(), 5201)
OPTIONS = {"forwards": [WEB, STREAM]}
FOLDER = tempfile.TemporaryDirectory(prefix="axo-test-")
DRIVER = "e1000"


def peer_of(guest):
    """The host's end for this machine; it lives as long as the machine."""
    if not hasattr(guest, "peer"):
        tile = os.path.join(FOLDER.name, "tile")
        with open(tile, "wb") as file:
            file.write(random.Random(1).randbytes(TILE_BYTES).replace(b"\0", b"\1"))
        guest.peer = Peer(guest.machine, tile).__enter__()
        guest.until(f"wget -q -O /dev/null {guest.peer.url(1)}", 30, "the guest does not reach the host")
        guest.peer.forget_answers()
    return guest.peer


def no_mistakes(result):
    assert result[2] == [], result[2]
    return result


def killed_meanwhile(guest, work, interval_ms=150):
    """Runs a work while the driver is killed again and again; at least one kill must have hit."""
    job = guest.agent.start(f"exec killloop -l {DRIVER} -i {interval_ms} -j 60")
    try:
        no_mistakes(work())
    finally:
        job.kill(15)
    last = job.wait(30).text.split("\n")[-1]
    assert last.startswith("killed ") and not last.startswith("killed 0 "), last


def test_download(guest):
    peer = peer_of(guest)
    no_mistakes(peer.wget_in_sha1(16 << 20, peer.tile_sha1(16), 50))


def test_upload(guest):
    peer = peer_of(guest)
    guest.sh(f"wget -q -O /tmp/up {peer.url(TILE_BYTES)}")
    peer.forget_answers()
    no_mistakes(peer.wget_out("/tmp/up", TILE_BYTES, peer.tile_sha1(1), 50))


def test_iperf3_in(guest):
    no_mistakes(peer_of(guest).iperf3(2, True))


def test_iperf3_out(guest):
    no_mistakes(peer_of(guest).iperf3(2, False))


def test_web_server_in_the_guest(guest):
    """A forwarded port leads to busybox's httpd; every byte arrives."""
    peer = peer_of(guest)
    guest.sh(f"mkdir -p /tmp/www && wget -q -O /tmp/www/file {peer.url(TILE_BYTES)} && httpd -p 80 -h /tmp/www")
    peer.forget_answers()
    with open(peer.tile, "rb") as file:
        expected = file.read()
    for _ in range(3):
        with urllib.request.urlopen(f"http://127.0.0.1:{WEB.host}/file", timeout=30) as answer:
            assert answer.read() == expected
    guest.sh("killall httpd")


def test_iperf3_server_in_the_guest(guest):
    peer_of(guest)
    job = guest.agent.start("iperf3 -s -1")
    time.sleep(1)
    done = subprocess.run(["iperf3", "-c", "127.0.0.1", "-p", str(STREAM.host), "-t", "2"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=40)
    assert done.returncode == 0, done.stdout
    assert job.wait(20).status == 0


def test_two_connections_at_once(guest):
    """Both directions at the same time, each with its own bytes."""
    peer, found = peer_of(guest), []
    other = threading.Thread(target=lambda: found.append(peer.iperf3(3, True)))
    other.start()
    no_mistakes(peer.wget_in_sha1(8 << 20, peer.tile_sha1(8), 50))
    other.join(50)
    no_mistakes(found[0])


def test_download_under_a_kill_loop(guest):
    peer = peer_of(guest)
    killed_meanwhile(guest, lambda: peer.wget_in_sha1(64 << 20, peer.tile_sha1(64), 100))


test_download_under_a_kill_loop.timeout = 120


def test_streams_under_a_kill_loop(guest):
    peer = peer_of(guest)
    for is_in in (True, False):
        killed_meanwhile(guest, lambda way=is_in: peer.iperf3(4, way))


test_streams_under_a_kill_loop.timeout = 120
