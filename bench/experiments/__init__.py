# SPDX-License-Identifier: BSD-2-Clause
"""Experiments by name; each module has TITLE and run(args) -> Record."""
import report
from session import say

from experiments import disk_kill, filters, net_faults, net_kill, recovery

ALL = {"disk-kill": disk_kill, "net-faults": net_faults, "net-kill": net_kill, "recovery": recovery, "filters": filters}


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
    status = 0
    for name in args.names:
        say(f"{name}: {ALL[name].TITLE}")
        status = max(status, finish(ALL[name].run(args), args.out))
    report.write(args.out)
    return status
