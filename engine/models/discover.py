"""Finds the GGUF models on this machine: a bounded walk through the usual places, one model at a time."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.editing import FoundModel
from engine.models.gguf import GgufError, GgufInfo, read_gguf
from engine.models.places import Keeper, Place

MAX_DEPTH = 8
MAX_ENTRIES = 200_000
"""Files and folders looked at in one place: who names `/` gets an answer, too."""
MAX_LISTED = 500
"""Files looked at in a folder that is being typed."""
MAX_MANIFEST_BYTES = 1 << 20

_SPLIT = re.compile(r"-(?P<number>\d{5})-of-(?P<count>\d{5})$")
_QUANTISATION = re.compile(
    r"(?<![A-Za-z0-9])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|MXFP4|TQ\d_\d)(?![A-Za-z0-9])", re.IGNORECASE
)
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_OLLAMA_DEFAULTS = ("registry.ollama.ai", "library")
_DIGEST = re.compile(r"sha256[:-][0-9a-f]{64}")
_NO_MODELS = frozenset({"mmproj", "adapter", "imatrix", "vocab"})
_NO_CHAT = frozenset({"clip"})
"""Architectures that belong to a model, and are none."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A folder or a list of models that could not be read."""

    message: str


Find = FoundModel | Trouble


def find_models(
    places: Sequence[Place], is_stopped: Callable[[], bool], on_folder: Callable[[str], None] = lambda _: None
) -> Iterator[Find]:
    """Every model in `places`, each file once, until `is_stopped` says so. `on_folder` is told where it looks.

    A folder that is not there is passed over; one that cannot be read is a `Trouble`.
    """
    known: set[tuple[int, int]] = set()
    for place in places:
        finds = (
            _find_ollama(place, is_stopped) if place.keeper is Keeper.OLLAMA else _walk(place, is_stopped, on_folder)
        )
        for find in finds:
            if is_stopped():
                return
            if isinstance(find, Trouble):
                yield find
            elif (found := _look_at(find, place, known)) is not None:
                yield found


def look_at(path: Path) -> FoundModel | None:
    """The model in one file, or None when it cannot be read, is damaged, or is no model by itself."""
    if path.suffix.lower() != ".gguf" or not path.is_file():
        return None  # a FIFO or a device would keep its reader waiting
    found = _look_at(_File(path), Place(Keeper.OWN, path.parent), set())
    return None if found is None or found.trouble else found


def list_models(folder: Path) -> Iterator[FoundModel]:
    """The models right in `folder`, damaged ones with their trouble, names in order; none when it cannot be read."""
    place = Place(Keeper.OWN, folder)
    known: set[tuple[int, int]] = set()
    try:
        paths = sorted(folder.glob("*.[gG][gG][uU][fF]"), key=lambda path: path.name.lower())
    except (OSError, ValueError):
        return
    for path in paths[:MAX_LISTED]:
        if path.is_file() and (found := _look_at(_File(path), place, known)) is not None:
            yield found


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    title: str = ""
    """A name that the file itself does not bear."""


def _walk(place: Place, is_stopped: Callable[[], bool], on_folder: Callable[[str], None]) -> Iterator[_File | Trouble]:
    """The GGUF files below a folder, names in order; a folder that links lead to twice is entered once."""
    entered: set[tuple[int, int]] = set()
    waiting = [(place.folder, 0)]
    seen = 0
    while waiting and not is_stopped():
        folder, depth = waiting.pop()
        try:
            status = folder.stat()
            if not stat.S_ISDIR(status.st_mode):
                yield Trouble(f"{folder}: is not a folder; correct [models] folders")
                continue
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            on_folder(str(folder))
            with os.scandir(folder) as entries:
                children = sorted(entries, key=lambda entry: entry.name.lower())
        except FileNotFoundError:
            if place.keeper is Keeper.OWN and depth == 0:
                yield Trouble(f"{folder}: no such folder; correct [models] folders")
            continue
        except (OSError, ValueError) as error:
            yield Trouble(f"{folder}: cannot be read: {_reason(error)}")
            continue
        seen += len(children)
        if seen > MAX_ENTRIES:
            yield Trouble(f"{place.folder}: holds more than {MAX_ENTRIES} files; name a smaller folder")
            return
        below: list[tuple[Path, int]] = []
        for entry in children:
            if _is_dir(entry):
                if depth < MAX_DEPTH and not _is_beside(place, entry.name):
                    below.append((Path(entry.path), depth + 1))
            elif entry.name.lower().endswith(".gguf"):
                yield _File(Path(entry.path))
        waiting += reversed(below)


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_beside(place: Place, name: str) -> bool:
    """Folders of a Hugging Face cache whose files are the same ones without names, or none that are whole."""
    return place.keeper is Keeper.HUGGING_FACE and name in {"blobs", "refs", ".locks"}


def _find_ollama(place: Place, is_stopped: Callable[[], bool]) -> Iterator[_File | Trouble]:
    """The models that Ollama's manifests name: ``manifests/REGISTRY/OWNER/MODEL/TAG``."""
    manifests = place.folder / "manifests"
    waiting = [manifests]
    seen = 0
    while waiting and not is_stopped():
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                children = sorted(entries, key=lambda entry: entry.name, reverse=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            yield Trouble(f"{folder}: cannot be read: {_reason(error)}")
            continue
        seen += len(children)
        for entry in children:
            path = Path(entry.path)
            parts = path.relative_to(manifests).parts
            if entry.is_dir(follow_symlinks=False) and len(parts) <= MAX_DEPTH and seen <= MAX_ENTRIES:
                waiting.append(path)
            elif entry.is_file():
                yield from _read_manifest(place, path, parts)


def _read_manifest(place: Place, path: Path, parts: tuple[str, ...]) -> Iterator[_File | Trouble]:
    try:
        with path.open("rb") as file:
            manifest = json.loads(file.read(MAX_MANIFEST_BYTES))
        layers = manifest["layers"]
        digests = [one["digest"] for one in layers if one["mediaType"] == _OLLAMA_MODEL]
    except OSError as error:
        yield Trouble(f"{path}: cannot be read: {_reason(error)}")
        return
    except (ValueError, TypeError, KeyError, RecursionError):
        yield Trouble(f"{path}: is no manifest of Ollama; `ollama pull` the model again")
        return
    *owners, model, tag = parts if len(parts) > 1 else ("", *parts)
    names = [owner for owner in owners if owner not in _OLLAMA_DEFAULTS]
    title = f"{'/'.join([*names, model])}:{tag}"
    for digest in digests:
        if isinstance(digest, str) and _DIGEST.fullmatch(digest):
            yield _File(place.folder / "blobs" / digest.replace(":", "-"), title)


def _look_at(file: _File, place: Place, known: set[tuple[int, int]]) -> FoundModel | None:
    """What a file is; None for one that was met before, is a later part, or is no model by itself."""
    stem = file.path.stem if not file.title else file.title
    split = _SPLIT.search(file.path.stem)
    if (split is not None and int(split["number"]) != 1) or "mmproj" in stem.lower():
        return None
    title = stem[: split.start()] if split is not None and not file.title else stem
    try:
        status = file.path.stat()
        if (status.st_dev, status.st_ino) in known:
            return None
        known.add((status.st_dev, status.st_ino))
        info = _read(file.path, title)
    except (GgufError, OSError) as error:
        return FoundModel(str(file.path), place.label, title, trouble=_say(file.path, error))
    if info.kind in _NO_MODELS or info.architecture in _NO_CHAT or (info.split_number or 0) > 0:
        return None
    count = int(split["count"]) if split is not None else 1
    size, trouble = _weigh(file.path, split, status.st_size)
    return FoundModel(
        path=str(file.path),
        source=place.label,
        title=title,
        size_bytes=size,
        parts=count,
        architecture=info.architecture,
        size_label=info.size_label,
        quantisation=info.quantisation or _quantisation_in(title),
        context_length=info.context_length,
        block_count=info.block_count,
        trouble=trouble,
    )


def _read(path: Path, title: str) -> GgufInfo:
    """Its header; past the vocabulary only where the name does not say already what stands there."""
    return read_gguf(path, past_lists=not _quantisation_in(title))


def _quantisation_in(title: str) -> str:
    found = _QUANTISATION.findall(title)
    return found[-1].upper() if found else ""


def _weigh(first: Path, split: re.Match[str] | None, size: int) -> tuple[int, str]:
    """The size of all parts, and which one is missing."""
    if split is None:
        return size, ""
    count = int(split["count"])
    for number in range(2, min(count, MAX_ENTRIES) + 1):
        name = f"{first.stem[: split.start()]}-{number:05d}-of-{split['count']}{first.suffix}"
        try:
            size += first.with_name(name).stat().st_size
        except OSError:
            return size, f"part {number} of {count} is missing; fetch {name}"
    return size, ""


def _reason(error: Exception) -> str:
    return ((error.strerror if isinstance(error, OSError) else "") or str(error)).lower()


def _say(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "its file is missing; fetch it again"
    return str(error).removeprefix(f"{path}: ") if isinstance(error, GgufError) else f"cannot be read: {_reason(error)}"
