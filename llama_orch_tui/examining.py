"""`doctor`: everything that supervision stands on, each with what to mend."""

from __future__ import annotations

import os
from dataclasses import asdict

import engine
from engine.errors import ExitCode
from llama_orch_tui import __version__, output

_SIGNS = {
    engine.Condition.OK: ("ok", "32"),
    engine.Condition.NOTE: ("note", "33"),
    engine.Condition.PROBLEM: ("PROBLEM", "31"),
}


def show_findings(*, as_json: bool) -> int:
    """Print every finding as it is made; 1 when something is to be mended."""
    home = engine.find_home(os.environ)
    findings = []
    for finding in engine.examine(home, os.environ, __version__):
        findings.append(finding)
        if not as_json:
            word, colour = _SIGNS[finding.condition]
            output.say(f"{output.paint(f'{word:<7}', colour)}  {finding.subject:<13}  {finding.message}")
            if finding.fix:
                output.say(f"{'':<24}→ {finding.fix}")
            output.flush()
    has_problem = any(one.condition is engine.Condition.PROBLEM for one in findings)
    if as_json:
        output.say_json({"ok": not has_problem, "findings": [asdict(one) for one in findings]})
    return int(ExitCode.GENERAL if has_problem else ExitCode.OK)
