"""The printed map says of each row what the row says."""

import csv
import io
import json

from watthour.maps.modbus import REGISTERS
from watthour.maps.register import Register
from watthour.maps.sheet import COLUMNS, as_csv, as_json, as_markdown, as_table, record


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
    assert any("unverified" in note for note in read["notes"])
    assert read["registers"][0]["validity_bit"] == 0


def test_markdown_has_a_line_for_every_row():
    lines = [line for line in as_markdown().splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(REGISTERS)
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}


def test_a_bar_in_a_word_does_not_cut_the_table():
    text = as_markdown([Register(address=0, name="model", remark="a|b")])
    assert r"a\|b" in text


def test_null_is_an_empty_word():
    assert as_table([Register(address=0x50, name="model")])[0][COLUMNS.index("validity_bit")] == ""
