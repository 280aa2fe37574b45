"""The life of a run: lock, exit record, the polite stop and the kill, the tree, the keeper's own death."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from engine.errors import BinaryNotFoundError, StartFailedError
from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.process import launch as launch_module
from engine.process.launch import LockHeldError, build_spec_record, launch
from engine.process.records import encode_record, get_value, read_record
from engine.process.system import make_private_dir
from engine.process.watcher import connect_keeper
from tests.engine.process.keeping import Kept, build_spec, hear_to_the_end, list_run_files
from tests.fakes.homes import ThrowAwayHome, command_server, is_alive, is_gone, kill, wait_for

if sys.platform == "win32":
    pytest.skip("keepers are POSIX", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("launcher")


def test_a_keeper_whose_name_another_run_has_taken_ends_its_own(den: ThrowAwayHome) -> None:
    """Its lock file was deleted, and somebody was faster than its next look: of two servers one is left."""
    first = Kept(den, build_spec(run_id="run1"))
    shutil.rmtree(first.home.run_dir)
    second = Kept(den, build_spec(run_id="run2"))
    wait_for(lambda: is_gone(first.pid), "the first one is gone")
    assert is_alive(second.pid)
    assert second.is_locked()
    assert get_value(second.connect().greeting, "run") == "run2"


def test_the_lock_is_held_for_the_servers_life_and_free_after_it(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    assert kept.is_locked()
    kept.wait_until_ready()
    kept.stop(5.0)
    assert not kept.is_locked()
    wait_for(lambda: not den.find_processes(), "nothing is left")


def test_a_second_launch_is_refused_and_spawns_nothing(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    before = {one.pid for one in den.find_processes()}
    with pytest.raises(LockHeldError, match="qwen: another run still holds its lock"):
        launch(den.home, build_spec(run_id="run2"), den.forks)
    assert {one.pid for one in den.find_processes()} == before
    assert get_value(read_record(str(den.home.run_record("qwen"))), "run") == "run1"
    assert kept.connect().run_id == "run1"


def test_a_lock_that_is_only_looked_at_does_not_refuse_a_launch(den: ThrowAwayHome) -> None:
    """`ps` and a new leader look at locks all the time, and a look takes a shared lock for a moment."""
    make_private_dir(str(den.home.run_dir))
    lock = den.home.instance_lock("qwen")
    lock.touch()
    looker = (
        "import fcntl, os, sys\n"
        "handle = os.open(sys.argv[1], os.O_RDWR)\n"
        "while True:\n"
        "    fcntl.flock(handle, fcntl.LOCK_SH)\n"
        "    fcntl.flock(handle, fcntl.LOCK_UN)\n"
    )

    looking = subprocess.Popen([sys.executable, "-I", "-S", "-c", looker, str(lock)])
    try:
        for number in range(5):
            kept = Kept(den, build_spec("--exit-code", "0", run_id=f"run{number}"))
            wait_for(functools.partial(is_gone, kept.keeper), "the run is over")
    finally:
        looking.kill()
        looking.wait()


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_record_tells_the_code(den: ThrowAwayHome, code: int) -> None:
    kept = Kept(den, build_spec("--exit-code", str(code), port=None))
    end = kept.wait_for_end()
    assert (end["code"], end.get("signal"), end["intent"]) == (str(code), None, "")
    assert float(end["started_at"]) <= float(end["ended_at"]) <= time.time()
    assert int(end["max_rss_bytes"]) > 1_000_000


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_the_exit_record_tells_the_signal(den: ThrowAwayHome, number: signal.Signals) -> None:
    kept = Kept(den, build_spec())
    kill(kept.pid, number)
    end = kept.wait_for_end()
    assert (end["signal"], end.get("code"), end["intent"]) == (str(int(number)), None, "")


def test_a_stop_is_polite_and_its_record_says_who_asked(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    began = time.monotonic()
    heard = kept.stop(10.0, "restart")
    assert time.monotonic() - began < 8.0  # of a grace of 10
    assert [get_value(one, "event") for one in heard] == ["stopping"]
    end = kept.wait_for_end()
    assert (end["code"], end["intent"]) == ("0", "restart")


def test_after_half_of_the_grace_the_polite_signal_is_repeated(den: ThrowAwayHome) -> None:
    """llama-server with a stream in flight ends at the second one, with code 1."""
    program = (
        "import os, signal, sys, time\n"
        "heard = []\n"
        "def note(*_):\n"
        "    heard.append(time.monotonic())\n"
        "    if len(heard) == 2:\n"
        "        os.write(1, f'{heard[1] - heard[0]:.3f}'.encode())\n"
        "        os._exit(1)\n"
        "signal.signal(signal.SIGTERM, note)\n"
        "os.write(2, b'listening on\\n')\n"
        "while True:\n"
        "    signal.pause()\n"
    )
    kept = Kept(den, build_spec(argv=(sys.executable, "-I", "-S", "-c", program), port=None))
    kept.wait_until_ready()
    kept.stop(0.6)
    assert kept.wait_for_end()["code"] == "1"
    assert float(kept.read_log("stdout")) >= 0.25


def test_a_server_that_ignores_every_polite_signal_is_killed_after_its_grace(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--ignore-term"))
    kept.wait_until_ready()
    began = time.monotonic()
    heard = kept.stop(0.4)
    took_s = time.monotonic() - began
    assert [get_value(one, "event") for one in heard] == ["stopping", "killing"]
    assert took_s >= 0.4
    end = kept.wait_for_end()
    assert (end["signal"], end["intent"]) == ("9", "stop")


def test_a_second_stop_makes_the_grace_shorter_never_longer(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--ignore-term"))
    kept.wait_until_ready()
    line = kept.connect()
    for grace in ("60.0", "0.2", "60.0"):
        line.connection.sendall(encode_record([("order", "stop"), ("intent", "stop"), ("grace", grace)]))
    began = time.monotonic()
    hear_to_the_end(line)
    assert time.monotonic() - began < 20.0


def test_a_stopped_process_hears_the_polite_signal(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    kill(kept.pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(kept.pid).status() == psutil.STATUS_STOPPED, "the server is stopped")
    began = time.monotonic()
    kept.stop(10.0)
    assert time.monotonic() - began < 8.0
    assert kept.wait_for_end()["code"] == "0"


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_grandchild_in_a_session_of_its_own_is_swept(den: ThrowAwayHome, ending: str) -> None:
    kept = Kept(den, build_spec("--spawn-grandchild"))
    kept.wait_until_ready()
    (grandchild,) = psutil.Process(kept.pid).children(recursive=True)
    wait_for(lambda: os.getsid(grandchild.pid) == grandchild.pid, "the grandchild has left the session")
    if ending == "stop":
        kept.stop(1.0)
    else:
        kill(kept.pid)
    kept.wait_for_end()
    assert not is_alive(grandchild.pid)


def test_the_server_dies_with_its_keeper_and_the_lock_comes_free(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--ignore-term"))
    line = kept.connect()
    kill(kept.keeper)
    hear_to_the_end(line)
    wait_for(lambda: not is_alive(kept.pid), "the server is gone", 1.0)
    wait_for(lambda: not kept.is_locked(), "the lock is free", 1.0)
    assert read_record(str(den.home.exit_record("qwen"))) == []


def test_a_keeper_killed_at_any_moment_of_the_launch_leaves_no_server(den: ThrowAwayHome) -> None:
    """Before it forks, between fork and exec, after exec: the parent-death signal, or the look at the parent, acts."""
    make_private_dir(str(den.home.run_dir))
    chance = random.Random(5)  # noqa: S311 - moments, not secrets
    for number in range(12):
        spec = build_spec("--ignore-term", run_id=f"run{number}")
        environment = {HOME_VARIABLE: str(den.home.state_dir), RUN_VARIABLE: f"qwen:run{number}"}
        program = [sys.executable, "-I", "-S", str(Path(launch_module.__file__).with_name("keeper.py"))]
        with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as keeper:
            assert keeper.stdin is not None
            keeper.stdin.write(encode_record(build_spec_record(den.home, spec)))
            keeper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                keeper.wait(chance.uniform(0.0, 0.05))
            keeper.kill()
        wait_for(lambda: not den.find_processes(), "nothing of the run is left", 2.0)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        pytest.param(
            {"argv": ("/no/such/server",)}, BinaryNotFoundError, "/no/such/server: No such file", id="missing"
        ),
        pytest.param({"argv": (str(Path(__file__)),)}, BinaryNotFoundError, "Permission denied", id="not executable"),
        pytest.param({"argv": ("/",)}, BinaryNotFoundError, "Permission denied", id="a folder"),
        pytest.param({"cwd": "/no/such/folder"}, StartFailedError, "/no/such/folder: No such file", id="no folder"),
        pytest.param({"env": {"": "x"}}, StartFailedError, "Invalid argument", id="bad environment"),
        pytest.param({"argv": ("/bin/true", "a\0b")}, StartFailedError, "Invalid argument", id="NUL"),
        pytest.param({"argv": ("/bin/true", "x" * 3_000_000)}, StartFailedError, "too long", id="too long"),
    ],
)
def test_a_failed_exec_is_told_and_leaves_nothing_behind(
    den: ThrowAwayHome, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    make_private_dir(str(den.home.run_dir))
    with pytest.raises(error, match=words):
        launch(den.home, build_spec(**changes), den.forks)
    assert not den.find_processes()
    assert list_run_files(den) == ["qwen.keeper.err", "qwen.lock"]
    assert connect_keeper("qwen", den.home.keeper_socket("qwen")) is None
    Kept(den, build_spec())


def test_deleted_run_files_are_made_again(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    shutil.rmtree(den.home.run_dir)
    wait_for(lambda: kept.is_locked() and den.home.keeper_socket("qwen").exists(), "the files are there again", 3.0)
    assert get_value(read_record(str(den.home.run_record("qwen"))), "run") == "run1"
    with pytest.raises(LockHeldError):
        launch(den.home, build_spec(run_id="run2"), den.forks)
    kept.stop(5.0)
    assert kept.wait_for_end()["code"] == "0"


@pytest.mark.parametrize("file", ["qwen.ctl", "qwen.run"])
def test_a_single_deleted_run_file_is_made_again(den: ThrowAwayHome, file: str) -> None:
    """A cleaner may take the sockets' folder alone; a run that nobody reaches would be taken for an orphan."""
    kept = Kept(den, build_spec())
    path = den.home.run_dir / file
    path.unlink()
    wait_for(path.exists, f"{file} is there again", 3.0)
    assert kept.connect().run_id == "run1"


def test_the_end_is_recorded_also_right_after_the_run_folder_was_deleted(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--no-bind", port=None))
    line = kept.connect()
    shutil.rmtree(den.home.run_dir)
    kill(kept.pid)
    hear_to_the_end(line)
    assert get_value(read_record(str(den.home.exit_record("qwen"))), "signal") == "9"


def test_deleted_logs_are_written_on(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    shutil.rmtree(den.home.logs_dir)

    def is_written_again() -> bool:
        command_server(kept.spec.port or 0, do="lines", count=1)
        return b"line:" in kept.read_log()

    wait_for(is_written_again, "the log is there again", 3.0)


def test_a_tethered_run_ends_with_its_leaders_connection_and_with_no_other(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec(is_tethered=True))
    kept.wait_until_ready()
    leader, other = kept.connect(), kept.connect()
    leader.connection.sendall(encode_record([("order", "lead")]))
    other.connection.close()
    third = kept.connect()  # greeted: the keeper has heard by now that the other one went
    assert is_alive(kept.pid)
    leader.connection.close()
    heard = hear_to_the_end(third)
    assert [get_value(one, "intent") for one in heard] == ["tether"]
    assert kept.wait_for_end()["intent"] == "tether"


def test_the_last_tethered_run_removes_its_home(den: ThrowAwayHome) -> None:
    first = Kept(den, build_spec(is_tethered=True, removes_home=True))
    second = Kept(den, build_spec(is_tethered=True, removes_home=True, name="gemma"))
    for kept in (first, second):
        kept.wait_until_ready()
    lines = [kept.connect() for kept in (first, second)]
    for line in lines:
        line.connection.sendall(encode_record([("order", "lead")]))
    lines[0].connection.close()
    wait_for(lambda: not first.is_locked(), "the first has ended")
    assert is_alive(second.pid)
    assert den.home.state_dir.exists()
    lines[1].connection.close()
    wait_for(lambda: not den.home.state_dir.exists(), "the home is gone")


def test_a_shutdown_signal_to_the_keeper_stops_its_server_politely(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    kill(kept.keeper, signal.SIGTERM)
    end = kept.wait_for_end()
    assert (end["code"], end["intent"]) == ("0", "signal")


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"order=stop\ngrace=soon\n\n", id="no number"),
        pytest.param(b"order=stop\ngrace=nan\n\n", id="nan"),
        pytest.param(b"order=stop\ngrace=-1\n\n", id="negative"),
        pytest.param(b"order=dance\nlater=1\n\n", id="an order of a later version"),
        pytest.param(b"\xff\xfe\n\n\n\n=\n\n", id="bytes"),
    ],
)
def test_a_client_that_makes_no_sense_hurts_nobody(den: ThrowAwayHome, noise: bytes) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    line = kept.connect()
    line.connection.sendall(noise)
    assert kept.connect().run_id == "run1"
    kept.connect()
    assert is_alive(kept.pid)
    kept.stop(5.0)
    line.connection.close()
    assert kept.wait_for_end()["code"] == "0"


def test_a_crowd_of_clients_does_not_make_a_busy_keeper_look_dead(den: ThrowAwayHome) -> None:
    """More than the listener's queue holds: a run that cannot be reached would be killed as an orphan."""
    kept = Kept(den, build_spec())
    kill(kept.keeper, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(kept.keeper).status() == psutil.STATUS_STOPPED, "the keeper is stopped")
    with ThreadPoolExecutor(40) as pool:
        lines = [pool.submit(connect_keeper, "qwen", den.home.keeper_socket("qwen")) for _ in range(40)]
        began = time.monotonic()
        wait_for(lambda: time.monotonic() - began > 0.3, "they all wait")
        kill(kept.keeper, signal.SIGCONT)
        answers = [one.result() for one in lines]
    for line in answers:
        assert line is not None
        line.connection.close()
