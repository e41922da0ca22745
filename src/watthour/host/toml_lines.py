"""On which line of a TOML text a key stands, so that a refusal can name it.

In: text that `tomllib` accepts, and the path of a key in what it parsed to. Out: a line from 1. The scanner
walks the text once and knows just enough of TOML to find keys: it trusts the text to be valid, and it knows
nothing of what the keys mean.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence

KeyPath = tuple[str | int, ...]
"""Keys and indices from the top of the document: ``("load", 1, "phases")``."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_GAP = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_STRING = re.compile(
    r'''"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'''
    r"""|'''(?:[^']|'{1,2}(?!'))*'{3,5}"""
    r"""|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}\n#]+")


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    r"""Return the line of a key, or of the nearest table that could hold it.

    Parameters
    ----------
    text : str
        A valid TOML document.
    path : sequence of str and int
        Keys and list indices from the top.

    Returns
    -------
    int or None
        From 1; None when not even the first key of the path is there.

    Examples
    --------
    >>> line_of('[supply]\nfrequency_hz = 50', ["supply", "frequency_hz"])
    2
    >>> line_of('[supply]\nfrequency_hz = 50', ["supply", "voltages_v"])
    1
    """
    lines = lines_of(text)
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return None


def lines_of(text: str) -> Mapping[KeyPath, int]:
    """Return the line of every key, table and list item of a valid TOML document."""
    text = text.replace("\r\n", "\n")
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    position = _skip(_BLANK, text, 0)
    while position < len(text):
        if text[position] == "[":
            table, position = _header(text, position, lines)
        else:
            position = _key_and_value(text, position, table, lines)
        position = _skip(_BLANK, text, position)
    return lines


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Return where `pattern`, which is there, ends."""
    match = pattern.match(text, position)
    return match.end() if match else position


def _note(lines: dict[KeyPath, int], path: KeyPath, text: str, position: int) -> None:
    """Keep where a path is first seen, and the tables it implies with it."""
    line = text.count("\n", 0, position) + 1
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], line)


def _dotted_key(text: str, position: int) -> tuple[list[str], int]:
    """Return the parts of the key at `position`, and where it ends."""
    parts: list[str] = []
    while match := _KEY_PART.match(text, position):
        token = match.group()
        parts.append(str(tomllib.loads(f"key = {token}")["key"]) if token[0] in "\"'" else token)
        position = _skip(_GAP, text, match.end())
        if not text.startswith(".", position):
            break
        position = _skip(_GAP, text, position + 1)
    return parts, position


def _header(text: str, position: int, lines: dict[KeyPath, int]) -> tuple[KeyPath, int]:
    """Note ``[table]`` or ``[[table]]``; return its path and where the header ends."""
    brackets = 2 if text.startswith("[[", position) else 1
    parts, end = _dotted_key(text, _skip(_GAP, text, position + brackets))
    table: KeyPath = ()
    for part in parts[:-1]:
        table = _newest((*table, part), lines)
    table = (*table, parts[-1])
    if brackets == 2:  # noqa: PLR2004 - an array of tables
        _note(lines, table, text, position)
        table = (*table, _count(table, lines))
    _note(lines, table, text, position)
    return table, end + brackets


def _count(path: KeyPath, lines: Mapping[KeyPath, int]) -> int:
    """Return how many items of the list at `path` have been seen."""
    count = 0
    while (*path, count) in lines:
        count += 1
    return count


def _newest(path: KeyPath, lines: Mapping[KeyPath, int]) -> KeyPath:
    """Return `path`, or its newest element where it is an array of tables."""
    count = _count(path, lines)
    return (*path, count - 1) if count else path


def _key_and_value(text: str, position: int, table: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Note ``key = value`` and all inside the value; return where it ends."""
    parts, end = _dotted_key(text, position)
    path = (*table, *parts)
    _note(lines, path, text, position)
    return _value(text, _skip(_GAP, text, end + 1), path, lines)


def _value(text: str, position: int, path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Note what stands inside a value; return where it ends."""
    if text[position] == "[":
        return _array(text, position + 1, path, lines)
    if text[position] == "{":
        return _inline_table(text, position + 1, path, lines)
    return _skip(_STRING if text[position] in "\"'" else _BARE, text, position)


def _array(text: str, position: int, path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Note the items of an array; return where it ends."""
    index = 0
    while text[position := _skip(_BLANK, text, position)] != "]":
        if text[position] == ",":
            position += 1
            continue
        item = (*path, index)
        _note(lines, item, text, position)
        position = _value(text, position, item, lines)
        index += 1
    return position + 1


def _inline_table(text: str, position: int, path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """Note the keys of an inline table; return where it ends."""
    while text[position := _skip(_BLANK, text, position)] != "}":
        if text[position] == ",":
            position += 1
        else:
            position = _key_and_value(text, position, path, lines)
    return position + 1
