"""The embedded server reads its command line as `llama-server` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from engine.embedded.argv import ArgumentError, Command, format_help, parse_command_line
from engine.embedded.flags import FLAGS, REFUSALS, Flag, index_by_name
from engine.embedded.values import Member


def parse(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> dict[str, object]:
    """Target and value of every setting; the last one of a target wins."""
    return {setting.flag.target: setting.value for setting in parse_command_line(argv, environ or {}).settings}


def test_long_and_short_names_mean_the_same() -> None:
    assert parse(["-c", "512", "-m", "a.gguf"]) == parse(["--ctx-size", "512", "--model", "a.gguf"])


def test_underscores_in_long_names_are_taken_as_dashes() -> None:
    assert parse(["--ctx_size", "512"]) == {"n_ctx": 512}


def test_the_last_of_a_repeated_flag_wins() -> None:
    assert parse(["-c", "512", "-c", "1024"]) == {"n_ctx": 1024}


def test_a_switch_takes_no_value_and_has_its_opposite() -> None:
    assert parse(["--metrics", "--no-slots", "-kvu"]) == {
        "endpoint_metrics": True,
        "endpoint_slots": False,
        "kv_unified": True,
    }


def test_a_flag_with_its_value_behind_an_equals_sign_is_unknown() -> None:
    with pytest.raises(ArgumentError, match="error: invalid argument: --port=8080"):
        parse(["--port=8080"])


def test_a_variable_stands_in_for_a_flag_that_is_not_given() -> None:
    environ = {"LLAMA_ARG_CTX_SIZE": "512", "LLAMA_ARG_ENDPOINT_SLOTS": "off", "LLAMA_API_KEY": "a,b"}

    assert parse([], environ) == {"n_ctx": 512, "endpoint_slots": False, "api_keys": ["a", "b"]}


def test_a_flag_beats_its_variable_and_says_so() -> None:
    expected = (
        "warn: LLAMA_ARG_CTX_SIZE environment variable is set, "
        "but will be overwritten by command line argument --ctx-size"
    )

    line = parse_command_line(["-c", "1024"], {"LLAMA_ARG_CTX_SIZE": "512"})

    assert [setting.value for setting in line.settings] == [1024]
    assert line.warnings == (expected,)


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(ArgumentError, match='error while handling environment variable "LLAMA_ARG_CTX_SIZE": expected'):
        parse([], {"LLAMA_ARG_CTX_SIZE": "many"})


def test_a_bad_variable_of_a_pair_of_switches_is_named() -> None:
    with pytest.raises(ArgumentError, match="\"LLAMA_ARG_ENDPOINT_SLOTS\": unknown value 'perhaps'"):
        parse([], {"LLAMA_ARG_ENDPOINT_SLOTS": "perhaps"})


def test_a_bad_value_shows_how_the_flag_is_used() -> None:
    with pytest.raises(ArgumentError) as caught:
        parse(["--port", "x"])

    message = str(caught.value)
    assert message.startswith("error while handling argument \"--port\": expected a whole number, not 'x'\n\nusage:\n")
    assert "--port PORT" in message
    assert "(env: LLAMA_ARG_PORT)" in message


@pytest.mark.parametrize(
    ("argv", "target", "value"),
    [
        (["-ngl", "auto"], "n_gpu_layers", -1),
        (["-ngl", "all"], "n_gpu_layers", -2),
        (["-ngl", "99"], "n_gpu_layers", 99),
        (["-fa", "on"], "flash_attn_type", Member("llama_flash_attn_type", "LLAMA_FLASH_ATTN_TYPE_ENABLED")),
        (["-ctk", "q8_0"], "cache_type_k", Member("ggml_type", "GGML_TYPE_Q8_0")),
        (["-lm", "mmap+mlock"], "load_mode", Member("llama_load_mode", "LLAMA_LOAD_MODE_MMAP_MLOCK")),
        (["-fitt", "512"], "fit_params_target", [512 << 20] * 16),
        (["-a", "x,y"], "model_alias", {"x", "y"}),
        (["--seed", "-1"], "sampling.seed", 2**32 - 1),
        (["--host", "127.0.0.1,::1"], "hostnames", ["127.0.0.1", "::1"]),
        (["-fit", "off"], "fit_params", False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) and len(value) == 2 else None,
)
def test_a_value_becomes_what_llama_cpp_takes(argv: list[str], target: str, value: object) -> None:
    assert parse(argv) == {target: value}


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["-ngl", "some"], "expected a whole number"),
        (["-c", "99999999999"], "out of range"),
        (["-c", "-5"], "-5 is not in 0.."),
        (["-np", "0"], "0 slots serve nobody"),
        (["--port", "0"], "0 is not in 1..65535"),
        (["--port", "65536"], "65536 is not in 1..65535"),
        (["-fa", "--port", "1"], "unknown value '--port'; expected on, off or auto"),
        (["-ctv", "q3"], "Unsupported cache type: q3"),
        (["-sm", "rows"], "expected one of none, layer, row, tensor"),
        (["--temp", "warm"], "expected a number, not 'warm'"),
        (["-fit", "maybe"], "expected on or off"),
        (["--lora-scaled", "a.gguf"], "expected FILE:SCALE"),
        (["-ncmoe", "5000"], "5000 is not in 0..1024"),
        (["--host", ","], "expected an address"),
        (["-fitt", ""], "expected 1 to 16 numbers of MiB"),
        (["--seed", "-2"], "-2 is not in -1.."),
        (["--api-key-file", "/no/such/file"], "failed to open file '/no/such/file': No such file"),
    ],
)
def test_a_bad_value_is_refused_with_the_reason(argv: list[str], reason: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        parse(argv)

    assert f'error while handling argument "{argv[0]}": ' in str(caught.value)
    assert reason in str(caught.value).splitlines()[0]


def test_zero_threads_mean_one_for_each_processor() -> None:
    threads = parse(["-t", "0"])["cpuparams.n_threads"]

    assert isinstance(threads, int)
    assert threads >= 1


@pytest.mark.parametrize("name", [name for refusal in REFUSALS for name in refusal.names])
def test_what_cannot_be_honoured_is_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"error: invalid argument: {name} \(.*(use|set|choose) .*\)"):
        parse([name, "x"])


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["-m", "x", "--help"], Command.HELP),
        (["--version"], Command.VERSION),
        (["--list-devices"], Command.LIST_DEVICES),
    ],
)
def test_a_question_is_answered_instead_of_serving(argv: list[str], command: Command) -> None:
    assert parse_command_line(argv, {}).command is command


def test_no_name_stands_for_two_flags() -> None:
    names = [name for flag in FLAGS for name in (*flag.names, *flag.off_names)]
    names += [name for refusal in REFUSALS for name in refusal.names]

    assert len(names) == len(set(names))
    assert all(name.startswith("-") for name in names)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.names[-1])
def test_the_help_shows_every_flag(flag: Flag) -> None:
    assert all(name in format_help().split() or f"{name}," in format_help().split() for name in flag.names)
    assert set(index_by_name([flag])) == {*flag.names, *flag.off_names}


def test_a_secret_behind_an_unknown_flag_is_not_written_into_the_log() -> None:
    with pytest.raises(ArgumentError) as caught:
        parse_command_line(["--hf-token=hunter2"], {})
    assert "--hf-token=***" in str(caught.value)
    assert "hunter2" not in str(caught.value)
