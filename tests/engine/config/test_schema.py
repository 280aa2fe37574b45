from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from engine.config.faults import marks_of, table_of
from engine.config.fields import Words
from engine.config.schema import Config, InstanceConfig, ProfileConfig


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        if (table := table_of(field)) is not None:
            yield from tables(table)


ALL_TABLES = [*tables(Config), *tables(InstanceConfig), ProfileConfig]


@pytest.mark.parametrize("model", ALL_TABLES, ids=lambda model: model.__name__)
def test_every_key_is_described_and_every_value_explained(model: type[BaseModel]) -> None:
    for key, field in model.model_fields.items():
        assert field.description, key
        assert table_of(field) or key in ("instances", "profiles") or any(isinstance(m, Words) for m in marks_of(field))


@pytest.mark.parametrize("model", ALL_TABLES, ids=lambda model: model.__name__)
def test_every_table_is_frozen_and_refuses_unknown_keys(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"


def test_an_instance_has_the_documented_defaults() -> None:
    one = InstanceConfig(model="m.gguf")
    assert (one.host, one.port, one.stop_grace, one.autostart) == ("127.0.0.1", "auto", 10.0, False)
    health, policy, logs = one.healthcheck, one.restart_policy, one.logs
    assert (health.type, health.path, health.expected_status) == ("http", "/health", 200)
    assert (health.interval, health.timeout, health.retries, health.start_period) == (10, 5, 3, 600)
    assert (policy.policy, policy.max_retries, policy.initial_delay) == ("always", 5, 1)
    assert (policy.multiplier, policy.max_delay, policy.jitter, policy.reset_after) == (2, 300, 0.2, 60)
    assert (logs.max_size_mb, logs.backups) == (10, 3)


@pytest.mark.parametrize(
    "values",
    [{}, {"model": "a", "hf": "a/b"}, {"model": "a", "command": ["x"]}, {"hf": "a/b", "command": ["x"]}],
    ids=["none", "model+hf", "model+command", "hf+command"],
)
def test_an_instance_runs_exactly_one_of_model_hf_and_command(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        InstanceConfig.model_validate(values)


@pytest.mark.parametrize(
    ("values", "port"),
    [
        ({"command": ["x"], "healthcheck": {"type": "none"}}, None),
        ({"command": ["x"], "healthcheck": {"type": "custom", "custom_script": "/c"}}, None),
        ({"command": ["x"], "healthcheck": {"type": "tcp"}}, "auto"),
        ({"command": ["x"]}, "auto"),
        ({"command": ["x", "--port={port}"], "healthcheck": {"type": "none"}}, "auto"),
        ({"command": ["x"], "healthcheck": {"type": "none"}, "port": 80}, 80),
        ({"model": "m", "healthcheck": {"type": "none"}}, "auto"),
    ],
)
def test_only_a_command_that_nobody_asks_over_the_network_has_no_port(values: dict[str, Any], port: object) -> None:
    assert InstanceConfig.model_validate(values).port == port


@pytest.mark.parametrize("port", [0, 65536, -1, True, 80.0, "80", "Auto"])
def test_a_port_is_a_whole_number_in_range_or_auto(port: object) -> None:
    with pytest.raises(ValidationError):
        InstanceConfig.model_validate({"model": "m", "port": port})


def test_a_log_may_be_smaller_than_a_megabyte() -> None:
    assert InstanceConfig.model_validate({"model": "m", "logs": {"max_size_mb": 0.01}}).logs.max_size_mb == 0.01


def test_a_secret_is_not_in_the_printed_form_of_an_instance() -> None:
    one = InstanceConfig(model="m", api_key="hunter2", env={"HF_TOKEN": "hunter3"})
    assert "hunter" not in repr(one)
