# SPDX-License-Identifier: BSD-2-Clause
"""Undisturbed and disturbed turns of the same work, in pairs, and the loss between them.

The undisturbed turn has the same killer with signal 0. Each pair gives one loss, 1 - disturbed / undisturbed, and every second
pair runs in the other order, so that a machine that becomes slower or faster meanwhile does not count as loss or gain. The
result is the mean of the pairs; the noise beside it is how far it may be off: one-sided 95 % confidence by Student's t. While the
mean is above its target more pairs are taken, since two or three that agree by chance look like certainty; in the end a target
counts as missed only beyond the noise.
"""
import statistics

OFF, KILL = 0, 9
ROUNDS_MAX = 8
# Student's t, one-sided 95 %, by the number of pairs.
STUDENT_T = {2: 6.31, 3: 2.92, 4: 2.35, 5: 2.13, 6: 2.02, 7: 1.94, 8: 1.90}


def tag(interval):
    """1 -> 1s, 0.1 -> 0_1s: part of a metric's name."""
    return f"{interval:g}s".replace(".", "_")


class Loss:
    """What pairs of turns say. base, hit: median speeds; percent, noise: as above; a turn without speed is a loss of 100 %."""

    def __init__(self, speeds):
        pairs = list(zip(speeds[OFF], speeds[KILL]))
        losses = [100.0 * (1.0 - hit / base) if base else 100.0 for base, hit in pairs]
        self.base, self.hit = statistics.median(speeds[OFF]), statistics.median(speeds[KILL])
        self.percent, self.noise = statistics.mean(losses), 0.0
        if len(losses) > 1 and all(base and hit for base, hit in pairs):
            t = STUDENT_T[min(len(losses), ROUNDS_MAX)]
            self.noise = t * statistics.stdev(losses) / len(losses) ** 0.5

    def meets(self, target):
        """Not above the target, as far as the noise lets one see."""
        return self.percent <= target + self.noise


class Turns:
    """Pairs of turns of work() at one interval. `rounds` pairs are taken, up to ROUNDS_MAX while a target is missed."""

    def __init__(self, rig, seed, rounds, target=None):
        self.rig, self.seed, self.rounds, self.target = rig, seed, rounds, target
        self.speeds, self.shots = {OFF: [], KILL: []}, []    # shots: those fired in earnest

    def take(self, interval, work, check=None):
        """check() runs once in a disturbed turn, after the work; the Loss."""
        turn = 0
        while turn < self.rounds or self._is_open(turn):
            for signal in (OFF, KILL) if turn % 2 == 0 else (KILL, OFF):
                with self.rig.killer(interval, signal, seed=self.seed * 1000 + turn) as shots:
                    self.speeds[signal].append(work())
                    if check and signal == KILL and turn == self.rounds - 1:
                        check()
                if signal == KILL:
                    self.shots += shots
            turn += 1
        return Loss(self.speeds)

    def _is_open(self, turn):
        """Not after a turn without speed: that is no matter of chance."""
        return (self.target is not None and turn < ROUNDS_MAX and all(self.speeds[OFF] + self.speeds[KILL])
                and Loss(self.speeds).percent > self.target)

    @property
    def kills(self):
        """How many of the shots met a process."""
        return hits(self.shots)


def hits(shots):
    """How many of these shots met a process."""
    return sum(1 for shot in shots if shot[2] == 0)
