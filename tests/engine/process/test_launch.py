"""What a server is given at its start, what a keeper costs, and what becomes of every byte that a server writes."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.errors import KeeperLostError
from engine.paths import HOME_VARIABLE, RUN_VARIABLE
from engine.process.launch import launch
from engine.process.records import get_value, read_record
from engine.process.system import make_private_dir
from tests.engine.process.keeping import Kept, build_spec
from tests.fakes.homes import ThrowAwayHome, command_server, wait_for

if sys.platform == "win32":
    pytest.skip("keepers are POSIX", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("launcher")


ROOT = Path(__file__).parents[3]
KEEPER_LIMIT_BYTES = 6_000_000

TELL_ALL = """
import json, os, signal, sys
os.write(1, json.dumps({
    "argv": sys.argv[1:],
    "environ": dict(os.environ),
    "umask": os.umask(0),
    "cwd": os.getcwd(),
    "stdin": os.readlink("/proc/self/fd/0"),
    "handles": sorted(os.readlink(f"/proc/self/fd/{n}") for n in range(64) if os.path.exists(f"/proc/self/fd/{n}")),
    "status": dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line),
    "group": os.getpgrp() == os.getpid(),
}).encode())
"""


def tell_all(den: ThrowAwayHome, *arguments: str, **changes: object) -> dict[str, object]:
    """What a program sees of itself when a keeper executes it."""
    kept = Kept(den, build_spec(argv=(sys.executable, "-I", "-S", "-c", TELL_ALL, *arguments), port=None, **changes))
    kept.wait_for_end()
    told: dict[str, object] = json.loads(kept.read_log("stdout"))
    return told


def test_the_environment_is_what_was_given_and_the_token(den: ThrowAwayHome, tmp_path: Path) -> None:
    told = tell_all(den, env={"PATH": "/bin", "GIVEN": "two\nlines = é \udcff"}, cwd=str(tmp_path))
    environment = told["environ"]
    assert isinstance(environment, dict)
    environment.pop("LC_CTYPE", None)  # set by the program's own Python
    assert environment == {
        "PATH": "/bin",
        "GIVEN": "two\nlines = é \udcff",
        HOME_VARIABLE: str(den.home.state_dir),
        RUN_VARIABLE: "qwen:run1",
    }
    assert (told["umask"], told["cwd"], told["stdin"], told["group"]) == (0o077, str(tmp_path), "/dev/null", True)


def test_a_token_of_another_run_is_not_passed_on(den: ThrowAwayHome) -> None:
    """A supervisor that itself runs under a supervisor."""
    told = tell_all(den, env={HOME_VARIABLE: "/elsewhere", RUN_VARIABLE: "other:run9"})
    environment = told["environ"]
    assert isinstance(environment, dict)
    assert (environment[HOME_VARIABLE], environment[RUN_VARIABLE]) == (str(den.home.state_dir), "qwen:run1")


def test_arguments_arrive_byte_by_byte(den: ThrowAwayHome) -> None:
    arguments = ["", " ", "two\nlines", "back\\slash\\n", "é🐍", "\udcff\udc80", "--a=b=c"]
    assert tell_all(den, *arguments)["argv"] == arguments


def test_the_server_gets_default_signals_whatever_the_supervisor_ignores_or_blocks(den: ThrowAwayHome) -> None:
    """`nohup`, a background job of a shell and many a library leave signals ignored or blocked."""
    program = (
        "import os, signal, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\n"
        "from pathlib import Path\n"
        "from engine.paths import find_home\n"
        "from engine.process import forking\n"
        "from engine.process.launch import launch\n"
        "from tests.engine.process.keeping import build_spec\n"
        "from tests.engine.process.test_launch import TELL_ALL\n"
        "argv = (sys.executable, '-I', '-S', '-c', TELL_ALL)\n"
        "home, forking.SPAWNED_FIRST = find_home({'LLAMA_ORCH_HOME': sys.argv[2]}), 0\n"
        "forks = forking.Forks(home) if sys.argv[3] == 'forked' else None\n"
        "launched = launch(home, build_spec(argv=argv, port=None), forks)\n"
        "assert launched.is_child == (forks is None)\n"
    )
    make_private_dir(str(den.home.run_dir))
    way = "forked" if den.forks else "spawned"
    subprocess.run([sys.executable, "-c", program, str(ROOT), str(den.home.state_dir), way], check=True, timeout=30)
    log = den.home.instance_logs("qwen") / "stdout.log"
    wait_for(lambda: log.exists() and log.stat().st_size and den.home.exit_record("qwen").exists(), "the run is over")
    status = json.loads(log.read_bytes())["status"]
    # The program's own Python ignores two; 32 and 33 belong to the C library, which lets nobody set them.
    exempt = sum(1 << (number - 1) for number in (signal.SIGPIPE, signal.SIGXFSZ, 32, 33))
    assert int(status["SigBlk"], 16) == 0
    assert int(status["SigIgn"], 16) & ~exempt == 0


def test_the_server_inherits_no_descriptor_but_its_streams_and_the_lock(den: ThrowAwayHome) -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    try:
        handles = tell_all(den)["handles"]
    finally:
        os.close(read_end)
        os.close(write_end)
    assert isinstance(handles, list)
    kinds = [handle for handle in handles if not handle.startswith("pipe:")]
    assert kinds == ["/dev/null", str(den.home.instance_lock("qwen"))]
    assert len(handles) == 4


def test_a_run_folder_that_is_gone_is_named_and_may_be_tried_again(den: ThrowAwayHome) -> None:
    with pytest.raises(KeeperLostError, match=rf"No such file or directory \({den.home.run_dir} is gone\)"):
        launch(den.home, build_spec(), den.forks)


def test_what_is_wrong_with_a_file_of_ours_may_be_tried_again(den: ThrowAwayHome) -> None:
    make_private_dir(str(den.home.run_dir))
    den.home.instance_lock("qwen").mkdir()
    with pytest.raises(KeeperLostError, match=r"qwen\.lock: Is a directory"):
        launch(den.home, build_spec(), den.forks)


@pytest.mark.parametrize("granted", [0, 1])
def test_a_launch_without_descriptors_may_be_tried_again_and_leaks_none(
    den: ThrowAwayHome, monkeypatch: pytest.MonkeyPatch, granted: int
) -> None:
    make_private_dir(str(den.home.run_dir))
    pipe, left = os.pipe, [None] * granted

    def grant() -> tuple[int, int]:
        if not left:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        left.pop()
        return pipe()

    before = len(list(Path("/dev/fd").iterdir()))
    with monkeypatch.context() as patch:
        patch.setattr("os.pipe", grant)
        with pytest.raises(KeeperLostError, match="qwen: the keeper cannot be started: Too many open files"):
            launch(den.home, build_spec(), den.forks)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_log_files_hold_every_byte_of_a_flood(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec("--stdout-too", max_log_bytes=1_000_000, log_backups=20))
    kept.wait_until_ready()
    command_server(kept.spec.port or 0, do="lines", count=100_000)
    command_server(kept.spec.port or 0, do="text", text="\x00\x1b[31m\r\n\nno end")
    kept.stop(5.0)
    for stream in ("stdout", "stderr"):
        folder = den.home.instance_logs("qwen")
        pieces = sorted(
            folder.glob(f"{stream}.log*"), key=lambda path: -int(path.suffix[1:]) if path.suffix != ".log" else 0
        )
        assert len(pieces) > 2
        assert all(piece.stat().st_size <= 1_000_000 for piece in pieces)
        said = b"".join(piece.read_bytes() for piece in pieces)
        numbered = "".join(f"0.00.000.000 I fake        line: {number}\n" for number in range(1, 100_001))
        head = f"0.00.000.000 I srv  llama_server: listening on http://127.0.0.1:{kept.spec.port}\n"
        assert said == (head + numbered + "\x00\x1b[31m\r\n\nno end").encode()


def test_bytes_written_just_before_the_end_are_kept(den: ThrowAwayHome) -> None:
    program = "import os; os.write(1, b'x' * 60_000); os.write(2, b'last words'); os.abort()"
    kept = Kept(den, build_spec(argv=(sys.executable, "-I", "-S", "-c", program), port=None))
    assert kept.wait_for_end()["signal"] == "6"
    assert kept.read_log("stdout") == b"x" * 60_000
    assert kept.read_log("stderr").endswith(b"last words")


def test_a_secret_is_in_no_command_line_and_in_no_file(den: ThrowAwayHome) -> None:
    secret = "sk-" + "3f9a" * 8
    kept = Kept(den, build_spec(env={"PATH": os.environ["PATH"], "LLAMA_API_KEY": secret}))
    kept.wait_until_ready()

    def assert_hidden() -> None:
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except psutil.Error:
                continue
            assert secret not in " ".join(words)
        files = [path for path in den.home.state_dir.rglob("*") if path.is_file()]
        assert len(files) >= 4
        assert not [path for path in files if secret.encode() in path.read_bytes()]

    assert psutil.Process(kept.pid).environ()["LLAMA_API_KEY"] == secret
    assert "LLAMA_API_KEY" not in psutil.Process(kept.keeper).environ()
    assert_hidden()
    kept.stop(5.0)
    assert_hidden()


def test_everything_under_the_home_is_for_its_owner_only(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec(max_log_bytes=20_000))
    kept.wait_until_ready()
    command_server(kept.spec.port or 0, do="lines", count=2000)
    for _ in range(2):
        for path in den.home.state_dir.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # just rotated
                mode = path.lstat().st_mode
                wanted = 0o700 if stat.S_ISDIR(mode) or stat.S_ISSOCK(mode) else 0o600
                assert stat.S_IMODE(mode) == wanted, path
        if kept.is_locked():
            kept.stop(5.0)


def test_a_keeper_needs_at_most_six_megabytes_of_its_own(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    command_server(kept.spec.port or 0, do="lines", count=50_000)

    def read_private_bytes() -> int:
        rollup = Path(f"/proc/{kept.keeper}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Private_"))

    wait_for(lambda: read_private_bytes() <= KEEPER_LIMIT_BYTES, "what it read a flood with is given back")


def test_an_idle_keeper_uses_no_processor(den: ThrowAwayHome) -> None:
    kept = Kept(den, build_spec())
    kept.wait_until_ready()
    keeper = psutil.Process(kept.keeper)
    before = keeper.num_ctx_switches().voluntary
    times = keeper.cpu_times()
    record = den.home.run_record("qwen")
    for _ in range(2):  # two of its looks at its files, each seen by what it mends
        record.unlink()
        wait_for(record.exists, "the keeper has looked at its files", 3.0)
    assert keeper.num_ctx_switches().voluntary - before < 20
    assert sum(keeper.cpu_times()[:2]) - sum(times[:2]) <= 0.02


def test_the_keeper_imports_nothing_installed_and_nothing_heavy() -> None:
    """Each of these costs a tenth to a half of a megabyte; site-packages may be replaced under a running keeper."""
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "import engine.process.keeper\n"
        "print(' '.join(sorted(sys.modules)))\n"
        "print(' '.join(getattr(one, '__file__', None) or '' for one in list(sys.modules.values())))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    names, files = done.stdout.splitlines()
    heavy = {
        "re",
        "json",
        "logging",
        "dataclasses",
        "typing",
        "pathlib",
        "inspect",
        "subprocess",
        "threading",
        "psutil",
    }
    assert "engine.process.records" in names.split()
    assert not heavy & set(names.split())
    assert "site-packages" not in files


def test_a_socket_path_too_long_for_the_system_is_made_elsewhere(den: ThrowAwayHome) -> None:
    deep = den.home.state_dir / ("d" * 60) / ("e" * 60)
    home = type(den.home)(deep / "config.toml", deep, deep / "cache")
    make_private_dir(str(home.run_dir))
    socket_path = home.keeper_socket("qwen")
    assert not socket_path.is_relative_to(deep)
    launched = launch(home, build_spec(), den.forks)
    den.children.append(launched.keeper_pid)
    try:
        assert socket_path.is_socket()
        assert stat.S_IMODE(socket_path.parent.lstat().st_mode) == 0o700
    finally:
        os.kill(launched.keeper_pid, signal.SIGTERM)
        wait_for(lambda: get_value(read_record(str(home.exit_record("qwen"))), "run"), "the run is over")
    wait_for(lambda: not socket_path.exists(), "the socket is gone")


@pytest.mark.parametrize("link", [True, False])
def test_a_socket_folder_that_is_not_ours_alone_is_refused_or_closed(tmp_path: Path, *, link: bool) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    if link:
        (tmp_path / "link").symlink_to(folder)
        with pytest.raises(PermissionError):
            make_private_dir(str(tmp_path / "link"))
    else:
        make_private_dir(str(folder))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
