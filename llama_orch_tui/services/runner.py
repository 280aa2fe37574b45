"""Carrying a plan out, step by step, each one said; or only saying it."""

from __future__ import annotations

import shlex
import subprocess
from typing import assert_never

from engine.daemon.diary import Diary
from engine.errors import EngineError
from engine.paths import Home
from llama_orch_tui import output
from llama_orch_tui.services.plan import Plan, RemoveFile, RunCommand, Step, WriteFile

COMMAND_LIMIT_S = 120.0


def show_plan(plan: Plan) -> None:
    """Print what would be done."""
    for step in plan.steps:
        output.say(describe(step))
        if isinstance(step, WriteFile):
            output.say(step.text)
    for note in plan.notes:
        output.say(f"# {note}")


def carry_out_plan(home: Home, plan: Plan) -> None:
    """Do it; every step is printed, and written into the daemon's log with what came of it.

    Raises:
        EngineError: a step failed; what it said is in the message, and the steps after it were not begun.
    """
    diary = Diary(home)
    try:
        for step in plan.steps:
            output.say(describe(step))
            diary.note(f"{describe(step)}: {_carry_out(step) or 'done'}")
    except EngineError as error:
        diary.note(str(error))
        raise
    finally:
        diary.close()
    for note in plan.notes:
        output.say(note)


def describe(step: Step) -> str:
    """A step in one line, as one would type it."""
    match step:
        case WriteFile():
            return f"write {step.path}"
        case RemoveFile():
            return f"remove {step.path}"
        case RunCommand():
            return shlex.join(step.argv)
        case _:
            assert_never(step)


def _carry_out(step: Step) -> str:
    match step:
        case WriteFile():
            return _touch(step)
        case RemoveFile():
            return _touch(step)
        case RunCommand():
            return _run(step)
        case _:
            assert_never(step)


def _touch(step: WriteFile | RemoveFile) -> str:
    try:
        if isinstance(step, WriteFile):
            step.path.parent.mkdir(parents=True, exist_ok=True)
            step.path.write_text(step.text, encoding="utf-8")
        else:
            step.path.unlink(missing_ok=True)
    except PermissionError as error:
        raise EngineError(f"{step.path}: {error.strerror}; --system needs the rights of root: sudo") from error
    except OSError as error:
        raise EngineError(f"{step.path}: {error.strerror}; make room or the folder, then retry") from error
    return ""


def _run(step: RunCommand) -> str:
    shown = shlex.join(step.argv)
    try:
        done = subprocess.run(
            step.argv,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMMAND_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError as error:
        raise EngineError(f"{step.argv[0]}: not on PATH; this system has no such service manager") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{shown}: {error}") from error
    said = (done.stderr or done.stdout).replace("\0", "").strip()  # NSSM speaks UTF-16
    if done.returncode and not step.may_fail:
        words = [f"{shown}: exit code {done.returncode}: {said or 'it said nothing'}", step.hint]
        raise EngineError("; ".join(filter(None, words)))
    return said
