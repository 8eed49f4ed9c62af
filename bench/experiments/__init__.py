# SPDX-License-Identifier: BSD-2-Clause
"""Experiments by name; each module has TITLE and run(args) -> Record."""
import report
from session import UsageError, say

from experiments import disk_kill, filters, net_faults, net_kill, net_speed, recovery

ALL = {"disk-kill": disk_kill, "net-faults": net_faults, "net-kill": net_kill, "net-speed": net_speed, "recovery": recovery,
       "filters": filters}
# What has a second guest to be compared with.
WITH_PEER = ("net-speed",)


def finish(record, folder):
    """Saves a record, prints its tables; its exit status."""
    path = record.save(folder)
    print(report.tables(record.to_json()))
    say(f"{path} is written")
    for name, value in record.verdicts.items():
        if not value:
            say(f"verdict {name} is false")
    return 0 if record.passed else 1


def main(args):
    if args.peer and not set(args.names) <= set(WITH_PEER):
        raise UsageError(f"--peer {args.peer} goes with {', '.join(WITH_PEER)} only; run the other experiments without it")
    status = 0
    for name in args.names:
        say(f"{name}: {ALL[name].TITLE}")
        status = max(status, finish(ALL[name].run(args), args.out))
    report.write(args.out)
    return status
