"""What servers say before they die is turned into what happened and what to do."""

from __future__ import annotations

import re
import signal
import string
import time

import pytest

from engine.health.causes import Cause, find_cause
from engine.health.causes_catalogue import CATALOGUE
from engine.health.signatures import CauseKind, Signature

USELESS_END = (
    "0.00.007.172 E srv    load_model: failed to load model, '/models/x.gguf'",
    "0.00.007.174 I srv    operator(): operator(): cleaning up before exit...",
    "0.00.007.564 E srv  llama_server: exiting due to model loading error",
)

SAYINGS = [
    ("error: invalid argument: --foo", CauseKind.UNKNOWN_FLAG, "--foo", True),
    ("error: invalid argument: --mlock", CauseKind.UNKNOWN_FLAG, "--load-mode mlock", True),
    ("error: unknown argument: --foo", CauseKind.UNKNOWN_FLAG, "--foo", True),
    ("error: invalid argument: -md (takes no draft model: use it)", CauseKind.UNKNOWN_FLAG, "-md: takes no", True),
    ('error while handling argument "--port": stoi', CauseKind.BAD_VALUE, "--port is no whole number", True),
    ('error while handling argument "-dev": invalid device: X9', CauseKind.BAD_VALUE, "-dev has a bad value", True),
    ('error while handling argument "-ctk": Unsupported cache type: q9', CauseKind.BAD_VALUE, "cache type: q9", True),
    (
        'error while handling environment variable "LLAMA_ARG_PORT": stoi',
        CauseKind.BAD_VARIABLE,
        "LLAMA_ARG_PORT",
        True,
    ),
    ("error: no model given: name one with --model FILE", CauseKind.NO_MODEL, "no model", True),
    ("0.00.1 E srv: the supplied chat template is not supported: x", CauseKind.BAD_TEMPLATE, "supported: x", True),
    (
        "0.00.063.391 E common_chat_templates_init: error: parser: Parser Error: Expected }} (Got )",
        CauseKind.BAD_TEMPLATE,
        "Expected }} (Got )",
        True,
    ),
    ("E srv  init_listene: the server is built without SSL support", CauseKind.NO_SSL, "SSL", True),
    (
        "0.00.002.400 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8081",
        CauseKind.CANNOT_BIND,
        "127.0.0.1, port 8081",
        False,
    ),
    (
        "E error loading model: illegal split file idx: 1 (file: b.gguf), model must be loaded with the first split",
        CauseKind.SPLIT_MODEL,
        "not its first part",
        True,
    ),
    ("E error loading model: failed to load GGUF split from /m/b-2.gguf", CauseKind.SPLIT_MODEL, "/m/b-2.gguf", True),
    ("E error loading model: invalid split file name: /m/x.gguf", CauseKind.SPLIT_MODEL, "/m/x.gguf", True),
    ("E srv load_model: failed to load multimodal model, '/m/mm.gguf'", CauseKind.PROJECTOR, "/m/mm.gguf", True),
    ("E mtmd: error: Failed to load CLIP model from /m/mm.gguf", CauseKind.PROJECTOR, "/m/mm.gguf", True),
    ("E llama_adapter_lora_init: failed to open '/m/l.gguf': No such", CauseKind.ADAPTER, "/m/l.gguf", True),
    ("E cmn  common_init_: failed to load lora adapter '/m/l.gguf'", CauseKind.ADAPTER, "/m/l.gguf", True),
    ("E srv load_model: failed to load draft model, '/m/d.gguf'", CauseKind.DRAFT_MODEL, "/m/d.gguf", True),
    ("E srv    load_model: failed to load model ''", CauseKind.NOT_DOWNLOADED, "could not be fetched", False),
    ("E error loading model: mmap failed: Cannot allocate memory", CauseKind.OUT_OF_MEMORY, "ulimit -v", False),
    ("E llama_kv_cache: failed to allocate buffer for kv cache", CauseKind.OUT_OF_MEMORY, "KV cache", False),
    (
        "E ggml_aligned_malloc: insufficient memory (attempted to allocate 1532.28 MB)",
        CauseKind.OUT_OF_MEMORY,
        "1532.28 MB",
        False,
    ),
    ("E error loading model: unable to allocate CPU buffer", CauseKind.OUT_OF_MEMORY, "memory on CPU", False),
    ("E llama: failed to allocate compute pp buffers", CauseKind.OUT_OF_MEMORY, "ubatch", False),
    (
        "0.01.056.561 E llama_init_from_model: failed to initialize the context: std::bad_alloc",
        CauseKind.CONTEXT_TOO_LARGE,
        "ctx_size",
        False,
    ),
    ("E failed to initialize the context: n_seq_max must be <= 256", CauseKind.TOO_MANY_SLOTS, "256", True),
    (
        "E llama_init_from_model: quantized V cache requires flash_attn to be enabled",
        CauseKind.NEEDS_FLASH_ATTENTION,
        "--flash-attn on",
        True,
    ),
    (
        "0.00.007.044 E gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (No such file or directory)",
        CauseKind.MODEL_MISSING,
        "/m/x.gguf is missing",
        True,
    ),
    ("E failed to open GGUF file '/m/x.gguf' (Permission denied)", CauseKind.MODEL_UNREADABLE, "chmod", True),
    ("E failed to open GGUF file '/m/x.gguf' (Input/output error)", CauseKind.MODEL_UNREADABLE, "output error", True),
    ("E invalid magic characters: '<!DO', expected 'GGUF'", CauseKind.NOT_GGUF, "'<!DO'", True),
    ("0.00.009.521 E gguf_init_from_reader: failed to read magic", CauseKind.NOT_GGUF, "empty, or a folder", True),
    (
        "E gguf_init_from_reader: this GGUF file is version 99 but this software only supports up to version 3",
        CauseKind.MODEL_TOO_NEW,
        "version 99",
        True,
    ),
    (
        "E tensor 'blk.0.ffn_down.weight' data is not within the file bounds, model is corrupted or incomplete",
        CauseKind.MODEL_TRUNCATED,
        "blk.0.ffn_down.weight",
        True,
    ),
    ("E gguf_init_from_reader: failed to read key-value pairs", CauseKind.MODEL_TRUNCATED, "key-value pairs", True),
    ("E error loading model: unknown model architecture: 'zlama'", CauseKind.UNKNOWN_ARCHITECTURE, "zlama", True),
    ("E check_tensor_dims: tensor 'blk.0.attn_q.weight' not found", CauseKind.MODEL_BROKEN, "attn_q", True),
    (
        "E llama_model_load: error loading model: error loading model vocabulary: unknown tokenizer: 'gptx'",
        CauseKind.MODEL_BROKEN,
        "unknown tokenizer: 'gptx'",
        True,
    ),
    ("E load_all_data: tensor 'blk.1.ffn_norm.weight' has invalid data", CauseKind.MODEL_BROKEN, "ffn_norm", True),
    (
        'error: the embedded llama.cpp cannot be loaded (x); run: pip install "y"',
        CauseKind.MISSING_PACKAGE,
        '"y"',
        True,
    ),
    ("ModuleNotFoundError: No module named 'vllm'", CauseKind.MISSING_PACKAGE, "vllm", True),
    (
        "llama-server: error while loading shared libraries: libllama-common.so.0: cannot open shared object file",
        CauseKind.MISSING_LIBRARY,
        "libllama-common.so.0",
        True,
    ),
    (
        "srv: /lib/libc.so.6: version `GLIBC_2.38' not found (required by srv)",
        CauseKind.MISSING_LIBRARY,
        "GLIBC_2.38",
        True,
    ),
    ("./run.sh: line 3: llama-serve: command not found", CauseKind.NOT_EXECUTABLE, "llama-serve was not", True),
    ("/bin/sh: 1: llama-serve: not found", CauseKind.NOT_EXECUTABLE, "llama-serve was not", True),
    ("sh: ./srv: cannot execute binary file: Exec format error", CauseKind.NOT_EXECUTABLE, "./srv", True),
    ("E llama_model_load: error loading model: something of tomorrow", CauseKind.LOAD_FAILED, "of tomorrow", False),
]
"""A line, the cause it tells, a part of the words that come out, and whether the next try would end so, too."""

ABORTS = [
    ("/src/ggml.c:12: GGML_ASSERT(n_ctx > 0) failed", CauseKind.ASSERTION, "n_ctx > 0"),
    ("CUDA error: an illegal memory access was encountered", CauseKind.GPU_ERROR, "illegal memory access"),
    ("ROCm error: unspecified launch failure", CauseKind.GPU_ERROR, "ROCm error: unspecified"),
    ("CUDA error: out of memory", CauseKind.GPU_MEMORY, "gpu_layers"),
    ("CUDA error: uncorrectable ECC error encountered", CauseKind.GPU_LOST, "dmesg"),
    ("ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected", CauseKind.GPU_UNUSABLE, "driver"),
    ("CUDA error: no kernel image is available for execution on the device", CauseKind.GPU_UNUSABLE, "kernel image"),
    ("terminate called after throwing an instance of 'vk::DeviceLostError'", CauseKind.GPU_LOST, "lost"),
    ("  what():  vk::Queue::submit: ErrorDeviceLost", CauseKind.GPU_LOST, "lost"),
    ("ggml_vulkan: device lost on Vulkan0", CauseKind.GPU_LOST, "lost"),
    ("ggml_vulkan: Device memory allocation of size 1879048192 failed.", CauseKind.GPU_MEMORY, "memory of the GPU"),
    ("terminate called after throwing an instance of 'std::bad_alloc'", CauseKind.OUT_OF_MEMORY, "ctx_size"),
]


def _find(*lines: str, code: int | None = 1, signal: int | None = None) -> Cause:
    cause = find_cause(lines, code, signal)
    assert cause is not None
    return cause


@pytest.mark.parametrize(("line", "kind", "words", "is_permanent"), SAYINGS)
def test_a_known_line_tells_the_cause(line: str, kind: CauseKind, words: str, is_permanent: bool) -> None:  # noqa: FBT001 - a column of the table
    cause = _find("0.00.000.201 I srv init: initializing ...", line, *USELESS_END)

    assert (cause.kind, cause.is_permanent) == (kind, is_permanent)
    assert words in cause.sentence
    assert cause.line == line.strip()


@pytest.mark.parametrize(("line", "kind", "words"), ABORTS)
def test_an_abort_is_explained_by_the_line_before_it_and_is_tried_again(line: str, kind: CauseKind, words: str) -> None:
    for code, number in ((None, signal.SIGABRT), (1, None)):
        cause = _find(line, code=code, signal=number)

        assert (cause.kind, cause.is_permanent) == (kind, False)
        assert words in cause.sentence


def test_the_cuda_memory_line_names_device_and_size() -> None:
    line = "buffer_type_alloc_buffer: allocating 900.12 MiB on device 1: cudaMalloc failed: out of memory"

    assert _find(line, *USELESS_END).message == "the GPU 1 has not the 900.12 MiB that were asked for"


class TestOrder:
    def test_a_missing_projector_is_not_taken_for_a_missing_model(self) -> None:
        cause = _find(
            "0.00.005.473 E gguf_init_from_file: failed to open GGUF file '/nope/mm.gguf' (No such file or directory)",
            "0.00.005.581 E mtmd_get_memory_usage: error: Failed to load CLIP model from /nope/mm.gguf",
            "0.00.365.038 E srv    load_model: failed to load multimodal model, '/nope/mm.gguf'",
        )

        assert cause.kind is CauseKind.PROJECTOR
        assert "/nope/mm.gguf is missing" in cause.message

    def test_a_kv_cache_that_does_not_fit_the_gpu_is_told_as_that(self) -> None:
        cause = _find(
            "alloc_buffer: allocating 900.00 MiB on device 0: cudaMalloc failed: out of memory",
            "llama_kv_cache: failed to allocate buffer for kv cache",
        )

        assert "KV cache" in cause.message

    def test_every_row_is_reached_by_a_line_of_its_own(self) -> None:
        """No row stands behind a more general one that takes all its lines."""
        lines = [saying[0] for saying in SAYINGS] + [abort[0] for abort in ABORTS]
        lines.append("allocating 9 MiB on device 1: cudaMalloc failed: out of memory")

        reached = {next(row for row in CATALOGUE if row.search(line)) for line in lines}

        assert [row.pattern for row in CATALOGUE if row not in reached] == []


class TestWhatDoesNotCount:
    def test_a_good_end_has_no_cause_whatever_was_logged(self) -> None:
        assert find_cause(["error: invalid argument: --foo"], 0, None) is None

    def test_an_unknown_complaint_has_no_cause(self) -> None:
        assert find_cause(["something went wrong"], 3, None) is None
        assert find_cause([], None, None) is None

    def test_trouble_before_the_server_was_ready_was_overcome(self) -> None:
        lines = (
            "E common_fit_params: error loading model: unable to allocate CUDA0 buffer",
            "0.02.506.000 I srv  llama_server: listening on http://127.0.0.1:8080",
            "E something else",
        )

        assert find_cause(lines, 1, None) is None

    def test_trouble_after_it_was_ready_counts(self) -> None:
        """A server that slept loads its model anew."""
        cause = _find(
            "0.02.506.000 I srv  llama_server: listening on http://127.0.0.1:8080",
            "9.02.506.000 E gguf_init_from_file: failed to open GGUF file '/m/x.gguf' (No such file or directory)",
        )

        assert cause.kind is CauseKind.MODEL_MISSING

    def test_information_is_not_a_cause(self) -> None:
        assert find_cause(["0.02.506.000 I srv: asked about: unknown model architecture: 'x'"], 1, None) is None

    def test_a_crash_is_not_explained_by_a_bad_file(self) -> None:
        cause = _find("E failed to open GGUF file '/m/x.gguf' (No such file)", code=None, signal=signal.SIGSEGV)

        assert cause.kind is CauseKind.CRASHED


class TestSignals:
    @pytest.mark.parametrize(
        ("number", "kind", "words"),
        [
            (signal.SIGSEGV, CauseKind.CRASHED, "killed by SIGSEGV"),
            (signal.SIGABRT, CauseKind.CRASHED, "killed by SIGABRT: it gave up"),
            (signal.SIGILL, CauseKind.CRASHED, "this processor lacks"),
            (signal.SIGTERM, CauseKind.TOLD_TO_END, "killed by SIGTERM, which this program did not send"),
            (9, CauseKind.KILLED, "out-of-memory killer"),
            (7777, CauseKind.CRASHED, "killed by signal 7777"),
        ],
    )
    def test_a_signal_is_told_in_words(self, number: int, kind: CauseKind, words: str) -> None:
        cause = _find(code=None, signal=number)

        assert (cause.kind, cause.is_permanent, cause.line) == (kind, False, "")
        assert words in cause.message
        assert cause.hint

    def test_what_was_logged_does_not_explain_a_kill(self) -> None:
        assert _find("GGML_ASSERT(x) failed", code=None, signal=9).kind is CauseKind.KILLED

    @pytest.mark.parametrize(("code", "words"), [(127, "was not found"), (126, "may not be executed")])
    def test_the_codes_of_shells_are_told_in_words(self, code: int, words: str) -> None:
        cause = _find(code=code)

        assert cause.kind is CauseKind.NOT_EXECUTABLE
        assert words in cause.message


class TestText:
    def test_the_words_of_a_path_are_not_taken_for_places_to_fill(self) -> None:
        cause = _find("E failed to open GGUF file '/m/{0}{x}.gguf' (No such file or directory)")

        assert "/m/{0}{x}.gguf is missing" in cause.message

    @pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.pattern[:30])
    def test_every_row_fills_its_places_from_its_groups(self, row: Signature) -> None:
        places = [field for words in (row.message, row.hint) for _, field, _, _ in string.Formatter().parse(words)]

        assert all(int(place) < re.compile(row.pattern).groups for place in places if place is not None)

    def test_a_message_stays_readable_however_long_the_line(self) -> None:
        cause = _find(f"error: invalid argument: {'x' * 60_000}")

        assert len(cause.message) < 400
        assert len(cause.line) <= 1000

    def test_the_longest_last_words_are_searched_quickly(self) -> None:
        """The supervisor's thread does this; a pattern that backtracks would stand still for minutes."""
        lines = ["x" * 65_536, "a: " * 20_000, *(f"E line {number} of no meaning at all" for number in range(400))]
        began = time.process_time()

        assert find_cause(lines, 1, None) is None
        assert time.process_time() - began < 1.0
