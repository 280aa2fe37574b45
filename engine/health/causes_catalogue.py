"""The catalogue of what servers say before they die: llama.cpp's lines first, then its GPU backends and loaders.

The order is the meaning: the specific before the general. llama.cpp prints the cause twice and then lines that say
nothing, so that neither its first nor its last line is the one to look for.
"""

from __future__ import annotations

from engine.health.signatures import CauseKind, Signature


def _row(
    kind: CauseKind, pattern: str, message: str, hint: str, *, is_permanent: bool = True, is_crash: bool = False
) -> Signature:
    return Signature(kind, pattern, message, hint, is_permanent, is_crash)


_ARGS = "correct `args` in its table"
_FEWER = "lower `ctx_size` or `parallel`"
_FETCH = "fetch the file again and compare its size with the source's"
_UPDATE = "update llama.cpp, or take a version of the model that this one knows"
_CONVERT = "convert the model again, or fetch it from another source"
_PORT = 'or write `port = "auto"`'
_GPU_SPACE = f"free memory of the GPU, {_FEWER}, or `gpu_layers`"
_GPU_RESET = "`nvidia-smi`, `rocm-smi` or `dmesg` tell its state; reset it, or reload its driver"

_COMMAND_LINE = (
    _row(
        CauseKind.UNKNOWN_FLAG,
        r"^error: (?:invalid|unknown) argument: (--mlock|--no-mmap)\s*$",
        "this llama-server no longer has the flag {0}",
        "write `--load-mode mlock` or `--load-mode none` in `args` instead",
    ),
    _row(
        CauseKind.UNKNOWN_FLAG,
        r"^error: (?:invalid|unknown) argument: (\S+) \((.*)\)\s*$",
        "the server does not take the flag {0}: {1}",
        _ARGS,
    ),
    _row(
        CauseKind.UNKNOWN_FLAG,
        r"^error: (?:invalid|unknown) argument: (\S+)",
        "the server does not know the flag {0}",
        f"{_ARGS}; the server's `--help` lists its flags",
    ),
    _row(
        CauseKind.BAD_VALUE,
        r'^error while handling argument "(.*?)": stoi\s*$',
        "the value of the flag {0} is no whole number, or too large, or missing",
        _ARGS,
    ),
    _row(
        CauseKind.BAD_VALUE,
        r'^error while handling argument "(.*?)": (.*?)\s*$',
        "the flag {0} has a bad value: {1}",
        f"{_ARGS}; its log shows how the flag is used",
    ),
    _row(
        CauseKind.BAD_VARIABLE,
        r'^error while handling environment variable "(.*?)": (.*?)\s*$',
        "the environment variable {0} has a bad value: {1}",
        "correct or unset it in `env`, or where this program was started",
    ),
    _row(
        CauseKind.NO_MODEL,
        r"^error: no model given",
        "no model is named",
        "set `model` in its table, or `-m` in `args`",
    ),
    _row(
        CauseKind.BAD_TEMPLATE,
        r"the supplied chat template is not supported: (.*?)\s*$",
        "the chat template is not supported: {0}",
        f"{_ARGS}: another `--chat-template`, or `--no-jinja`",
    ),
    _row(
        CauseKind.BAD_TEMPLATE,
        r"common_chat_templates_init: error: (.*?)\s*$",
        "the chat template cannot be parsed: {0}",
        "correct `--chat-template` in `args`; without it the model's own one is used",
    ),
    _row(
        CauseKind.NO_SSL,
        r"server is built without SSL support",
        "this build of the server has no SSL",
        "end TLS in front of it, or take a llama-server built with SSL",
    ),
    _row(
        CauseKind.CANNOT_BIND,
        r"couldn't bind HTTP server socket, hostname: (.*), port: (-?\d+)",
        "{0}, port {1}, cannot be listened on: most often another process has the port",
        f"end that process, pick another port, {_PORT}; a port below 1024 needs privileges, the address must be this"
        " machine's, and an SSL key or certificate readable",
        is_permanent=False,
    ),
)

_FILES_BESIDE_THE_MODEL = (
    _row(
        CauseKind.SPLIT_MODEL,
        r"illegal split file idx: \d+ .*must be loaded with the first split",
        "the model is split, and this is not its first part",
        "name the part that ends in -00001-of-N.gguf as `model`",
    ),
    _row(
        CauseKind.SPLIT_MODEL,
        r"failed to load GGUF split from (.*?)\s*$",
        "a part of the split model is missing: {0}",
        "fetch that part into the same folder",
    ),
    _row(
        CauseKind.SPLIT_MODEL,
        r"invalid split file name: (.*?)\s*$",
        "a part of the split model was renamed: {0}",
        "give it its name back, -00001-of-N.gguf and so on",
    ),
    _row(
        CauseKind.PROJECTOR,
        r"failed to load multimodal model, '(.*)'|Failed to load CLIP model from (.*?)\s*$",
        "the multimodal projector {0}{1} is missing, or is none",
        "correct `--mmproj` in `args`",
    ),
    _row(
        CauseKind.ADAPTER,
        r"llama_adapter_lora_init: failed to open '(.*)'|failed to load lora adapter '(.*)'",
        "the LoRA adapter {0}{1} is missing, or is none",
        "correct `--lora` in `args`",
    ),
    _row(
        CauseKind.DRAFT_MODEL,
        r"failed to load draft model, '(.*)'",
        "the draft model {0} cannot be loaded",
        "correct its path in `args`",
    ),
    _row(
        CauseKind.NOT_DOWNLOADED,
        r"exactly one out metadata, path_model, and file must be defined|failed to load model ''",
        "the model of `hf` could not be fetched, and is not in the cache",
        "see that the network works and the name is right, or fetch the file and name it as `model`",
        is_permanent=False,
    ),
)

_MEMORY = (
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"mmap failed: Cannot allocate memory",
        "the model file is larger than the address space that a limit allows",
        "raise the limit (`ulimit -v`), or add `--load-mode none` to `args`",
        is_permanent=False,
    ),
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"failed to allocate buffer for kv cache",
        "the memory for the context (KV cache) does not fit",
        f"{_FEWER}, or add `--cache-type-k q8_0 --cache-type-v q8_0` to `args`",
        is_permanent=False,
    ),
    _row(
        CauseKind.GPU_MEMORY,
        r"allocating ([\d.]+) MiB on device (\d+): \w*Malloc failed",
        "the GPU {1} has not the {0} MiB that were asked for",
        _GPU_SPACE,
        is_permanent=False,
    ),
    _row(
        CauseKind.GPU_MEMORY,
        r"Device memory allocation of size (\d+) failed|ErrorOutOfDeviceMemory",
        "the memory of the GPU does not suffice",
        _GPU_SPACE,
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.GPU_MEMORY,
        r"(?:CUDA|ROCm|MUSA|SYCL) error: out of memory|kIOGPUCommandBufferCallbackErrorOutOfMemory",
        "the memory of the GPU does not suffice",
        _GPU_SPACE,
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"insufficient memory \(attempted to allocate ([\d.]+) MB\)",
        "there is not enough memory: {0} MB were asked for",
        "take a smaller quantisation, let the file be mapped (`--load-mode mmap`), or stop another model",
        is_permanent=False,
    ),
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"unable to allocate (\S+) buffer|failed to allocate (\S+) buffer of size \d+",
        "there is not enough memory on {0}{1}",
        "take a smaller quantisation, put fewer layers there (`gpu_layers`), or stop another model",
        is_permanent=False,
    ),
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"failed to allocate compute (?:\w+ )?buffers",
        "the memory for computing does not fit",
        f"{_FEWER}, or add `--ubatch-size 256` to `args`",
        is_permanent=False,
    ),
    _row(
        CauseKind.CONTEXT_TOO_LARGE,
        r"failed to initialize the context: std::bad_alloc",
        "there is not enough memory for a context of this size",
        "lower `ctx_size`",
        is_permanent=False,
    ),
    _row(
        CauseKind.OUT_OF_MEMORY,
        r"std::bad_alloc|^MemoryError",
        "there is not enough memory",
        f"{_FEWER}, take a smaller model, or stop another one",
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.TOO_MANY_SLOTS,
        r"n_seq_max must be <= (\d+)",
        "more than {0} requests side by side are not possible",
        "lower `parallel`",
    ),
    _row(
        CauseKind.NEEDS_FLASH_ATTENTION,
        r"quantized V cache requires flash_attn",
        "a quantised V cache needs flash attention",
        "add `--flash-attn on` to `args`, or leave `--cache-type-v` out",
    ),
)

_MODEL_FILE = (
    _row(
        CauseKind.MODEL_MISSING,
        r"failed to open GGUF file '(.*)' \(No such file|error loading model: failed to open (.*): No such file",
        "the model file {0}{1} is missing",
        "correct `model` in its table, or fetch the file",
    ),
    _row(
        CauseKind.MODEL_UNREADABLE,
        r"failed to open GGUF file '(.*)' \(Permission denied",
        "the model file {0} may not be read",
        "correct its owner or mode (`chown`, `chmod`)",
    ),
    _row(
        CauseKind.MODEL_UNREADABLE,
        r"failed to open GGUF file '(.*)' \((.*)\)",
        "the model file {0} cannot be opened: {1}",
        "correct `model` in its table, or what keeps the file from being read",
    ),
    _row(
        CauseKind.NOT_GGUF,
        r"invalid magic characters:? '(.*)',? expected 'GGUF'",
        "the model file is no GGUF: it begins with {0!r}",
        "fetch it again (this may be a web page or a Git LFS pointer), or convert it to GGUF",
    ),
    _row(
        CauseKind.NOT_GGUF,
        r"failed to read magic",
        "the model file is empty, or a folder",
        "fetch it again, or name the file itself as `model`",
    ),
    _row(
        CauseKind.MODEL_TOO_NEW,
        r"GGUF file is version (\d+) but this software only supports(?: up to version (\d+))?",
        "the model file has GGUF version {0}, newer than this llama.cpp",
        _UPDATE,
    ),
    _row(
        CauseKind.MODEL_TRUNCATED,
        r"tensor '(.*)' data is not within the file bounds, model is corrupted or incomplete",
        "the model file is cut short: {0} is not all there",
        _FETCH,
    ),
    _row(
        CauseKind.MODEL_TRUNCATED,
        r"failed to read (key-value pairs|tensor info|header|tensor data)",
        "the model file is cut short or damaged in its {0}",
        _FETCH,
    ),
    _row(
        CauseKind.UNKNOWN_ARCHITECTURE,
        r"unknown model architecture: '(.*)'",
        "this llama.cpp does not know the model's architecture {0}",
        _UPDATE,
    ),
    _row(
        CauseKind.MODEL_BROKEN,
        r"check_tensor_dims: tensor '(.*)' (not found|has wrong shape)",
        "the model does not fit its architecture: tensor {0} {1}",
        _CONVERT,
    ),
    _row(
        CauseKind.MODEL_BROKEN,
        r"error loading model vocabulary: (.*?)\s*$",
        "the model's tokenizer cannot be used: {0}",
        f"{_UPDATE}; else {_CONVERT}",
    ),
    _row(
        CauseKind.MODEL_BROKEN,
        r"tensor '(.*)' has invalid data",
        "the model's weights are damaged: {0} has values that are no numbers",
        _FETCH,
    ),
)

_GPU = (
    _row(
        CauseKind.GPU_LOST,
        r"DeviceLost|device lost on (\S+)|GPU is lost|fallen off the bus|ECC error",
        "the GPU was lost",
        _GPU_RESET,
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.GPU_UNUSABLE,
        r"(?:CUDA|ROCm|MUSA)\b.*(no \S+-capable device is detected|driver version is insufficient.*"
        r"|no kernel image is available.*|unsupported display driver.*|initialization error)",
        "the GPU cannot be used: {0}",
        "see that the driver works (`nvidia-smi`, `rocm-smi`) and that this build is made for it",
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.GPU_ERROR,
        r"\b((?:CUDA|ROCm|MUSA|SYCL|Vulkan) error: .*?|vk::\S+: Error\w+)\s*$",
        "the GPU failed: {0}",
        _GPU_RESET,
        is_permanent=False,
        is_crash=True,
    ),
)

_PROGRAM = (
    _row(
        CauseKind.ASSERTION,
        r"GGML_ASSERT\((.*)\) failed",
        "llama.cpp gave up: {0} does not hold",
        "correct the setting that it speaks of, or update llama.cpp, or report it with the crash report's last lines",
        is_permanent=False,
        is_crash=True,
    ),
    _row(
        CauseKind.MISSING_PACKAGE,
        r"^error: the embedded llama\.cpp cannot be loaded \((.*)\); run: (.*?)\s*$",
        "the embedded llama.cpp cannot be loaded: {0}",
        "run: {1}",
    ),
    _row(
        CauseKind.MISSING_PACKAGE,
        r"No module named '?([\w.]+)'?",
        "the Python package {0} is missing",
        "install it where the program's Python looks, or correct `command` in its table",
    ),
    _row(
        CauseKind.MISSING_LIBRARY,
        r"error while loading shared libraries: (.*?): ",
        "the program's library {0} is missing",
        "install it, or name its folder in `env` (LD_LIBRARY_PATH)",
    ),
    _row(
        CauseKind.MISSING_LIBRARY,
        r"version `(.*)' not found \(required by (.*?)\)",
        "the program needs {0}, which this system lacks",
        "take a build for this system",
    ),
    _row(
        CauseKind.NOT_EXECUTABLE,
        r"^(?:\S*/)?(?:sh|dash|ash): (?:\d+: )?(\S+): not found\s*$|(?:^|\s)([^\s:]+): command not found\s*$",
        "the program {0}{1} was not found",
        "correct `command` in its table, or PATH in `env`",
    ),
    _row(
        CauseKind.NOT_EXECUTABLE,
        r"(?:^|\s)([^\s:]+): cannot execute(?: binary file)?: (.*?)\s*$",
        "the program {0} cannot be executed: {1}",
        "take a build for this system",
    ),
    _row(
        CauseKind.LOAD_FAILED,
        r"error loading model: (.*?)\s*$",
        "the model cannot be loaded: {0}",
        "the lines before it in the log may tell more",
        is_permanent=False,
    ),
)

CATALOGUE: tuple[Signature, ...] = (
    *_COMMAND_LINE,
    *_FILES_BESIDE_THE_MODEL,
    *_MEMORY,
    *_MODEL_FILE,
    *_GPU,
    *_PROGRAM,
)
