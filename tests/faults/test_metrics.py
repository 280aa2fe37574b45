"""The leader's metrics: off by default, taken up from the file, moving with the lead."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from engine.models.tiny_gguf import cached_tiny_model
from engine.snapshots import Act, EventType, LeaderKind, State
from tests.fakes.homes import ThrowAwayHome, act, ask, fake_table, free_port, wait_for, wait_for_state

PROMTOOL = shutil.which("promtool") or ""


def configure(den: ThrowAwayHome, listen: str, instances: str) -> None:
    den.write_config(f'[metrics]\nlisten = "{listen}"\n{instances}')


def read_page(port: int) -> str:
    """The page; empty while nobody listens."""
    try:
        return ask(port, "/metrics")[1]
    except OSError:
        return ""


def test_a_change_of_the_file_turns_them_on_and_off_and_they_move_with_the_lead(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    instances = den.home.config_file.read_text()
    first = den.open_session()
    assert act(first, Act.START, "a").exit_code == 0
    wait_for_state(first, "a", State.READY)
    port = free_port()
    configure(den, f"127.0.0.1:{port}", instances)
    page = wait_for(lambda: read_page(port), "they are on")
    assert 'llama_orch_instance_state{instance="a",state="ready"} 1\n' in page
    assert 'kind="dashboard"} 1\n' in page
    wait_for(lambda: "llama_orch_instance_memory_bytes{" in read_page(port), "memory is measured")
    assert "llama_orch_instance_probe_duration_seconds{" in page
    second = den.open_session(LeaderKind.DAEMON)
    den.close_session(first)
    wait_for(lambda: 'kind="daemon"' in read_page(port), "they have moved with the lead")
    configure(den, "nonsense", instances)
    wait_for(lambda: any(one.key == "config" for one in second.snapshot().faults), "the fault is told")
    assert read_page(port), "the last good address stays in force"
    configure(den, "", instances)
    wait_for(lambda: not read_page(port), "they are off")


def test_a_taken_port_is_a_fault_and_supervision_goes_on(den: ThrowAwayHome) -> None:
    den.write_fakes("a")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configure(den, f"127.0.0.1:{taken.getsockname()[1]}", den.home.config_file.read_text())
        session = den.open_session()
        wait_for(lambda: any(one.key == "metrics" for one in session.snapshot().faults), "it is said")
        assert act(session, Act.START, "a").exit_code == 0
    wait_for(lambda: not any(one.key == "metrics" for one in session.snapshot().faults), "it is mended")


def test_whoever_listens_for_others_is_warned(den: ThrowAwayHome) -> None:
    configure(den, f"0.0.0.0:{free_port()}", "")
    session = den.open_session()
    wait_for(
        lambda: any(
            one.type == EventType.STARTED and "other machines" in one.message for one in session.snapshot().events
        ),
        "the warning",
    )


def test_they_are_off_by_default(den: ThrowAwayHome) -> None:
    session = den.open_session()
    wait_for(lambda: session.snapshot().is_leader, "it leads")
    assert not any("metrics" in one.message for one in session.snapshot().events)


@pytest.mark.skipif(not PROMTOOL, reason="no promtool here")
@pytest.mark.skipif(find_spec("xllamacpp") is None, reason="no embedded llama.cpp here")
def test_promtool_finds_nothing_wrong_with_the_page_of_a_leader_over_a_real_server(
    den: ThrowAwayHome, tmp_path: Path
) -> None:
    model = cached_tiny_model(tmp_path)
    den.write_config(
        f'[instances."0-Odd.name_"]\nmodel = {json.dumps(str(model))}\nbinary = "embedded"\nctx_size = 256\n'
        f'threads = 1\nargs = ["--metrics"]\nport = {free_port()}\nhealthcheck.interval = 0.2\n'
        + fake_table("never-run")
    )
    port = free_port()
    configure(den, f"127.0.0.1:{port}", den.home.config_file.read_text())
    session = den.open_session()
    assert act(session, Act.START, "0-Odd.name_").exit_code == 0
    wait_for_state(session, "0-Odd.name_", State.READY)
    live = 'llama_orch_instance_tokens_per_second{instance="0-Odd.name_"}'
    page = wait_for(lambda: found if live in (found := read_page(port)) else "", "the server's own numbers are there")
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
