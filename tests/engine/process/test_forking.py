"""The fork server: what it forks is like what is executed, and whatever becomes of it, a start is a start."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from engine.errors import BinaryNotFoundError
from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.process import forking
from engine.process.forking import Forks
from engine.process.launch import launch
from engine.process.validator import is_keeper
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import ThrowAwayHome, is_alive, is_gone, kill, wait_for

if sys.platform == "win32":
    pytest.skip("keepers are POSIX", allow_module_level=True)

ROOT = Path(__file__).parents[3]
INHERITED = re.compile(r"Sig(Blk|Ign|Cgt|Pnd)|Umask|Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp|(Cpus|Mems)_allowed")
"""Lines of /proc/PID/status that a process has from its parent, or has set itself."""
FORKED_LIMIT_BYTES = 2_500_000


@pytest.fixture
def forked(den: ThrowAwayHome, forks: Forks) -> Callable[..., Kept]:
    """Launch a run whose keeper is forked."""
    den.forks = forks

    def begin(name: str = "qwen", **changes: object) -> Kept:
        kept = Kept(den, build_spec("--ignore-term", name=name, **changes))
        assert not kept.launched.is_child
        return kept

    return begin


def server_of(forks: Forks) -> int:
    """The PID of the fork server that is there."""
    pid = forks.find_server()
    assert pid is not None
    return pid


def describe(pid: int) -> dict[str, object]:
    """What the system knows of a process, and what it has from its parent."""
    folder = Path("/proc") / str(pid)
    status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
    handles = [str(one.readlink()) for one in sorted((folder / "fd").iterdir(), key=lambda one: int(one.name))]
    return {
        "status": {key: value for key, value in status.items() if INHERITED.fullmatch(key)},
        "handles": [re.sub(r"\[\d+\]|qwen|gemma", "", handle) for handle in handles],
        "limits": (folder / "limits").read_text(),
        "cwd": (folder / "cwd").readlink(),
        "oom": (folder / "oom_score_adj").read_text(),
        "nice": os.getpriority(os.PRIO_PROCESS, pid),
        "leads": (os.getsid(pid) == pid, os.getpgid(pid) == pid),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_forked_keeper_is_like_an_executed_one(den: ThrowAwayHome, forked: Callable[..., Kept]) -> None:
    """Session, signals, descriptors, limits and folder: nothing is left of the process that it was forked from."""
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        first = forked()
        den.forks = None
        second = Kept(den, build_spec("--ignore-term", name="gemma"))
    finally:
        os.close(read_end)
        os.close(write_end)
    assert second.launched.is_child
    for kept in (first, second):
        kept.wait_until_ready()
    assert describe(first.keeper) == describe(second.keeper)


def test_a_forked_keeper_shows_its_own_token_and_name(den: ThrowAwayHome, forked: Callable[..., Kept]) -> None:
    """Orphans are found by the token, a keeper among them by its command line."""
    name = "a-long-name" * 5 + "-of-all63"
    first, second = forked(), forked(name, run_id="0123456789ab")
    for kept, token in ((first, "qwen:run1"), (second, f"{name}:0123456789ab")):
        process = psutil.Process(kept.keeper)
        assert process.environ() == {HOME_VARIABLE: str(den.home.state_dir), RUN_VARIABLE: token}
        assert is_keeper(process)
        assert process.cmdline()[-1].strip() == kept.spec.name
        assert psutil.Process(kept.pid).environ()[RUN_VARIABLE] == token
    server = psutil.Process(server_of(den.forks or Forks(den.home)))
    assert not is_keeper(server)
    assert server.environ() == {HOME_VARIABLE: str(den.home.state_dir), RUN_VARIABLE: ""}


@pytest.mark.parametrize(("name", "run_id"), [("n" * 65, "run1"), ("qwen", "r" * 200)])
def test_what_has_no_room_in_the_token_is_spawned(den: ThrowAwayHome, forks: Forks, name: str, run_id: str) -> None:
    den.forks = forks
    assert Kept(den, build_spec(name=name, run_id=run_id)).launched.is_child


def test_the_first_keeper_is_spawned_and_the_second_forked(den: ThrowAwayHome) -> None:
    with contextlib.closing(Forks(den.home)) as den.forks:
        assert Kept(den, build_spec()).launched.is_child
        assert den.forks.find_server() is None
        assert not Kept(den, build_spec(name="gemma")).launched.is_child


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_server_holds_nothing_but_its_leaders_socket(forks: Forks, forked: Callable[..., Kept]) -> None:
    forked()
    forked("gemma")
    folder = Path(f"/proc/{server_of(forks)}/fd")
    kinds = sorted(str(one.readlink()).partition(":[")[0] for one in folder.iterdir())
    assert kinds == ["/dev/null", "pipe", "pipe", "socket", "socket"]


def test_a_keeper_that_ends_is_collected_and_so_is_one_that_failed(
    den: ThrowAwayHome, forks: Forks, forked: Callable[..., Kept]
) -> None:
    kept = forked()
    kill(kept.pid)
    kept.wait_for_end()
    wait_for(lambda: not psutil.pid_exists(kept.keeper), "the keeper is collected")
    with pytest.raises(BinaryNotFoundError):
        launch(den.home, build_spec(argv=("/no/such/server",)), forks)
    assert psutil.Process(server_of(forks)).children() == []


def test_many_threads_launch_at_once(den: ThrowAwayHome, forks: Forks) -> None:
    den.forks = forks
    specs = [build_spec(name=f"i{number}", argv=("/bin/sleep", "1000"), port=None) for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        everybody = list(pool.map(lambda spec: Kept(den, spec), specs))
    assert not any(kept.launched.is_child for kept in everybody)
    assert len({kept.keeper for kept in everybody}) == len(specs)
    for kept in everybody:
        assert psutil.Process(kept.pid).environ()[RUN_VARIABLE] == f"{kept.spec.name}:run1"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_forked_keeper_has_little_memory_of_its_own(forked: Callable[..., Kept]) -> None:
    kept = forked()
    kept.wait_until_ready()
    assert psutil.Process(kept.keeper).memory_full_info().uss <= FORKED_LIMIT_BYTES


# -- the end of the server


def test_the_servers_end_ends_no_run_and_nothing_is_left_of_it(forks: Forks, forked: Callable[..., Kept]) -> None:
    kept = forked()
    server = server_of(forks)
    forks.close()
    forks.close()
    assert not psutil.pid_exists(server)
    assert kept.connect().run_id == "run1"
    assert is_alive(kept.pid)


def test_after_the_close_keepers_are_spawned(den: ThrowAwayHome, forks: Forks, forked: Callable[..., Kept]) -> None:
    forked()
    forks.close()
    assert Kept(den, build_spec(name="gemma")).launched.is_child
    assert forks.find_server() is None


def test_a_killed_leader_takes_its_fork_server_along_and_no_run(den: ThrowAwayHome) -> None:
    program = (
        "import os, signal, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from engine.paths import find_home\n"
        "from engine.process import forking\n"
        "from engine.process.launch import launch\n"
        "from engine.process.system import make_private_dir\n"
        "from tests.engine.process.keeping import build_spec\n"
        "forking.SPAWNED_FIRST = 0\n"
        "home = find_home({'LLAMA_ORCH_HOME': sys.argv[2]})\n"
        "make_private_dir(str(home.run_dir))\n"
        "forks = forking.Forks(home)\n"
        "launched = launch(home, build_spec(argv=('/bin/sleep', '1000'), port=None), forks)\n"
        "print(forks.find_server(), launched.keeper_pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    line = [sys.executable, "-c", program, str(ROOT), str(den.home.state_dir)]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=30)
    server, keeper = map(int, done.stdout.split())
    wait_for(lambda: is_gone(server), "the fork server is gone")
    assert is_alive(keeper)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_server_is_replaced_and_its_keepers_live_on(
    den: ThrowAwayHome, forks: Forks, forked: Callable[..., Kept], number: signal.Signals
) -> None:
    first = forked()
    server = server_of(forks)
    kill(server, number)
    wait_for(lambda: is_gone(server), "it is gone")
    assert Kept(den, build_spec(name="gemma")).launched.is_child
    assert not psutil.pid_exists(server)
    assert not Kept(den, build_spec(name="phi")).launched.is_child
    assert first.connect().run_id == "run1"
    first.stop(0.1)
    assert first.wait_for_end()["signal"] == "9"


def test_a_killed_server_is_collected_although_nobody_asks_it(forks: Forks, forked: Callable[..., Kept]) -> None:
    forked()
    server = server_of(forks)
    forks.collect()
    assert is_alive(server)
    kill(server)

    def is_collected() -> bool:
        forks.collect()
        return not psutil.pid_exists(server)

    wait_for(is_collected, "it is collected")


def test_a_frozen_server_is_done_without(
    den: ThrowAwayHome, forks: Forks, forked: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "ANSWER_LIMIT_S", 0.5)
    forked()
    server = server_of(forks)
    kill(server, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(server).status() == psutil.STATUS_STOPPED, "it is frozen")
    kept = Kept(den, build_spec(name="gemma"))
    assert kept.launched.is_child
    assert not psutil.pid_exists(server)
    assert len(den.find_keepers()) == 2
    assert not Kept(den, build_spec(name="phi")).launched.is_child


def test_a_failed_server_is_left_alone_for_a_while(
    den: ThrowAwayHome, forks: Forks, forked: Callable[..., Kept], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forking, "RETRY_S", 1000.0)
    forked()
    kill(server_of(forks))
    for name in ("gemma", "phi"):
        assert Kept(den, build_spec(name=name)).launched.is_child


# -- the program by itself


def test_everything_is_imported_before_the_first_fork() -> None:
    """The package may be replaced under a running server; and what is imported once is shared."""
    program = (
        "import os, socket, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from engine.process import fork_server, keeper\n"
        "before = set(sys.modules)\n"
        "def tell(who):\n"
        "    os.write(2, f'{who}: {sorted(set(sys.modules) - before)}\\n'.encode())\n"
        "shown = type('', (), {'write': lambda *_: None})()\n"
        "keeper.main = lambda: tell('keeper') or 0\n"
        "fork_server.ForkServer(socket.socket(fileno=0), shown).serve()\n"
        "try:\n"
        "    os.wait()\n"
        "except ChildProcessError:\n"
        "    pass  # it was collected already\n"
        "tell('server')\n"
    )
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    with (
        ours,
        os.fdopen(read_end) as said,
        subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program], stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=write_end
        ),
    ):
        theirs.close()
        socket.send_fds(ours, [b"order=fork\nname=a\nrun=b\n\n"], [write_end, write_end, write_end])
        os.close(write_end)
        ours.shutdown(socket.SHUT_WR)
        assert said.read().splitlines() == ["keeper: []", "server: []"]


def test_an_unknown_order_ends_the_server(forks: Forks, forked: Callable[..., Kept]) -> None:
    forked()
    server = server_of(forks)
    line = forks._line
    assert line is not None
    line.connection.sendall(b"order=dance\n\n")
    wait_for(lambda: is_gone(server), "it is gone")
