"""Whole imports: from old folders into real homes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.file import load_config
from engine.errors import ConfigError, ConfigNotFoundError, ExitCode, LeaderTimeoutError, StateError, UsageError
from engine.legacy.carrying import carry_out_import, plan_import
from engine.legacy.plan import ImportPlan
from engine.paths import Home
from engine.snapshots import Desired, Event, EventQuery, EventType, Health
from engine.state.events import Retention, cleanup_old_events, get_recent_events
from engine.state.reading import reading
from engine.state.store import RuntimeRow, open_store
from tests.engine.legacy.old_home import OldEvent, OldHealth, OldHome, add_event, upgrade_to_v3

NOW = 1_800_000_000.0
MODEL = {"model": {"path": "/m/x.gguf"}}


@pytest.fixture
def old(tmp_path: Path) -> OldHome:
    return OldHome(tmp_path / "llama-orchestrator")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path / "home")


def home_in(folder: Path) -> Home:
    return Home(folder / "config.toml", folder, folder / "cache")


def carry_out(home: Home, old: OldHome) -> ImportPlan:
    return carry_out_import(home, old.folder, {}, NOW)


def events_of(home: Home, instance: str | None = None) -> tuple[Event, ...]:
    return get_recent_events(home.state_file, EventQuery(instance, limit=10_000))


def content(home: Home) -> tuple[object, ...]:
    """Everything an import can change."""
    text = home.config_file.read_bytes() if home.config_file.exists() else None
    with contextlib.closing(sqlite3.connect(home.state_file)) as connection:
        return (text, *connection.iterdump())


@pytest.mark.parametrize("version", [1, 2, 3])
def test_configurations_state_events_and_health_come_over_from_every_version(
    home: Home, old: OldHome, version: int
) -> None:
    old.add_config("qwen", {**MODEL, "server": {"port": 9001}})
    events = () if version == 1 else (OldEvent(), OldEvent(instance=None, kind="daemon_started", message="up"))
    old.add_database(version, events=events, health=(OldHealth(), OldHealth(health="error", message="refused")))
    plan = carry_out(home, old)
    assert (plan.version, plan.refused) == (version, ())
    loaded = load_config(home.config_file, {})
    assert loaded.problems == ()
    assert loaded.config.instances["qwen"].port == 9001
    told = [(event.type, event.message) for event in events_of(home) if event.type != EventType.IMPORTED]
    assert sorted(told) == sorted((event.kind, event.message) for event in events)
    with reading(home.state_file) as store:
        assert store is not None
        assert store.load_desired() == {"qwen": Desired.STOPPED}
        row = store.load_runtime()["qwen"]
        assert (row.restarts, row.last_error) == ((3, "old trouble") if version == 1 else (4, "killed"))
        assert [(health, message) for _, health, _, message in store.read_health("qwen", 9)] == [
            (Health.HEALTHY, ""),
            (Health.UNHEALTHY, "refused"),
        ]


def test_a_second_import_changes_nothing_and_says_so(home: Home, old: OldHome) -> None:
    old.add_config("qwen", MODEL)
    old.add_database(3, events=(OldEvent(), OldEvent()), health=(OldHealth(), OldHealth()))
    assert carry_out(home, old).has_work
    before = content(home)
    again = carry_out(home, old)
    assert not again.has_work
    assert (again.known, again.event_count.known, again.health_count.known) == (("qwen",), 3, 2)
    assert content(home) == before


NAMES = st.sampled_from(["qwen", "Qwen", "my model", "模型", "nul"])
TIMES = st.one_of(st.floats(0, 2e9), st.none(), st.text(max_size=5), st.just(1e300))
EVENTS = st.builds(
    OldEvent,
    ts=TIMES.filter(lambda ts: ts is not None),
    instance=st.none() | NAMES,
    level=st.sampled_from(["info", "error", "odd"]),
    kind=st.sampled_from(["started", "health_change", ""]),
    message=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9),
    meta=st.sampled_from([None, "{}", '{"a": [1]}', "["]),
)
HEALTHS = st.builds(OldHealth, instance=NAMES, health=st.sampled_from(["healthy", "error", "odd"]), ts=TIMES)
CONFIGS = st.dictionaries(
    NAMES,
    st.fixed_dictionaries(
        {"model": st.fixed_dictionaries({"path": st.just("/m/x.gguf")}, optional={"threads": st.integers(-1, 9)})},
        optional={"surprise": st.integers(), "args": st.lists(st.sampled_from(["--port", "9", "-m", "x"]))},
    ),
)


@settings(max_examples=25)
@given(CONFIGS, st.lists(EVENTS, max_size=8), st.lists(HEALTHS, max_size=8), st.sampled_from([1, 2, 3]))
def test_importing_twice_equals_importing_once_and_every_row_is_stored_or_named(
    configs: dict[str, dict[str, object]], events: list[OldEvent], health: list[OldHealth], version: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        old, home = OldHome(Path(folder) / "old"), home_in(Path(folder) / "home")
        for number, (name, raw) in enumerate(configs.items()):
            old.add_config(name, raw, folder=str(number))
        old.add_database(version, events=() if version == 1 else tuple(events), health=tuple(health))
        plan = carry_out(home, old)
        before = content(home)
        again = carry_out(home, old)
        assert (again.has_work, content(home)) == (False, before)
        assert load_config(home.config_file, {}).problems == ()
        assert len(plan.instances) + len(plan.refused) == len(configs)
        lost = [remark.message for remark in plan.remarks if "left out: its time" in remark.message]
        offered = len(health) + (0 if version == 1 else len(events)) + 1
        assert plan.event_count.fresh + plan.health_count.fresh + sum(map(count_rows, lost)) == offered


def count_rows(words: str) -> int:
    """How many rows ``rows 1, 3-5: …`` names."""
    spans = words.partition(":")[0].split(" ", 1)[1].split(", ")
    return sum(int(span.partition("-")[2] or span) - int(span.partition("-")[0]) + 1 for span in spans)


def test_the_old_programs_upgrade_between_two_imports_doubles_nothing(home: Home, old: OldHome) -> None:
    old.add_config("qwen", MODEL)
    old.add_database(2, events=(OldEvent(), OldEvent()), health=(OldHealth(),))
    carry_out(home, old)
    before = content(home)
    with contextlib.closing(old.connect()) as connection:
        upgrade_to_v3(connection)
        connection.execute("VACUUM")
    assert carry_out(home, old).version == 3
    assert content(home) == before


def test_what_the_old_program_wrote_since_is_all_that_comes(home: Home, old: OldHome) -> None:
    old.add_database(2, events=(OldEvent(),))
    carry_out(home, old)
    with contextlib.closing(old.connect()) as connection:
        add_event(connection, OldEvent(message="since then"))
        connection.commit()
    plan = carry_out(home, old)
    assert [one.event.message for one in plan.events] == ["since then"]


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(home: Home, old: OldHome) -> None:
    old.add_config("qwen", MODEL)
    old.add_database(2, events=(OldEvent(),))
    plan = plan_import(home, old.folder, {}, NOW)
    assert ([one.name for one in plan.instances], len(plan.events)) == (["qwen"], 2)
    assert not home.state_dir.exists()
    assert carry_out(home, old) == plan
    assert not plan_import(home, old.folder, {}, NOW).has_work


def test_imported_rows_are_not_deleted_for_their_age(home: Home, old: OldHome) -> None:
    old.add_database(2, events=(OldEvent(),), health=(OldHealth(),))
    carry_out(home, old)
    cleanup_old_events(home.state_file, Retention(1.0, 1), NOW + 2, threading.Event())
    with contextlib.closing(open_store(home.state_file) or pytest.fail("no store")) as store:
        kept = store.read_events(EventQuery())
        assert "health_change" in [event.type for event in kept]
        assert all(event.instance == "qwen" for event in kept), "the summary is an event like any other"
        assert len(store.read_health("qwen", 9)) == 1


def test_a_name_that_breaks_our_rule_is_changed_everywhere_and_reported(home: Home, old: OldHome) -> None:
    old.add_config("my model!", MODEL, folder="1")
    old.add_database(2, ("my model!",), (OldEvent(instance="my model!"),), (OldHealth("my model!"),))
    plan = carry_out(home, old)
    assert ("my-model", "was called my model!") in [(one.subject, one.message) for one in plan.remarks]
    assert list(load_config(home.config_file, {}).config.instances) == ["my-model"]
    assert len(events_of(home, "my-model")) == 2


def test_an_instance_of_the_same_name_is_left_as_it_is(home: Home, old: OldHome) -> None:
    home.state_dir.mkdir()
    home.config_file.write_text("[instances.QWEN]\nmodel = '/mine.gguf' # mine\n")
    old.add_config("qwen", MODEL)
    plan = carry_out(home, old)
    assert (plan.known, plan.has_work) == (("QWEN",), False)
    assert home.config_file.read_text() == "[instances.QWEN]\nmodel = '/mine.gguf' # mine\n"
    assert any("stays as it is" in remark.message for remark in plan.remarks)


def test_what_an_operator_decided_and_the_supervisor_remembers_is_not_overwritten(home: Home, old: OldHome) -> None:
    with contextlib.closing(open_store(home.state_file) or pytest.fail("no store")) as store, store.transaction():
        store.save_desired("qwen", Desired.RUNNING, "cli", 1.0)
        store.save_runtime(RuntimeRow("qwen", restarts=77))
    old.add_config("qwen", MODEL)
    old.add_database(2)
    carry_out(home, old)
    with reading(home.state_file) as store_now:
        assert store_now is not None
        assert store_now.load_desired() == {"qwen": Desired.RUNNING}
        assert store_now.load_runtime()["qwen"].restarts == 77


def test_history_without_a_configuration_is_kept_and_named(home: Home, old: OldHome) -> None:
    old.add_database(2, ("gone",), (OldEvent(instance="gone"),))
    plan = carry_out(home, old)
    assert ("gone", "has history, and no configuration: its rows are kept, no instance is made") in [
        (one.subject, one.message) for one in plan.remarks
    ]
    assert not home.config_file.exists()
    assert len(events_of(home, "gone")) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not valid JSON"), ("[]", "holds no JSON object"), ('{"name": "bad"}', "says not what to run")],
)
def test_a_configuration_that_gives_no_instance_is_named_and_the_others_come(
    home: Home, old: OldHome, text: str, reason: str
) -> None:
    old.add_config("bad", text)
    old.add_config("qwen", MODEL)
    plan = carry_out(home, old)
    assert [one.name for one in plan.instances] == ["qwen"]
    (refused,) = plan.refused
    assert refused.subject == "instances/bad/config.json"
    assert refused.message.startswith("not imported: ")
    assert reason in refused.message


def test_two_configurations_of_one_name_are_told_apart_by_nobody_and_named(home: Home, old: OldHome) -> None:
    old.add_config("qwen", MODEL, folder="1")
    old.add_config("qwen", MODEL, folder="2")
    plan = carry_out(home, old)
    assert len(plan.instances) == 1
    assert "instances/1/config.json has the name qwen, too" in plan.refused[0].message


def test_a_secret_of_the_plan_is_hidden_on_the_screen_and_whole_in_the_file(home: Home, old: OldHome) -> None:
    old.add_config("qwen", {**MODEL, "args": ["--api-key", "s3cret"], "env": {"HF_TOKEN": "t0ken"}})
    plan = carry_out(home, old)
    assert "s3cret" not in plan.shown_text
    assert "t0ken" not in plan.shown_text
    assert "s3cret" in home.config_file.read_text()


class TestRefusals:
    def refuse(self, home: Home, old: OldHome, error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            carry_out(home, old)
        assert not home.state_file.exists()
        assert not home.config_file.exists()

    def test_a_folder_that_is_not_there(self, home: Home, old: OldHome) -> None:
        shutil.rmtree(old.folder)
        self.refuse(home, old, ConfigNotFoundError, "no such folder; name the folder of llama-orchestrator")

    def test_a_folder_with_nothing_of_llama_orchestrator(self, home: Home, old: OldHome) -> None:
        self.refuse(home, old, ConfigNotFoundError, "neither state/state.sqlite nor")

    def test_a_damaged_database_brings_nothing_over_not_even_configurations(self, home: Home, old: OldHome) -> None:
        old.add_config("qwen", MODEL)
        old.add_database(2)
        old.database.write_bytes(b"x" * 5000)
        self.refuse(home, old, StateError, "damaged")

    def test_this_programs_own_folder(self, home: Home, old: OldHome) -> None:
        old.add_config("qwen", MODEL)
        carry_out(home, old)
        with pytest.raises(UsageError, match="this program's own folder"):
            carry_out_import(home, home.state_dir, {}, NOW)
        elsewhere = home_in(old.folder.parent / "elsewhere")
        with pytest.raises(StateError, match="belongs to llama-orch-tui itself"):
            carry_out_import(elsewhere, home.state_dir, {}, NOW)

    def test_a_configuration_of_ours_that_is_broken(self, home: Home, old: OldHome) -> None:
        old.add_config("qwen", MODEL)
        home.state_dir.mkdir()
        home.config_file.write_text("[broken\n")
        with pytest.raises(ConfigError, match=r"config.toml:1"):
            carry_out(home, old)
        assert home.config_file.read_text() == "[broken\n"

    def test_a_leader_keeps_everybody_from_importing_and_not_from_looking(self, home: Home, old: OldHome) -> None:
        old.add_config("qwen", MODEL)
        home.state_dir.mkdir()
        with FileLock(home.supervisor_lock):
            with pytest.raises(LeaderTimeoutError, match=r"nothing can be imported while PID .* leads") as caught:
                carry_out(home, old)
            assert caught.value.exit_code is ExitCode.LEADER_TIMEOUT
            assert plan_import(home, old.folder, {}, NOW).has_work
        assert not home.config_file.exists()
        assert carry_out(home, old).has_work
