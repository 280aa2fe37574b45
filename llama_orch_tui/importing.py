"""`import`: what comes over from llama-orchestrator, what is here already, and what does not come, in words."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import engine
from engine.errors import ExitCode
from llama_orch_tui import output


def import_old_home(folder: Path, *, is_dry_run: bool) -> int:
    """Import, or with `is_dry_run` only say what would be done; the exit code.

    It is 11 when a configuration could not be imported; everything else came over all the same.

    Raises:
        EngineError: nothing was imported; the message is for a person.
    """
    home = engine.find_home(os.environ)
    work = engine.plan_import if is_dry_run else engine.carry_out_import
    try:
        plan = work(home, folder, os.environ, time.time())
    except OSError as error:
        place = error.filename or home.state_dir
        raise engine.EngineError(f"{place}: {error.strerror or error}; mend that, then import again") from error
    for line in format_plan(plan, is_dry_run=is_dry_run):
        output.say(line)
    return int(ExitCode.CONFIG_INVALID if plan.refused else ExitCode.OK)


def format_plan(plan: engine.ImportPlan, *, is_dry_run: bool) -> Iterator[str]:
    """The report of an import, line by line."""
    database = "no database" if plan.version is None else f"database version {plan.version}"
    found = len(plan.instances) + len(plan.known) + len(plan.refused)
    yield f"llama-orchestrator in {plan.folder}: {_count(found, 'configuration')}, {database}"
    for name in plan.known:
        yield f"  {name}: stands in {plan.config_path} already"
    for one in plan.instances:
        yield f"  {one.name}: {'would be added' if is_dry_run else 'added'} to {plan.config_path}, stopped"
    for remark in plan.refused:
        yield f"  {remark.subject}: {remark.message}"
    yield f"  events: {_format_rows(plan.event_count, is_dry_run=is_dry_run)}"
    yield f"  health records: {_format_rows(plan.health_count, is_dry_run=is_dry_run)}"
    if plan.remarks:
        yield "Not as it was:"
        for subject, remarks in groupby(plan.remarks, key=lambda remark: remark.subject):
            yield f"  {subject}"
            yield from (f"    {remark.message}" for remark in remarks)
    if is_dry_run and plan.instances:
        yield f"What {plan.config_path} would gain:"
        yield from (f"  {line}".rstrip() for line in plan.shown_text.splitlines())
    if is_dry_run:
        yield "Nothing was changed: this was a dry run."
    elif not plan.has_work:
        yield "Nothing was changed: everything is here already."


def _format_rows(count: engine.ImportCount, *, is_dry_run: bool) -> str:
    verb = "would be imported" if is_dry_run else "imported"
    return f"{count.fresh} {verb}" + (f", {count.known} here already" if count.known else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
