"""Whether somebody is above who could go on with us."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from llama_orch_tui.job_control import NOBODY, find_hindrance

if sys.platform == "win32":
    pytest.skip("jobs are POSIX", allow_module_level=True)


@pytest.mark.parametrize(("session_above", "group_above", "told"), [(1, 3, ""), (1, 2, NOBODY), (9, 3, NOBODY)])
def test_what_is_above_the_shell_is_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, session_above: int, group_above: int, told: str
) -> None:
    """Whoever started the shell may be of another user, and tell nothing of itself."""
    find_parent = psutil.Process.parent

    def hide_others(process: psutil.Process) -> psutil.Process | None:
        if process.pid != os.getpid():
            raise psutil.AccessDenied(process.pid)
        return find_parent(process)

    monkeypatch.setattr("psutil.Process.parent", hide_others)
    monkeypatch.setattr("os.getpgrp", lambda: 2)
    monkeypatch.setattr("os.getsid", lambda pid: 1 if pid == 0 else session_above)
    monkeypatch.setattr("os.getpgid", lambda _: group_above)
    assert find_hindrance() == told
