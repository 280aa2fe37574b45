"""The command line: names, options and help. What each command does stands in its own module, imported when used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import EXIT_CODE_MEANINGS
from engine.snapshots import Act, Target
from llama_orch_tui.cli_history import events, logs
from llama_orch_tui.completing import complete_further_instances, complete_instances, complete_tags
from llama_orch_tui.config_commands import add, config, profile, remove
from llama_orch_tui.daemon_commands import daemon

EXIT_CODES = "\n".join(f"  {int(code):<3} {meaning}" for code, meaning in EXIT_CODE_MEANINGS.items())
EPILOG = f"\b\nExit codes:\n{EXIT_CODES}"  # \b: a line each
JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
NAME = Annotated[str, typer.Argument(help="As the configuration names it.", autocompletion=complete_instances)]
NAMES = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME…", help="Instances, as the configuration names them.", autocompletion=complete_further_instances
    ),
]
ALL = Annotated[bool, typer.Option("--all", help="Every instance.")]
UNHEALTHY = Annotated[bool, typer.Option("--unhealthy", help="Whatever is unhealthy, failed or in backoff.")]
TAG = Annotated[
    str, typer.Option("--tag", metavar="T", help="Every instance with this tag.", autocompletion=complete_tags)
]
WAIT = Annotated[bool, typer.Option("--wait", help="Return when ready (0), failed (30) or too late (22).")]

app = typer.Typer(
    name="llama-orch-tui",
    help="A full-screen console and supervisor for llama.cpp servers. Without a command it opens the dashboard.",
    epilog=EPILOG,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
)
app.add_typer(daemon, name="daemon")
app.add_typer(config, name="config")
app.add_typer(profile, name="profile")


def run(arguments: list[str], called: str = "llama-orch-tui") -> None:
    """Carry out one command line and exit with its code; wrong usage is explained and exits with 2.

    `called` is the name that usage and completion are about.

    Raises:
        EngineError: refused; the message is for a person.
        SystemExit: done.
    """
    app(args=arguments, prog_name=called)


def _finish(code: int) -> None:
    raise typer.Exit(code)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the shape of an option's callback
    if wanted:
        from llama_orch_tui import __version__  # noqa: PLC0415
        from llama_orch_tui.output import say  # noqa: PLC0415

        say(f"llama-orch-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A full-screen console and supervisor for llama.cpp servers. Without a command it opens the dashboard."""
    if context.invoked_subcommand is None and not version:
        from llama_orch_tui.dashboard import open_dashboard  # noqa: PLC0415

        _finish(open_dashboard())


@app.command()
def demo() -> None:
    """Open the dashboard over three tiny models of its own; leaves nothing behind."""
    from llama_orch_tui.demo import run_demo  # noqa: PLC0415

    _finish(run_demo())


@app.command()
def ps(*, json: JSON = False) -> None:
    """Show every instance and how it is."""
    from llama_orch_tui.showing import show_ps  # noqa: PLC0415

    _finish(show_ps(as_json=json))


@app.command()
def describe(name: NAME, *, json: JSON = False) -> None:
    """Say all there is to say about one instance."""
    from llama_orch_tui.showing import show_description  # noqa: PLC0415

    _finish(show_description(name, as_json=json))


@app.command()
def health(name: NAME, *, json: JSON = False) -> None:
    """Say how one instance is: 0 ready, 20 stopped, 22 anything else; needs no supervisor."""
    from llama_orch_tui.showing_health import show_health  # noqa: PLC0415

    _finish(show_health(name, as_json=json))


app.command("logs")(logs)
app.command("events")(events)


@app.command()
def start(
    names: NAMES = None, *, everything: ALL = False, unhealthy: UNHEALTHY = False, tag: TAG = "", wait: WAIT = False
) -> None:
    """Start instances, with what they depend on."""
    _act(Act.START, Target(tuple(names or ()), everything, unhealthy, tag), waits=wait)


@app.command()
def stop(
    names: NAMES = None, *, everything: ALL = False, unhealthy: UNHEALTHY = False, tag: TAG = "", wait: WAIT = False
) -> None:
    """Stop instances, after what depends on them."""
    _act(Act.STOP, Target(tuple(names or ()), everything, unhealthy, tag), waits=wait)


@app.command()
def restart(
    names: NAMES = None, *, everything: ALL = False, unhealthy: UNHEALTHY = False, tag: TAG = "", wait: WAIT = False
) -> None:
    """Stop and start instances; what depends on them is left alone."""
    _act(Act.RESTART, Target(tuple(names or ()), everything, unhealthy, tag), waits=wait)


def _act(act: Act, target: Target, *, waits: bool) -> None:
    from llama_orch_tui.acting import carry_out  # noqa: PLC0415

    _finish(carry_out(act, target, waits=waits))


app.command("add")(add)
app.command("remove")(remove)


@app.command()
def doctor(*, json: JSON = False) -> None:
    """Look at all that supervision stands on, and say what to mend; 1 when there is something."""
    from llama_orch_tui.examining import show_findings  # noqa: PLC0415

    _finish(show_findings(as_json=json))


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with its state/ and instances/.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
) -> None:
    """Bring configurations, state and events over from llama-orchestrator; a second time changes nothing."""
    from llama_orch_tui.importing import import_old_home  # noqa: PLC0415

    _finish(import_old_home(folder, is_dry_run=dry_run))


def _explain_exit_codes(group: typer.Typer) -> None:
    """Have the help of every command end with what it may exit with."""
    for command in group.registered_commands:
        command.epilog = EPILOG
    for below in group.registered_groups:
        below.epilog = EPILOG
        if below.typer_instance is not None:
            _explain_exit_codes(below.typer_instance)


_explain_exit_codes(app)
