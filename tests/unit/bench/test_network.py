#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The host's side of the network: options, what QEMU is told, and that nothing of a namespace is left over."""
import argparse
import os
import socket
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path.insert(0, os.path.join(ROOT, "bench"))
# pylint: disable=wrong-import-position
import cli  # noqa: E402
import session  # noqa: E402
from machine import Config, Machine, MachineError  # noqa: E402
from network import Forward, Network, NetworkError, NotPermittedError  # noqa: E402


def options(*words):
    """SessionOptions of these words."""
    parser = argparse.ArgumentParser()
    cli.add_machine_options(parser)
    return session.machine_options(parser.parse_args(words))


class OptionsTest(unittest.TestCase):
    def refused(self, words, said):
        with self.assertRaisesRegex(session.UsageError, said):
            options(*words)

    def test_defaults(self):
        found = options()
        self.assertEqual((found["nics"], found["net"], found["net_backend"], found["addresses"]), (["e1000"], None, "user", []))

    def test_cards(self):
        self.assertEqual(options("--nic", "virtio", "--nic", "rtl8139")["nics"], ["virtio", "rtl8139"])
        self.assertEqual(options("--nic", "none")["nics"], [])
        self.refused(["--nic", "ne2000"], "cards are e1000, virtio, rtl8139 or none")
        self.refused(["--nic", "none", "--nic", "e1000"], "does not go with other cards")
        self.refused(["--nic", "e1000"] * 9, "at most 8")
        self.refused(["--nic", "none", "--forward", "80:80"], "--nic none")

    def test_stacks(self):
        self.assertEqual(options("--net", "guard( fault(e1000_0, seed=3) )")["net"], "guard(fault(e1000_0,seed=3))")
        rules = 'fault(e1000_0,rules="drop,prob=10;bit,prob=5")'
        self.assertEqual(options("--net", rules)["net"], rules)
        for bad in ("guard(", "guard)(", "x y=;", "'", "(e1000_0)", 'fault(e1000_0,rules="drop)'):
            self.refused(["--net", bad], "--net .*for example 'guard")

    def test_forwards(self):
        self.assertEqual(options("--forward", "8080:80")["forwards"], [Forward(8080, 80)])
        for bad in ("80", "80:", "0:80", "80:70000", "a:b", "1:2:3"):
            self.refused(["--forward", bad], "HOSTPORT:GUESTPORT")

    def test_addresses(self):
        self.assertEqual(options("--address", "10.0.2.9/24, gw=10.0.2.2", "--address", "eth1:none")["addresses"],
                         ["10.0.2.9/24,gw=10.0.2.2", "eth1:none"])
        for bad in ("10.0.2.9", "10.0.2/24", "10.0.2.9/33", "10.0.2.9/24,gw=x", "10.0.2.9/24,mtu=3", "none,gw=10.0.2.2"):
            self.refused(["--address", bad], "--address .*write for example")

    def test_tap_has_a_static_address_and_no_forwards(self):
        self.assertEqual(options("--net-backend", "tap", "--nic", "e1000", "--nic", "virtio")["addresses"],
                         ["eth0:10.0.2.15/24,gw=10.0.2.2", "eth1:10.0.3.15/24"])
        self.refused(["--net-backend", "tap", "--forward", "80:80"], "10.0.2.15 itself")


class MachineTest(unittest.TestCase):
    def test_cards_of_the_command_line(self):
        with session.Session(session.SessionOptions(nics=["e1000", "virtio"], forwards=[Forward(8080, 80)])) as run:
            machine = Machine(run.config())
        text = " ".join(machine.command)
        machine.close()
        self.assertIn("-netdev user,id=net0,net=10.0.2.0/24,hostfwd=tcp:127.0.0.1:8080-:80 -device e1000,netdev=net0,", text)
        self.assertIn("-netdev user,id=net1,net=10.0.3.0/24 -device virtio-net-pci,netdev=net1,", text)

    def test_words_of_the_kernel(self):
        machine = Machine(Config(nics=["e1000"], net="guard(e1000_0)", addresses=["10.0.2.9/24", "eth1:none"]))
        append = machine.command[machine.command.index("-append") + 1]
        machine.close()
        self.assertEqual(append, "net=guard(e1000_0) address=10.0.2.9/24 address=eth1:none")

    def test_a_used_port_says_so(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            machine = Machine(Config(nics=["e1000"], forwards=[Forward(taken.getsockname()[1], 80)]))
            with self.assertRaisesRegex(MachineError, "take another one"):
                machine.start()

    def test_where_the_host_finds_the_guest(self):
        self.assertEqual(Network(["e1000"], "user", [Forward(8080, 80)]).reach(80), ("127.0.0.1", 8080))
        self.assertEqual(Network(["e1000"], "tap").reach(80), ("10.0.2.15", 80))
        with self.assertRaisesRegex(NetworkError, "--forward"):
            Network(["e1000"]).reach(80)


class NamespaceTest(unittest.TestCase):
    def setUp(self):
        self.network = Network(["e1000", "e1000"], "tap")
        try:
            self.network.open()
        except NotPermittedError as error:
            self.assertIn("--net-backend user", str(error))
            self.skipTest(str(error))

    def tearDown(self):
        self.network.close()

    def run_inside(self, *words):
        return subprocess.run(self.network.prefix() + list(words), stdout=subprocess.PIPE, text=True, check=True).stdout

    def test_it_has_the_cables_and_our_own_does_not(self):
        self.assertIn("10.0.2.2/24", self.run_inside("ip", "addr", "show", "axo0"))
        self.assertIn("10.0.3.2/24", self.run_inside("ip", "addr", "show", "axo1"))
        self.assertFalse(os.path.exists("/sys/class/net/axo0"))

    def test_it_goes_with_its_holder(self):
        pid = self.network.holder.pid
        self.network.close()
        self.assertFalse(os.path.exists(f"/proc/{pid}"))
        self.assertEqual(self.network.prefix(), [])

    def test_sockets_of_it(self):
        with self.network.socket() as server, self.network.socket() as client, socket.socket() as own:
            server.bind(("10.0.3.2", 0))    # an address that only the namespace has
            server.listen()
            server.settimeout(10)
            client.settimeout(10)
            client.connect(server.getsockname())
            server.accept()[0].close()
            with self.assertRaises(OSError):
                own.bind(("10.0.3.2", 0))


class RefusalTest(unittest.TestCase):
    """What may be skipped (no right to make a namespace or a tap) and what is a failure, with commands of our own."""

    def outcome(self, **commands):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in {"unshare": 'shift; exec "$@"', "ip": "", **commands}.items():
                path = os.path.join(folder, name)
                with open(path, "w", encoding="utf-8") as file:
                    file.write("#!/bin/sh\n" + text + "\n")
                os.chmod(path, 0o755)
            network = Network(["e1000"], "tap")
            network.is_root = True
            with mock.patch.dict(os.environ, {"PATH": f"{folder}:{os.environ['PATH']}"}):
                try:
                    network.open()
                except NetworkError as error:
                    return type(error)
                network.close()
                return None

    def test_all_is_well(self):
        self.assertIsNone(self.outcome())

    def test_no_right_to_make_a_namespace(self):
        self.assertIs(self.outcome(unshare="echo unshare: no >&2; exit 1"), NotPermittedError)

    def test_no_right_to_make_a_tap(self):
        self.assertIs(self.outcome(ip='[ "$1" != tuntap ]'), NotPermittedError)

    def test_other_things_are_failures(self):
        self.assertIs(self.outcome(ip='[ "$1" != addr ]'), NetworkError)
        self.assertIs(self.outcome(ip='[ "$1 $2 $3" != "link set lo" ]'), NetworkError)


if __name__ == "__main__":
    unittest.main()
