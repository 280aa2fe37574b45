from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import StopFailedError
from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.process.orphans import clear_orphans, find_orphans
from engine.process.system import make_private_dir
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import ThrowAwayHome, is_alive, kill, throw_away_home, wait_for


def start_sleeper(home: Path, run: str, *, lock: Path | None = None) -> subprocess.Popen[bytes]:
    """A process with a token; with `lock`, it holds that lock."""
    program = (
        "import fcntl, os, signal, sys\n"
        "if len(sys.argv) > 1:\n"
        "    fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX)\n"
        "print(flush=True)\n"
        "signal.pause()\n"
    )
    sleeper = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", program, *([str(lock)] if lock else [])],
        env={HOME_VARIABLE: str(home), RUN_VARIABLE: run},
        stdout=subprocess.PIPE,
    )
    assert sleeper.stdout is not None
    with sleeper.stdout:
        sleeper.stdout.readline()
    return sleeper


def test_what_a_dead_keeper_left_is_killed_and_nothing_else(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--spawn-grandchild"))
    kept.wait_until_ready()
    other_name = Kept(den, build_spec(name="qwen2"))
    folder = den.home.state_dir
    with throw_away_home() as elsewhere:
        same_name = Kept(elsewhere, build_spec())
        bare = start_sleeper(folder, "")
        kill(kept.keeper)
        wait_for(lambda: not is_alive(kept.pid), "the server died with its keeper")
        assert kept.is_locked()  # by the grandchild, that has inherited the lock
        assert clear_orphans(den.home, "qwen", threading.Event()) == 1
        assert not kept.is_locked()
        assert all(
            is_alive(pid) for pid in (same_name.keeper, same_name.pid, other_name.keeper, other_name.pid, bare.pid)
        )
        bare.kill()
        bare.wait()


def test_only_this_homes_and_this_names_token_counts(den: ThrowAwayHome) -> None:
    folder = den.home.state_dir
    tokens = [
        (folder, "qwen:run7"),
        (folder, "qwen2:run7"),
        (folder, "qwe:run7"),
        (folder, "qwen"),
        (folder / "deeper", "qwen:run7"),
        (Path("/elsewhere"), "qwen:run7"),
    ]
    sleepers = [start_sleeper(*token) for token in tokens]
    try:
        assert [one.pid for one in find_orphans(den.home, "qwen")] == [sleepers[0].pid]
    finally:
        for sleeper in sleepers:
            sleeper.kill()
            sleeper.wait()


def test_a_home_reached_by_another_path_is_the_same_home(den: ThrowAwayHome, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(den.home.state_dir)
    sleeper = start_sleeper(link, "qwen:run7")
    try:
        assert [one.pid for one in find_orphans(den.home, "qwen")] == [sleeper.pid]
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_free_lock_means_that_nobody_is_killed(den: ThrowAwayHome) -> None:
    """A token alone proves nothing about the present: a child that a server meant to outlive it may carry one."""
    sleeper = start_sleeper(den.home.state_dir, "qwen:run7")
    assert clear_orphans(den.home, "qwen", threading.Event()) == 0
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_a_lock_held_by_somebody_unproven_is_left_to_him_and_said(den: ThrowAwayHome) -> None:
    make_private_dir(str(den.home.run_dir))
    sleeper = start_sleeper(Path("/elsewhere"), "qwen:run7", lock=den.home.instance_lock("qwen"))
    stop = threading.Event()
    stop.set()  # the engine ends: whoever clears up gives up at once
    with pytest.raises(
        StopFailedError, match="qwen: its lock is still held by a process that does not carry its token"
    ):
        clear_orphans(den.home, "qwen", stop)
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()
