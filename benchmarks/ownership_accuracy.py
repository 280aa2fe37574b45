"""Does the process validator tell ours from everything else? Real processes of every kind, right and wrong per kind.

Prints one line per kind and ends with 1 when a single judgement is wrong. `COUNT` processes of each kind; a number as
argument takes its place. As root there are processes of another user, too.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from engine.config.redact import redact_argv
from engine.paths import HOME_VARIABLE, RUN_VARIABLE, Home, find_home
from engine.process import system
from engine.process.launch import LaunchSpec, launch
from engine.process.records import Record, read_record
from engine.process.validator import Verdict, find_orphaned_processes, find_token_carriers, validate_process

COUNT = 20
NOBODY = 65534
IS_ROOT = hasattr(os, "getuid") and os.getuid() == 0
DEADLINE_S = 20.0
SLEEP = [shutil.which("sleep") or "/bin/sleep", "600"]
PAUSE = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
PARENT = [sys.executable, "-I", "-S", "-c", "import os, signal; os.fork(); signal.pause()"]
LISTEN = [
    *PAUSE[:-1],
    "import signal, socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.listen(); signal.pause()",
]


@dataclass(frozen=True, slots=True)
class Case:
    """One record, and what is true of the process it names."""

    name: str
    record: Record
    verdict: Verdict
    is_ours: bool = False
    orphans: tuple[int, ...] = ()
    """PIDs to be found as orphans."""
    orphans_name: str = ""
    """The instance that they are found for, when it is another than `name`."""
    stranger_pid: int | None = None
    """Who sits on its port."""
    also: Verdict | None = None
    """Equally true: a dead process is gone as soon as somebody collects it."""
    user: int | None = None
    """Judged with the rights of this user."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How the judgements about one kind came out."""

    kind: str
    right: int
    wrong: tuple[str, ...]
    """What was said, and what had been true."""


@dataclass
class Scene:
    """A throw-away home with processes in and around it."""

    home: Home
    cleanup: contextlib.ExitStack
    dead_pid: int = 0
    number: int = 0
    keepers: list[int] = field(default_factory=list)

    def next_name(self, kind: str) -> str:
        """An instance name of its own."""
        self.number += 1
        return f"{kind}{self.number}"

    def token(self, name: str, *, home: str = "", run: str = "run1") -> dict[str, str]:
        """The environment that carries an instance's token."""
        return {HOME_VARIABLE: home or str(self.home.state_dir), RUN_VARIABLE: f"{name}:{run}"}

    def spawn(self, argv: list[str], env: dict[str, str], **options: object) -> subprocess.Popen[bytes]:
        """A process that nobody keeps; gone at the end."""
        child: subprocess.Popen[bytes] = subprocess.Popen(argv, env=env, **options)  # type: ignore[call-overload]
        self.cleanup.callback(child.wait)
        self.cleanup.callback(child.kill)
        return child

    def keep(self, name: str, argv: list[str]) -> Record:
        """A run under a real keeper; its run record."""
        spec = LaunchSpec(
            name=name,
            run_id="run1",
            argv=tuple(argv),
            env={"PATH": os.environ["PATH"]},
            shown=shlex.join(redact_argv(argv)),
            cwd="/",
            host="",
            port=None,
            binary=argv[0],
            stop_grace_s=1.0,
            max_log_bytes=100_000,
            log_backups=1,
        )
        self.keepers.append(launch(self.home, spec).keeper_pid)
        return read_record(str(self.home.run_record(name)))

    def kill_keeper(self) -> None:
        """Kill the newest keeper with -9 and collect it."""
        keeper = self.keepers.pop()
        psutil.Process(keeper).kill()
        os.waitpid(keeper, 0)

    def write_record(self, pid: int, argv: list[str], **changes: str) -> Record:
        """The run record of a process that runs now, whose keeper is dead."""
        told = {
            "run": "run1",
            "keeper_pid": str(self.dead_pid),
            "pid": str(pid),
            "start_ticks": str(system.read_start_ticks(pid) or ""),
            "boot_id": system.read_boot_id(),
            "started_at": repr(psutil.Process(pid).create_time()),
            "shown": shlex.join(redact_argv(argv)),
            "host": "127.0.0.1",
            "port": "",
        }
        return list((told | changes).items())


@contextlib.contextmanager
def make_scene() -> Iterator[Scene]:
    """An empty scene, with nothing left of it at the end."""
    with contextlib.ExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="lorch-own-"))
        scene = Scene(find_home({HOME_VARIABLE: folder}), cleanup)
        system.make_private_dir(str(scene.home.run_dir))
        with subprocess.Popen([*PAUSE[:-1], ""]) as dead:
            scene.dead_pid = dead.pid
        try:
            yield scene
        finally:
            while scene.keepers:
                scene.kill_keeper()
            wait_for(lambda: not kill_carriers(scene.home), "nothing is left")


def kill_carriers(home: Home) -> int:
    """Kill what carries the home's token; how many processes that were."""
    carriers = list(find_token_carriers(home))
    for carrier in carriers:
        with contextlib.suppress(psutil.NoSuchProcess):
            carrier.process.kill()
    return len(carriers)


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Look until it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S:g} s: {what}"
        time.sleep(0.002)


def is_alive(process: psutil.Process) -> bool:
    """True while it runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


# -- the kinds


def make_kept(scene: Scene) -> Case:
    """A run under its keeper, with a secret on its command line."""
    name = scene.next_name("kept")
    return Case(name, scene.keep(name, [*PAUSE, "--api-key", f"secret-of-{name}"]), Verdict.OURS, is_ours=True)


def make_scripted(scene: Scene) -> Case:
    """A server that is a script: the system puts its interpreter in front."""
    name = scene.next_name("scripted")
    script = write_script(scene, name, f"#!{sys.executable} -IS\nimport signal\nsignal.pause()\n")
    record = scene.keep(name, [str(script), "--port", "8081"])
    return Case(name, record, Verdict.OURS, is_ours=True)


def make_wrapped(scene: Scene) -> Case:
    """A wrapper that has executed another program under the keeper: named, and still ours."""
    name = scene.next_name("wrapped")
    script = write_script(scene, name, f"#!/bin/sh\nexec {shlex.join(SLEEP)}\n")
    record = scene.keep(name, [str(script)])
    pid = int(dict(record)["pid"])
    wait_for(lambda: psutil.Process(pid).cmdline() == SLEEP, "the wrapper has executed")
    return Case(name, record, Verdict.CHANGED_COMMAND, is_ours=True)


def write_script(scene: Scene, name: str, text: str) -> Path:
    """An executable script in the home."""
    script = scene.home.state_dir / f"{name}.script"
    script.write_text(text)
    script.chmod(0o700)
    return script


def make_other_home(scene: Scene) -> Case:
    """The same name and run, of another home."""
    name = scene.next_name("elsewhere")
    child = scene.spawn(SLEEP, scene.token(name, home=f"{scene.home.state_dir}-other"))
    return Case(name, scene.write_record(child.pid, SLEEP), Verdict.STRANGER)


def make_other_name(scene: Scene) -> Case:
    """Another instance of this home. It is an orphan, of that other instance."""
    name = scene.next_name("other")
    child = scene.spawn(SLEEP, scene.token(f"{name}x"))
    record = scene.write_record(child.pid, SLEEP)
    return Case(name, record, Verdict.STRANGER, orphans=(child.pid,), orphans_name=f"{name}x")


def make_other_run(scene: Scene) -> Case:
    """An earlier run of the same instance."""
    name = scene.next_name("earlier")
    child = scene.spawn(SLEEP, scene.token(name, run="run0"))
    return Case(name, scene.write_record(child.pid, SLEEP), Verdict.STRANGER, orphans=(child.pid,))


def make_no_token(scene: Scene) -> Case:
    """A server that somebody else started."""
    child = scene.spawn(SLEEP, {})
    return Case(scene.next_name("bare"), scene.write_record(child.pid, SLEEP), Verdict.STRANGER)


def make_half_token(scene: Scene) -> Case:
    """What a shell that has the home's variable set starts."""
    child = scene.spawn(SLEEP, {HOME_VARIABLE: str(scene.home.state_dir)})
    return Case(scene.next_name("half"), scene.write_record(child.pid, SLEEP), Verdict.STRANGER)


def make_zombie(scene: Scene) -> Case:
    """Ended, and not collected."""
    name = scene.next_name("zombie")
    child = scene.spawn(SLEEP, scene.token(name))
    record = scene.write_record(child.pid, SLEEP)
    child.kill()
    wait_for(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE, "it is a zombie")
    return Case(name, record, Verdict.ZOMBIE)


def make_gone(scene: Scene) -> Case:
    """Ended and collected."""
    name = scene.next_name("gone")
    child = scene.spawn(SLEEP, scene.token(name))
    record = scene.write_record(child.pid, SLEEP)
    child.kill()
    child.wait()
    return Case(name, record, Verdict.GONE)


def make_reused(scene: Scene) -> Case:
    """Everything as recorded but the moment of its start: what a reused PID looks like."""
    name = scene.next_name("reused")
    child = scene.spawn(SLEEP, scene.token(name))
    ticks = str((system.read_start_ticks(child.pid) or 1) - 1)
    began = repr(psutil.Process(child.pid).create_time() - 60)
    record = scene.write_record(child.pid, SLEEP, start_ticks=ticks, started_at=began)
    return Case(name, record, Verdict.REUSED_PID, orphans=(child.pid,))


def make_rebooted(scene: Scene) -> Case:
    """A record from before the machine was booted."""
    name = scene.next_name("rebooted")
    child = scene.spawn(SLEEP, scene.token(name))
    record = scene.write_record(child.pid, SLEEP, boot_id="another-boot")
    return Case(name, record, Verdict.REUSED_PID, orphans=(child.pid,))


def make_changed(scene: Scene) -> Case:
    """The recorded process has executed another program, and nobody keeps it."""
    name = scene.next_name("changed")
    argv = ["/bin/sh", "-c", f"exec {shlex.join(SLEEP)}"]
    child = scene.spawn(argv, scene.token(name))
    wait_for(lambda: psutil.Process(child.pid).cmdline() == SLEEP, "it has executed")
    return Case(name, scene.write_record(child.pid, argv), Verdict.CHANGED_COMMAND, orphans=(child.pid,))


def make_unsure(scene: Scene) -> Case:
    """A record that does not tell when its process began."""
    name = scene.next_name("unsure")
    child = scene.spawn(SLEEP, scene.token(name))
    record = scene.write_record(child.pid, SLEEP, start_ticks="", boot_id="", started_at="")
    return Case(name, record, Verdict.UNSURE, orphans=(child.pid,))


def make_orphan(scene: Scene) -> Case:
    """Everything as recorded, and no keeper."""
    name = scene.next_name("orphan")
    child = scene.spawn(SLEEP, scene.token(name))
    return Case(name, scene.write_record(child.pid, SLEEP), Verdict.ORPHAN, is_ours=True, orphans=(child.pid,))


def make_keeper_killed(scene: Scene) -> Case:
    """A keeper killed with -9: its server dies with it (where the system can), a grandchild does not."""
    name = scene.next_name("unkept")
    record = scene.keep(name, PARENT)
    server = psutil.Process(int(dict(record)["pid"]))
    wait_for(lambda: bool(server.children()), "the grandchild is there")
    grandchild = server.children()[0].pid
    scene.kill_keeper()
    if sys.platform == "linux":
        wait_for(lambda: not is_alive(server), "the server is gone")
        return Case(name, record, Verdict.GONE, also=Verdict.ZOMBIE, orphans=(grandchild,))
    return Case(name, record, Verdict.ORPHAN, is_ours=True, orphans=(server.pid, grandchild))


def make_stranger_on_port(scene: Scene) -> Case:
    """Ours is gone, and somebody else's server answers on its port."""
    gone = make_gone(scene)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        child = scene.spawn([*LISTEN, str(bound.fileno())], {}, pass_fds=(bound.fileno(),))
    connections = psutil.Process(child.pid).net_connections
    wait_for(lambda: any(one.status == psutil.CONN_LISTEN for one in connections()), "the stranger listens")
    record = [pair for pair in gone.record if pair[0] != "port"] + [("port", str(port))]
    return Case(gone.name, record, Verdict.GONE, stranger_pid=child.pid)


def make_other_user(scene: Scene) -> Case:
    """Another user's process that carries our token: anybody can write one."""
    name = scene.next_name("foreign")
    child = scene.spawn(SLEEP, scene.token(name), user=NOBODY)
    return Case(name, scene.write_record(child.pid, SLEEP), Verdict.STRANGER)


def make_no_access(scene: Scene) -> Case:
    """A process that whoever judges may not look into."""
    name = scene.next_name("closed")
    if not IS_ROOT:
        return Case(name, scene.write_record(1, SLEEP), Verdict.NO_ACCESS)
    child = scene.spawn(SLEEP, {})
    return Case(name, scene.write_record(child.pid, SLEEP), Verdict.NO_ACCESS, user=NOBODY)


KINDS: dict[str, Callable[[Scene], Case]] = {
    "ours, under its keeper": make_kept,
    "ours, a script": make_scripted,
    "ours, a wrapper that executed": make_wrapped,
    "ours, its keeper gone": make_orphan,
    "keeper killed with -9": make_keeper_killed,
    "another home": make_other_home,
    "another instance": make_other_name,
    "another run": make_other_run,
    "no token": make_no_token,
    "half a token": make_half_token,
    "zombie": make_zombie,
    "gone": make_gone,
    "reused PID": make_reused,
    "before the last boot": make_rebooted,
    "changed command line": make_changed,
    "start not on record": make_unsure,
    "stranger on the port": make_stranger_on_port,
    "no access": make_no_access,
    **({"another user": make_other_user} if IS_ROOT else {}),
}


# -- judging


def measure(count: int) -> list[Tally]:
    """Make `count` processes of every kind, judge them all at once, and compare with what is true of them."""
    with make_scene() as scene:
        cases = {kind: [make(scene) for _ in range(count)] for kind, make in KINDS.items()}
        found = {one.pid: one.name for one in find_orphaned_processes(scene.home)}
        return [_tally(scene, kind, made, found) for kind, made in cases.items()]


def _tally(scene: Scene, kind: str, cases: list[Case], found: dict[int, str]) -> Tally:
    wrong = tuple(fault for case in cases if (fault := _find_fault(scene, case, found)))
    return Tally(kind, len(cases) - len(wrong), wrong)


def _find_fault(scene: Scene, case: Case, found: dict[int, str]) -> str:
    """What was judged wrong about a case; empty when nothing was."""
    with acting_as(case.user):
        judged = validate_process(scene.home, case.name, case.record)
    concerned = {judged.pid, case.stranger_pid, *case.orphans}
    orphans = {pid: name for pid, name in found.items() if pid in concerned or name == case.name}
    told = (judged.verdict, judged.is_ours, judged.facts.stranger_pid, orphans)
    truly_orphans = dict.fromkeys(case.orphans, case.orphans_name or case.name)
    verdict = judged.verdict if judged.verdict is case.also else case.verdict
    true = (verdict, case.is_ours, case.stranger_pid, truly_orphans)
    is_secret_told = "secret-of" in f"{judged}"
    return "" if told == true and not is_secret_told else f"{judged.reason}: told {told}, true is {true}"


@contextlib.contextmanager
def acting_as(user: int | None) -> Iterator[None]:
    """Have the rights of another user for a block."""
    if sys.platform == "win32" or user is None:
        yield
        return
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


def main() -> int:
    """Measure and print; 1 when anything was judged wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    began = time.monotonic()
    tallies = measure(count)
    for tally in tallies:
        print(f"{tally.kind:<32} right {tally.right:4}  wrong {len(tally.wrong):4}")
        for fault in tally.wrong[:3]:
            print(f"    {fault}")
    right, wrong = sum(tally.right for tally in tallies), sum(len(tally.wrong) for tally in tallies)
    print(f"{'all':<32} right {right:4}  wrong {wrong:4}   in {time.monotonic() - began:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
