"""A command line as a person reads it: an option in each line, as a shell would take it. Pure."""

from __future__ import annotations

import shlex


def break_command(command_line: str) -> tuple[str, ...]:
    r"""`command_line` with every option and its values in a line of its own, ended by ``\`` but the last.

    What is no shell line (an error in words) stays as it is.
    """
    try:
        words = shlex.split(command_line)
    except ValueError:
        return (command_line,)
    if not any(_is_option(word) for word in words):
        return (command_line,)
    lines: list[list[str]] = [[]]
    for word in words:
        if _is_option(word) and lines[-1]:
            lines.append([])
        lines[-1].append(shlex.quote(word))
    texts = [" ".join(line) for line in lines]
    return (*(f"{'' if number == 0 else '  '}{text} \\" for number, text in enumerate(texts[:-1])), f"  {texts[-1]}")


def _is_option(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and not word[1:2].isdigit() and " " not in word
