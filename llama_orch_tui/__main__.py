"""The entry point of `llama-orch-tui` and `lorch`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; errors of ours become one message on stderr and their exit code."""
    from engine.errors import EngineError, ExitCode  # noqa: PLC0415 - light; the rest is imported by the command at hand

    try:
        if sys.platform == "win32":
            from engine.process.windows import refuse  # noqa: PLC0415

            refuse()
        from llama_orch_tui.cli import run  # noqa: PLC0415

        run(sys.argv[1:])
    except EngineError as error:
        from llama_orch_tui.output import say_error  # noqa: PLC0415

        say_error(str(error))
        sys.exit(int(error.exit_code))
    except BrokenPipeError:
        # Whoever read us has gone (`| head`): nothing is wrong, and nothing more can be said.
        sys.stderr.close()
        sys.exit(int(ExitCode.OK))


if __name__ == "__main__":
    main()
