"""The entry point of `llama-orch-tui` and `lorch`."""

from __future__ import annotations

import io
import os
import sys

COMPLETION_VARIABLES = {"lorch": "_LORCH_COMPLETE", "llama-orch-tui": "_LLAMA_ORCH_TUI_COMPLETE"}
"""By what we are called: through it a shell asks the command line for completions, without any argument."""


def main() -> None:
    """Run the command line; errors of ours become one message on stderr and their exit code."""
    from engine.errors import EngineError  # noqa: PLC0415 - light; the rest is imported by the command at hand
    from llama_orch_tui import output  # noqa: PLC0415 - likewise
    from llama_orch_tui.collector import held  # noqa: PLC0415 - likewise

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # whatever the locale says
    try:
        if sys.platform == "win32":
            from engine.process.windows import refuse  # noqa: PLC0415

            refuse()
        called = "lorch" if os.path.basename(sys.argv[0]) == "lorch" else "llama-orch-tui"  # noqa: PTH119 - no import
        if len(sys.argv) == 1 and COMPLETION_VARIABLES[called] not in os.environ:
            # The screen waits for no command line parser: a fifth of the time to its first paint.
            with held():
                from llama_orch_tui.dashboard import open_dashboard  # noqa: PLC0415

                sys.exit(open_dashboard())
        from llama_orch_tui.cli import run  # noqa: PLC0415

        run(sys.argv[1:], called)
    except EngineError as error:
        output.say_error(str(error))
        sys.exit(int(error.exit_code))
    finally:
        output.finish()


if __name__ == "__main__":
    main()
