"""Locks between real processes: one holder at a time, who it is, and what the kernel says when records lie."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from engine.errors import ExitCode, LeaderTimeoutError, LockUnsupportedError
from engine.locking import Holder, KernelLock, Note, config_lock, instance_lock, judge_holder, supervisor_lock
from engine.paths import HOME_VARIABLE, Home, find_home
from engine.process.records import write_record
from engine.times import format_time
from tests.fakes.waiting import wait_until

if sys.platform == "win32":
    pytest.skip("this version does not supervise on Windows", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from pathlib import Path
from engine.locking import KernelLock
lock = KernelLock(Path(sys.argv[1]), "daemon")
lock.acquire(10.0)
print("held", flush=True)
sys.stdin.readline()
lock.release()
print("free", flush=True)
sys.stdin.readline()
"""
COUNT = """
import sys
from pathlib import Path
from engine.locking import KernelLock
lock, counter = KernelLock(Path(sys.argv[1]), "cli"), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with lock.holding(30.0):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
REFUSE = """
import ctypes, errno, platform, struct, sys
from pathlib import Path
from engine.errors import LockUnsupportedError
from engine.locking import KernelLock
flock, failure = {"x86_64": 73, "aarch64": 32}[platform.machine()], getattr(errno, sys.argv[2])
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, flock), (0x06, 0, 0, 0x00050000 | failure), (0x06, 0, 0, 0x7FFF0000)]
program = b"".join(struct.pack("HBBI", *rule) for rule in rules)
held = ctypes.create_string_buffer(program, len(program))
class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.c_void_p)]
libc = ctypes.CDLL(None)
asked = Filter(len(rules), ctypes.addressof(held))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, ctypes.byref(asked)) == 0
lock = KernelLock(Path(sys.argv[1]), "cli")
for attempt in (lock.try_acquire, lambda: lock.acquire(5.0)):
    try:
        attempt()
    except LockUnsupportedError as error:
        print(error)
"""
"""Has the kernel answer flock(2) as a file system without locks does, and tries to lock then."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return find_home({HOME_VARIABLE: str(tmp_path / "home")})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


def start(stack: ExitStack, program: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a program with the engine at hand; killed at the end of the test."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.enter_context(child)
    stack.callback(child.kill)
    return child


def start_holder(stack: ExitStack, path: Path) -> subprocess.Popen[str]:
    """A process that holds the lock, until it is told to let go."""
    child = start(stack, HOLD, str(path))
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def let_go(child: subprocess.Popen[str]) -> None:
    """Have a holder give the lock back; it lives on."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.readline() == "free\n"


def test_processes_in_parallel_hold_it_one_at_a_time(home: Home, tmp_path: Path, stack: ExitStack) -> None:
    """Six processes count up in one file, 40 times each: with two inside at once a count would be lost."""
    counter = tmp_path / "counter"
    counter.write_text("0")
    children = [start(stack, COUNT, str(home.config_lock), str(counter), "40") for _ in range(6)]
    assert [child.wait(60) for child in children] == [0] * 6
    assert counter.read_text() == "240"


def test_a_timeout_names_the_holder_its_kind_and_since_when(home: Home, stack: ExitStack) -> None:
    before = time.time()
    child = start_holder(stack, home.supervisor_lock)
    with pytest.raises(LeaderTimeoutError) as caught:
        supervisor_lock(home, "cli").acquire(0.1)
    error = caught.value
    assert error.exit_code is ExitCode.LEADER_TIMEOUT
    assert error.holder == child.pid
    assert error.since is not None
    assert before <= error.since <= time.time()
    assert str(home.supervisor_lock) in str(error)
    assert f"PID {child.pid} (daemon), since {format_time(error.since)}" in str(error)


def test_waiting_ends_when_the_holder_lets_go_and_not_before(home: Home, stack: ExitStack) -> None:
    child = start_holder(stack, home.config_lock)
    lock = config_lock(home, "cli")
    assert not lock.try_acquire()
    let_go(child)
    assert lock.find_holder() is None
    lock.acquire(5.0)
    assert lock.is_held
    holder = lock.find_holder()
    assert holder is not None
    assert (holder.pid, holder.kind) == (os.getpid(), "cli")
    lock.release()
    assert not lock.is_held


def test_a_killed_holder_leaves_a_record_and_no_lock(home: Home, stack: ExitStack) -> None:
    child = start_holder(stack, home.supervisor_lock)
    child.kill()
    child.wait()
    assert f"pid={child.pid}" in home.supervisor_lock.read_text()
    lock = supervisor_lock(home, "dashboard")
    assert lock.find_holder() is None
    assert lock.try_acquire()
    lock.release()


def test_a_stale_leader_record_is_not_taken_for_the_holder(home: Home, stack: ExitStack) -> None:
    """The record of a dead leader lies there, and somebody who left no note holds the lock."""
    dead = subprocess.Popen([sys.executable, "-I", "-S", "-c", ""])
    dead.wait()
    home.run_dir.mkdir(parents=True)
    write_record(
        str(home.leader_record), [("pid", str(dead.pid)), ("kind", "daemon"), ("since", repr(time.time() - 60))]
    )
    child = start_holder(stack, home.supervisor_lock)
    home.supervisor_lock.write_text("")
    holder = supervisor_lock(home, "cli").find_holder()
    assert holder is not None
    assert holder.stale_pid == dead.pid
    assert holder.pid == (child.pid if sys.platform == "linux" else None)
    assert f"the record of PID {dead.pid} is stale" in holder.describe()


def test_the_leader_record_tells_what_the_lock_file_does_not(home: Home, stack: ExitStack) -> None:
    child = start_holder(stack, home.supervisor_lock)
    home.supervisor_lock.write_text("")  # as under a leader of another version
    since = time.time()
    home.run_dir.mkdir()
    write_record(str(home.leader_record), [("pid", str(child.pid)), ("kind", "daemon"), ("since", repr(since))])
    assert supervisor_lock(home, "cli").find_holder() == Holder(child.pid, "daemon", since)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who took a lock")
def test_an_instance_lock_that_outlived_its_keeper_is_told_as_such(home: Home, stack: ExitStack) -> None:
    """The lock is inherited: the kernel names who took it, who is gone, while a child of his holds it still."""
    home.run_dir.mkdir(parents=True)
    program = (
        "import fcntl, os, sys, time\n"
        "handle = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(handle, fcntl.LOCK_EX)\n"
        "if os.fork():\n"
        "    os._exit(0)\n"
        "sys.stdin.readline()\n"
    )
    keeper = start(stack, program, str(home.instance_lock("qwen")))
    keeper.wait()
    since = time.time()
    write_record(str(home.run_record("qwen")), [("keeper_pid", str(keeper.pid)), ("started_at", repr(since))])
    lock = instance_lock(home, "qwen", "cli")
    holder = lock.find_holder()
    assert holder == Holder(keeper.pid, "keeper", since, is_gone=True)
    assert "something that PID" in holder.describe()
    assert keeper.stdin is not None
    keeper.stdin.close()
    assert wait_until(lambda: lock.find_holder() is None)


def test_a_replaced_lock_file_is_noticed(home: Home) -> None:
    lock = supervisor_lock(home, "daemon")
    assert not lock.is_same()
    lock.acquire(1.0)
    assert lock.is_same()
    home.supervisor_lock.unlink()
    assert not lock.is_same()
    home.supervisor_lock.touch()
    assert not lock.is_same()
    lock.release()


def test_giving_back_takes_the_note_and_leaves_the_file(home: Home) -> None:
    """Whoever held it once and lives on must not be taken for the holder, where the kernel does not tell."""
    lock = config_lock(home, "cli")
    with lock.holding(1.0):
        assert f"pid={os.getpid()}" in home.config_lock.read_text()
        inode = home.config_lock.stat().st_ino
    assert home.config_lock.read_text() == ""
    assert home.config_lock.stat().st_ino == inode
    assert home.config_lock.stat().st_mode & 0o777 == 0o600
    lock.release()  # once too often is no error


def test_a_look_at_the_lock_does_not_time_anybody_out(home: Home, stack: ExitStack) -> None:
    """`ps` shares a lock for a moment to see whether it is held."""
    lock = config_lock(home, "cli")
    lock.acquire(1.0)
    lock.release()
    looker = (
        "import fcntl, os, sys\n"
        "handle = os.open(sys.argv[1], os.O_RDWR)\n"
        "print(flush=True)\n"
        "while True:\n"
        "    fcntl.flock(handle, fcntl.LOCK_SH)\n"
        "    fcntl.flock(handle, fcntl.LOCK_UN)\n"
    )
    child = start(stack, looker, str(home.config_lock))
    assert child.stdout is not None
    child.stdout.readline()
    for _ in range(50):
        lock.acquire(5.0)
        lock.release()


@pytest.mark.parametrize("timeout_s", [-1.0, float("nan")])
def test_a_timeout_that_would_mean_for_ever_is_refused(home: Home, timeout_s: float) -> None:
    with pytest.raises(ValueError, match="give zero or more seconds"):
        config_lock(home, "cli").acquire(timeout_s)


@pytest.mark.skipif(sys.platform != "linux", reason="a system call filter makes the fault")
@pytest.mark.parametrize("fault", ["ENOLCK", "ENOSYS", "ENOTSUP"])
def test_a_file_system_without_locks_is_said_with_path_and_fix(home: Home, fault: str) -> None:
    """And no marker file stands in for the lock: it would stay behind when its holder is killed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", REFUSE, str(home.supervisor_lock), fault],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 2
    for line in said:
        assert line.startswith(f"{home.supervisor_lock}: this file system cannot lock files (")
        assert "LLAMA_ORCH_HOME=DIR" in line
    assert {path.name for path in home.state_dir.iterdir()} == {"supervisor.lock"}
    assert home.supervisor_lock.stat().st_size == 0


def test_what_is_no_lock_fault_stays_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder.lock").mkdir()
    with pytest.raises(OSError, match=r"folder\.lock") as caught:
        KernelLock(tmp_path / "folder.lock", "cli").try_acquire()
    assert not isinstance(caught.value, LockUnsupportedError)


NOTES = [Note(pid, "daemon", 5.0, is_alive) for pid, is_alive in itertools.product((7, 8), (True, False))]


KERNELS = [None, *(frozenset(pids) for pids in ((), (7,), (7, 9), (9,)))]
LIVING = [frozenset(pids) for pids in ((), (7,), (9,), (7, 9))]


@pytest.mark.parametrize("notes", [(), *itertools.product(NOTES), *itertools.product(NOTES, NOTES)])
def test_the_kernel_is_believed_before_any_record(notes: tuple[Note, ...]) -> None:
    written = {note.pid for note in notes}
    for kernel, living in itertools.product(KERNELS, LIVING):
        holder = judge_holder(notes, kernel, living)
        if kernel is None:
            assert holder.pid in {None, *(note.pid for note in notes if note.is_alive)}
            assert (holder.pid is None) == (not any(note.is_alive for note in notes))
            assert not holder.is_gone
        elif not kernel:
            assert holder.pid is None
        else:
            assert holder.pid in kernel
            assert (holder.since is None) == (not written & kernel)
            assert holder.is_gone == (holder.pid not in living)
        if holder.stale_pid is not None:
            assert holder.stale_pid in written - {holder.pid}
            assert holder.since is None


def test_a_reused_pid_is_not_taken_for_the_writer_of_a_note(home: Home, stack: ExitStack) -> None:
    """This very process is younger than a note that names its PID."""
    child = start_holder(stack, home.config_lock)
    began = psutil.Process().create_time()
    note = f"pid={os.getpid()}\nkind=cli\nsince={began - 3600}\n\n"
    home.config_lock.write_text(note)
    holder = config_lock(home, "cli").find_holder()
    assert holder is not None
    assert holder.pid != os.getpid()
    assert holder.stale_pid == os.getpid()
    assert child.poll() is None
