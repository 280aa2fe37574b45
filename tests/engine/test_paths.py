"""Where things lie."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.paths import HOME_VARIABLE, SOCKET_PATH_LIMIT, find_home
from engine.process import reaching
from engine.process.reaching import find_socket_places


def test_shells_with_another_folder_for_temporary_files_meet_at_one_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deep home keeps its sockets elsewhere, and a service has not the TMPDIR of a shell."""
    home = find_home({HOME_VARIABLE: str(tmp_path / ("deep" * 30))})
    here = home.leader_socket
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert home.leader_socket == here
    assert len(str(here)) <= SOCKET_PATH_LIMIT


@pytest.mark.skipif(sys.platform == "win32", reason="users are POSIX")
def test_a_socket_of_an_earlier_version_is_looked_for_and_a_strangers_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its keeper would be taken for an orphan's, and the model be killed by an upgrade."""
    shared, former = tmp_path / "tmp" / "lorch", tmp_path / "own" / "lorch"
    monkeypatch.setattr("tempfile.tempdir", str(former.parent))
    monkeypatch.setattr(reaching, "short_socket_dir", lambda: shared)
    assert find_socket_places(shared / "x.sock") == []
    former.mkdir(parents=True)
    assert find_socket_places(shared / "x.sock") == [former / "x.sock"]
    shared.mkdir(parents=True)
    assert find_socket_places(shared / "x.sock") == [shared / "x.sock", former / "x.sock"]
    monkeypatch.setattr("os.getuid", lambda: shared.stat().st_uid + 1)
    assert find_socket_places(shared / "x.sock") == []
    assert find_socket_places(tmp_path / "x.ctl") == [tmp_path / "x.ctl"]
