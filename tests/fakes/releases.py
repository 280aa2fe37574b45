"""Other releases of this program: copies of its tree with other version numbers, to be run as real processes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fakes.homes import ThrowAwayHome, wait_for

ROOT = Path(__file__).parents[2]
PACKAGES = ("engine", "widgets", "themes", "llama_orch_tui")
LATER_SCHEMA = """

def _add_nothing(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS later (id INTEGER)")


MIGRATIONS = (*MIGRATIONS, _add_nothing)
SCHEMA_VERSION = len(MIGRATIONS)
"""


def make_release(folder: Path, program: str, *, protocol: int = 0, records: int = 0, has_schema: bool = False) -> Path:
    """A tree of the release `program`; its protocols are so much newer than ours, its schema by one step or not."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)  # with its byte code, which is as good there
    _replace(folder / "llama_orch_tui/__init__.py", r'__version__ = ".*"', f'__version__ = "{program}"')
    _raise(folder / "engine/versions.py", "PROTOCOL_VERSION", protocol)
    _raise(folder / "engine/process/records.py", "VERSION", records)
    if has_schema:
        with (folder / "engine/state/migrations.py").open("a") as file:
            file.write(LATER_SCHEMA)
    return folder


def _raise(path: Path, constant: str, by: int) -> None:
    found = re.search(rf"^{constant} = (\d+)$", path.read_text(), re.MULTILINE)
    assert found is not None, constant
    _replace(path, rf"^{constant} = \d+$", f"{constant} = {int(found[1]) + by}")


def _replace(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text(), flags=re.MULTILINE)
    assert count == 1, pattern
    path.write_text(changed)


CONSOLE = """
import os, sys
from engine.paths import find_home
from engine.session import Session
from engine.snapshots import LeaderKind
from llama_orch_tui import __version__

session = Session(find_home(os.environ), LeaderKind.DASHBOARD, __version__)
session.open()
sys.stdin.read()
session.close()
"""
"""What a dashboard has under its screen, until its standard input ends."""


def start_console(den: ThrowAwayHome, tree: Path) -> subprocess.Popen[str]:
    """The engine of a dashboard of another release, in a process of its own; returns when it leads."""
    program = subprocess.Popen(
        [sys.executable, "-c", CONSOLE],
        cwd=tree,
        env=den.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    den.programs.append(program)
    wait_for(lambda: den.leader_pid() == program.pid, "the console leads")
    return program
