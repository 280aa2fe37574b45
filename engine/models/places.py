"""The folders in which other programs keep their GGUF models, on each system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Keeper(StrEnum):
    """Who keeps models in a place, which says how they lie there."""

    OWN = "folder"
    """The operator: a folder of the configuration."""
    LM_STUDIO = "LM Studio"
    HUGGING_FACE = "Hugging Face"
    LLAMA_CPP = "llama.cpp"
    OLLAMA = "Ollama"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to look into."""

    keeper: Keeper
    folder: Path

    @property
    def label(self) -> str:
        """How the place is called on a screen."""
        return self.folder.name or str(self.folder) if self.keeper is Keeper.OWN else self.keeper.value


def find_places(
    environ: Mapping[str, str], home: Path, platform: str, folders: Sequence[str] = ()
) -> tuple[Place, ...]:
    """Every folder that may hold models, the operator's own first; whether they are there is not looked at.

    `home` is the user's home folder, `platform` what `sys.platform` says.
    """
    own = (Place(Keeper.OWN, Path(folder)) for folder in folders)
    return tuple({place.folder: place for place in reversed([*own, *_usual(environ, home, platform)])}.values())[::-1]


def _usual(environ: Mapping[str, str], home: Path, platform: str) -> Iterator[Place]:
    caches = Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
    yield Place(Keeper.LM_STUDIO, home / ".lmstudio" / "models")
    yield Place(Keeper.LM_STUDIO, home / ".cache" / "lm-studio" / "models")
    yield Place(Keeper.LLAMA_CPP, _llama_cache(environ, home, platform, caches))
    hub = Path(environ.get("HF_HOME") or caches / "huggingface") / "hub"
    yield Place(Keeper.HUGGING_FACE, Path(environ.get("HF_HUB_CACHE") or hub))
    if models := environ.get("OLLAMA_MODELS"):
        yield Place(Keeper.OLLAMA, Path(models))
    yield Place(Keeper.OLLAMA, home / ".ollama" / "models")
    if platform.startswith("linux"):
        yield Place(Keeper.OLLAMA, Path("/usr/share/ollama/.ollama/models"))  # where its service keeps them


def _llama_cache(environ: Mapping[str, str], home: Path, platform: str, caches: Path) -> Path:
    if folder := environ.get("LLAMA_CACHE"):
        return Path(folder)
    if platform == "darwin":
        return home / "Library" / "Caches" / "llama.cpp"
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "llama.cpp"
    return caches / "llama.cpp"
