"""The keeper: the small detached process that owns one run of one instance.

Run as ``python -I -S keeper.py`` with the launch specification on standard input; it answers on standard output
whether its server was executed, then lives until the server's whole tree is gone. Everything is imported before the
server is spawned, so that an upgrade of the package underneath is harmless. One thread, one selector, no polling but a
look once a second at whether its files are still there.

Order at the end of a run, on which everybody else relies: tree killed, pipes drained, exit record in place, socket
removed, lock freed, then the control connections close with the process.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"  # tells the type checker which half of the world this is

import os
import select
import selectors
import signal
import socket
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from engine.process import posix
from engine.process.handshake import answer, read_spec
from engine.process.outputs import READ_BYTES, Outputs
from engine.process.records import (
    VERSION,
    Record,
    RecordReader,
    encode_record,
    get_value,
    get_values,
    is_spoken,
)
from engine.process.reservation import remove_home
from engine.process.run_files import LOOKED_AT_S, RunFiles

CHECK_PERIOD_S = 1.0
HANDLE_LIMIT = 1 << 16
SECOND_SIGNAL_SHARE = 0.5
"""Part of the grace after which the polite signal is repeated: llama-server ends its streams at the second one."""
SWEEP_LIMIT_S = 5.0
TETHER_LIMIT_S = 15.0
"""A tethered keeper that no leader has spoken to by then stops its server."""
TETHER_GRACE_S = 2.0


class Client:
    """One control connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.reader = RecordReader()
        self.is_leader = False


class Keeper:
    """Owns the server, its pipes, its lock, its records and the control socket. Single-threaded."""

    def __init__(self, spec: Record, lock: int) -> None:
        self.spec = spec
        self.name = get_value(spec, "name")
        self.run = get_value(spec, "run")
        self.grace_s = float(get_value(spec, "grace", "10"))
        self.is_tethered = get_value(spec, "tether") == "1"
        self.clients: list[Client] = []
        self.selector = selectors.DefaultSelector()
        self.intent = ""
        self.kill_at: float | None = None
        self.second_at: float | None = None
        self.leader_due: float | None = time.monotonic() + TETHER_LIMIT_S if self.is_tethered else None
        self.check_at = time.monotonic() + CHECK_PERIOD_S
        self.outputs = Outputs(spec, self.selector)
        self.pid = 0
        self.started_at = 0.0
        self.birth: Record = []
        self.is_terminated = False
        self.files = RunFiles(spec, lock, self.selector)

    # -- the start

    def start(self) -> Record:
        """Execute the server; the answer for whoever launched us.

        Raises:
            OSError: exec, or what comes before it, failed; the file name says what. Nothing is left on disk.
        """
        try:
            self.files.make()
            self.execute()
        except OSError:
            self.files.discard()
            raise
        self.files.record_run(self.describe())
        return self.describe()

    def execute(self) -> None:
        """Make the pipes and execute the server.

        Raises:
            OSError: as `start`.
        """
        ends = self.outputs.open()
        environment = dict(pair.partition("=")[::2] for pair in get_values(self.spec, "env"))
        self.wake_read, wake_write = os.pipe()
        for end in (self.wake_read, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self.note_termination)
        os.set_inheritable(self.files.lock, True)
        self.pid = posix.spawn_server(
            get_values(self.spec, "arg"),
            environment,
            get_value(self.spec, "cwd", "/"),
            int(get_value(self.spec, "umask", "63")),
            ends,
        )
        self.started_at = time.time()
        self.birth = [("start_ticks", str(posix.read_start_ticks(self.pid) or "")), ("boot_id", posix.read_boot_id())]
        os.set_inheritable(self.files.lock, False)
        for write_end in ends:
            os.close(write_end)
        self.selector.register(self.wake_read, selectors.EVENT_READ)

    def note_termination(self, *_: object) -> None:
        """The system asks us to end (at shutdown): handled by the loop, not here between any two lines of it."""
        self.is_terminated = True

    def describe(self) -> Record:
        """The run record: what a leader needs to adopt this run."""
        return [
            ("version", str(VERSION)),
            ("event", "stopping" if self.intent else "running"),
            ("name", self.name),
            ("run", self.run),
            ("keeper_pid", str(os.getpid())),
            ("pid", str(self.pid)),
            *self.birth,
            ("started_at", repr(self.started_at)),
            ("intent", self.intent),
            *[pair for pair in self.spec if pair[0] in ("host", "port", "binary", "binary_version", "shown")],
        ]

    # -- the life

    def watch(self) -> None:
        """Serve until the server has ended."""
        while not posix.has_ended(self.pid):
            for key, _ in self.selector.select(self.wait_s()):
                self.serve(key.fd, key.data)
            self.act_on_time(time.monotonic())
            if breath_s := self.outputs.take_breath():
                select.select([self.wake_read], [], [], breath_s)

    def serve(self, handle: int, client: Client | None) -> None:
        """One descriptor is ready: a pipe, a client, the listener or the signal pipe."""
        if client is not None:
            self.hear(client)
        elif self.outputs.owns(handle):
            self.outputs.pump(handle)
        elif handle == self.wake_read:
            os.read(self.wake_read, 4096)
        else:
            self.accept()

    def wait_s(self) -> float:
        """Seconds until something is due by time."""
        moments = [self.check_at, self.kill_at, self.second_at, self.leader_due, self.outputs.deadline()]
        return max(0.0, min([moment for moment in moments if moment is not None]) - time.monotonic())

    def act_on_time(self, now: float) -> None:
        """Whatever is due at `now` (monotonic seconds)."""
        self.outputs.flush_due(now)
        if self.is_terminated:
            self.stop("signal", self.grace_s)
        if self.second_at is not None and self.second_at <= now:
            self.second_at = None
            posix.signal_group(self.pid, signal.SIGTERM)
        if self.kill_at is not None and self.kill_at <= now:
            self.kill_at = None
            self.tell([("version", str(VERSION)), ("event", "killing"), ("name", self.name), ("run", self.run)])
            posix.signal_group(self.pid, signal.SIGKILL)
        if self.leader_due is not None and self.leader_due <= now:
            self.leader_due = None
            self.stop("tether", min(self.grace_s, TETHER_GRACE_S))
        if self.check_at <= now:
            self.check_at = now + CHECK_PERIOD_S
            self.check_files()
            self.outputs.look_after()
            self.tell_news()

    def check_files(self) -> None:
        """Make our files again when somebody deleted them under us."""
        try:
            self.files.restore(self.describe())
            if self.files.is_superseded(self.run):
                self.stop("orphan", self.grace_s)
        except OSError as error:
            print(f"{self.name}: files cannot be made again: {error}", file=sys.stderr, flush=True)

    def tell_news(self) -> None:
        """Tell a leader what became of the log; while nobody leads it waits, for the exit record at the latest."""
        if any(client.is_leader for client in self.clients):
            for record in self.outputs.gather_news(time.monotonic()):
                self.tell([*record, ("name", self.name), ("run", self.run)])

    # -- the control channel

    def accept(self) -> None:
        """Greet whoever connects with the run record."""
        connection = self.files.accept()
        if connection is None:
            return
        client = Client(connection)
        self.clients.append(client)
        self.selector.register(connection, selectors.EVENT_READ, client)
        self.send(client, self.describe())

    def hear(self, client: Client) -> None:
        """What a client says, or that it went."""
        try:
            data = client.connection.recv(READ_BYTES)
            records = client.reader.feed(data)
        except BlockingIOError:
            return
        except (OSError, ValueError):
            data, records = b"", []
        try:
            for record in records:
                self.obey(client, record)
        except ValueError:
            data = b""  # whoever talks nonsense is hung up on
        if not data:
            self.drop(client)

    def obey(self, client: Client, record: Record) -> None:
        """Carry out one control message; an unknown one is of a later version and means nothing here.

        Raises:
            ValueError: a stop whose grace is no number of seconds.
        """
        order = get_value(record, "order")
        if order == "lead":
            client.is_leader = True
            self.leader_due = None
        elif order == "stop":
            grace_s = float(get_value(record, "grace", str(self.grace_s)))
            if not grace_s >= 0:  # also true of NaN
                raise ValueError(f"grace {grace_s}")
            self.stop(get_value(record, "intent", "stop"), grace_s)

    def send(self, client: Client, record: Record) -> None:
        """Tell one client; one that does not read is dropped, it finds the records on disk."""
        try:
            client.connection.sendall(encode_record(record))
        except OSError:
            self.drop(client)

    def tell(self, record: Record) -> None:
        """Tell every client."""
        for client in list(self.clients):
            self.send(client, record)

    def drop(self, client: Client) -> None:
        """Forget a client. A tethered run ends with its leader."""
        if client not in self.clients:
            return
        self.clients.remove(client)
        self.selector.unregister(client.connection)
        client.connection.close()
        if self.is_tethered and client.is_leader and not any(one.is_leader for one in self.clients):
            self.stop("tether", min(self.grace_s, TETHER_GRACE_S))

    # -- the end

    def stop(self, intent: str, grace_s: float) -> None:
        """Ask the server to end; signal again after half of `grace_s` seconds, kill after all of it.

        A stop that is under way is only ever made shorter.
        """
        now = time.monotonic()
        if not self.intent:
            self.intent = intent
            self.second_at = now + grace_s * SECOND_SIGNAL_SHARE
            self.kill_at = now + grace_s
            posix.signal_group(self.pid, signal.SIGTERM)
            posix.signal_group(self.pid, signal.SIGCONT)  # a stopped process hears nothing but this
            self.tell(self.describe())
        elif self.kill_at is not None:
            self.kill_at = min(self.kill_at, now + grace_s)

    def finish(self) -> None:
        """Kill what is left of the tree, save the last bytes, write the exit record and free the lock."""
        posix.signal_group(self.pid, signal.SIGKILL)
        code, usage = posix.reap(self.pid)
        ended_at = time.time()
        leftover = posix.sweep_children(SWEEP_LIMIT_S)
        self.outputs.finish()
        untold = self.outputs.gather_news(time.monotonic(), is_end=True)
        self.check_files()
        self.files.finish(
            [
                ("version", str(VERSION)),
                ("name", self.name),
                ("run", self.run),
                ("pid", str(self.pid)),
                ("started_at", repr(self.started_at)),
                ("ended_at", repr(ended_at)),
                ("code" if code >= 0 else "signal", str(abs(code))),
                ("intent", self.intent),
                ("user_s", repr(usage.ru_utime)),
                ("system_s", repr(usage.ru_stime)),
                ("max_rss_bytes", str(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))),
                *[("leftover", str(pid)) for pid in leftover],
                *[(get_value(record, "event"), get_value(record, "message")) for record in untold],
            ]
        )
        if not self.intent:  # news: the system would give our memory back first, which takes longer than all of this
            for client in self.clients:
                client.connection.close()


def main() -> int:
    """Take the lock, keep one server until its end. 0 after a whole run, 1 when there was none."""
    os.closerange(3, HANDLE_LIMIT)  # what a shell or a build tool left open would stay open for the model's life
    spec = read_spec()
    speaks = is_spoken(spec)  # it does not when the program was replaced under a leader that still runs
    for number in posix.IGNORED_BY_KEEPER:
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.chdir("/")
    try:
        lock = posix.take_lock(get_value(spec, "lock"), LOOKED_AT_S) if speaks else None
        if lock is None:
            answer([("event", "refused"), ("reason", "locked" if speaks else "version")])
            return 1
        posix.become_subreaper()
        keeper = Keeper(spec, lock)
        started = keeper.start()
    except OSError as error:
        answer([("event", "failed"), ("errno", str(error.errno)), ("file", str(error.filename or ""))])
        return 1
    answer(started)
    keeper.watch()
    keeper.finish()
    if folder := get_value(spec, "remove_home"):
        remove_home(folder, get_value(spec, "lock"))
    return 0


if __name__ == "__main__":
    status = main()
    os._exit(status)  # the interpreter's own farewell would only keep the watchers waiting
