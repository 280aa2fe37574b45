"""What installing or removing a service comes to: files and commands, as values. Nothing here touches the system."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.paths import HOME_VARIABLE, Home

SERVICE = "llama-orch-tui"
STOP_LIMIT_S = 30
"""What a service manager waits for: longer than the daemon's own time-out."""
KEPT_VARIABLES = ("PATH", HOME_VARIABLE, "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
"""What a service needs to find the same server program and the same folders as the console of its operator."""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a service is made of."""

    argv: tuple[str, ...]
    """The daemon's command line; every part is an absolute path or an argument of ours."""
    environment: tuple[tuple[str, str], ...]
    """The PATH that `binary = "auto"` is looked up on, and what says where the folders are."""
    state_dir: Path
    user: str
    user_id: int
    user_home: Path
    config_home: Path
    """Where this user's programs keep their configuration."""
    is_system: bool
    """For the whole machine, from boot on; else for this user, from login on."""


@dataclass(frozen=True, slots=True)
class WriteFile:
    """Put this text at this path."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class RemoveFile:
    """Take the file away; nothing when it is not there."""

    path: Path


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Execute a program."""

    argv: tuple[str, ...]
    may_fail: bool = False
    """True for what finds its work done already, such as stopping what does not run."""
    hint: str = ""
    """What to do when it fails."""


Step = WriteFile | RemoveFile | RunCommand


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in their order, then words for the operator."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()


def gather_facts(home: Home, environ: Mapping[str, str], user: str, user_id: int, *, is_system: bool) -> ServiceFacts:
    """The facts of this installation.

    Raises:
        UsageError: a path or PATH holds a character that no service file can carry.
    """
    kept = {name: environ[name] for name in KEPT_VARIABLES if environ.get(name)}
    if HOME_VARIABLE in kept:
        kept[HOME_VARIABLE] = str(home.state_dir)  # absolute, whatever folder was meant from here
    argv = (sys.executable, "-P", "-m", "llama_orch_tui", "daemon", "run")
    for text in (*argv, *kept.values()):
        if any(not character.isprintable() for character in text):
            raise UsageError(f"{text!r}: no service file can carry its control characters; choose another path")
    return ServiceFacts(
        argv=argv,
        environment=tuple(kept.items()),
        state_dir=home.state_dir,
        user=user,
        user_id=user_id,
        user_home=Path.home(),
        config_home=Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"),
        is_system=is_system,
    )
