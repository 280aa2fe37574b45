"""`import` as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine.legacy.old_home import OldEvent, OldHealth, OldHome

MODEL = {"model": {"path": "/m/x.gguf"}}


@pytest.fixture
def old(tmp_path: Path) -> OldHome:
    made = OldHome(tmp_path / "llama-orchestrator")
    made.add_config("my model", {**MODEL, "logs": {"stdout": "x.log"}}, folder="1")
    made.add_database(3, ("my model",), (OldEvent(instance="my model"),), (OldHealth("my model"),))
    return made


def lorch(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    home, copies = tmp_path / "home", tmp_path / "copies"
    copies.mkdir(exist_ok=True)
    environ = {**os.environ, "LLAMA_ORCH_HOME": str(home), "TMPDIR": str(copies)}
    done = subprocess.run(
        [sys.executable, "-m", "llama_orch_tui", *arguments],
        env=environ,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert list(copies.iterdir()) == [], "no copy of the old database may stay behind"
    return done


def test_the_report_names_what_came_and_what_did_not(tmp_path: Path, old: OldHome) -> None:
    done = lorch(tmp_path, "import", str(old.folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"llama-orchestrator in {old.folder}: 1 configuration, database version 3",
        f"  my-model: added to {tmp_path / 'home' / 'config.toml'}, stopped",
        "  events: 2 imported",
        "  health records: 1 imported",
        "Not as it was:",
        "  my-model",
        "    was called my model",
        "    model: no such file: /m/x.gguf",
        "    left out: logs.stdout: logs lie in logs/NAME/stdout.log and stderr.log",
    ]
    assert "health_change" in lorch(tmp_path, "events", "my-model").stdout
    assert "no problems" in lorch(tmp_path, "config", "validate").stdout
    assert "my-model" in lorch(tmp_path, "ps").stdout
    again = lorch(tmp_path, "import", str(old.folder))
    assert again.stdout.endswith("Nothing was changed: everything is here already.\n")


def test_a_dry_run_shows_the_tables_and_makes_nothing(tmp_path: Path, old: OldHome) -> None:
    done = lorch(tmp_path, "import", str(old.folder), "--dry-run")
    assert done.returncode == 0
    assert "  [instances.my-model]\n" in done.stdout
    assert "  events: 2 would be imported\n" in done.stdout
    assert done.stdout.endswith("Nothing was changed: this was a dry run.\n")
    assert not (tmp_path / "home").exists()


def test_a_configuration_that_stays_behind_is_an_exit_code_of_its_own(tmp_path: Path, old: OldHome) -> None:
    old.add_config("bad", "{")
    done = lorch(tmp_path, "import", str(old.folder))
    assert done.returncode == 11
    assert "instances/bad/config.json: not imported: not valid JSON" in done.stdout
    assert "events: 2 imported" in done.stdout


@pytest.mark.parametrize(("folder", "words"), [("nowhere", "no such folder"), ("empty", "neither state/state.sqlite")])
def test_a_folder_without_anything_to_import_is_exit_10(tmp_path: Path, folder: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    done = lorch(tmp_path, "import", str(tmp_path / folder))
    assert (done.returncode, done.stdout) == (10, "")
    assert done.stderr.startswith(f"{tmp_path / folder}: {words}")


def test_a_damaged_or_newer_database_is_exit_34(tmp_path: Path, old: OldHome) -> None:
    old.database.write_bytes(b"x" * 5000)
    done = lorch(tmp_path, "import", str(old.folder))
    assert (done.returncode, done.stdout) == (34, "")
    assert "damaged (file is not a database); restore a copy of it, or move it away" in done.stderr


def test_while_a_daemon_leads_import_is_exit_33_and_names_it(tmp_path: Path, old: OldHome) -> None:
    home = tmp_path / "home"
    environ = {**os.environ, "LLAMA_ORCH_HOME": str(home)}
    command = [sys.executable, "-m", "llama_orch_tui", "daemon", "run"]
    with subprocess.Popen(command, env=environ, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as daemon:
        assert daemon.stdout is not None
        assert b"leads" in daemon.stdout.readline()
        done = lorch(tmp_path, "import", str(old.folder))
        daemon.terminate()
        daemon.communicate(timeout=30)
    assert done.returncode == 33
    assert done.stderr.startswith(f"nothing can be imported while PID {daemon.pid} (daemon), since")
    assert lorch(tmp_path, "import", str(old.folder)).returncode == 0


def test_a_home_that_cannot_be_written_is_said_with_its_path(tmp_path: Path, old: OldHome) -> None:
    (tmp_path / "home").write_text("a file where the folder belongs")
    done = lorch(tmp_path, "import", str(old.folder))
    assert done.returncode == 1
    assert "home: " in done.stderr
    assert "Traceback" not in done.stderr
