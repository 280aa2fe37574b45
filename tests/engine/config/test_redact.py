import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.redact import HIDDEN, find_secrets, hide_values, is_secret_name, redact_argv, redact_env

WORDS = st.sampled_from(["key", "Token", "SECRET", "passWord"])
AFFIX = st.from_regex(r"[a-z_-]{0,6}", fullmatch=True)
SECRET = st.from_regex(r"zz[A-Za-z0-9 =\n-]{3,12}zz", fullmatch=True)
PLAIN = st.lists(st.sampled_from(["serve", "--port", "8081", "-m", "/a/b.gguf", "--flash-attn=on"]), max_size=4)


def secret_name(before: str, word: str, after: str) -> str:
    name = f"{before}{word}{after}"
    return name if is_secret_name(name) else f"{name}-x"


@given(PLAIN, AFFIX, WORDS, AFFIX, SECRET, PLAIN)
def test_the_value_after_a_secret_flag_is_never_shown(
    front: list[str], before: str, word: str, after: str, secret: str, back: list[str]
) -> None:
    flag = f"--{secret_name(before, word, after)}"
    assert redact_argv([*front, flag, secret, *back]) == (*front, flag, HIDDEN, *back)
    assert redact_argv([*front, f"{flag}={secret}", *back]) == (*front, f"{flag}={HIDDEN}", *back)


@given(AFFIX, WORDS, AFFIX, SECRET)
def test_a_secret_variable_is_never_shown(before: str, word: str, after: str, secret: str) -> None:
    name = secret_name(before, word, after)
    assert redact_env({name: secret, "PATH": "/bin"}) == {name: HIDDEN, "PATH": "/bin"}


@given(st.lists(st.text(max_size=20) | st.sampled_from(["--api-key", "--token=x", "-hft", "A_KEY=b"]), max_size=6))
def test_redacting_twice_changes_nothing_and_keeps_the_number_of_arguments(argv: list[str]) -> None:
    once = redact_argv(argv)
    assert len(once) == len(argv)
    assert redact_argv(once) == once


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["--ssl-key-file", "/k.pem"], ["--ssl-key-file", "/k.pem"]),
        (["--api-key-file=/k"], ["--api-key-file=/k"]),
        (["--api-key", "-dash"], ["--api-key", HIDDEN]),
        (["--api-key", "--token", "x"], ["--api-key", HIDDEN, HIDDEN]),
        (["-hft", "hf_abc"], ["-hft", HIDDEN]),
        (["env", "API_KEY=abc", "serve"], ["env", f"API_KEY={HIDDEN}", "serve"]),
        (["sh", "-c", "A=1 MY_TOKEN=abc serve --x"], ["sh", "-c", f"A=1 MY_TOKEN={HIDDEN}"]),
        (["sh", "-c", "serve --api-key abc"], ["sh", "-c", f"serve --api-key {HIDDEN}"]),
        (["sh", "-c", "serve --key-file /f --password x"], ["sh", "-c", f"serve --key-file /f --password {HIDDEN}"]),
        (["--model", "/models/monkey.gguf"], ["--model", "/models/monkey.gguf"]),
        (["--api-key"], ["--api-key"]),
    ],
)
def test_only_what_may_be_a_secret_is_hidden(argv: list[str], shown: list[str]) -> None:
    assert redact_argv(argv) == tuple(shown)


@pytest.mark.parametrize(
    ("argv", "env", "hidden"),
    [
        (["--hf-token", "abcdefgh"], {}, {"abcdefgh"}),
        (["--hf-token=abcdefgh"], {}, {"abcdefgh"}),
        (["export TOKEN='abcdefgh'; run"], {}, {"'abcdefgh'; run", "abcdefgh"}),
        (["--port", "8080"], {"PLAIN": "abcdefgh", "SOME_KEY": "abcdefgh"}, {"abcdefgh"}),
        (["--hf-token", "short"], {"A_KEY": "tiny"}, set()),
    ],
    ids=["flag", "inline", "script", "environment", "short"],
)
def test_the_values_of_secrets_are_found(argv: list[str], env: dict[str, str], hidden: set[str]) -> None:
    assert find_secrets(argv, env) == hidden


def test_values_are_hidden_wherever_they_stand_the_longest_first() -> None:
    assert hide_values("key=abcdef-long and abcdef!", ["abcdef", "abcdef-long"]) == "key=*** and ***!"


@pytest.mark.parametrize("word", ["a", "-", "key", "=a", "a\n"])
def test_a_long_argument_is_looked_at_once(word: str) -> None:
    """A grammar or a template may be given in one; tried at every character, it would hold everything up for hours."""
    argument = f"{word * 400_000}\n"
    assert redact_argv([argument, "--api-key=hunter2"]) == (argument, f"--api-key={HIDDEN}")
