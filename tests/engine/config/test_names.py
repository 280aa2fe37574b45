import pytest

from engine.config.names import find_name_fault


@pytest.mark.parametrize("name", ["qwen", "Qwen3-4b_q4.k", "0", "a" * 63, "console", "com10", "a.nul"])
def test_a_name_that_every_system_can_store_is_accepted(name: str) -> None:
    assert find_name_fault(name) == ""


@pytest.mark.parametrize("name", ["", ".a", "-a", "_a", "a b", "a/b", "ä", "a" * 64, "a\n", "..", "a:b"])
def test_a_name_outside_the_rule_is_refused_with_the_rule(name: str) -> None:
    assert "letters, digits" in find_name_fault(name)


@pytest.mark.parametrize("name", ["con", "NUL", "Com1", "lpt9", "nul.txt", "aux.a.b"])
def test_a_device_name_of_windows_is_refused(name: str) -> None:
    assert "Windows" in find_name_fault(name)
