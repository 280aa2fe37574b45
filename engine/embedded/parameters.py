"""Fills llama.cpp's parameters from a command line."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType
from typing import Any

from engine.embedded.argv import Setting
from engine.embedded.values import Adapters, Member
from engine.errors import EngineError

DEFAULT_PORT = 8080
AUTO_SLOTS = 4
"""What `llama-server` serves side by side, with one KV buffer, unless told otherwise."""

SAMPLING_BITS = {
    "sampling.temp": "TEMP",
    "sampling.top_k": "TOP_K",
    "sampling.top_p": "TOP_P",
    "sampling.min_p": "MIN_P",
    "sampling.penalty_last_n": "PENALTY_LAST_N",
    "sampling.penalty_repeat": "PENALTY_REPEAT",
}
"""Marks that keep a model's own sampling defaults from replacing the operator's."""


class ParameterError(EngineError):
    """The parameters make no server."""


def build_parameters(library: ModuleType, settings: Iterable[Setting]) -> Any:  # noqa: ANN401 - xllamacpp is untyped
    """A CommonParams of `library` (xllamacpp) with the defaults of `llama-server` and these settings.

    Raises:
        ParameterError: no model is named, llama.cpp takes a value not, or this xllamacpp lacks a parameter.
    """
    parameters = library.CommonParams()
    parameters.port = DEFAULT_PORT
    parameters.n_parallel = -1
    joined: set[str] = set()
    for setting in settings:
        try:
            _apply(library, parameters, setting, joined)
        except AttributeError as error:
            raise ParameterError(
                f"error: {setting.flag.names[-1]}: not in this version of xllamacpp: {error}"
            ) from None
        except (ValueError, OverflowError) as error:
            raise ParameterError(f'error while handling argument "{setting.flag.names[-1]}": {error}') from None
    if parameters.n_parallel < 0:
        parameters.n_parallel = AUTO_SLOTS
        parameters.kv_unified = True
    if not parameters.model.path:
        raise ParameterError("error: no model given: name one with --model FILE (the embedded server has no router)")
    return parameters


def _apply(library: ModuleType, parameters: Any, setting: Setting, joined: set[str]) -> None:  # noqa: ANN401 - untyped
    """Set what one flag stands for; `joined` holds the targets that later uses add to."""
    flag = setting.flag
    value = _resolve(library, setting.value)
    for target in flag.target.split():
        *owners, name = target.split(".")
        owner = parameters
        for step in owners:
            owner = getattr(owner, step)
        setattr(owner, name, _join(getattr(owner, name), value) if target in joined else value)
        if flag.joins:
            joined.add(target)
    if flag.target in SAMPLING_BITS:
        bit = getattr(
            library.common_params_sampling_config, f"COMMON_PARAMS_SAMPLING_CONFIG_{SAMPLING_BITS[flag.target]}"
        )
        parameters.sampling.user_sampling_config |= bit.value
    for name in flag.implies:
        setattr(parameters, name, True)


def _resolve(library: ModuleType, value: object) -> Any:  # noqa: ANN401 - untyped
    """The value as xllamacpp wants it."""
    match value:
        case Member(enum, name):
            return getattr(getattr(library, enum), name)
        case Adapters(entries):
            return [library.CommonAdapterLoraInfo(path, scale) for path, scale in entries]
        case _:
            return value


def _join(before: Any, value: Any) -> Any:  # noqa: ANN401 - untyped
    """What two uses of one flag give together."""
    if isinstance(before, set):
        return before | value
    if isinstance(before, str):
        return f"{before},{value}"
    return [*before, *value]
