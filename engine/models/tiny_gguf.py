"""Makes a tiny GGUF model that llama.cpp really loads: a working tokenizer, a chat template, no trained weights.

Its output matrix holds a table of which token follows which in a few built-in sentences, so what it says is
readable word salad. The same options give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from engine.embedded.location import INSTALL_COMMAND
from engine.errors import EngineError
from engine.models.word_salad import CHAT_TEMPLATE, Vocabulary, build_vocabulary, follower_counts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

MODEL_VERSION = 1
"""Grows when other bytes are made, so that a cached file of before is not taken for the same."""

CONTEXT_LENGTH = 4096
END_WEIGHT = 4.0
"""How much a sentence's end draws towards the end of the answer, against one for each other sentence."""
BASE_LOGIT = 4.0
SHARPNESS = 3.0
NORM_EPSILON = 1e-5
ROPE_BASE = 10000.0


class ModelMakerError(EngineError):
    """The tiny model cannot be made."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the caller asked for."""

    seed: int
    vocab_pad: int
    context_length: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """The sizes of a llama of few parameters."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int

    @property
    def head_width(self) -> int:
        return self.width // self.heads


_TALKING = _Shape(width=128, layers=2, heads=4, kv_heads=2, feed_forward=256)
_PADDED = _Shape(width=32, layers=1, heads=1, kv_heads=1, feed_forward=32)
"""Narrow, so that a vocabulary of hundreds of thousands stays a small file."""


def make_tiny_model(path: Path, *, seed: int = 7, vocab_pad: int = 0, context_length: int = CONTEXT_LENGTH) -> Path:
    """Write the model to `path` (under 2 MB), whole or not at all, and return `path`.

    `vocab_pad` adds that many unused tokens, whose tokenizer takes long to load: 400,000 take more than a
    second and make a file of 35 MB that says nothing readable. `context_length` (tokens) bounds how long an answer
    can go on.

    Raises:
        ModelMakerError: the gguf package is missing, or the file cannot be written.
    """
    library = _load_gguf()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        try:
            _write_model(library, temporary, _Plan(seed, vocab_pad, context_length))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ModelMakerError(
            f"{path}: cannot write the tiny model: {error.strerror}; free or name another place"
        ) from error
    return path


def cached_tiny_model(cache_dir: Path) -> Path:
    """The tiny model in `cache_dir`, made when it is not there or no longer what was made.

    Raises:
        ModelMakerError: it has to be made, and cannot be.
    """
    model = cache_dir / f"tiny-llama-v{MODEL_VERSION}.gguf"
    checksum = model.with_suffix(".blake2b")
    if not _is_intact(model, checksum):
        make_tiny_model(model)
        _write_text(checksum, _digest(model))
    return model


def _is_intact(model: Path, checksum: Path) -> bool:
    """Whether the model is still what its checksum says."""
    try:
        return checksum.read_text(encoding="ascii") == _digest(model)
    except (OSError, UnicodeDecodeError):
        return False


def _digest(model: Path) -> str:
    return hashlib.blake2b(model.read_bytes(), digest_size=16).hexdigest()


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="ascii")
        temporary.replace(path)
    except OSError as error:
        raise ModelMakerError(f"{path}: cannot write: {error.strerror}; free or name another place") from error


def _load_gguf() -> ModuleType:
    try:
        import gguf  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise ModelMakerError(f"tiny model: the gguf package is missing ({error}); run: {INSTALL_COMMAND}") from error
    return gguf


def _write_model(library: ModuleType, path: Path, plan: _Plan) -> None:
    vocabulary = build_vocabulary(plan.vocab_pad)
    shape = _PADDED if plan.vocab_pad else _TALKING
    writer = library.GGUFWriter(path, "llama")
    try:
        writer.add_context_length(plan.context_length)
        _describe_architecture(library, writer, shape, vocabulary)
        _describe_tokenizer(library, writer, vocabulary)
        for name, tensor in _build_tensors(shape, vocabulary, plan.seed).items():
            writer.add_tensor(name, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _describe_architecture(library: ModuleType, writer: Any, shape: _Shape, vocabulary: Vocabulary) -> None:  # noqa: ANN401 - optional package
    writer.add_name("Tiny Llama")
    writer.add_description("random weights for trying things out; says nothing of worth")
    writer.add_license("cc0-1.0")
    writer.add_file_type(library.LlamaFileType.MOSTLY_F16)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_block_count(shape.layers)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(NORM_EPSILON)
    writer.add_vocab_size(len(vocabulary.tokens))


def _describe_tokenizer(library: ModuleType, writer: Any, vocabulary: Vocabulary) -> None:  # noqa: ANN401 - optional package
    kinds = library.TokenType
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(
        [kinds.NORMAL] * vocabulary.plain + [kinds.CONTROL] * vocabulary.control + [kinds.UNUSED] * vocabulary.unused
    )
    writer.add_token_merges([f"{left} {right}" for left, right in vocabulary.merges])
    writer.add_bos_token_id(vocabulary.begin)
    writer.add_eos_token_id(vocabulary.end)
    writer.add_eot_token_id(vocabulary.end_of_turn)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)


def _build_tensors(shape: _Shape, vocabulary: Vocabulary, seed: int) -> dict[str, NDArray[Any]]:
    """Every tensor by name. The layers are random and faint: they disturb the table of followers only a little."""
    import numpy as np  # noqa: PLC0415 - comes with the optional gguf

    rng = np.random.default_rng(seed)
    width, kv_width = shape.width, shape.head_width * shape.kv_heads

    def gaussian(rows: int, columns: int, scale: float) -> NDArray[np.float16]:
        return (rng.standard_normal((rows, columns), dtype=np.float32) * np.float32(scale)).astype(np.float16)

    loud, faint = 0.5 / width**0.5, 0.02 / shape.layers**0.5
    ones = np.ones(width, np.float32)
    embeddings = _unit_rows(rng.standard_normal((len(vocabulary.tokens), width), dtype=np.float32))
    tensors: dict[str, NDArray[Any]] = {"token_embd.weight": embeddings.astype(np.float16), "output_norm.weight": ones}
    if not vocabulary.unused:  # a padded one answers with its embeddings, which halves the file
        tensors["output.weight"] = _output_matrix(vocabulary, embeddings).astype(np.float16)
    for layer in range(shape.layers):
        tensors |= {
            f"blk.{layer}.attn_norm.weight": ones,
            f"blk.{layer}.attn_q.weight": gaussian(width, width, loud),
            f"blk.{layer}.attn_k.weight": gaussian(kv_width, width, loud),
            f"blk.{layer}.attn_v.weight": gaussian(kv_width, width, loud),
            f"blk.{layer}.attn_output.weight": gaussian(width, width, faint),
            f"blk.{layer}.ffn_norm.weight": ones,
            f"blk.{layer}.ffn_gate.weight": gaussian(shape.feed_forward, width, loud),
            f"blk.{layer}.ffn_up.weight": gaussian(shape.feed_forward, width, loud),
            f"blk.{layer}.ffn_down.weight": gaussian(width, shape.feed_forward, faint),
        }
    return tensors


def _unit_rows(matrix: Matrix) -> Matrix:
    """Rows of length sqrt(width), which the model's norm leaves as they are."""
    import numpy as np  # noqa: PLC0415 - comes with the optional gguf

    lengths = np.sqrt(np.sum(matrix * matrix, axis=1, keepdims=True) / np.float32(matrix.shape[1]))
    return np.asarray(matrix / lengths, dtype=np.float32)


def _output_matrix(vocabulary: Vocabulary, embeddings: Matrix) -> Matrix:
    """The matrix that gives each token's followers high logits, from that token's embedding."""
    import numpy as np  # noqa: PLC0415 - comes with the optional gguf

    size, width = embeddings.shape
    logits = np.zeros((size, size), np.float32)
    for (token, follower), count in follower_counts(vocabulary, END_WEIGHT).items():
        logits[token, follower] = BASE_LOGIT + np.log(count)
    # einsum sums in one order on every machine, which a BLAS product does not.
    projected = np.einsum("tf,tw->fw", logits, embeddings, optimize=False)
    return np.asarray(projected / np.float32(width) * np.float32(SHARPNESS), dtype=np.float32)
