"""The reference page names every key, in its table's section, with its real default."""

import json
import re
from enum import Enum
from pathlib import Path

import pytest
from pydantic import BaseModel

from engine.config import schema
from engine.config.faults import table_of

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = {
    "[server]": schema.ServerConfig,
    "[dashboard]": schema.DashboardConfig,
    "[daemon]": schema.DaemonConfig,
    "[instances.NAME]": schema.InstanceConfig,
    "[instances.NAME.healthcheck]": schema.HealthcheckConfig,
    "[instances.NAME.restart_policy]": schema.RestartPolicyConfig,
    "[instances.NAME.logs]": schema.LogsConfig,
    "[profiles.NAME]": schema.ProfileConfig,
    "[events]": schema.EventsConfig,
    "[metrics]": schema.MetricsConfig,
}


def section(title: str) -> str:
    found = re.search(rf"^## `{re.escape(title)}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def written(key: str, default: object) -> str:
    if key == "port":  # filled in by rule
        return '`"auto"`'
    if default is None:
        return "not set"
    value = default.value if isinstance(default, Enum) else list(default) if isinstance(default, tuple) else default
    return f"`{json.dumps(value)}`"


@pytest.mark.parametrize(("title", "model"), SECTIONS.items(), ids=list(SECTIONS))
def test_every_key_has_a_row_with_its_default(title: str, model: type[BaseModel]) -> None:
    text = section(title)
    for key, field in model.model_fields.items():
        if table_of(field) is None:
            default = field.get_default(call_default_factory=True)
            assert f"| `{key}` | {written(key, default)} | " in text
        else:
            section(f"{title[:-1]}.{key}]")


def test_every_table_of_the_file_has_a_section() -> None:
    for key in schema.Config.model_fields:
        section(f"[{key}.NAME]" if key in ("instances", "profiles") else f"[{key}]")
