"""Who needs whom, as the file says it at this moment."""

from __future__ import annotations

from pathlib import Path

from engine.config.file import load_config
from engine.supervision.fleet import Fleet


def apply(fleet: Fleet, path: Path, **needs: list[str]) -> None:
    """Put a file in force in which each instance depends on these."""
    tables = [f'[instances.{name}]\ncommand = ["/bin/true"]\nhealthcheck.type = "none"\n' for name in needs]
    path.write_text("".join(f"{table}depends_on = {needs[name]}\n" for name, table in zip(needs, tables, strict=True)))
    loaded = load_config(path, {})
    assert loaded.problems == ()
    fleet.apply(loaded)


def test_dependents_come_in_the_files_order_and_change_with_it(tmp_path: Path) -> None:
    fleet, path = Fleet(), tmp_path / "config.toml"
    apply(fleet, path, base=[], z=["base"], a=["base", "base"], lone=[])
    assert fleet.dependents("base") == ("z", "a")
    assert fleet.dependents("lone") == fleet.dependents("nobody") == ()
    assert fleet.with_dependents(["base"]) == ["base", "z", "a"]
    apply(fleet, path, base=["lone"], z=[], lone=[])
    assert fleet.dependents("base") == ()
    assert fleet.dependents("lone") == ("base",)
