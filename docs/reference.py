"""Writes what the documentation says of keys, commands and exit codes from the program itself.

``make docs`` brings the pages up to date; ``--check`` only tells whether they are (exit 1 when not). Words around the
generated blocks are written by hand and stay.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from enum import Enum, StrEnum
from pathlib import Path

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.config import schema
from engine.config.faults import marks_of, table_of
from engine.config.fields import Words
from engine.errors import EXIT_CODE_MEANINGS
from llama_orch_tui.action_kinds import Scope, key_name
from llama_orch_tui.actions import ACTIONS
from llama_orch_tui.cli import app

DOCS = Path(__file__).parent
BLOCK = "<!-- generated: {} -->\n"
END = "<!-- end -->"
TABLES: dict[str, tuple[type[BaseModel], type[BaseModel] | None]] = {
    "[server]": (schema.ServerConfig, None),
    "[dashboard]": (schema.DashboardConfig, None),
    "[daemon]": (schema.DaemonConfig, None),
    "[events]": (schema.EventsConfig, None),
    "[instances.NAME]": (schema.InstanceConfig, schema.SharedConfig),
    "[defaults]": (schema.SharedConfig, None),
    "[instances.NAME.healthcheck]": (schema.HealthcheckConfig, None),
    "[instances.NAME.restart_policy]": (schema.RestartPolicyConfig, None),
    "[instances.NAME.logs]": (schema.LogsConfig, None),
    "[profiles.NAME]": (schema.ProfileConfig, None),
    "[models]": (schema.ModelsConfig, None),
    "[metrics]": (schema.MetricsConfig, None),
}
"""The tables of the file: whose keys, without those of another."""

PLACES = {
    Scope.APP: "everywhere",
    Scope.INSTANCE: "dashboard, describe",
    Scope.DASHBOARD: "dashboard",
    Scope.TABLE: "table",
    Scope.EVENTS: "events",
    Scope.LOG: "log",
    Scope.WELCOME: "welcome",
    Scope.MOVES: "panes and pages",
    Scope.PAGE: "pages",
    Scope.DESCRIBE: "describe",
}
"""Where an action works, in words."""


def main() -> None:
    """Write or check every page."""
    is_check = "--check" in sys.argv[1:]
    stale = []
    for name, blocks in (
        ("configuration.md", {**dict(_build_key_tables()), "[keys]": _build_actions()}),
        ("commands.md", dict(_build_commands())),
        ("exit-codes.md", {"exit codes": _build_exit_codes()}),
    ):
        page = DOCS / name
        text = page.read_text(encoding="utf-8")
        fresh = _fill(text, blocks)
        if fresh != text:
            stale.append(name)
            if not is_check:
                page.write_text(fresh, encoding="utf-8")
    if stale:
        print(f"{'behind the program, run `make docs`' if is_check else 'written'}: {', '.join(stale)}")
        sys.exit(int(is_check))


def _fill(text: str, blocks: dict[str, str]) -> str:
    """The page with every block as it is today; blocks that it lacks come at its end."""
    for title, block in blocks.items():
        begin = BLOCK.format(title)
        whole = f"{begin}{block}{END}"
        if begin not in text:
            text = f"{text.rstrip()}\n\n## `{title}`\n\n{whole}\n"
            continue
        text = re.sub(rf"{re.escape(begin)}.*?{re.escape(END)}", lambda _, whole=whole: whole, text, flags=re.DOTALL)  # type: ignore[misc]
    known = {BLOCK.format(title) for title in blocks}
    for begin in re.findall(r"<!-- generated: .*? -->\n", text):
        if begin not in known:
            raise SystemExit(f"{begin.strip()}: nothing of this name is in the program; remove its section")
    return text


def _build_key_tables() -> Iterator[tuple[str, str]]:
    for title, (model, without) in TABLES.items():
        rows = ["| key | default | takes | meaning |", "| --- | --- | --- | --- |"]
        for key, field in model.model_fields.items():
            if table_of(field) is None and (without is None or key not in without.model_fields):
                rows.append(f"| `{key}` | {_default(key, field)} | {_takes(field)} | {_cell(field.description)} |")
        yield title, "\n".join(rows) + "\n"


def _default(key: str, field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if key == "port":
        return '`"auto"`'  # filled in by rule
    if value is None:
        return "not set"
    plain = value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
    return f"`{json.dumps(plain)}`"


def _takes(field: FieldInfo) -> str:
    return _cell(next(mark.must_be for mark in marks_of(field) if isinstance(mark, Words)))


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def _build_commands() -> Iterator[tuple[str, str]]:
    root = typer.main.get_command(app)
    yield from _walk(root, ())


def _walk(command: object, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    below = getattr(command, "commands", {})
    for name, one in sorted(below.items()):
        if getattr(one, "commands", None):
            yield from _walk(one, (*path, name))
        else:
            yield " ".join((*path, name)), _describe_command(one)


def _describe_command(command: object) -> str:
    lines = [_cell(getattr(command, "help", "")), ""]
    rows = [_describe_parameter(one) for one in getattr(command, "params", ()) if one.name != "help" and not one.hidden]
    if rows:
        lines += ["| option | meaning |", "| --- | --- |", *rows, ""]
    return "\n".join(lines)


def _describe_parameter(parameter: object) -> str:
    options = list(getattr(parameter, "opts", ()))
    metavar = getattr(parameter, "metavar", None)
    is_option = getattr(parameter, "param_type_name", "") == "option"
    if not is_option:
        words = metavar or options[0].upper()
    else:
        default = getattr(parameter, "default", None)
        value = metavar or ("|".join(type(default)) if isinstance(default, StrEnum) else "")
        words = ", ".join(sorted(options, key=len)) + (f" {value}" if value else "")
    words = words.replace("|", "\\|")
    return f"| `{words}` | {_cell(getattr(parameter, 'help', ''))} |"


def _build_actions() -> str:
    rows = ["| action | keys | does | works in |", "| --- | --- | --- | --- |"]
    for one in ACTIONS:
        keys = " ".join(f"`{_written_key(key)}`" for key in one.keys)
        rows.append(f"| `{one.id}` | {keys} | {_cell(one.help)} | {PLACES[one.scope]} |")
    return "\n".join(rows) + "\n"


def _written_key(key: str) -> str:
    """A key as the file takes it: the sign where it is one that every keyboard has, else its name."""
    sign = key_name(key)
    return sign if len(sign) == 1 and sign.isascii() else key


def _build_exit_codes() -> str:
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in EXIT_CODE_MEANINGS.items()]
    return "\n".join(["| code | meaning |", "| --- | --- |", *rows]) + "\n"


if __name__ == "__main__":
    main()
