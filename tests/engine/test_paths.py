"""Where things lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.paths import HOME_VARIABLE, SOCKET_PATH_LIMIT, find_home


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
