"""The entry point of `llama-orch-tui` and `lorch`."""

from __future__ import annotations

import io
import os
import sys

COMPLETION_VARIABLES = {"lorch": "_LORCH_COMPLETE", "llama-orch-tui": "_LLAMA_ORCH_TUI_COMPLETE"}
"""By what we are called: through it a shell asks the command line for completions, without any argument."""


STREAMS = 3
"""Descriptors below belong to the standard streams."""
INTERRUPTED = 128 + 2
"""What a shell makes of a command that SIGINT ended, and the command line parser, too."""
PARSED_ALREADY = {("ps",): False, ("ps", "--json"): True}
"""What needs no command line parser, which would take longer than the answer: scripts and `watch` ask it all the time.

The value says whether for JSON.
"""


def main() -> None:
    """Run the command line; errors of ours become one message on stderr and their exit code."""
    from engine.errors import EngineError  # noqa: PLC0415 - light; the rest is imported by the command at hand
    from llama_orch_tui import output  # noqa: PLC0415 - likewise

    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # whatever the locale says
    try:
        if sys.platform == "win32":
            from engine.process.windows import refuse  # noqa: PLC0415

            refuse()
        called = "lorch" if os.path.basename(sys.argv[0]) == "lorch" else "llama-orch-tui"  # noqa: PTH119 - no import
        if COMPLETION_VARIABLES[called] not in os.environ:
            _run_unparsed(tuple(sys.argv[1:]))
        from llama_orch_tui.cli import run  # noqa: PLC0415

        run(sys.argv[1:], called)
    except EngineError as error:
        output.say_error(str(error))
        sys.exit(int(error.exit_code))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)  # no traceback: the operator knows what he did
    finally:
        output.finish()


def _open_missing_streams() -> None:
    """Have streams that were closed (`>&-`) lead nowhere: else the next files that we open would be taken for them."""
    if None not in (sys.stdin, sys.stdout, sys.stderr):
        return
    while (handle := os.open(os.devnull, os.O_RDWR)) < STREAMS:
        os.set_inheritable(handle, True)
    os.close(handle)
    for handle, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(handle, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - for good


def _run_unparsed(arguments: tuple[str, ...]) -> None:
    """The dashboard and `ps` wait for no command line parser: a fifth of the time of the one, a third of the other's.

    Returns when `arguments` are something else.

    Raises:
        EngineError: refused; the message is for a person.
        SystemExit: done.
    """
    from llama_orch_tui.collector import held  # noqa: PLC0415 - light

    if not arguments:
        with held():
            from llama_orch_tui.dashboard import open_dashboard  # noqa: PLC0415

            sys.exit(open_dashboard())
    if arguments in PARSED_ALREADY:
        with held():
            from llama_orch_tui.showing import show_ps  # noqa: PLC0415

            sys.exit(show_ps(as_json=PARSED_ALREADY[arguments]))


if __name__ == "__main__":
    main()
