"""Which folder holds an instance's log, for whoever knows only the name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from engine.config.file import load_config
from engine.config.names import find_name_fault
from engine.errors import NoSuchInstanceError
from engine.paths import Home

CLOSE_NAMES = 2


def find_log_folder(home: Home, name: str, environ: Mapping[str, str]) -> Path:
    """The log folder of an instance; it may not exist yet. An instance that is configured no more still has its log.

    Raises:
        NoSuchInstanceError: neither the configuration nor the folder of logs knows the name.
    """
    folder = home.instance_logs(name)
    if not find_name_fault(name) and folder.is_dir():
        return folder
    loaded = load_config(home.config_file, environ)
    known = {*loaded.config.instances, *loaded.frozen}
    if name in known:
        return folder
    known |= {path.name for path in home.logs_dir.iterdir() if path.is_dir()} if home.logs_dir.is_dir() else set()
    raise NoSuchInstanceError(name, tuple(difflib.get_close_matches(name, sorted(known), CLOSE_NAMES)))
