"""Files that an old configuration names, found on this machine."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

_SERVER_FILES = ("llama-server.exe", "llama-server") if os.name == "nt" else ("llama-server", "bin/llama-server")


@dataclass(frozen=True, slots=True)
class Place:
    """An absolute path, written as config.toml wants it, and what is doubtful about it."""

    path: str
    doubt: str = ""


def find_file(text: str, config_folder: Path, root: Path) -> Place:
    """The file that `text` means: absolute, or relative to the configuration's folder or else to llama-orchestrator's.

    A file that is nowhere is taken to lie relative to the configuration's folder.
    """
    if os.name != "nt" and PureWindowsPath(text).drive:
        return Place(_escape(text), f"{text} is a path of Windows; correct it by hand")
    if os.name != "nt" and "\\" in text and not (config_folder / text).exists():
        text = text.replace("\\", "/")
    candidates = [Path(os.path.normpath(base / text)) for base in dict.fromkeys((config_folder, root))]
    found = next((path for path in candidates if path.exists()), None)
    if found is not None:
        return Place(_escape(str(found)))
    places = list(dict.fromkeys(map(str, candidates)))
    return Place(_escape(places[0]), f"no such file: {'neither ' * (len(places) - 1)}{' nor '.join(places)}")


def find_script(text: str, config_folder: Path, root: Path, environ: Mapping[str, str]) -> str | None:
    """The one program that a custom check executed; None when it was a line for a shell, or is not there."""
    if not text or any(sign in text for sign in " \t\n{}|&;<>()$`\"'*?"):
        return None
    place = find_file(text, config_folder, root)
    if not place.doubt:
        return place.path
    found = shutil.which(text, path=environ.get("PATH", ""))
    return _escape(str(Path(found).absolute())) if found else None


def find_server(binary: Mapping[str, object], root: Path) -> str | None:
    """The llama-server that a `binary` table means, looked up in ``bins/registry.json``; None when it is not there."""
    for entry in _load_registry(root):
        if _is_meant(entry, binary) and isinstance(folder := entry.get("path"), str):
            for file in _SERVER_FILES:
                program = root / "bins" / folder / file
                if program.is_file():
                    return _escape(str(program))
    return None


def _is_meant(entry: Mapping[str, object], binary: Mapping[str, object]) -> bool:
    if binary.get("binary_id"):
        return entry.get("id") == binary["binary_id"]
    wanted = [key for key in ("version", "variant") if binary.get(key)]
    return bool(wanted) and all(entry.get(key) == binary[key] for key in wanted)


def _load_registry(root: Path) -> list[dict[str, object]]:
    try:
        registry = json.loads((root / "bins" / "registry.json").read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return []  # then no binary is found, and that is what the report says
    entries = registry.get("binaries") if isinstance(registry, dict) else None
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _escape(path: str) -> str:
    return path.replace("$", "$$")
