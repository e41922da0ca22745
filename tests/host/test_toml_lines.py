"""The scanner against tomllib: the same keys, and each on the line where a reader finds it."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.host.toml_lines import line_of, lines_of

TRICKY = r'''# a comment = "with a value"
title = "a # that is no comment, [nor] = a table"
"quoted key" = 1
'literal.key' = 'C:\path\'
"escaped \" \u00e9" = 2
dotted.key.deep = true
dotted . "spaced" = 1979-05-27T07:32:00-08:00
time = 1979-05-27 07:32:00Z   # a date with a blank in it
many = """
not = "a key"
[nor a table]
ends in two quotes \""" still inside"""""
raw = \'\'\'
also = 'no key' ''
\'\'\'
list = [
    1, 2,   # two on a line
    # nothing here
    [3, "]", '}'],
    { a = 1, b = [ { c = 2 } ] },
]
empty = []
none = {}

[table]
x = 1

[table.inner]
x = 2
[[rows]]
name = "first"
  [rows.part]
  x = 3
  [[rows.sub]]
  y = 4
[[ rows ]]
name = "second"
[[rows.sub]]
y = 5
[[rows.sub]]
y = { z = 6 }
[a.b.c]
last = -inf'''.replace(r"\'", "'")


def paths_of(value, path=()):
    """Return every path of a parsed document."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path, *(below for key, inner in items for below in paths_of(inner, (*path, key)))}


def test_every_key_that_tomllib_finds_is_found_and_no_other():
    assert set(lines_of(TRICKY)) == paths_of(tomllib.loads(TRICKY)) - {()}


@pytest.mark.parametrize(
    ("path", "starts"),
    [
        (["title"], "title ="),
        (["quoted key"], '"quoted key"'),
        (["literal.key"], "'literal.key'"),
        (['escaped " é'], '"escaped'),
        (["dotted"], "dotted.key"),
        (["dotted", "spaced"], "dotted . "),
        (["raw"], "raw ="),
        (["list"], "list ="),
        (["list", 1], "    1, 2"),
        (["list", 2, 1], "    [3,"),
        (["list", 3, "b", 0, "c"], "    { a"),
        (["none"], "none"),
        (["table"], "[table]"),
        (["table", "inner", "x"], "x = 2"),
        (["rows", 0], "[[rows]]"),
        (["rows", 0, "part"], "  [rows.part]"),
        (["rows", 0, "sub", 0, "y"], "  y = 4"),
        (["rows", 1], "[[ rows ]]"),
        (["rows", 1, "sub", 0, "y"], "y = 5"),
        (["rows", 1, "sub", 1, "y", "z"], "y = { z"),
        (["a", "b"], "[a.b.c]"),
        (["a", "b", "c", "last"], "last"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_key_is_on_its_line(path, starts, newline):
    line = line_of(TRICKY.replace("\n", newline), path)
    assert TRICKY.split("\n")[line - 1].startswith(starts)


def test_a_key_that_is_missing_is_on_the_line_of_the_table_that_should_hold_it():
    assert line_of(TRICKY, ["rows", 1, "missing"]) == line_of(TRICKY, ["rows", 1])
    assert line_of(TRICKY, ["rows", 7, "name"]) == line_of(TRICKY, ["rows"])


def test_a_path_that_begins_nowhere_has_no_line():
    assert line_of(TRICKY, ["missing", "too"]) is None
    assert line_of("", ["a"]) is None


WORDS = st.text("ab-_1", min_size=1, max_size=3)
VALUES = st.recursive(
    st.sampled_from(["1", "true", '"a = [1] # {"', "'b'", '"""c\nd = 1\n"""', "2026-01-15T00:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: "[\n" + ",\n".join(items) + " # end\n]"),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.lists(st.tuples(WORDS, st.dictionaries(WORDS, VALUES, max_size=3)), max_size=4))
def test_any_document_of_tables_and_lists_has_all_its_keys_found(tables):
    text = "\n".join(f"[[{name}]]\n" + "\n".join(f"{key} = {value}" for key, value in rows.items()) for name, rows in tables)
    found = lines_of(text)
    assert set(found) == paths_of(tomllib.loads(text)) - {()}
    for path, line in found.items():
        if len(path) == 3:
            assert text.split("\n")[line - 1].startswith(f"{path[2]} = ")
