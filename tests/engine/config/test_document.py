"""What each kind of mistake costs, and what instances inherit."""

import tempfile
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config.file import LoadedConfig, load_config

ENVIRON = {"HOME": "/home/op", "USERPROFILE": "/home/op", "MODELS": "/srv/models"}
VALUES = [
    *("1", "-1", "0", "99999", "0x" + "f" * 300, "0x" + "f" * 9000, "1.5", "nan", "inf", "1e400"),
    *('""', '"x"', '"~"', '"~nobody/x"', '"$NO"', '"${MODELS}"', '"a/b"', '"auto"', r'"\u0000"'),
    *("[]", "[1]", '["a", "{port}"]', "[[]]", "{}", "{ a = 1 }", '{ a = "b" }', '{ type = "custom" }'),
    *("true", '"custom"', "1979-05-27", "07:32:00", '["x", "y"]', '"""\nx = 1"""'),
]
KEYS = [
    *("model", "hf", "command", "binary", "host", "port", "args", "env", "tags", "depends_on"),
    *("api_key", "api_key_file", "cwd", "healthcheck", "restart_policy", "logs", "interval", "type"),
    *("policy", "instances", "listen", "junk", "healthcheck.type", "logs.backups", "''"),
]
HEADERS = [
    *("", "[server]", "[dashboard]", "[defaults]", "[defaults.healthcheck]", "[defaults.env]"),
    *("[keys]", "[instances]", "[instances.x]", "[instances.y]", "[instances.X]", "[instances.con]"),
    *("[instances.x.healthcheck]", "[instances.y.env]", "[[instances.z]]", "[instances.'']"),
    *("[[profiles]]", "[profiles.p]", "[profiles.q]", "[metrics]", "[junk]"),
]
TABLE = st.tuples(
    st.sampled_from(HEADERS),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=3, unique_by=lambda pair: pair[0]),
)


def load(tmp_path: Path, text: str) -> LoadedConfig:
    path = tmp_path / "config.toml"
    path.write_text(dedent(text), encoding="utf-8", newline="")
    return load_config(path, ENVIRON)


class TestWhatAFaultCosts:
    def test_a_fault_inside_one_instance_freezes_only_that_one(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, "[instances.a]\nmodel='m'\nport=0\n[instances.b]\nmodel='m'")
        assert list(loaded.config.instances) == ["b"]
        assert loaded.frozen == {"a": str(loaded.problems[0])}

    def test_a_faulty_key_elsewhere_falls_back_to_its_default(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path,
            "[defaults]\nthreads=0\nparallel=2\n[defaults.healthcheck]\nretries=0\ninterval=3\n"
            "[instances.a]\nmodel='m'",
        )
        one = loaded.config.instances["a"]
        assert (one.threads, one.parallel, one.healthcheck.retries, one.healthcheck.interval) == (None, 2, 3, 3.0)
        assert [problem.line for problem in loaded.problems] == [2, 5]
        assert not loaded.frozen

    @pytest.mark.parametrize("line", ["api_key_file='$NOPE'", "api_key=1", "api_keyfile='/k'", "api_kee='k'"])
    def test_an_inherited_key_at_fault_freezes_who_would_run_without_it(self, tmp_path: Path, line: str) -> None:
        loaded = load(
            tmp_path, f"[defaults]\n{line}\n[instances.a]\nmodel='m'\n[instances.b]\nmodel='m'\napi_key='own'"
        )
        assert list(loaded.config.instances) == ["b"]
        assert loaded.frozen == {"a": str(loaded.problems[0])}
        assert len(loaded.problems) == 1

    def test_names_that_differ_only_in_case_freeze_the_later_one(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, "[instances.a]\nmodel='m'\n[instances.A]\nmodel='m'")
        assert (list(loaded.config.instances), list(loaded.frozen)) == (["a"], ["A"])

    def test_every_member_of_a_circle_of_dependencies_is_frozen_and_nobody_else(self, tmp_path: Path) -> None:
        needs = {"a": ["b"], "b": ["c"], "c": ["a"], "d": ["d"], "e": ["a", "f"], "f": []}
        loaded = load(
            tmp_path, "\n".join(f"[instances.{n}]\nmodel='m'\ndepends_on={need}" for n, need in needs.items())
        )
        assert (list(loaded.config.instances), sorted(loaded.frozen)) == (["e", "f"], ["a", "b", "c", "d"])
        assert "waits for itself: b → c → a → b" in loaded.frozen["b"]

    def test_who_depends_on_a_frozen_instance_is_not_at_fault(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, "[instances.a]\nmodel=1\n[instances.b]\nmodel='m'\ndepends_on=['a']")
        assert (list(loaded.config.instances), list(loaded.frozen)) == (["b"], ["a"])

    def test_a_profile_with_a_fault_is_left_out_whole(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path, "[instances.a]\nmodel='m'\n[profiles.p]\ninstances=['a']\n[profiles.q]\ninstances=['a', 'z']"
        )
        assert list(loaded.config.profiles) == ["p"]


class TestInheritance:
    TEXT = """\
        [defaults]
        threads = 4
        tags = ["all"]
        args = ["-v"]
        [defaults.env]
        A = "1"
        B = "1"
        [defaults.healthcheck]
        interval = 3
        retries = 9
        [defaults.restart_policy]
        max_retries = 7
        [defaults.logs]
        backups = 1

        [instances.z]
        model = "m.gguf"
        threads = 8
        args = ["-q"]
        env.B = "2"
        [instances.z.healthcheck]
        interval = 5
        [instances.a]
        command = ["serve"]
        """

    def test_an_instance_inherits_key_by_key_and_its_own_word_comes_first(self, tmp_path: Path) -> None:
        loaded = load(tmp_path, self.TEXT)
        assert loaded.problems == ()
        z, a = loaded.config.instances["z"], loaded.config.instances["a"]
        assert (z.threads, z.tags, z.args, z.env) == (8, ("all",), ("-q",), {"A": "1", "B": "2"})
        assert (z.healthcheck.interval, z.healthcheck.retries) == (5, 9)
        assert (z.restart_policy.max_retries, z.logs.backups) == (7, 1)
        assert (a.threads, a.args, a.env, a.healthcheck.interval) == (4, ("-v",), {"A": "1", "B": "1"}, 3)

    def test_instances_keep_the_order_of_the_file(self, tmp_path: Path) -> None:
        assert list(load(tmp_path, self.TEXT).config.instances) == ["z", "a"]

    @pytest.mark.parametrize("own", ["api_key = 'own'", "api_key_file = '/own'"])
    @pytest.mark.parametrize("inherited", ["api_key = 'all'", "api_key_file = '/all'"])
    def test_an_own_api_key_replaces_the_inherited_one(self, tmp_path: Path, own: str, inherited: str) -> None:
        loaded = load(tmp_path, f"[defaults]\n{inherited}\n[instances.a]\nmodel='m'\n{own}")
        one = loaded.config.instances["a"]
        assert one.api_key + one.api_key_file in ("own", "/own")

    def test_the_health_type_may_be_inherited_and_its_script_set_by_the_instance(self, tmp_path: Path) -> None:
        loaded = load(
            tmp_path, "[defaults.healthcheck]\ntype='custom'\n[instances.a]\nmodel='m'\nhealthcheck.custom_script='/c'"
        )
        assert loaded.problems == ()
        assert load(tmp_path, "[defaults.healthcheck]\ntype='custom'\n[instances.a]\nmodel='m'").frozen


def check_soundness(loaded: LoadedConfig) -> None:
    assert not set(loaded.frozen) & set(loaded.config.instances)
    assert bool(loaded.problems) or not loaded.frozen
    assert all(problem.message and problem.fix for problem in loaded.problems)
    assert all(problem.line for problem in loaded.problems) or not loaded.readable


@pytest.mark.parametrize("header", HEADERS)
def test_no_kind_of_value_makes_any_key_fail(tmp_path: Path, header: str) -> None:
    """Key by key, as one bad key of a table must not hide another."""
    for value in VALUES:
        for key in KEYS:
            check_soundness(load(tmp_path, f"{header}\n{key} = {value}"))


@settings(max_examples=300)
@given(st.lists(TABLE, max_size=6))
def test_no_content_makes_it_fail(tables: list[tuple[str, list[tuple[str, str]]]]) -> None:
    text = "\n".join("\n".join([header, *(f"{key} = {value}" for key, value in pairs)]) for header, pairs in tables)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.toml"
        path.write_text(text, encoding="utf-8")
        loaded = load_config(path, ENVIRON)
    check_soundness(loaded)
