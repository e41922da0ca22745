"""The printed map says of each row what the row says."""

import csv
import io
import json
from pathlib import Path

from watthour.maps.modbus import BITS, REGISTERS
from watthour.maps.register import Register
from watthour.maps.sheet import BIT_COLUMNS, COLUMNS, as_csv, as_json, as_markdown, as_table, record


def test_a_record_has_every_column():
    assert tuple(record(REGISTERS[0])) == COLUMNS


def test_csv_read_back_gives_every_row():
    rows = list(csv.DictReader(io.StringIO(as_csv())))
    assert [row["address"] for row in rows] == [f"{row.address:04X}" for row in REGISTERS]
    assert rows[0]["block"] == "CEM family, D311 unverified"
    assert {row["status"] for row in rows} == {"live", "planned"}


def test_json_read_back_gives_every_row_and_the_notes():
    read = json.loads(as_json())
    assert read["registers"] == [record(row) for row in REGISTERS]
    assert [bit["name"] for bit in read["bits"]] == [bit.name for bit in BITS]
    assert any("unverified" in note for note in read["notes"])
    assert read["registers"][0]["validity_bit"] == 0


def test_markdown_has_a_line_for_every_row():
    lines = [line for line in as_markdown().splitlines() if line.startswith("|")]
    registers, bits = lines[: 2 + len(REGISTERS)], lines[2 + len(REGISTERS) :]
    assert {line.count("|") for line in registers} == {len(COLUMNS) + 1}
    assert len(bits) == 2 + len(BITS)
    assert {line.count("|") for line in bits} == {len(BIT_COLUMNS) + 1}


def test_the_documented_map_is_the_printed_one():
    page = Path(__file__).parents[2] / "docs" / "reference" / "modbus-map.md"
    assert page.read_text("utf-8") == as_markdown(), "run: make docs"


def test_a_bar_in_a_word_does_not_cut_the_table():
    text = as_markdown([Register(address=0, name="model", remark="a|b")])
    assert r"a\|b" in text


def test_null_is_an_empty_word():
    assert as_table([Register(address=0x50, name="model")])[0][COLUMNS.index("validity_bit")] == ""
