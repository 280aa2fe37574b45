"""Fork servers that are not what they should be: a start is one start all the same."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import KeeperLostError
from engine.process import forking
from engine.process import launch as launch_module
from engine.process.forking import Forks
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import ThrowAwayHome, kill, wait_for

if sys.platform == "win32":
    pytest.skip("keepers are POSIX", allow_module_level=True)

ROOT = Path(__file__).parents[3]
STRANGE = """
import os, sys, time
sys.path.insert(0, {root!r})
from engine.process import fork_server, keeper
from engine.process.fork_server import ForkServer

def say(words):
    os.write(1, words.encode())

def die(*_):
    os._exit(0)
"""
READY = "version=1\nevent=ready\n\n"
STRANGERS = {
    "ends at once": "die()",
    "talks nonsense": "say('hello\\n\\n'); time.sleep(1000)",
    "is of another version": "say('version=2\\nevent=ready\\n\\n'); time.sleep(1000)",
    "is silent": "time.sleep(1000)",
    "does not take the token": f"say({READY!r}); time.sleep(1000)",
    "dies unheard": "ForkServer._fork = die; fork_server.main()",
    "dies between the fork and its answer": (
        "answer = ForkServer._answer\n"
        "def answer_ready(self, event, *told):\n"
        "    if event == 'forked': die()\n"
        "    answer(self, event, *told)\n"
        "ForkServer._answer = answer_ready\n"
        "fork_server.main()"
    ),
    "freezes between the fork and its answer": (
        "answer = ForkServer._answer\n"
        "def answer_ready(self, event, *told):\n"
        "    if event == 'forked': time.sleep(1000)\n"
        "    answer(self, event, *told)\n"
        "ForkServer._answer = answer_ready\n"
        "fork_server.main()"
    ),
    "cannot fork": (
        "def fail():\n"
        "    raise OSError(11, 'Resource temporarily unavailable')\n"
        "fork_server.os.fork = fail\n"
        "fork_server.main()"
    ),
    "has no descriptors left": (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))\n"  # its own five, and two of three streams
        "fork_server.main()"
    ),
    "tells no PID": "ForkServer._fork = lambda self, order: self._answer('forked', ('pid', 'x')); fork_server.main()",
    "tells too much": (
        "ForkServer._fork = lambda self, order: say('version=1\\nevent=forked\\npid=1\\n\\n' * 2); fork_server.main()"
    ),
}


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have another program in the place of the fork server."""

    def be(program: str) -> None:
        path = tmp_path / "process" / "fork_server.py"
        path.parent.mkdir()
        path.write_text(textwrap.dedent(STRANGE.format(root=str(ROOT))) + program)
        monkeypatch.setattr(forking, "PROGRAM", path)
        monkeypatch.setattr(forking, "ANSWER_LIMIT_S", 0.7)

    return be


@pytest.mark.parametrize("kind", STRANGERS)
def test_whatever_the_server_does_the_start_is_one_start(
    den: ThrowAwayHome, forks: Forks, stranger: Callable[[str], None], kind: str
) -> None:
    stranger(STRANGERS[kind])
    den.forks = forks
    before = len(list(Path("/dev/fd").iterdir()))
    kept = Kept(den, build_spec())
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert kept.launched.is_child
    assert forks.find_server() is None
    wait_for(lambda: den.find_keepers() == [kept.keeper], "whoever was forked unheard has ended")
    assert den.find_servers() == [kept.pid]
    assert den.find_fork_servers() == []


SILENT = "keeper.main = lambda: time.sleep(1000)\nfork_server.main()"


@pytest.mark.parametrize("is_server_lost", [False, True])
def test_a_silent_forked_keeper_is_killed_and_its_server_not_asked_again(
    den: ThrowAwayHome,
    forks: Forks,
    stranger: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_server_lost: bool,
) -> None:
    stranger(SILENT)
    monkeypatch.setattr(launch_module, "HANDSHAKE_LIMIT_S", 0.3)
    monkeypatch.setattr(forking, "RETRY_S", 1000.0)
    den.forks = forks
    spec = build_spec()
    if is_server_lost:
        end = forks.end

        def lose(keeper: forking.Begun, *, is_silent: bool) -> bool:
            kill(forks.find_server() or 0)
            return end(keeper, is_silent=is_silent)

        monkeypatch.setattr(forks, "end", lose)
    with pytest.raises(KeeperLostError, match="ended without an answer"):
        Kept(den, spec)
    wait_for(lambda: not den.find_keepers(), "the keeper is gone")
    assert forks.find_server() is None
    assert Kept(den, replace(spec, run_id="run2")).launched.is_child


def test_a_keeper_that_dies_of_an_error_says_what_it_was(
    den: ThrowAwayHome, forks: Forks, stranger: Callable[[str], None]
) -> None:
    stranger("def fail():\n    raise RuntimeError('no luck')\nkeeper.main = fail\nfork_server.main()")
    den.forks = forks
    with pytest.raises(KeeperLostError, match="RuntimeError: no luck"):
        Kept(den, build_spec())
