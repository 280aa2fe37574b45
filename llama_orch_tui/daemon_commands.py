"""The `daemon` commands: names, options and help. What each does stands in its own module, imported when used."""

from __future__ import annotations

from typing import Annotated

import typer

STOP_INSTANCES = Annotated[bool, typer.Option("--stop-instances", help="Stop the models, too; else they run on.")]
SYSTEM = Annotated[bool, typer.Option("--system", help="For the whole machine, from boot on; needs root.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]

daemon = typer.Typer(help="Supervise without a screen.", rich_markup_mode=None, no_args_is_help=True)


@daemon.command("run")
def run(
    *,
    stop_instances: STOP_INSTANCES = False,
    end_when_idle: Annotated[
        float | None,
        typer.Option(
            "--end-when-idle",
            metavar="S",
            min=0.0,
            help="End after S seconds in which nothing runs, is wanted or is connected.",
        ),
    ] = None,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
) -> None:
    """Supervise in the foreground until SIGTERM or Ctrl-C; the models run on. SIGHUP reads the configuration again."""
    from llama_orch_tui.foreground import RunOrder, run_daemon  # noqa: PLC0415

    raise typer.Exit(run_daemon(RunOrder(detached, stop_instances, end_when_idle)))


@daemon.command("start")
def start() -> None:
    """Start one in the background; returns when it leads, or stands by while another leads."""
    from llama_orch_tui.daemon_control import start as start_one  # noqa: PLC0415

    raise typer.Exit(start_one())


@daemon.command("stop")
def stop(*, stop_instances: STOP_INSTANCES = False) -> None:
    """End the one in the background; the models run on."""
    from llama_orch_tui.daemon_control import stop as stop_it  # noqa: PLC0415

    raise typer.Exit(stop_it(stops_instances=stop_instances))


@daemon.command("status")
def status(*, json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False) -> None:
    """Say who it is, since when, and whether it leads; exits with 60 when there is none."""
    from llama_orch_tui.daemon_control import show_status  # noqa: PLC0415

    raise typer.Exit(show_status(as_json=json))


@daemon.command("install")
def install(*, system: SYSTEM = False, dry_run: DRY_RUN = False) -> None:
    """Have the system start it: a systemd unit, launchd's list on macOS, a service of NSSM on Windows."""
    from llama_orch_tui.services.installing import install as install_it  # noqa: PLC0415

    raise typer.Exit(install_it(is_system=system, is_dry_run=dry_run))


@daemon.command("uninstall")
def uninstall(*, system: SYSTEM = False, dry_run: DRY_RUN = False) -> None:
    """Have the system start it no more; the models run on."""
    from llama_orch_tui.services.installing import uninstall as uninstall_it  # noqa: PLC0415

    raise typer.Exit(uninstall_it(is_system=system, is_dry_run=dry_run))
