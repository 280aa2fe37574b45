"""What screens ask of the configuration file: proposals, checks, additions, changes, removals and their undoing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.editor import ConfigEditor
from engine.config.names import find_name_fault
from engine.editing import FoundModel
from engine.errors import (
    AlreadyRunningError,
    ConfigError,
    EngineError,
    InstanceExistsError,
    LeaderTimeoutError,
    NoSuchInstanceError,
    UsageError,
)
from engine.locking import config_lock, instance_lock
from engine.models.proposal import propose_name
from engine.models.tiny_gguf import make_tiny_model
from engine.paths import HOME_VARIABLE, Home, find_home

FILE = """\
# mine
[server] # which
binary = "auto"

# the good one
[instances.qwen] # talks
model = "/m.gguf" # good
port = 8081
ctx_size = 4096 # enough

[instances.qwen.healthcheck]
interval = 5.0

# a library
[instances.bge]
model = "/b.gguf"
port = "auto"
"""
MODEL = FoundModel("/home/ada/m/Qwen3-4B-Instruct-Q4_K_M.gguf", "m", "Qwen3-4B-Instruct-Q4_K_M", context_length=40960)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = find_home({HOME_VARIABLE: str(tmp_path)})
    made.config_file.write_text(FILE)
    return made


def editor_of(home: Home) -> ConfigEditor:
    return ConfigEditor(home, {"HOME": "/home/ada", "USERPROFILE": "/home/ada"})


def text_of(home: Home) -> str:
    return home.config_file.read_text()


def test_a_proposal_has_a_name_and_a_port_of_its_own(home: Home) -> None:
    proposal = editor_of(home).propose(MODEL)
    assert proposal.name == "qwen3-4b"
    assert proposal.table["model"] == "~/m/Qwen3-4B-Instruct-Q4_K_M.gguf"
    assert proposal.table["ctx_size"] == 8192
    assert isinstance(proposal.table["port"], int)
    assert proposal.table["port"] != 8081
    embedder = FoundModel("/b.gguf", "", "bge", architecture="bert", context_length=512)
    table = editor_of(home).propose(embedder).table
    assert (table["ctx_size"], table["args"]) == (512, ["--embedding"])


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Qwen3-4B-Instruct-Q4_K_M", "qwen3-4b"),
        ("qwen3:4b", "qwen3-4b"),
        ("ada/llama3:latest", "llama3"),
        ("gemma-3-1b-it.F16", "gemma-3-1b"),
        ("con", "model-con"),
        ("模型", "model"),
        ("TAKEN-Q8_0", "taken-2"),
    ],
)
def test_names_are_made_of_titles(title: str, name: str) -> None:
    assert propose_name(title, ["Taken"]) == name


@given(st.text(max_size=120), st.sets(st.text(max_size=5), max_size=5))
def test_every_title_gives_a_name_that_nobody_has(title: str, taken: set[str]) -> None:
    name = propose_name(title, taken)
    assert find_name_fault(name) == ""
    again = propose_name(title, {*taken, name.upper()})
    assert again.lower() != name.lower()


def test_a_clone_has_another_name_and_port(home: Home) -> None:
    clone = editor_of(home).propose_clone("qwen")
    assert clone.name == "qwen-2"
    assert clone.table["port"] != 8081
    assert clone.table["healthcheck"] == {"interval": 5.0}
    assert editor_of(home).propose_clone("bge").table["port"] == "auto"
    editor_of(home).add(clone.name, clone.table)
    assert text_of(home).startswith(FILE)


def test_a_check_tells_each_fault_at_its_key_and_what_would_be_written(home: Home) -> None:
    editor = editor_of(home)
    good = editor.check("new", {"model": "/m.gguf", "port": 8081})
    assert good.faults == ()
    assert "port 8081 is also that of qwen: the two cannot run at the same time" in good.warnings
    assert tomllib.loads(good.text) == {"instances": {"new": {"model": "/m.gguf", "port": 8081}}}

    bad = editor.check("QWEN", {"model": "/m.gguf", "port": 0, "depends_on": []})
    assert {one.key: str(one) for one in bad.faults} == {
        "port": 'must be a whole number from 1 to 65535, or "auto"; it is 0; for example port = 8081',
        "name": "there is qwen already; choose another name",
    }
    assert [one.key for one in editor.check("a/b", {"model": "/m"}).faults] == ["name"]
    assert [one.key for one in editor.check("a", {}).faults] == [""]
    [fault] = editor.check("a", {"model": "$NOWHERE/m"}).faults
    assert fault.key == "model"
    assert "NOWHERE is not set" in fault.message


def test_a_check_of_what_is_there_compares_with_the_others_only(home: Home) -> None:
    editor = editor_of(home)
    assert editor.check("qwen", {"model": "/m.gguf", "port": 8081}, was="qwen").faults == ()
    assert not any("8081" in one for one in editor.check("qwen", {"model": "/m", "port": 8081}, was="qwen").warnings)


def test_a_check_under_a_broken_file_says_so(home: Home) -> None:
    home.config_file.write_text("[instances\n")
    [fault] = editor_of(home).check("a", {"model": "/m"}).faults
    assert "config.toml:1: not valid TOML" in fault.message


def test_the_first_instance_makes_the_file(tmp_path: Path) -> None:
    home = find_home({HOME_VARIABLE: str(tmp_path / "deep" / "new")})
    told: list[str] = []
    written = ConfigEditor(home, {}, lambda: told.append("read it")).add("a", {"model": "/m.gguf", "port": 1234})
    assert tomllib.loads(text_of(home)) == {"instances": {"a": {"model": "/m.gguf", "port": 1234}}}
    assert written.warnings[0].startswith("model /m.gguf: no such file yet")
    assert told == ["read it"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_change_touches_the_keys_that_change(home: Home, newline: str) -> None:
    home.config_file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", newline).encode())
    editor = editor_of(home)
    table = {**editor.read("qwen").table, "ctx_size": 8192, "tags": ["chat"]}
    del table["port"]

    editor.change("qwen", table)

    data = home.config_file.read_bytes()
    lines = FILE.replace("port = 8081\n", "").replace("ctx_size = 4096 # enough", "ctx_size = 8192 # enough")
    assert data.startswith(b"\xef\xbb\xbf# mine")
    left = [line for line in data.decode("utf-8-sig").split(newline) if "tags" not in line]
    assert left == lines.split("\n")
    assert editor.read("qwen").table == table


def test_a_change_is_refused_whole(home: Home) -> None:
    editor = editor_of(home)
    with pytest.raises(UsageError, match="qwen: must be a whole number"):
        editor.change("qwen", {"model": "/m", "port": 99999})
    with pytest.raises(NoSuchInstanceError):
        editor.change("gone", {"model": "/m"})
    assert text_of(home) == FILE


@pytest.mark.parametrize("name", ["qwen", "bge"])
def test_what_was_removed_comes_back_byte_for_byte(home: Home, name: str) -> None:
    editor = editor_of(home)
    removed = editor.remove(name)
    assert name not in tomllib.loads(text_of(home))["instances"]
    editor.restore(removed)
    assert text_of(home) == FILE


def test_the_last_one_and_an_inline_one_come_back_too(home: Home) -> None:
    for whole in (
        '[instances.a]\nmodel = "/m"\n',
        'instances.a.model = "/m" # x\n',
        'instances = { a = {model="/m"} }\n',
    ):
        home.config_file.write_text(whole)
        editor = editor_of(home)
        removed = editor.remove("a")
        editor.restore(removed)
        assert text_of(home) == whole


def test_what_was_changed_meanwhile_stays_when_the_place_is_known(home: Home) -> None:
    editor = editor_of(home)
    removed = editor.remove("qwen")
    editor.add("new", {"model": "/n", "port": 9000})
    behind = text_of(home)
    editor.restore(removed)
    assert text_of(home).startswith(FILE)
    assert tomllib.loads(text_of(home))["instances"]["new"]["port"] == 9000

    home.config_file.write_text(behind.replace("# mine", "# ours"))
    with pytest.raises(ConfigError, match="its place is not known any more; write it again with n"):
        editor.restore(removed)


def test_a_name_that_is_there_again_is_not_written_twice(home: Home) -> None:
    editor = editor_of(home)
    removed = editor.remove("qwen")
    editor.add("Qwen", {"model": "/n", "port": 9000})
    with pytest.raises(InstanceExistsError, match=r"there is Qwen in .* again"):
        editor.restore(removed)


def test_a_removal_is_refused_while_it_runs_or_is_needed(home: Home) -> None:
    editor = editor_of(home)
    lock = instance_lock(home, "bge", "test")
    with lock.holding(5), pytest.raises(AlreadyRunningError):
        editor.remove("bge")
    home.config_file.write_text(FILE + 'depends_on = ["qwen"]\n')
    assert editor.find_users("qwen") == ("depends_on of bge",)
    with pytest.raises(ConfigError, match="depends_on of bge would miss it"):
        editor.remove("qwen")
    with pytest.raises(NoSuchInstanceError):
        editor.find_users("quen")


def test_nothing_is_written_while_somebody_else_edits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.config.editor.LOCK_LIMIT_S", 0.05)
    with config_lock(home, "test").holding(5), pytest.raises(LeaderTimeoutError):
        editor_of(home).change("qwen", {"model": "/m"})
    assert text_of(home) == FILE


def test_a_disk_that_refuses_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device", "config.toml")

    monkeypatch.setattr("engine.config.editor.save_document", refuse)
    with pytest.raises(EngineError, match=r"config\.toml: cannot be written: no space left on device"):
        editor_of(home).change("qwen", {"model": "/m"})


def test_an_editor_finds_the_line_of_the_table(home: Home) -> None:
    editor = editor_of(home)
    assert editor.locate("qwen").line == 6
    assert editor.locate("gone").line is None
    home.config_file.unlink()
    assert not editor.locate().exists
    editor.create("# first\n")
    assert text_of(home) == "# first\n"
    with pytest.raises(ConfigError, match="is there already"):
        editor.create("# second\n")
    home.config_file.write_text("[server]\nbinary = 3\n")
    [problem] = editor.find_problems()
    assert "config.toml:2: [server] binary: must be" in problem


def test_values_are_proposed_for_a_path_as_it_is_written(home: Home) -> None:
    make_tiny_model(home.config_file.parent / "tiny one.gguf")

    values = editor_of(home).propose_values("tiny one.gguf")

    assert values == {"ctx_size": 4096}


@pytest.mark.parametrize("path", ["none.gguf", ".", "$NOT_SET/a.gguf", "config.toml", "a\0.gguf", "page.gguf"])
def test_nothing_is_proposed_for_what_is_no_readable_model(home: Home, path: str) -> None:
    (home.config_file.parent / "page.gguf").write_text("<html>")

    assert editor_of(home).propose_values(path) == {}


def test_the_models_right_in_a_folder_are_listed(home: Home) -> None:
    folder = home.config_file.parent / "m"
    (folder / "below").mkdir(parents=True)
    make_tiny_model(folder / "b.gguf")
    make_tiny_model(folder / "below" / "c.gguf")
    (folder / "a.GGUF").write_text("<html>")

    broken, tiny = editor_of(home).list_models("m/")

    assert (tiny.title, tiny.path, tiny.trouble) == ("b", str(folder / "b.gguf"), "")
    assert (broken.title, bool(broken.trouble)) == ("a", True)
    assert editor_of(home).list_models("nowhere/") == ()
    assert editor_of(home).list_models("$NOT_SET/") == ()


def test_a_folder_is_no_model(home: Home) -> None:
    checked = editor_of(home).check("new", {"model": ".", "port": 8090})

    assert [(fault.key, fault.message) for fault in checked.faults] == [("model", "is a folder")]
