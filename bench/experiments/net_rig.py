# SPDX-License-Identifier: BSD-2-Clause
"""What the network experiments share: a machine with a card, the host's end (peer.py), and a connection between them."""
import contextlib
import random

from agent import AgentError
from machine import MachineError
from session import DiskSpec, UsageError, machine_options

from experiments.peer import Peer
from experiments.rig import DATA_PORT, TILE_BYTES, BaseRig, sha1_of

# Option --nic -> label of the driver that is killed.
DRIVERS = {"e1000": "e1000", "virtio": "virtio_net", "rtl8139": "rtl8139"}
# The unit that it publishes for the first card.
UNITS = {"e1000": "e1000_0", "virtio": "virtio_0", "rtl8139": "rtl8139_0"}
CONNECT_TRIES = 60
UPLOAD = "/mnt/upload"    # on a rig of the storage


def config_of(args):
    """The part of a record's config that says what the network is."""
    options = machine_options(args)
    if not options["nics"]:
        raise UsageError("a network experiment needs a card; leave --nic none out")
    return {"nic": options["nics"][0], "driver": DRIVERS[options["nics"][0]], "net": options["net"],
            "net_backend": options["net_backend"], "mem_mb": options["mem"]}


class NetRig(BaseRig):
    """A rig with the card(s) of the options; upload_mb of random data are in the guest's /dev/sata3."""

    def __init__(self, args, upload_mb=64):
        super().__init__(args)
        self.driver = config_of(args)["driver"]
        self.upload_bytes, self.upload_sha1 = upload_mb << 20, None
        self.upload_path = f"/dev/{DATA_PORT}"
        self.tile = self.peer = None

    def make_data(self):
        generator = random.Random(self.args.seed)
        path = self.make_random("upload.img", self.upload_bytes >> 20, generator)
        self.upload_sha1 = sha1_of(path)
        self.session.options.disks.append(DiskSpec(DATA_PORT, None, path))
        self.tile = self.make_random("tile", TILE_BYTES >> 20, generator)

    def greet(self):
        super().greet()
        self.peer = connect(self, self.tile)

    def close(self):
        if self.peer:
            self.peer.__exit__()
        super().close()


@contextlib.contextmanager
def attached(rig, args, upload_mb):
    """For a rig of the storage: while the block runs, it has a peer, aims at the card's driver, and has upload_mb in a file."""
    before, rig.driver = rig.driver, config_of(args)["driver"]
    rig.upload_path, rig.upload_bytes = UPLOAD, upload_mb << 20
    rig.upload_sha1 = sha1_of(rig.session.path("data.img"), upload_mb)
    rig.sh(f"dd if=/dev/{DATA_PORT} of={UPLOAD} bs=1M count={upload_mb} 2>/dev/null")
    try:
        rig.peer = connect(rig, rig.session.path("tile"))
        try:
            yield
        finally:
            rig.peer.__exit__()
    finally:
        rig.driver, rig.peer = before, None


def connect(rig, tile):
    """The host's end for a booted rig, when the guest has reached it once; the caller ends it."""
    peer = Peer(rig.machine, tile).__enter__()
    try:
        rig.agent.run(f"n=0; until wget -q -O /dev/null {peer.url(1)}; do n=$((n+1)); [ $n -gt {CONNECT_TRIES} ] && exit 1; "
                      "sleep 0.2; done", 180, check=True)
    except AgentError as error:
        state = rig.agent.run("ifconfig; route -n; cat /proc/net/dev; service list", 30).text
        peer.__exit__()
        raise MachineError(f"the guest does not reach the host at {peer.url()}: {error}\n{state}") from error
    peer.forget_answers()
    return peer
