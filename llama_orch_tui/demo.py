"""`demo`: three tiny models behind real llama.cpp servers, in a home that is thrown away."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import engine
from engine.paths import Home
from engine.process import system
from llama_orch_tui import output
from llama_orch_tui.dashboard import show

PREFIX = "lorch-demo-"
FAILS_AFTER_S = (20, 45)
"""The unsteady instance ends by itself somewhere in this span."""
STALE_AFTER_S = 60.0
"""A demo's home without a living process is left over when it is older than this."""
UNSTEADY = Path(__file__).with_name("unsteady.py")

CONFIG = """\
# The demo's configuration. It goes when the demo goes.
[server]
binary = "embedded"

[defaults]
autostart = true
stop_grace = 3.0

[defaults.healthcheck]
interval = 2.0

[instances.storyteller]
model = {model}
ctx_size = 2048
parallel = 2
threads = 1
tags = ["chat"]

[instances.librarian]
model = {model}
ctx_size = 1024
parallel = 1
threads = 1
tags = ["chat"]
depends_on = ["storyteller"]

[instances.daredevil]      # an alarm ends it now and then, so that you see a restart
command = {unsteady}
tags = ["unsteady"]

[instances.daredevil.restart_policy]
max_retries = 1000
initial_delay = 2.0
max_delay = 6.0
"""


def run_demo() -> int:
    """Make the model, open the dashboard over it, and leave nothing behind but the cached model.

    Raises:
        BinaryNotFoundError: the embedded llama.cpp is not installed.
        EngineError: the model cannot be made.
    """
    launcher = engine.find_launcher()
    remove_stale_homes(Path(tempfile.gettempdir()))
    model = engine.cached_tiny_model(engine.find_home(os.environ).cache_dir)
    with throw_away_home() as home:
        home.config_file.write_text(build_config(model, launcher), encoding="utf-8")
        _, code = show(home, is_demo=True)
    return code


def build_config(model: Path, launcher: tuple[str, ...]) -> str:
    """The demo's configuration file."""
    server = [
        *launcher,
        "--model",
        str(model),
        "--host",
        "{host}",
        "--port",
        "{port}",
        "-c",
        "1024",
        "-np",
        "1",
        "-t",
        "1",
    ]
    unsteady = [launcher[0], "-I", str(UNSTEADY), *map(str, FAILS_AFTER_S), *server]
    # A JSON string or list of strings is one in TOML, too.
    return CONFIG.format(model=json.dumps(str(model)), unsteady=json.dumps(unsteady))


@contextmanager
def throw_away_home() -> Iterator[Home]:
    """A home in the folder for temporary files, removed at the end.

    Where this process is killed, the last of its runs to end removes the home.
    """
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        yield Home(root / "config.toml", root, root / "cache")
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if root.exists():
            output.say_error(f"{root}: could not be removed whole; delete it by hand")


def remove_stale_homes(folder: Path) -> None:
    """Remove what demos left that were killed together with everything of theirs, as at a power cut."""
    for root in folder.glob(f"{PREFIX}*"):
        try:
            is_old = time.time() - root.lstat().st_mtime > STALE_AFTER_S
            locks = [root / "supervisor.lock", *(root / "run").glob("*.lock")]
            if is_old and system.is_own_file(str(root)) and not any(system.is_locked(str(lock)) for lock in locks):
                shutil.rmtree(root)
        except OSError as error:
            output.say_error(f"{root}: left over by a demo, not removed: {error.strerror}")
