"""Where the embedded server is found, and what is said when it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.embedded.location import LAUNCHER_PATH, find_launcher


def test_the_launcher_is_run_by_its_path_by_this_python() -> None:
    assert find_launcher() == (sys.executable, "-I", str(LAUNCHER_PATH))
    assert LAUNCHER_PATH.is_file()


def test_a_missing_xllamacpp_names_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from engine.embedded.location import find_launcher\n"
        "from engine.errors import BinaryNotFoundError\n"
        "try: find_launcher()\n"
        "except BinaryNotFoundError as error: print(error)\n"
    )
    root = str(Path(__file__).parents[3])
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, root], capture_output=True, text=True, check=True)

    assert 'run: `pip install "llama-orch-tui[embedded]"' in done.stdout
