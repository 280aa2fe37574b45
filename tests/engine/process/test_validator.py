"""Whose process is it: the judgement over every combination of facts, and real processes of every kind."""

from __future__ import annotations

import itertools
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from benchmarks.ownership_accuracy import KINDS, measure
from engine.config.redact import redact_argv
from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.process.evidence import Finding, Match, Presence, ProcessFacts
from engine.process.records import Record, read_record
from engine.process.validator import (
    ProcessValidation,
    Verdict,
    find_orphaned_processes,
    find_token_carriers,
    judge,
    validate_process,
)
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import ThrowAwayHome, fake_command, free_port, kill, wait_for

assert sys.platform != "win32"  # keepers are POSIX in this version

SEEN = (Match.SAME, Match.DIFFERENT, Match.UNKNOWN)
OWNERS = (Match.SAME, Match.DIFFERENT, Match.HIDDEN)
TOKENS = (Match.SAME, Match.DIFFERENT, Match.ABSENT, Match.HIDDEN, Match.UNKNOWN)
COMMANDS = (*SEEN, Match.HIDDEN)
KEEPERS = (Match.SAME, Match.ABSENT, Match.HIDDEN, Match.UNKNOWN)
LOCKS = (Match.SAME, Match.ABSENT, Match.HIDDEN)
PORTS = tuple(Match)
COMBINATIONS = len(Presence) * len(SEEN) * len(OWNERS) * len(TOKENS) * len(COMMANDS) * len(KEEPERS) * len(LOCKS) * 5


def judge_all() -> Iterator[tuple[ProcessFacts, ProcessValidation]]:
    """Every combination of facts that can be gathered, with its judgement."""
    for presence, *matches in itertools.product(Presence, SEEN, OWNERS, TOKENS, COMMANDS, KEEPERS, LOCKS, PORTS):
        start, owner, token, command, keeper, lock, port = (Finding(match, f"words {match}") for match in matches)
        facts = ProcessFacts(7, presence, start, owner, token, command, keeper, lock, port)
        yield facts, judge("qwen", facts)


def test_every_combination_of_facts_has_the_verdict_that_the_rules_give() -> None:
    count = 0
    for facts, judged in judge_all():
        count += 1
        start, owner, token, command = (one.match for one in (facts.start, facts.owner, facts.token, facts.command))
        is_kept = (facts.keeper.match, facts.lock.match) == (Match.SAME, Match.SAME)
        expected = {
            Verdict.GONE: facts.presence is Presence.GONE,
            Verdict.REUSED_PID: start is Match.DIFFERENT,
            Verdict.ZOMBIE: facts.presence is Presence.ZOMBIE,
            Verdict.NO_ACCESS: token is Match.HIDDEN,
            Verdict.STRANGER: token is not Match.SAME or (owner is not Match.SAME and not is_kept),
            Verdict.UNSURE: start is Match.UNKNOWN and not is_kept,
            Verdict.CHANGED_COMMAND: command is Match.DIFFERENT,
        }
        first = next((verdict for verdict, holds in expected.items() if holds), None)
        if first is None and command is Match.HIDDEN and not is_kept:
            first = Verdict.NO_ACCESS
        first = first or (Verdict.OURS if facts.keeper.match is Match.SAME else Verdict.ORPHAN)
        assert judged.verdict is first, facts
    assert count == COMBINATIONS


def test_nothing_is_ours_that_is_not_proven() -> None:
    """Running, with our token, and either the recorded start under our own user, or its keeper under the lock."""
    for facts, judged in judge_all():
        is_kept = (facts.keeper.match, facts.lock.match) == (Match.SAME, Match.SAME)
        is_identified = (facts.start.match, facts.owner.match) == (Match.SAME, Match.SAME)
        is_proven = facts.presence is Presence.RUNNING and facts.token.match is Match.SAME
        if judged.is_ours:
            assert is_proven
            assert is_kept or is_identified
            assert facts.start.match is not Match.DIFFERENT
            assert is_kept or facts.command.match in (Match.SAME, Match.UNKNOWN)
        else:
            assert judged.verdict not in (Verdict.OURS, Verdict.ORPHAN)


def test_a_worse_fact_never_makes_a_process_ours() -> None:
    """Take any proof away from a process that is not ours: it stays not ours."""
    nothing = Finding(Match.UNKNOWN)
    for facts, judged in judge_all():
        if judged.is_ours or facts.start.match is Match.DIFFERENT:
            continue
        for worse in (
            replace(facts, start=nothing),
            replace(facts, owner=nothing),
            replace(facts, token=nothing),
            replace(facts, keeper=nothing),
            replace(facts, lock=nothing),
        ):
            assert not judge("qwen", worse).is_ours, facts


def test_every_judgement_names_the_instance_the_pid_and_a_stranger_on_the_port() -> None:
    for facts, judged in judge_all():
        assert judged.reason.startswith("qwen: PID 7 ")
        assert (f"; {facts.port.words}" in judged.reason) == (facts.port.match is Match.DIFFERENT)


def test_the_port_alone_changes_no_verdict() -> None:
    by_rest: dict[ProcessFacts, set[tuple[Verdict, bool]]] = {}
    for facts, judged in judge_all():
        rest = replace(facts, port=Finding(Match.UNKNOWN))
        by_rest.setdefault(rest, set()).add((judged.verdict, judged.is_ours))
    assert {len(judged) for judged in by_rest.values()} == {1}


def test_real_processes_of_every_kind_are_all_judged_right() -> None:
    """The small edition of the accuracy benchmark."""
    tallies = measure(2)
    assert {tally.kind for tally in tallies} == set(KINDS)
    assert [fault for tally in tallies for fault in tally.wrong] == []
    assert sum(tally.right for tally in tallies) == 2 * len(KINDS) >= 36


def run_record(den: ThrowAwayHome, name: str = "qwen") -> Record:
    return read_record(str(den.home.run_record(name)))


def keep_fake(den: ThrowAwayHome, *flags: str, name: str = "qwen") -> Kept:
    """The stand-in server under a real keeper, with its true command line on record."""
    port = free_port()
    shown = shlex.join(redact_argv(fake_command(*flags, port=str(port))))
    kept = Kept(den, build_spec(*flags, name=name, port=port, shown=shown))
    kept.wait_until_ready()
    return kept


def test_a_run_that_listens_on_its_own_port_is_ours_in_every_respect(den: ThrowAwayHome) -> None:
    kept = keep_fake(den)
    judged = validate_process(den.home, "qwen", run_record(den))
    facts = judged.facts
    assert (judged.verdict, judged.is_ours, judged.pid) == (Verdict.OURS, True, kept.pid)
    found = [facts.start, facts.owner, facts.token, facts.command, facts.keeper, facts.lock, facts.port]
    assert [one.match for one in found] == [Match.SAME] * 7
    assert facts.stranger_pid is None
    assert find_orphaned_processes(den.home) == ()


def test_a_stranger_on_our_port_is_named_although_our_process_lives(den: ThrowAwayHome) -> None:
    """Ours was started with another port than it is told to have: somebody else answers there."""
    kept = keep_fake(den)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        record = [pair for pair in run_record(den) if pair[0] != "port"] + [("port", str(port))]
        judged = validate_process(den.home, "qwen", record)
    assert (judged.verdict, judged.pid) == (Verdict.OURS, kept.pid)
    assert judged.facts.stranger_pid == os.getpid()
    assert f"its port {port} is held by {psutil.Process().name()} (PID {os.getpid()}), a stranger" in judged.reason


def test_what_a_killed_keeper_left_is_named_with_its_instance_and_nothing_else(den: ThrowAwayHome) -> None:
    keep_fake(den, name="gemma")
    kept = keep_fake(den, "--spawn-grandchild")
    kill(kept.keeper)
    wait_for(lambda: len(list(find_token_carriers(den.home, "qwen"))) == 1, "only the grandchild is left")
    (orphan,) = find_orphaned_processes(den.home)
    assert (orphan.name, orphan.run_id, orphan.is_locked) == ("qwen", "run1", True)
    assert "server.py" in orphan.shown
    kill(orphan.pid)
    wait_for(lambda: not find_orphaned_processes(den.home), "it is gone")


def test_a_silent_keeper_is_no_orphan_but_carries_the_token(den: ThrowAwayHome) -> None:
    """Whether it answers is asked over its socket; here it is alive, and so is what it keeps."""
    kept = keep_fake(den)
    kill(kept.keeper, signal.SIGSTOP)
    assert find_orphaned_processes(den.home) == ()
    assert {one.process.pid for one in find_token_carriers(den.home, "qwen")} == {kept.keeper, kept.pid}
    kill(kept.keeper, signal.SIGCONT)


def test_this_very_process_is_never_found(den: ThrowAwayHome) -> None:
    """A console opened from a shell that a model started has inherited the model's token."""
    program = (
        "import os, sys\n"
        "from engine.paths import find_home\n"
        "from engine.process.validator import find_token_carriers\n"
        "print([one.process.pid for one in find_token_carriers(find_home(os.environ))])\n"
    )
    token = {HOME_VARIABLE: str(den.home.state_dir), RUN_VARIABLE: "qwen:run1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | token, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("pid", ["", "0", "-1", "nonsense", "99999999999999999999"])
def test_a_record_that_names_no_process_finds_none(den: ThrowAwayHome, pid: str) -> None:
    judged = validate_process(den.home, "qwen", [("run", "run1"), ("pid", pid)])
    assert (judged.verdict, judged.is_ours) == (Verdict.GONE, False)
    assert judged.reason.startswith("qwen")
