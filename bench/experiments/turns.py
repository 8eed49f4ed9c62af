# SPDX-License-Identifier: BSD-2-Clause
"""Undisturbed and disturbed turns of the same work, one after the other, and the loss between them.

The undisturbed turn has the same killer with signal 0, so that a machine that becomes slower or faster meanwhile does not
count as loss or gain. The loss is 1 - (median disturbed / median undisturbed); the noise beside it is half the spread of the
undisturbed turns, and a target counts as missed only beyond the noise.
"""
import statistics

from record import spread_percent

OFF, KILL = 0, 9


def tag(interval):
    """1 -> 1s, 0.1 -> 0_1s: part of a metric's name."""
    return f"{interval:g}s".replace(".", "_")


def take(rig, seed, rounds, interval, work, check=None):
    """Runs work() `rounds` times each way; check() once more at the end of the last disturbed turn. Gives the speeds by
    signal (OFF, KILL) and the shots that were fired in earnest."""
    speeds, shots_in_earnest = {OFF: [], KILL: []}, []
    for turn in range(rounds):
        for signal in (OFF, KILL):
            with rig.killer(interval, signal, seed=seed * 1000 + turn) as shots:
                speeds[signal].append(work())
                if check and signal == KILL and turn == rounds - 1:
                    check()
            if signal == KILL:
                shots_in_earnest += shots
    return speeds, shots_in_earnest


def loss_of(speeds):
    """(median undisturbed, median disturbed, loss in percent, noise in percent)"""
    base, hit = statistics.median(speeds[OFF]), statistics.median(speeds[KILL])
    return base, hit, 100.0 * (1.0 - hit / base) if base else 100.0, spread_percent(speeds[OFF]) if base else 0.0


def hits(shots):
    """How many of these shots met a process."""
    return sum(1 for shot in shots if shot[2] == 0)
