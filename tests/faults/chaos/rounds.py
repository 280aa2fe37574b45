"""Chaos with real processes: rounds of random faults over one home, and the invariants after each.

Run it as ``python -P -m tests.faults.chaos.rounds --rounds 100 --seed 7``. A round draws its moves from its seed, so
that a failing one can be played again with ``--seed N --rounds 1``; the moments of real processes are their own.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from engine.observing import observe
from engine.snapshots import Act, Desired
from tests.fakes import headless
from tests.fakes.homes import wait_for
from tests.faults.chaos.den import NAMES, Broken, Den, Want, open_den
from tests.faults.chaos.exam import find_problems
from tests.faults.chaos.moves import MOVES

CONVERGED_WITHIN_S = 5.0
"""The design's promise, on a machine that is ours alone."""
CONVERGENCE_LIMIT_S = 30.0
"""After so long it is no load of the machine any more."""
LED_LIMIT_S = 10.0
FEWEST_MOVES, MOST_MOVES = 3, 8
LONGEST_PAUSE_S = 0.6


@dataclass(frozen=True, slots=True)
class RoundReport:
    """How a round ended well."""

    seed: int
    moves: int
    converged_s: float
    """From the last repair to the truth."""


class ChaosError(AssertionError):
    """An invariant does not hold; the message holds all steps."""


def play_round(seed: int, moves: int | None = None) -> RoundReport:
    """One round over a home of its own.

    Raises:
        ChaosError: an invariant does not hold.
    """
    chance = Random(seed)  # noqa: S311 - faults, not secrets
    with open_den(chance) as den:
        try:
            return _play(den, seed, moves or chance.randint(FEWEST_MOVES, MOST_MOVES))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            story = "\n".join([f"seed {seed}", *den.log, *_tell_events(den), *_tell_threads(den), f"{error}"])
            raise ChaosError(story) from error


def _play(den: Den, seed: int, moves: int) -> RoundReport:
    _begin(den)
    for move in den.chance.choices(list(MOVES), list(MOVES.values()), k=moves):
        move(den)
        den.pause(den.chance.uniform(0.0, LONGEST_PAUSE_S))
        den.collect()
    converged_s = _calm(den)
    _hand_down(den)
    _decide(den)
    return RoundReport(seed, moves, converged_s)


def _begin(den: Den) -> None:
    """Some consoles, some instances."""
    for _ in range(den.chance.randint(1, 2)):
        den.add_supervisor()
    wait_for(den.find_leader, "somebody leads")
    if names := den.chance.sample(NAMES, den.chance.randint(1, 4)):
        den.ask(Act.START, *names)
    if den.chance.random() < 0.8:
        den.collect(wait=True)


def _calm(den: Den) -> float:
    """Mend everything, hear every answer, and wait for the truth; how long that took."""
    den.note("calm")
    den.repair(everything=True)
    if den.broken.offset_s:
        headless.set_clock(den.clock_file, 0.0)
    if not den.living_supervisors():
        den.broken = Broken()
        den.add_supervisor()
    began = time.monotonic()
    _wait_for_truth(den)
    took_s = time.monotonic() - began
    den.note(f"true after {took_s:.1f} s")
    return took_s


def _wait_for_truth(den: Den) -> None:
    deadline = time.monotonic() + CONVERGENCE_LIMIT_S
    while True:
        den.collect()
        problems = [*den.watchman.seen, *(find_problems(den) if not den.asked else ["a command is not answered yet"])]
        assert not den.watchman.seen, problems
        if not problems:
            return
        assert time.monotonic() < deadline or den.asked, "\n".join(["not true in the end:", *problems])
        if den.asked and time.monotonic() > deadline:
            den.collect(wait=True)
            deadline = time.monotonic() + CONVERGENCE_LIMIT_S
        den.pause(0.05)


def _hand_down(den: Den) -> None:
    """Every console that waits is able to lead: the leader is killed until one is left."""
    while len(den.living_supervisors()) > 1 and den.chance.random() < 0.7:
        leader = wait_for(den.find_leader, "somebody leads", LED_LIMIT_S)
        den.note(f"kill -9 supervisor {leader.pid} (leads)")
        leader.kill()
        leader.wait()
        den.supervisors.remove(leader)
        wait_for(den.find_leader, "another one leads", LED_LIMIT_S)
        _wait_for_truth(den)


def _decide(den: Den) -> None:
    """Ask for the opposite of what is, for some: the home still does as it is told."""
    den.broken = Broken()
    snapshot = observe(den.home, os.environ)
    for name in den.chance.sample(NAMES, 2):
        one = snapshot.find(name)
        is_wanted = one is not None and one.desired is Desired.RUNNING
        den.ask(Act.STOP if is_wanted else Act.START, name)
        den.collect(wait=True)
        snapshot = observe(den.home, os.environ)
        assert den.wants[name] is (Want.STOPPED if is_wanted else Want.RUNNING), f"{name} did not do as told"
    _wait_for_truth(den)


def _tell_events(den: Den) -> list[str]:
    """What the event log says, for whoever looks for the fault."""
    try:
        events = observe(den.home, os.environ).events
    except Exception as error:  # noqa: BLE001 - the home is broken, which is why we look
        return [f"no events: {error!r}"]
    return [f"  {event.ts:.3f} {event.instance or '-'} {event.type} {event.message}" for event in events]


def _tell_threads(den: Den) -> list[str]:
    """Where the threads of every console are, for one that hangs."""
    told: list[str] = []
    for program in den.living_supervisors():
        if sys.platform != "win32" and program in den.consoles:
            before = den.read_trace(program.pid)
            program.send_signal(signal.SIGUSR1)
            den.pause(0.3)
            told.append(f"supervisor {program.pid}: {den.read_trace(program.pid).removeprefix(before)}")
    return told


def main(arguments: Sequence[str]) -> int:
    """Play rounds; 1 when one of them failed."""
    parser = argparse.ArgumentParser(description="Rounds of random faults over one home.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each next one has the next number")
    parser.add_argument("--moves", type=int, default=None, help="so many in every round")
    parser.add_argument("--go-on", action="store_true", help="play on after a round that failed")
    chosen = parser.parse_args(arguments)
    failed, slow = [], []
    for seed in range(chosen.seed, chosen.seed + chosen.rounds):
        try:
            report = play_round(seed, chosen.moves)
        except ChaosError as error:
            print(f"{error}\nround {seed}: FAILED", flush=True)
            failed.append(seed)
            if not chosen.go_on:
                return 1
            continue
        slow += [seed] if report.converged_s > CONVERGED_WITHIN_S else []
        print(f"round {seed}: {report.moves} moves, true again after {report.converged_s:.1f} s", flush=True)
    print(f"{chosen.rounds} rounds, failed: {failed or 'none'}; true only after more than 5 s: {slow or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
