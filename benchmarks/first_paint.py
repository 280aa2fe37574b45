"""From the start of the process to the first painted dashboard, in a real pseudo-terminal.

Prints the median over 15 starts in milliseconds, beside the limit (350 ms with warm byte code) and the floor of any
Textual app; then the same cold (no byte code).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

assert sys.platform != "win32"  # tells the type checker which half of the world this is

from benchmarks.ruler import print_ratio, terminal, wait_for_words  # noqa: E402 - after the type checker was told

STARTS = 15
COLD_STARTS = 3
SIZE = (40, 120)
LIMIT_WARM_MS = 350.0
LIMIT_COLD_MS = 1000.0
FLOOR = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class F(App):\n    def compose(self):\n        yield Static('Instances')\nF().run()"
)


def main() -> None:
    """Start, wait for the paint, print."""
    dashboard = [sys.executable, "-m", "llama_orch_tui"]
    floor = _median([sys.executable, "-c", FLOOR], STARTS)
    warm = _median(dashboard, STARTS)
    with tempfile.TemporaryDirectory() as cache:
        cold = statistics.median(
            _measure(dashboard, {"PYTHONPYCACHEPREFIX": f"{cache}/{number}"}) for number in range(COLD_STARTS)
        )
    print_ratio("any Textual app", floor, "ms")
    print_ratio("dashboard, warm", warm, "ms", LIMIT_WARM_MS)
    print_ratio("dashboard, cold", cold, "ms", LIMIT_COLD_MS)


def _median(command: list[str], starts: int) -> float:
    _measure(command, {})  # warms caches
    return statistics.median(_measure(command, {}) for _ in range(starts))


def _measure(command: list[str], extra: dict[str, str]) -> float:
    """Milliseconds until the word that the first paint holds comes out of the terminal."""
    with tempfile.TemporaryDirectory(prefix="lorch-bench-") as home:
        began = time.perf_counter()
        with terminal(command, {"LLAMA_ORCH_HOME": home, **extra}, SIZE) as (_pid, screen):
            wait_for_words(screen, b"nstances", 20.0)
            return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
