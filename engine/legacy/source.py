"""Where llama-orchestrator keeps its things: the folder that a person names, looked through."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError, ConfigNotFoundError

_DATABASES = (Path("state") / "state.sqlite", Path("state.sqlite"))


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that did not come over, or not as it was."""

    subject: str
    """An instance, a file, or a table of the old database."""
    message: str


@dataclass(frozen=True, slots=True)
class OldConfig:
    """One readable ``instances/*/config.json``."""

    path: Path
    """Absolute."""
    raw: dict[str, object]

    @property
    def name(self) -> str:
        """What the instance was called: its own word, else its folder's name."""
        name = self.raw.get("name")
        return name if isinstance(name, str) and name else self.path.parent.name


@dataclass(frozen=True, slots=True)
class OldHome:
    """What lies in the folder."""

    folder: Path
    """Absolute."""
    database: Path | None
    configs: tuple[OldConfig, ...]
    """In the order of their folders' names."""
    unreadable: tuple[Remark, ...]
    """The configurations that give no instance, and why."""


def load_old_home(folder: Path) -> OldHome:
    """Look through the folder of llama-orchestrator, the one that holds ``state/`` and ``instances/``.

    Raises:
        ConfigNotFoundError: there is no such folder, or nothing of llama-orchestrator in it.
        ConfigError: the folder cannot be read.
    """
    root = folder.expanduser().absolute()
    if not root.is_dir():
        what = "is a file" if root.exists() else "no such folder"
        raise ConfigNotFoundError(f"{root}: {what}; name the folder of llama-orchestrator")
    try:
        database = next((root / path for path in _DATABASES if (root / path).is_file()), None)
        paths = sorted(root.glob("instances/*/config.json"))
    except OSError as error:
        raise ConfigError(f"{root}: cannot be read: {error.strerror}; make it a folder that you may read") from error
    if database is None and not paths:
        raise ConfigNotFoundError(
            f"{root}: neither state/state.sqlite nor instances/*/config.json is there;"
            " name the folder that holds state/ and instances/ of llama-orchestrator"
        )
    read = [_load_config(path, root) for path in paths]
    return OldHome(
        root,
        database,
        tuple(one for one in read if isinstance(one, OldConfig)),
        tuple(one for one in read if isinstance(one, Remark)),
    )


def _load_config(path: Path, root: Path) -> OldConfig | Remark:
    subject = str(path.relative_to(root))
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return Remark(subject, f"not imported: cannot be read: {(error.strerror or str(error)).lower()}")
    except UnicodeDecodeError:
        return Remark(subject, "not imported: not UTF-8; save it as UTF-8")
    except RecursionError:
        return Remark(subject, "not imported: nested too deeply")
    except ValueError as error:
        return Remark(subject, f"not imported: not valid JSON: {error}")
    if not isinstance(raw, dict):
        return Remark(subject, "not imported: holds no JSON object")
    return OldConfig(path, raw)
