"""Finding models: every usual place, each file once, parts together, and nothing that a folder holds can stop it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from engine.editing import FoundModel
from engine.models import discover
from engine.models.discover import Trouble, find_models
from engine.models.places import Keeper, Place, find_places
from engine.models.search import ModelSearchThread
from engine.paths import find_home
from tests.engine.models.test_gguf import KEYS, build

MODEL = build(KEYS)
LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def put(path: Path, data: bytes = MODEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def look(*places: Place) -> tuple[list[FoundModel], list[str]]:
    finds = list(find_models(places, lambda: False))
    models = [one for one in finds if isinstance(one, FoundModel)]
    return models, [one.message for one in finds if isinstance(one, Trouble)]


def own(folder: Path) -> Place:
    return Place(Keeper.OWN, folder)


def test_the_usual_places_of_each_system() -> None:
    home = Path("/home/ada")

    def of(platform: str, **environ: str) -> dict[Path, Keeper]:
        return {place.folder: place.keeper for place in find_places(environ, home, platform, ["/mine"])}

    linux = of("linux")
    assert next(iter(linux)) == Path("/mine")
    assert linux[home / ".lmstudio/models"] is Keeper.LM_STUDIO
    assert linux[home / ".cache/lm-studio/models"] is Keeper.LM_STUDIO
    assert linux[home / ".cache/huggingface/hub"] is Keeper.HUGGING_FACE
    assert linux[home / ".cache/llama.cpp"] is Keeper.LLAMA_CPP
    assert linux[home / ".ollama/models"] is Keeper.OLLAMA
    assert linux[Path("/usr/share/ollama/.ollama/models")] is Keeper.OLLAMA
    assert of("darwin")[home / "Library/Caches/llama.cpp"] is Keeper.LLAMA_CPP
    assert of("win32", LOCALAPPDATA="/local")[Path("/local/llama.cpp")] is Keeper.LLAMA_CPP
    named = of("linux", HF_HOME="/hf", LLAMA_CACHE="/lc", OLLAMA_MODELS="/om", XDG_CACHE_HOME="/xc")
    assert {Path("/hf/hub"), Path("/lc"), Path("/om")} < set(named)
    assert of("linux", HF_HUB_CACHE="/hub")[Path("/hub")] is Keeper.HUGGING_FACE


def test_a_model_is_told_with_what_its_header_says(tmp_path: Path) -> None:
    path = put(tmp_path / "lab" / "Qwen3-4B-Q5_K_S.GGUF")

    [found], troubles = look(own(tmp_path))

    assert found == FoundModel(
        str(path), tmp_path.name, "Qwen3-4B-Q5_K_S", len(MODEL), 1, "qwen3", "4B", "Q5_K_S", 40960, 36
    )
    assert troubles == []


def test_the_quantisation_is_read_where_the_name_says_none(tmp_path: Path) -> None:
    put(tmp_path / "plain.gguf")
    [found], _ = look(own(tmp_path))
    assert found.quantisation == "Q4_K_M"


def test_parts_are_one_model_and_a_missing_one_is_named(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        put(tmp_path / "whole" / f"big-{number:05d}-of-00003.gguf")
    put(tmp_path / "torn" / "big-00001-of-00002.gguf")

    (torn, whole), _ = look(own(tmp_path))

    assert (whole.title, whole.parts, whole.size_bytes, whole.trouble) == ("big", 3, 3 * len(MODEL), "")
    assert whole.path.endswith("big-00001-of-00003.gguf")
    assert torn.trouble == "part 2 of 2 is missing; fetch big-00002-of-00002.gguf"


def test_what_belongs_to_a_model_is_none(tmp_path: Path) -> None:
    put(tmp_path / "mmproj-model-f16.gguf")
    put(tmp_path / "eye.gguf", build({"general.architecture": "clip"}))
    put(tmp_path / "lora.gguf", build({"general.architecture": "llama", "general.type": "adapter"}))
    put(tmp_path / "later.gguf", build({"general.architecture": "llama", "split.no": 1}))
    put(tmp_path / "notes.txt")
    assert look(own(tmp_path)) == ([], [])


def test_a_damaged_file_is_shown_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path / "page.gguf", b"<html>")
    [found], _ = look(own(tmp_path))
    assert found.trouble == "is no GGUF file; download it again, or convert it to GGUF"


@LINKS
def test_a_hugging_face_cache_tells_each_blob_once(tmp_path: Path) -> None:
    repo = tmp_path / "models--owner--repo"
    blob = put(repo / "blobs" / "abc")
    for revision in ("r1", "r2"):
        link = repo / "snapshots" / revision / "tiny-Q8_0.gguf"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)

    [found], troubles = look(Place(Keeper.HUGGING_FACE, tmp_path))

    assert (found.title, found.source) == ("tiny-Q8_0", "Hugging Face")
    assert found.path == str(repo / "snapshots" / "r1" / "tiny-Q8_0.gguf")
    assert troubles == []


def test_ollama_s_manifests_name_its_blobs(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    put(tmp_path / "blobs" / digest.replace(":", "-"))
    layers = [
        {"mediaType": "application/vnd.ollama.image.model", "digest": digest},
        {"mediaType": "application/vnd.ollama.image.projector", "digest": "sha256:" + "b" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": "../../../etc/passwd"},
    ]
    manifests = tmp_path / "manifests" / "registry.ollama.ai"
    put(manifests / "library" / "qwen3" / "4b", json.dumps({"layers": layers}).encode())
    put(manifests / "library" / "qwen3" / "bad", b"[1")
    gone = [{"mediaType": layers[0]["mediaType"], "digest": "sha256:" + "c" * 64}]
    put(manifests / "ada" / "gone" / "latest", json.dumps({"layers": gone}).encode())

    models, [trouble] = look(Place(Keeper.OLLAMA, tmp_path))

    assert [(one.title, one.trouble) for one in models] == [
        ("ada/gone:latest", "its file is missing; fetch it again"),
        ("qwen3:4b", ""),
    ]
    assert "bad: is no manifest of Ollama" in trouble


@LINKS
def test_loops_and_repeated_links_end(tmp_path: Path) -> None:
    put(tmp_path / "a" / "one.gguf")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "a")
    (tmp_path / "dangling.gguf").symlink_to(tmp_path / "nowhere")

    models, _ = look(own(tmp_path))

    assert sorted(one.title for one in models) == ["dangling", "one"]


def test_the_walk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path.joinpath(*"abcdefghij") / "deep.gguf")
    assert look(own(tmp_path)) == ([], [])
    monkeypatch.setattr(discover, "MAX_ENTRIES", 3)
    for number in range(5):
        put(tmp_path / f"{number}.gguf")
    _, [trouble] = look(own(tmp_path))
    assert trouble == f"{tmp_path}: holds more than 3 files; name a smaller folder"


def test_folders_of_the_operator_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    file = put(tmp_path / "file")
    _, troubles = look(own(tmp_path / "gone"), own(file), Place(Keeper.LM_STUDIO, tmp_path / "usual"))
    assert troubles == [
        f"{tmp_path / 'gone'}: no such folder; correct [models] folders",
        f"{file}: is not a folder; correct [models] folders",
    ]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    _, [trouble] = look(own(tmp_path))
    assert trouble == f"{tmp_path / 'closed'}: cannot be read: permission denied"


def test_it_can_be_interrupted(tmp_path: Path) -> None:
    for number in range(5):
        put(tmp_path / f"{number}.gguf")
    seen: list[object] = []
    for find in find_models([own(tmp_path)], lambda: len(seen) >= 2):
        seen.append(find)  # noqa: PERF402 - the stop looks at what was seen
    assert len(seen) == 2


def test_a_search_looks_where_the_configuration_says(tmp_path: Path) -> None:
    put(tmp_path / "user" / ".lmstudio" / "models" / "a.gguf")
    put(tmp_path / "mine" / "b.gguf")
    environ = {"HOME": str(tmp_path / "user"), "USERPROFILE": str(tmp_path / "user"), "LLAMA_ORCH_HOME": str(tmp_path)}
    put(tmp_path / "config.toml", b'[models]\nfolders = ["mine", "~/gone"]\n')

    search = ModelSearchThread(find_home(environ), environ)
    search.start()
    assert search.wait(10)
    state = search.state()

    assert [(one.title, one.source) for one in state.models] == [("b", "mine"), ("a", "LM Studio")]
    assert state.troubles == (f"{tmp_path / 'user' / 'gone'}: no such folder; correct [models] folders",)
    assert state.is_done
    search.close()
