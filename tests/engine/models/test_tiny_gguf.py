"""The maker of the tiny model: the same bytes each time, whole or nothing, mended when damaged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.models.tiny_gguf import ModelMakerError, cached_tiny_model, make_tiny_model


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("made") / "tiny.gguf")


def test_the_same_options_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = make_tiny_model(tmp_path / "again.gguf")
    other = make_tiny_model(tmp_path / "other.gguf", seed=8)

    assert again.read_bytes() == made.read_bytes()
    assert other.read_bytes() != made.read_bytes()


def test_it_is_a_gguf_file_under_two_megabytes(made: Path) -> None:
    assert made.read_bytes()[:4] == b"GGUF"
    assert made.stat().st_size < 2_000_000


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    make_tiny_model(tmp_path / "a" / "b" / "tiny.gguf")

    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["tiny.gguf"]


def test_a_failed_write_leaves_nothing_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").mkdir()

    with pytest.raises(ModelMakerError, match=r"tiny\.gguf: cannot write the tiny model"):
        make_tiny_model(tmp_path / "tiny.gguf")

    assert [path.name for path in tmp_path.iterdir()] == ["tiny.gguf"]


def test_the_cache_is_used_again(tmp_path: Path) -> None:
    model = cached_tiny_model(tmp_path)
    before = model.stat()

    assert cached_tiny_model(tmp_path) == model
    assert (model.stat().st_ino, model.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def _flip_a_byte(model: Path) -> None:
    content = bytearray(model.read_bytes())
    content[-1] ^= 1
    model.write_bytes(content)


def _truncate(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:1000])


def _lose_the_checksum(model: Path) -> None:
    model.with_suffix(".blake2b").unlink()


def _damage_the_checksum(model: Path) -> None:
    model.with_suffix(".blake2b").write_bytes(b"\xff\xfe")


@pytest.mark.parametrize("damage", [_flip_a_byte, _truncate, Path.unlink, _lose_the_checksum, _damage_the_checksum])
def test_a_damaged_cache_is_made_again(damage: Callable[[Path], None], made: Path, tmp_path: Path) -> None:
    damage(cached_tiny_model(tmp_path))

    model = cached_tiny_model(tmp_path)

    assert model.read_bytes() == made.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {model.name, model.with_suffix(".blake2b").name}


def test_a_missing_gguf_names_the_command_that_installs_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from engine.models.tiny_gguf import ModelMakerError, make_tiny_model\n"
        "try: make_tiny_model(Path(sys.argv[2]))\n"
        "except ModelMakerError as error: print(error)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(root), str(tmp_path / "tiny.gguf")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert 'run: `pip install "llama-orch-tui[embedded]"' in done.stdout
    assert not (tmp_path / "tiny.gguf").exists()
