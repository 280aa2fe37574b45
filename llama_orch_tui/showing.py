"""The commands that only look: `ps`, `describe`."""

from __future__ import annotations

import os
from dataclasses import asdict

import engine
from llama_orch_tui import output


def show_ps(*, as_json: bool) -> int:
    """Print every instance."""
    home = engine.find_home(os.environ)
    snapshot = engine.observe(home, os.environ)
    for fault in snapshot.faults:
        output.say_error(fault.message)
    if as_json:
        output.say_json(output.ps_to_json(snapshot))
        return 0
    if not snapshot.config_exists:
        output.say_error(f"no instances yet: {home.config_file} is not there; run `llama-orch-tui` for a first one")
        return 0
    for line in output.format_ps(snapshot):
        output.say(line)
    return 0


def show_description(name: str, *, as_json: bool) -> int:
    """Print all about one instance."""
    home = engine.find_home(os.environ)
    description = engine.describe_instance(home, name, engine.observe(home, os.environ), os.environ)
    if as_json:
        output.say_json(asdict(description))
        return 0
    output.say(output.paint("Command line", "1"))
    output.say(f"  {description.command_line}\n")
    for section in description.sections:
        output.say(output.paint(section.title, "1"))
        width = max((len(key) for key, _ in section.rows), default=0)
        for key, value in section.rows:
            output.say(f"  {key.ljust(width)}  {value}")
        for line in section.lines:
            output.say(f"  {line}")
        output.say("")
    return 0
