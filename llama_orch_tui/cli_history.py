"""The commands `events` and `logs`: names, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.snapshots import EventType, Level, Stream
from llama_orch_tui.completing import complete_instances
from llama_orch_tui.counts import parse_count

JSON = Annotated[bool, typer.Option("--json", help="Print JSON for programs, one object a line.")]
FOLLOW = Annotated[bool, typer.Option("-f", "--follow", help="Go on with whatever comes, until Ctrl-C.")]
SINCE = Annotated[str, typer.Option("--since", metavar="T", help="From this time: RFC 3339, or a span such as 10m.")]
COUNT = Annotated[
    int | None,
    typer.Option("-n", "--lines", metavar="N|all", parser=parse_count, help="How many of the newest."),
]


def events(  # noqa: PLR0913 - one for each option
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this instance's.", autocompletion=complete_instances)
    ] = None,
    *,
    lines: COUNT = None,
    follow: FOLLOW = False,
    since: SINCE = "",
    until: Annotated[str, typer.Option("--until", metavar="T", help="Up to this time.")] = "",
    level: Annotated[Level | None, typer.Option("--level", help="This level and the louder ones.")] = None,
    kind: Annotated[EventType | None, typer.Option("--type", help="Only events of this type.")] = None,
    json: JSON = False,
) -> None:
    """Show what happened, oldest first: the newest 50, or all since a time; needs no supervisor."""
    from llama_orch_tui.showing_events import EventWish, show_events  # noqa: PLC0415

    wish = EventWish(name, lines, since, until, level, kind)
    raise typer.Exit(show_events(wish, follows=follow, as_json=json))


def logs(  # noqa: PLR0913 - likewise
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As the configuration names it.", autocompletion=complete_instances)
    ],
    *,
    lines: COUNT = None,
    follow: FOLLOW = False,
    stream: Annotated[Stream, typer.Option("--stream", help="Which output.")] = Stream.BOTH,
    since: SINCE = "",
    grep: Annotated[str, typer.Option("--grep", metavar="RE", help="Only lines that this pattern is found in.")] = "",
    json: JSON = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the bytes that the server wrote.")] = False,
) -> None:
    """Show an instance's log: the newest 100 lines, or all since a time; needs no supervisor."""
    import time  # noqa: PLC0415

    from llama_orch_tui.showing_logs import build_selection, show_logs  # noqa: PLC0415

    selection = build_selection(stream, lines, since, grep, time.time())
    raise typer.Exit(show_logs(name, selection, follows=follow, as_json=json, as_raw=raw))
