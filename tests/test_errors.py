"""The error tree: drawn, and true to its drawing."""

import inspect

import pytest

from watthour import errors
from watthour.errors import (
    ConfigError,
    ExceptionReplyError,
    OutOfRangeError,
    ParameterError,
    RecordingError,
    SealedError,
    StoreError,
    UsageError,
    WatthourError,
)

CLASSES = [member for _, member in inspect.getmembers(errors, inspect.isclass) if issubclass(member, WatthourError)]


def drawn_tree(text: str) -> dict[str, str]:
    """Return child → parent of the tree drawn in a docstring with ├── and └──, four columns a level."""
    parents, stack = {}, []
    for line in text.splitlines():
        words = line.replace("│", " ").replace("├──", "   ").replace("└──", "   ")
        if not (name := words.split()[0] if words.strip() else "").endswith("Error"):
            continue
        depth = (len(words) - len(words.lstrip())) // 4 - 1
        stack[depth:] = [name]
        parents[name] = stack[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_is_as_it_is_drawn():
    assert drawn_tree(errors.__doc__) == {c.__name__: c.__bases__[0].__name__ for c in CLASSES}


def test_a_drawing_is_read_by_its_branches():
    assert drawn_tree("    AError  x\n    ├── BError\n    │   └── CError\n    └── DError") == {
        "AError": "Exception",
        "BError": "AError",
        "CError": "BError",
        "DError": "AError",
    }


@pytest.mark.parametrize("error", CLASSES)
def test_wrong_usage_exits_with_2_and_everything_else_with_1(error):
    assert error.exit_code == (2 if issubclass(error, UsageError) else 1)
    assert inspect.getdoc(error) != inspect.getdoc(error.__bases__[0])


def test_a_config_error_says_file_and_line():
    error = ConfigError("a.toml", "no such model", 7)
    assert (str(error), error.file, error.line) == ("a.toml:7: no such model", "a.toml", 7)
    assert str(ConfigError("a.toml", "no such model")) == "a.toml: no such model"


def test_a_recording_error_carries_its_file():
    error = RecordingError("day.cfg", "channel 9 of 8")
    assert (str(error), error.file) == ("day.cfg: channel 9 of 8", "day.cfg")


def test_a_parameter_error_carries_the_setting():
    error = SealedError("ct", "it is sealed")
    assert (str(error), error.name) == ("ct: it is sealed", "ct")
    assert isinstance(error, ParameterError)
    assert not isinstance(error, OutOfRangeError)


def test_an_exception_reply_carries_its_code():
    error = ExceptionReplyError(2, "unit 1: no register 0x2000")
    assert (str(error), error.code) == ("unit 1: no register 0x2000", 2)


def test_a_store_error_is_no_usage_error():
    assert not issubclass(StoreError, UsageError)
