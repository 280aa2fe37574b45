"""Runs that live although nothing holds their lock: its file was deleted, and a lock goes with its file."""

from __future__ import annotations

from collections.abc import Iterable

from engine.paths import Home
from engine.process import system
from engine.process.records import get_value, read_record


def find_unlocked(home: Home, names: Iterable[str]) -> dict[str, str]:
    """Of these instances, those whose lock file was deleted while a run of them lives, with the ID of that run.

    A missing lock file proves nothing: the kernel's lock went with it, its holder did not. Neither does a free one
    where a run has not recorded its end: its keeper, which made the file again, may have been killed since.
    """
    unsure = {name for name in names if not home.instance_lock(name).exists() or _went_without_a_word(home, name)}
    if not unsure:
        return {}
    # Where the files leave no doubt, nobody waits for what looks at processes.
    from engine.process.orphans import is_of_a_run  # noqa: PLC0415
    from engine.process.validator import find_token_carriers  # noqa: PLC0415

    carriers = (one for one in find_token_carriers(home) if one.name in unsure)
    return {one.name: one.run_id for one in carriers if is_of_a_run(home, one)}


def _went_without_a_word(home: Home, name: str) -> bool:
    """Whether the last run of an instance is not alive by its lock, and did not record its end either."""
    try:
        begun = get_value(read_record(str(home.run_record(name))), "run")
        ended = get_value(read_record(str(home.exit_record(name))), "run")
    except OSError:
        return True
    return begun not in ("", ended) and not system.is_locked(str(home.instance_lock(name)))
