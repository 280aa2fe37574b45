"""One run under a real keeper, in a throw-away home, with its control connection in hand."""

from __future__ import annotations

import contextlib
import os
import select
import time
from dataclasses import replace
from typing import Any

from engine.process import system
from engine.process.launch import Launched, LaunchSpec, launch
from engine.process.records import Record, RecordReader, encode_record, get_value, read_record
from engine.process.system import make_private_dir
from engine.process.watcher import KeeperLine, connect_keeper
from tests.fakes.homes import DEADLINE_S, ThrowAwayHome, fake_command, free_port, wait_for


def build_spec(*flags: str, **changes: Any) -> LaunchSpec:  # noqa: ANN401 - any field of the specification
    """A launch of the stand-in server on a free port; `changes` are fields of the specification."""
    port = changes.get("port", free_port())
    spec = LaunchSpec(
        name="qwen",
        run_id="run1",
        argv=tuple(fake_command(*flags, port=str(port or ""))),
        env={"PATH": os.environ["PATH"]},
        shown="fake",
        cwd="/",
        host="127.0.0.1",
        port=port,
        binary="fake",
        stop_grace_s=5.0,
        max_log_bytes=10_000_000,
        log_backups=3,
    )
    return replace(spec, **changes)


class Kept:
    """A launched run. The home's end ends it, if the test does not."""

    def __init__(self, den: ThrowAwayHome, spec: LaunchSpec) -> None:
        self.den = den
        self.home = den.home
        self.spec = spec
        make_private_dir(str(self.home.run_dir))
        self.launched: Launched = launch(self.home, spec, den.forks)
        self.keeper = self.launched.keeper_pid
        self.pid = int(get_value(self.launched.greeting, "pid"))
        den.children.append(self.keeper)
        self.lock = str(self.home.instance_lock(spec.name))
        self.reader = RecordReader()

    def connect(self) -> KeeperLine:
        """A control connection, greeted; closed with the home."""
        line = connect_keeper(self.spec.name, self.home.keeper_socket(self.spec.name))
        assert line is not None, "the keeper does not answer"
        self.den.open_things.enter_context(contextlib.closing(line.connection))
        return line

    def stop(self, grace_s: float, intent: str = "stop") -> list[Record]:
        """Ask for the end, wait for it; everything the keeper said meanwhile."""
        line = self.connect()
        line.connection.sendall(encode_record([("order", "stop"), ("intent", intent), ("grace", repr(grace_s))]))
        return hear_to_the_end(line)

    def wait_until_ready(self) -> None:
        """Wait until the stand-in says that it listens; from then on a polite signal ends it with 0."""
        wait_for(lambda: b"listening on" in self.read_log(), "the server is ready")

    def read_log(self, stream: str = "stderr") -> bytes:
        """The current file of one stream."""
        path = self.home.instance_logs(self.spec.name) / f"{stream}.log"
        return path.read_bytes() if path.exists() else b""

    def is_locked(self) -> bool:
        """True while the instance's lock is held."""
        return system.is_locked(self.lock)

    def wait_for_end(self) -> dict[str, str]:
        """The exit record, once the lock is free; every single value by its key."""
        wait_for(lambda: not self.is_locked(), "the lock is free")
        record = read_record(str(self.home.exit_record(self.spec.name)))
        assert get_value(record, "run") == self.spec.run_id, record
        return dict(record)


def hear_to_the_end(line: KeeperLine) -> list[Record]:
    """What a keeper says until it hangs up; the connection is closed then."""
    reader = RecordReader()
    heard: list[Record] = []
    deadline = time.monotonic() + DEADLINE_S
    try:
        while select.select([line.connection], [], [], max(0.0, deadline - time.monotonic()))[0]:
            try:
                data = line.connection.recv(65536)
            except ConnectionResetError:
                return heard
            if not data:
                return heard
            heard += reader.feed(data)
    finally:
        line.connection.close()
    raise AssertionError(f"the keeper did not hang up; it said {heard}")


def list_run_files(den: ThrowAwayHome) -> list[str]:
    """What lies in the run folder."""
    return sorted(path.name for path in den.home.run_dir.iterdir())
