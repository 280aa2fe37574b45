"""Secrets planted everywhere, and looked for in everything that is printed, stored, sent or drawn."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator

import psutil
import pytest

from engine import wire
from engine.following import connect_leader
from engine.snapshots import Act, LeaderKind, State
from engine.versions import Release
from llama_orch_tui.app import ConsoleApp
from llama_orch_tui.remembered import Remembered
from tests.fakes.console import Operator
from tests.fakes.homes import (
    FAKE_SERVER,
    ThrowAwayHome,
    act,
    free_port,
    portless_table,
    throw_away_home,
    wait_for,
    wait_for_state,
)

SECRETS = {
    "flag": "FLAGsecret-1a2b",
    "inline": "INLINEsecret-3c4d",
    "args": "ARGSsecret-5e6f",
    "env": "ENVsecret-7a8b",
    "key": "KEYsecret-9c0d",
    "file": "FILEsecret-1e2f",
}
"""Planted in: a flag of `command`, NAME=VALUE in it, `args`, `env`, `api_key`, `api_key_file`."""
PRINTING = (
    ("ps",),
    ("ps", "--json"),
    ("describe", "serves"),
    ("describe", "serves", "--json"),
    ("describe", "keyed"),
    ("describe", "crashes"),
    ("describe", "crashes", "--json"),
    ("describe", "wrong"),
    ("config", "show"),
    ("config", "show", "--json"),
    ("config", "validate"),
    ("events", "-n", "all"),
    ("events", "-n", "all", "--json"),
    ("doctor",),
    ("doctor", "--json"),
    ("profile", "list"),
    ("daemon", "status", "--json"),
)
"""Every command that shows something of the supervisor's; `logs` shows what the server itself wrote."""


@pytest.fixture
def home() -> Iterator[ThrowAwayHome]:
    with throw_away_home() as made:
        plant(made)
        yield made


def plant(home: ThrowAwayHome) -> None:
    """Two servers, one that repeats its secrets before it dies, and one that is wrong."""
    key_file = home.home.state_dir / "keys" / "api"
    key_file.parent.mkdir()
    key_file.write_text(SECRETS["file"])
    serve = f'exec python3 -I -S {FAKE_SERVER} --port "$0"'
    repeat = 'echo "cannot log in with $HF_TOKEN, $LLAMA_API_KEY and $*" >&2; exit 3'
    tables = [
        table("serves", serve, f"port = {free_port()}\napi_key = {json.dumps(SECRETS['key'])}\n"),
        table("keyed", serve, f"port = {free_port()}\napi_key_file = {json.dumps(str(key_file))}\n"),
        table("crashes", repeat, f"api_key = {json.dumps(SECRETS['key'])}\n", health='healthcheck.type = "none"\n'),
        f'[instances.wrong]\nmodel = "/m"\napi_key = ["{SECRETS["key"]}"]\nenv.HF_TOKEN = "{SECRETS["env"]}"\n',
    ]
    home.write_config("\n".join(tables))


def table(name: str, script: str, extra: str, *, health: str = "healthcheck.interval = 0.2\n") -> str:
    words = ["sh", "-c", script, "{port}" if "port" in extra else "0"]
    command = [*words, "--hf-token", SECRETS["flag"], f"SOME_SECRET={SECRETS['inline']}"]
    args = ["--api-password", SECRETS["args"]]
    return (
        f"[instances.{name}]\ncommand = {json.dumps(command)}\nargs = {json.dumps(args)}\n"
        f'env = {{ HF_TOKEN = "{SECRETS["env"]}" }}\n{extra}{health}'
        "restart_policy = { max_retries = 1, initial_delay = 0.05 }\n"
    )


def test_a_secret_of_an_earlier_configuration_is_not_described(home: ThrowAwayHome) -> None:
    """Nobody knows it any more; the log still holds what the server said about it."""
    complain = f'echo "error: invalid argument: --hf-token={SECRETS["flag"]}" >&2; exit 1'
    home.write_config(table("crashes", complain, "", health='healthcheck.type = "none"\n'))
    session = home.open_session()
    act(session, Act.START, "crashes")
    wait_for_state(session, "crashes", State.FAILED)
    home.write_config(portless_table("crashes"))

    described = home.run_cli("describe", "crashes").stdout
    assert "invalid argument: --hf-token=***" in described
    clean(described, "the description")


def test_no_secret_is_printed_stored_sent_or_drawn(home: ThrowAwayHome) -> None:
    session = home.open_session(LeaderKind.DAEMON)
    follower = home.open_session()
    everything = act(session, Act.START, "serves", "keyed", "crashes", within_s=30.0)
    wait_for_state(session, "serves", State.READY)
    wait_for_state(session, "keyed", State.READY)
    wait_for_state(session, "crashes", State.FAILED)
    wait_for(lambda: list((home.home.state_dir / "crashes").rglob("*.txt")), "a crash report is written")

    clean(everything.message, "the outcome")
    clean(repr(session.snapshot()), "the snapshot")
    clean(repr(follower.describe("serves")), "the description")
    clean(read_wire(home), "the wire")
    for arguments in PRINTING:
        done = home.run_cli(*arguments)
        clean(done.stdout + done.stderr, " ".join(arguments))
    clean(draw(home), "the screen")
    for keeper in home.find_keepers():
        clean(" ".join(psutil.Process(keeper).cmdline()), "the keeper's command line")
    clean_files(home)
    home.close_session(follower)
    home.close_session(session)
    clean_files(home)


def clean(text: str, where: str) -> None:
    """No secret is in `text`, nor a tail of one."""
    for kind, secret in SECRETS.items():
        assert secret not in text, f"{where} tells the secret of {kind}"
        assert secret[-8:] not in text, f"{where} tells the end of the secret of {kind}"


def clean_files(home: ThrowAwayHome) -> None:
    """Every file under the home but the two where the operator wrote secrets, and what servers wrote themselves."""
    looked_at = set()
    for path in home.home.state_dir.rglob("*"):
        inside = path.relative_to(home.home.state_dir)
        if path.is_file() and inside.parts[0] not in ("config.toml", "keys", "logs"):
            clean(path.read_bytes().decode("latin-1"), str(inside))
            looked_at.add(inside.parts[0])
    assert {"state.sqlite", "run", "crashes"} <= looked_at


def read_wire(home: ThrowAwayHome) -> str:
    """What the leader sends a new follower first: who it is, and the whole snapshot with its events."""
    connection = connect_leader(home.home)
    assert connection is not None
    with connection:
        connection.sendall(wire.encode_hello(wire.Hello(Release("0-test"))) + wire.encode_subscribe())
        connection.settimeout(10.0)
        return read_until(connection, b'"events":')


def read_until(connection: socket.socket, mark: bytes) -> str:
    data = b""
    while mark not in data or not data.endswith(b"\n"):
        piece = connection.recv(1 << 18)
        assert piece, data
        data += piece
    return data.decode()


def draw(home: ThrowAwayHome) -> str:
    """Pictures of the dashboard over the real engine: the table, an event whole, the describe page."""
    engine = home.open_session()
    pictures: list[str] = []

    async def look() -> None:
        app = ConsoleApp(engine, remembered=Remembered())
        async with app.run_test(size=(220, 120)) as pilot:
            operator = Operator(app, pilot, engine)  # type: ignore[arg-type]
            await operator.until_shown("crashes")
            pictures.append(app.export_screenshot())
            await operator.press("G", "k", "d")
            await operator.until_shown("Last exit")
            pictures.append(app.export_screenshot() + operator.text())

    asyncio.run(look())
    home.close_session(engine)
    return "".join(pictures)
