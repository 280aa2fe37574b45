"""`profile list` and `profile use`: named sets of instances."""

from __future__ import annotations

import os

import engine
from engine.snapshots import Act, Target
from llama_orch_tui import output
from llama_orch_tui.acting import carry_out


def show_profiles(*, as_json: bool) -> int:
    """Print every profile, and what using it would change."""
    home = engine.find_home(os.environ)
    snapshot = engine.observe(home, os.environ)
    for fault in snapshot.faults:
        output.say_error(fault.message)
    switches = [(one, engine.plan_switch(one, snapshot)) for one in snapshot.profiles]
    if as_json:
        output.say_json([_to_json(one.name, one.instances, switch) for one, switch in switches])
        return 0
    if not switches:
        output.say_error(f"no profiles yet: a table [profiles.NAME] in {snapshot.config_path} makes one")
        return 0
    rows = [("PROFILE", "INSTANCES", "USING IT")]
    rows += [(one.name, ", ".join(one.instances) or "-", describe_switch(switch)) for one, switch in switches]
    for line in output.align(rows):
        output.say(line)
    return 0


def use_profile(name: str, *, waits: bool) -> int:
    """Start what a profile names and stop the rest.

    Raises:
        EngineError: refused.
    """
    return carry_out(Act.PROFILE, Target(profile=name), waits=waits)


def describe_switch(switch: engine.Switch) -> str:
    """In words: ``starts a; stops b``."""
    parts = [f"starts {', '.join(switch.starts)}"] if switch.starts else []
    parts += [f"stops {', '.join(switch.stops)}"] if switch.stops else []
    return "; ".join(parts) or "changes nothing: in use"


def _to_json(name: str, instances: tuple[str, ...], switch: engine.Switch) -> dict[str, object]:
    return {
        "name": name,
        "instances": list(instances),
        "starts": list(switch.starts),
        "stops": list(switch.stops),
        "in_use": switch.is_done,
    }
