# SPDX-License-Identifier: BSD-2-Clause
"""TCP under kills over the other cards, and through a stack of filters that die as well."""
import os
import random
import tempfile

from experiments.net_rig import DRIVERS
from experiments.peer import Peer
from puppet import HOST, Kills, Streams, judged, listening, port_of, streams_under_kills, take_all, wait_for_lease
from wire import Wire

NETDEV = "net0"
DEATHS, INTERVAL_MS = 100, 50
IPERF_S, IPERF_INTERVAL_MS = 2, 150
STACK = "capture(guard(trace(e1000_0)))"
FILTERS = ("capture.net0", "netguard.net0.1", "nettrace.net0.2")
FILTER_DEATHS, FILTER_INTERVAL_MS = 10, 100
AFTERWARDS_BYTES = 1 << 20


def iperf3_under_kills(guest, label):
    with tempfile.TemporaryDirectory(prefix="axo-test-") as folder:
        tile = os.path.join(folder, "tile")
        with open(tile, "wb") as file:
            file.write(random.Random(1).randbytes(1 << 16))
        with Peer(guest.machine, tile) as peer:
            for is_in in (True, False):
                with Kills(guest, {label: IPERF_INTERVAL_MS}) as kills:
                    got, _, mistakes = peer.iperf3(IPERF_S, is_in)
                assert not mistakes and got > 0, (is_in, mistakes)
                assert kills.hits[label] >= 5, kills.hits


def other_card(boot, nic):
    guest = boot(nics=[nic])
    wait_for_lease(guest)
    streams_under_kills(guest, {DRIVERS[nic]: (DEATHS, INTERVAL_MS)})
    iperf3_under_kills(guest, DRIVERS[nic])
    with judged(guest, NETDEV):
        streams_under_kills(guest, {DRIVERS[nic]: (10, INTERVAL_MS)})


def test_virtio_net(boot):
    """100 deaths under streams both ways, iperf3 both ways, and what is on the wire meanwhile."""
    other_card(boot, "virtio")


def test_rtl8139(boot):
    other_card(boot, "rtl8139")


def fetch_capture(guest):
    """The file of the capture filter, over the network that it looks at."""
    path = guest.session.path("capture.pcapng")
    guest.sh("cp /dev/capture.net0 /tmp/capture")
    with listening(guest.machine.network) as listener:
        job = guest.agent.start(f"nc {HOST} {port_of(listener)} < /tmp/capture")
        connection, _ = listener.accept()
        with connection, open(path, "wb") as file:
            connection.settimeout(30)
            file.write(take_all(connection))
        job.wait(10)
    return path


def test_filters(boot):
    """Each filter of a stack, and the driver below, dies under streams both ways; what the capture filter saw is well formed."""
    guest = boot(net=STACK)
    wait_for_lease(guest)
    with judged(guest, NETDEV):
        for label in FILTERS + ("e1000",):
            streams_under_kills(guest, {label: (FILTER_DEATHS, FILTER_INTERVAL_MS)})
    with Streams(guest) as streams:
        with Kills(guest, {label: 400 + 50 * number for number, label in enumerate(FILTERS + ("e1000",))}) as kills:
            kills.until("e1000", 5, 60)
        # The capture's memory dies with its filter.
        streams.until(max(streams.moved()) + AFTERWARDS_BYTES, 60)
        streams.end()
    assert all(kills.hits.values()), kills.hits
    Wire(fetch_capture(guest), guest_sums=False).check_frames()


for _test in (test_virtio_net, test_rtl8139, test_filters):
    _test.timeout = 120
