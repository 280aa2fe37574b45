"""Everything that can go wrong on purpose, and the exit code each error ends a command with.

The tree, so that a caller sees what to catch::

    EngineError                     exit 1   anything of ours
    ├── UsageError                  exit 2   a request that makes no sense
    ├── UnsupportedSystemError      exit 1   an operating system that cannot be supervised yet
    ├── LockUnsupportedError        exit 1   a file system without locks
    ├── LogError                    exit 1   a log that cannot be read
    ├── CrashReportError            exit 1   a crash report that cannot be read
    ├── ConfigError                 exit 11  the configuration file is wrong (carries every problem)
    │   └── ConfigNotFoundError     exit 10  a configuration file named by the user is not there
    ├── NoSuchInstanceError         exit 13
    │   └── NoSuchProfileError      exit 13
    ├── InstanceExistsError         exit 14
    ├── NotRunningError             exit 20
    ├── AlreadyRunningError         exit 21
    ├── UnhealthyError              exit 22  started, but not ready in time
    ├── StartFailedError            exit 30
    │   ├── KeeperLostError         exit 30  the keeper was gone before it told what became of a start
    │   ├── BinaryNotFoundError     exit 50
    │   ├── ModelNotFoundError      exit 54
    │   └── PortInUseError          exit 40
    ├── StopFailedError             exit 31
    ├── KeeperVersionError          exit 31  a run whose keeper is of a version that this one cannot talk with
    ├── LeaderTimeoutError          exit 33  the lock or the leader did not answer
    ├── LeaderVersionError          exit 33  the leader is of a release that this one cannot talk with
    ├── StateError                  exit 34  state.sqlite is damaged, or newer than this program
    └── DaemonError                 exit 60 … 63, given when raised

A message always reads *who: what; what to do about it*.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means; the same in every command."""

    OK = 0
    GENERAL = 1
    USAGE = 2
    CONFIG_NOT_FOUND = 10
    CONFIG_INVALID = 11
    NO_SUCH_INSTANCE = 13
    INSTANCE_EXISTS = 14
    NOT_RUNNING = 20
    ALREADY_RUNNING = 21
    UNHEALTHY = 22
    START_FAILED = 30
    STOP_FAILED = 31
    LEADER_TIMEOUT = 33
    STATE_DAMAGED = 34
    PORT_IN_USE = 40
    BINARY_NOT_FOUND = 50
    MODEL_NOT_FOUND = 54
    DAEMON_NOT_RUNNING = 60
    DAEMON_ALREADY_RUNNING = 61
    DAEMON_START_FAILED = 62
    DAEMON_STOP_FAILED = 63


EXIT_CODE_MEANINGS: dict[ExitCode, str] = {
    ExitCode.OK: "ok",
    ExitCode.GENERAL: "general error",
    ExitCode.USAGE: "wrong usage",
    ExitCode.CONFIG_NOT_FOUND: "configuration not found",
    ExitCode.CONFIG_INVALID: "configuration invalid",
    ExitCode.NO_SUCH_INSTANCE: "no such instance, or profile",
    ExitCode.INSTANCE_EXISTS: "instance exists already",
    ExitCode.NOT_RUNNING: "not running",
    ExitCode.ALREADY_RUNNING: "already running",
    ExitCode.UNHEALTHY: "unhealthy, or not ready in time",
    ExitCode.START_FAILED: "start failed",
    ExitCode.STOP_FAILED: "stop failed",
    ExitCode.LEADER_TIMEOUT: "the lock or the leader did not answer in time",
    ExitCode.STATE_DAMAGED: "the state database is damaged, or newer than this program",
    ExitCode.PORT_IN_USE: "port in use",
    ExitCode.BINARY_NOT_FOUND: "server binary not found",
    ExitCode.MODEL_NOT_FOUND: "model not found",
    ExitCode.DAEMON_NOT_RUNNING: "daemon not running",
    ExitCode.DAEMON_ALREADY_RUNNING: "daemon already running",
    ExitCode.DAEMON_START_FAILED: "daemon start failed",
    ExitCode.DAEMON_STOP_FAILED: "daemon stop failed",
}
"""One phrase for each code, printed in ``--help`` and in the docs."""


class EngineError(Exception):
    """Anything that this program says no with; catch it to catch them all."""

    exit_code: ExitCode = ExitCode.GENERAL


class UsageError(EngineError):
    """A request that makes no sense as asked."""

    exit_code = ExitCode.USAGE


class UnsupportedSystemError(EngineError):
    """This operating system cannot be supervised by this version."""


class LockUnsupportedError(EngineError):
    """The file system of the state folder knows no locks: nothing would keep two supervisors apart."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path}: this file system cannot lock files ({reason}); put the state folder on a local disk, "
            "for one with LLAMA_ORCH_HOME=DIR"
        )
        self.path = path
        self.reason = reason


class CrashReportError(EngineError):
    """A crash report that is there and cannot be read."""


class LogError(EngineError):
    """A log folder or file that the system does not let us read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: cannot be read: {reason}; make it readable for this user, or move it away")
        self.path = path
        self.reason = reason


class ConfigError(EngineError):
    """The configuration file is wrong; the message holds every problem, one a line."""

    exit_code = ExitCode.CONFIG_INVALID


class ConfigNotFoundError(ConfigError):
    """A configuration file that the user named is not there."""

    exit_code = ExitCode.CONFIG_NOT_FOUND


class NoSuchInstanceError(EngineError):
    """A name that the configuration does not know."""

    exit_code = ExitCode.NO_SUCH_INSTANCE

    def __init__(self, name: str, close: tuple[str, ...] = ()) -> None:
        hint = f"; did you mean {' or '.join(close)}?" if close else "; `ps` lists the instances"
        super().__init__(f"{name}: no such instance{hint}")
        self.name = name


class NoSuchProfileError(NoSuchInstanceError):
    """A profile that the configuration does not know."""

    def __init__(self, name: str, known: tuple[str, ...] = ()) -> None:
        hint = f"the profiles are {', '.join(known)}" if known else "a table [profiles.NAME] in the file makes one"
        EngineError.__init__(self, f"{name}: no such profile; {hint}")
        self.name = name


class InstanceExistsError(EngineError):
    """A name that is taken, compared without case."""

    exit_code = ExitCode.INSTANCE_EXISTS


class NotRunningError(EngineError):
    """Everything that was to be stopped is stopped already."""

    exit_code = ExitCode.NOT_RUNNING


class AlreadyRunningError(EngineError):
    """Everything that was to be started runs already."""

    exit_code = ExitCode.ALREADY_RUNNING


class UnhealthyError(EngineError):
    """Started, but not ready in time."""

    exit_code = ExitCode.UNHEALTHY


class StartFailedError(EngineError):
    """A server that could not be executed, or that ended at once."""

    exit_code = ExitCode.START_FAILED


class KeeperLostError(StartFailedError):
    """No keeper, or one that was gone before it told what became of a start: the next try may go well."""


class BinaryNotFoundError(StartFailedError):
    """No server program to run."""

    exit_code = ExitCode.BINARY_NOT_FOUND


class ModelNotFoundError(StartFailedError):
    """The model file is missing or unreadable."""

    exit_code = ExitCode.MODEL_NOT_FOUND

    def __init__(self, instance: str, path: str, reason: str = "no such file") -> None:
        super().__init__(
            f"{instance}: model {path}: {reason}; correct `model` in [instances.{instance}], or fetch the file"
        )
        self.instance = instance
        self.path = path


class PortInUseError(StartFailedError):
    """Another process holds the instance's port."""

    exit_code = ExitCode.PORT_IN_USE

    def __init__(self, instance: str, port: int, holder: str) -> None:
        super().__init__(f'{instance}: port {port} is held by {holder}; pick another, or port = "auto"')
        self.instance = instance
        self.port = port
        self.holder = holder


class StopFailedError(EngineError):
    """A server that outlived even the kill."""

    exit_code = ExitCode.STOP_FAILED


class KeeperVersionError(EngineError):
    """A run whose keeper is of a version that this one cannot talk with: it is left alone."""

    exit_code = ExitCode.STOP_FAILED


class LeaderTimeoutError(EngineError):
    """The supervisor lock or the leader did not answer in time."""

    exit_code = ExitCode.LEADER_TIMEOUT

    def __init__(self, message: str, *, holder: int | None = None, since: float | None = None) -> None:
        """`holder` is the PID of who holds the lock, `since` when he took it (wall clock); None when not known."""
        super().__init__(message)
        self.holder = holder
        self.since = since


class LeaderVersionError(EngineError):
    """The leader is of a release that this one cannot talk with: its answers would not be understood."""

    exit_code = ExitCode.LEADER_TIMEOUT


class StateError(EngineError):
    """The state database is damaged, or written by a newer version."""

    exit_code = ExitCode.STATE_DAMAGED


class DaemonError(EngineError):
    """The daemon is not, or is already, or could not be what was asked."""

    def __init__(self, exit_code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
