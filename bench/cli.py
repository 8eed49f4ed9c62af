# SPDX-License-Identifier: BSD-2-Clause
"""The verbs of axo and their options. Each verb is a module with main(args) -> exit status."""
import argparse
import signal
import sys

import demo
import network
import experiments
import report
import run
from experiments import net_speed, recovery

DESCRIPTION = "Boots Axolotl in QEMU, runs programs and experiments in it, and reports what happened."
EPILOG = """examples:
  ./axo demo                                          everything in a few minutes, with a report
  ./axo run                                           an interactive shell; Ctrl-] ends the machine
  ./axo run -- uname -a                               one command; its output and its exit status are axo's
  ./axo run --storage 'checksum(mirror(sata0,sata1))' -- df /mnt
  ./axo run -- wget -O - http://10.0.2.2:8000/        from a server on this computer (its 127.0.0.1 is 10.0.2.2)
  ./axo bench disk-kill --quick                       loss of throughput while the disk driver is being killed
  ./axo report results                                tables of the results in a folder

exit status: 0 all went well (run: the command's own), 1 a verdict is false, 2 wrong usage, 3 the machine did not
boot or answer, 124 the command did not end in time, 130 Ctrl-C
"""
RUN_EPILOG = """COMMAND: several words are a program and its arguments; one word is text for the shell ('ls /bin | wc -l').
Without a COMMAND: an interactive shell, or, if standard input is not a terminal, a shell that reads it as a script.

examples:
  ./axo run --storage 'mirror(sata0,sata1)' --disk sata0:64M --disk sata1:64M:leg.img
      sata0 is new for this run, sata1 is kept in leg.img; a file system is mounted on /mnt
  ./axo run --put ./prog:/bin/prog -- prog --version
      brings in a program: any static Linux x86-64 binary runs, and a dynamic one whose libraries are there (those of
      glibc are; others go to /usr/lib/x86_64-linux-gnu)
  ./axo run --storage sata0 --put ~/music:/mnt/music --get /mnt/sums:sums.txt -- \\
      'cd /mnt && find music -type f | xargs sha1sum > sums'
  ./axo run --nic virtio --forward 8080:80 -- 'httpd -f -p 80 -h /usr'
      a web server in the guest, seen on this computer at http://127.0.0.1:8080/
  ./axo run --net 'guard(e1000_0)' -- iperf3 -c 10.0.2.2
      a network stack of filters; iperf3 -s runs on this computer
  ./axo run --net-backend tap
      a cable instead of a translator: in a network namespace of its own, the guest is 10.0.2.15, the host 10.0.2.2 (needs root)
"""
BENCH_EPILOG = """examples:
  ./axo bench disk-kill recovery --quick
  ./axo bench recovery --full --seed 7 --out results/nightly
  ./axo bench net-kill --nic virtio --net-backend tap
  ./axo bench recovery --component nic
  ./axo bench net-speed --peer linux
      TCP over e1000 and over virtio, Axolotl and the distribution's Linux turn by turn: their ratios. The kernel is fetched
      as a package (70 MB, once) into build/ports; nothing is installed.
  ./axo bench net-speed --nic rtl8139 --net-backend tap --full
"""


def add_machine_options(parser):
    """Options of every verb that boots a machine."""
    parser.add_argument("--mem", type=int, default=512, metavar="MIB", help="memory of the machine (default 512)")
    parser.add_argument("--smp", type=int, default=1, metavar="N", help="processors (default 1)")
    parser.add_argument("--nic", action="append", default=[], metavar="MODEL",
                        help=f"network card: {', '.join(network.MODELS)} or none (default e1000); again for another card")
    parser.add_argument("--net", metavar="EXPR", help="network stack, for example 'guard(e1000_0)' (default: the card itself)")
    parser.add_argument("--net-backend", choices=network.BACKENDS, default="user",
                        help="user: QEMU's own network, the host is 10.0.2.2 (default); tap: a network namespace")
    parser.add_argument("--forward", action="append", default=[], metavar="HOSTPORT:GUESTPORT",
                        help="a TCP port of 127.0.0.1 that leads into the guest (backend user)")
    parser.add_argument("--address", action="append", default=[], metavar="[ethN:]A/BITS[,gw=A][,dns=A]",
                        help=f"static address of a card, of the first one without ethN; for example {network.EXAMPLE_ADDRESS}; or "
                        "none (default: DHCP)")
    parser.add_argument("--accel", choices=["auto", "kvm", "tcg"], default="auto",
                        help="auto: kvm where the CPU can, else tcg (emulation)")
    parser.add_argument("--boot", action="append", default=[], metavar="KEY=VALUE", help="a word for the kernel's command line")
    parser.add_argument("--no-build", action="store_true", help="take build/ as it is")
    parser.add_argument("--no-install", action="store_true", help="never install distribution packages; fail if one is missing")


def add_run(verbs):
    parser = verbs.add_parser("run", help="boot, then a shell or one command", epilog=RUN_EPILOG,
                              formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--storage", metavar="EXPR", help="storage stack, for example 'checksum(mirror(sata0,sata1))'; "
                        "mounted on /mnt")
    parser.add_argument("--disk", action="append", default=[], metavar="NAME:SIZE[:IMAGE]",
                        help="a disk, sata0 to sata5 or (virtio) vd0 to vd7; without IMAGE it is new and gone afterwards; an IMAGE that exists is "
                        "kept and its SIZE may be left out; disks of the storage expression are made as needed, 256M each")
    parser.add_argument("--format", action="store_true", help="format the storage, which erases its disks (new ones always are)")
    parser.add_argument("--no-mount", action="store_true", help="do not mount (or format) the storage")
    parser.add_argument("--root", metavar="ramdisk|EXPR", help="where the root file system is (default ramdisk)")
    parser.add_argument("--put", action="append", default=[], metavar="HOST:GUEST", help="copy a file or folder in, before")
    parser.add_argument("--get", action="append", default=[], metavar="GUEST:HOST", help="copy a file or folder out, afterwards")
    parser.add_argument("--timeout", type=float, default=600, metavar="S", help="seconds for COMMAND (default 600)")
    parser.add_argument("--console", metavar="FILE", help="keep the console's output")
    parser.add_argument("--json", metavar="FILE", help="write status, times and QEMU's command line")
    parser.add_argument("--iso", action="store_true", help="boot build/axolotl.iso through GRUB instead of QEMU's own loader")
    add_machine_options(parser)
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="after --: what to run")
    parser.set_defaults(function=run.main)


def add_experiment_options(parser, out):
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small sizes, a few minutes (default)")
    size.add_argument("--full", action="store_true", help="the sizes of the thesis")
    parser.add_argument("--out", default=out, metavar="DIR", help=f"folder of the results (default {out})")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is random (default 1)")
    add_machine_options(parser)


def add_bench(verbs):
    names = sorted(experiments.ALL)
    parser = verbs.add_parser("bench", help="run experiments", epilog=BENCH_EPILOG,
                              description="Experiments: " + "; ".join(f"{name}: {experiments.ALL[name].TITLE}" for name in names),
                              formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--component", choices=recovery.COMPONENTS, default="disk",
                        help="recovery: whose driver is killed (default disk)")
    parser.add_argument("--peer", choices=net_speed.PEERS, help="net-speed: the same in the distribution's Linux, on the same "
                        "QEMU command line, in turns; the ratios are reported")
    add_experiment_options(parser, "results")
    parser.set_defaults(function=experiments.main)


def add_demo(verbs):
    parser = verbs.add_parser("demo", help="the main job, in a few minutes")
    parser.add_argument("--files", metavar="DIR", help="folder whose files are copied into the guest "
                        "(default: /usr/share, as much as --files-mb)")
    parser.add_argument("--files-mb", type=int, default=200, metavar="MB", help="at most so much of it (default 200)")
    add_experiment_options(parser, "results/demo")
    parser.set_defaults(function=demo.main)


def add_report(verbs):
    parser = verbs.add_parser("report", help="tables of results", description="Writes DIR/report/summary.md and prints it.")
    parser.add_argument("dir", metavar="DIR", help="folder with the JSON files of experiments")
    parser.set_defaults(function=report.main)


def make_parser():
    parser = argparse.ArgumentParser(prog="axo", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for add in (add_demo, add_run, add_bench, add_report):
        add(verbs)
    return parser


def terminated(*_):
    """SIGTERM and SIGHUP end like Ctrl-C: the machine goes with us."""
    raise KeyboardInterrupt


def main(argv):
    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGHUP, terminated)
    parser = make_parser()
    if not argv:
        parser.print_help(sys.stderr)
        return 2
    args = parser.parse_args(argv)
    return run.guarded(args.function, args)
