"""Settings reach the parameters of the real xllamacpp."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import xllamacpp

from engine.embedded.argv import parse_command_line
from engine.embedded.flags import FLAGS, Flag
from engine.embedded.parameters import ParameterError, build_parameters

SAMPLES = {
    "-lm": "mmap+mlock",
    "-sm": "row",
    "-ctk": "q8_0",
    "-ctv": "q4_0",
    "-fa": "off",
    "-fit": "off",
    "--numa": "isolate",
    "--rope-scaling": "yarn",
    "--pooling": "mean",
    "--reasoning-format": "none",
    "--lora-scaled": "a.gguf:0.5",
    "--top-p": "0.5",
    "--min-p": "0.5",
    "--host": "::1",
    "-fitt": "7",
    "-ts": "3,1",
    "-ot": "x=CPU",
    "-lv": "4",
}
"""A value other than the default, by a flag's first name; every other flag takes a 3."""


def build(*argv: str) -> Any:  # noqa: ANN401 - xllamacpp is untyped
    return build_parameters(xllamacpp, parse_command_line(["-m", "model.gguf", *argv], {}).settings)


def read(parameters: object, path: str) -> str:
    """A value that can be compared."""
    value = parameters
    for step in path.split("."):
        value = getattr(value, step)
    return repr(value)


def command_for(flag: Flag, file: str) -> list[str]:
    """The flag with a value that is not the default."""
    default_on = flag.convert is None and bool(flag.off_names) and read(build(), flag.target) == repr(flag.on)
    if flag.convert is None:
        return [flag.off_names[0] if default_on else flag.names[0]]
    wants_file = flag.names[0] in {"--api-key-file", "--chat-template-file"}
    return [flag.names[0], file if wants_file else SAMPLES.get(flag.names[0], "3")]


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.names[0] != "-kvu"], ids=lambda flag: flag.names[-1])
def test_every_flag_changes_its_parameter(flag: Flag, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("values") / "text"
    file.write_text("three", encoding="utf-8")

    changed = build(*command_for(flag, str(file)))

    for target in flag.target.split():
        assert read(changed, target) != read(build(), target)


def test_slots_given_split_the_context_and_slots_unset_share_it() -> None:
    assert (build().n_parallel, build().kv_unified) == (4, True)
    assert (build("-np", "2").n_parallel, build("-np", "2").kv_unified) == (2, False)
    assert build("-np", "2", "-kvu").kv_unified is True


def test_keys_and_tensor_places_add_up() -> None:
    assert build("--api-key", "a", "--api-key", "b,c").api_keys == ["a", "b", "c"]
    assert build("-ot", "x=CPU", "-ot", "y=CPU").tensor_buft_overrides == "x=CPU,y=CPU"
    assert build("-a", "x", "-a", "y").model_alias == {"x", "y"}


def test_reranking_needs_embeddings_and_turns_them_on() -> None:
    assert build("--rerank").embedding is True


def test_a_sampling_flag_is_marked_as_the_operators_own() -> None:
    bits = xllamacpp.common_params_sampling_config

    assert build("--temp", "0.1").sampling.user_sampling_config == bits.COMMON_PARAMS_SAMPLING_CONFIG_TEMP.value
    assert build().sampling.user_sampling_config == 0


def test_no_model_is_refused() -> None:
    with pytest.raises(ParameterError, match="no model given: name one with --model FILE"):
        build_parameters(xllamacpp, ())


def test_a_value_that_llama_cpp_refuses_is_named() -> None:
    with pytest.raises(ParameterError, match='error while handling argument "--override-tensor": '):
        build("-ot", "no place")


def test_a_parameter_that_this_version_lacks_is_named() -> None:

    old = ModuleType("xllamacpp")
    vars(old)["CommonParams"] = type("Params", (), {"n_parallel": 0, "port": 0})

    with pytest.raises(ParameterError, match="--temperature: not in this version of xllamacpp"):
        build_parameters(old, parse_command_line(["--temp", "1"], {}).settings)
