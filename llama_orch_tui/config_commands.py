"""The command line of the configuration: `add`, `remove`, `config …` and `profile …`."""

from __future__ import annotations

from typing import Annotated

import typer

from llama_orch_tui.completing import complete_instances, complete_profiles

JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
INSTANCE = Annotated[str, typer.Argument(metavar="NAME", help="The instance.", autocompletion=complete_instances)]

config = typer.Typer(help="The configuration file.", rich_markup_mode=None, no_args_is_help=True)
profile = typer.Typer(help="Named sets of instances.", rich_markup_mode=None, no_args_is_help=True)


def add(  # noqa: PLR0913 - one parameter for each option is how typer makes them
    name: Annotated[str, typer.Argument(metavar="NAME", help="How the instance is to be called.")],
    *,
    model: Annotated[str, typer.Option(metavar="FILE", help="The GGUF file to serve.")] = "",
    hf: Annotated[str, typer.Option(metavar="OWNER/REPO:QUANT", help="A model that llama-server downloads.")] = "",
    command: Annotated[str, typer.Option(metavar="LINE", help="Another server's command line.")] = "",
    port: Annotated[str, typer.Option(metavar="N", help='Its port, or "auto"; without it, a free one.')] = "",
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="The address it listens on.")] = "",
    ctx_size: Annotated[int | None, typer.Option(metavar="N", help="Context in tokens.")] = None,
    parallel: Annotated[int | None, typer.Option(metavar="N", help="Requests served at once.")] = None,
    gpu_layers: Annotated[str, typer.Option(metavar="N", help='Layers on the GPU, "auto" or "all".')] = "",
    threads: Annotated[int | None, typer.Option(metavar="N", help="CPU threads.")] = None,
    args: Annotated[str, typer.Option(metavar="LINE", help="Further arguments of the server, quoted as one.")] = "",
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable; may be repeated.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="T", help="A tag; may be repeated.")] = None,
    depends_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="What must be ready before; may be repeated.", autocompletion=complete_instances
        ),
    ] = None,
    autostart: Annotated[bool, typer.Option("--autostart", help="Start it after each boot.")] = False,
    stop_grace: Annotated[float | None, typer.Option(metavar="S", help="Seconds from the stop to the kill.")] = None,
    api_key_file: Annotated[str, typer.Option(metavar="FILE", help="A file that holds its API key.")] = "",
    cwd: Annotated[str, typer.Option(metavar="DIR", help="The folder it runs in.")] = "",
    binary: Annotated[str, typer.Option(metavar="PROGRAM", help="Its server program.")] = "",
    health: Annotated[str, typer.Option(metavar="TYPE", help='Its health check: "http", "tcp" or "none".')] = "",
    restart: Annotated[str, typer.Option(metavar="POLICY", help='"always", "on-failure" or "never".')] = "",
) -> None:
    """Add an instance to the configuration; comments and order stay."""
    options = dict(locals())  # the parameters, by name
    from llama_orch_tui.changing import add_instance  # noqa: PLC0415

    raise typer.Exit(add_instance(name, options))


def remove(
    name: INSTANCE, *, stop: Annotated[bool, typer.Option("--stop", help="Stop it first, if it runs.")] = False
) -> None:
    """Take an instance out of the configuration; its logs and events stay."""
    from llama_orch_tui.changing import remove_instance  # noqa: PLC0415

    raise typer.Exit(remove_instance(name, stops=stop))


@config.command("path")
def config_path() -> None:
    """Print where the configuration file lies, whether it is there or not."""
    from llama_orch_tui.showing_config import show_config_path  # noqa: PLC0415

    raise typer.Exit(show_config_path())


@config.command("show")
def config_show(*, json: JSON = False) -> None:
    """Print what is in force, each value with where it comes from; secrets are hidden."""
    from llama_orch_tui.showing_config import show_config  # noqa: PLC0415

    raise typer.Exit(show_config(as_json=json))


@config.command("validate")
def config_validate() -> None:
    """Check the configuration file; every problem with its line and its fix."""
    from llama_orch_tui.showing_config import validate_config  # noqa: PLC0415

    raise typer.Exit(validate_config())


@config.command("schema")
def config_schema() -> None:
    """Print the file's JSON Schema, for editors."""
    from llama_orch_tui.showing_config import show_schema  # noqa: PLC0415

    raise typer.Exit(show_schema())


@profile.command("list")
def profile_list(*, json: JSON = False) -> None:
    """Show every profile, and what using it would change."""
    from llama_orch_tui.switching import show_profiles  # noqa: PLC0415

    raise typer.Exit(show_profiles(as_json=json))


@profile.command("use")
def profile_use(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile.", autocompletion=complete_profiles)],
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Return when ready (0), failed (30) or too late (22).")] = False,
) -> None:
    """Start what the profile names, with what that depends on, and stop the rest."""
    from llama_orch_tui.switching import use_profile  # noqa: PLC0415

    raise typer.Exit(use_profile(name, waits=wait))
