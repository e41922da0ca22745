from dataclasses import replace
from pathlib import Path

import pytest

from watthour.history import CLOSINGS
from watthour.maps.mbus import CLOSING_STORAGE, SETS, closing_records
from watthour.maps.mbus_sheet import COLUMNS, IDENTITY, as_csv, as_json, as_markdown, records
from watthour.units import VALUE_BY_NAME

EVERY = [row for telegrams in SETS.values() for rows in telegrams for row in rows]
ROWS = [row for row in EVERY if row.storage <= CLOSING_STORAGE]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name}-{row.vib.hex()}")
def test_each_name_is_known(row):
    assert (row.name in VALUE_BY_NAME) != (row.name in IDENTITY)


@pytest.mark.parametrize("telegrams", SETS.values(), ids=lambda telegrams: f"{len(telegrams)} telegrams")
def test_no_two_records_of_a_readout_say_the_same_of_themselves(telegrams):
    keys = [(row.vib, row.function, row.storage, row.tariff, row.subunit) for rows in telegrams for row in rows]
    assert len(set(keys)) == len(keys)


def test_closings_before_the_last_are_the_same_rows_under_their_storage_numbers():
    assert {row.storage for row in EVERY} == {0, 1, *range(CLOSING_STORAGE, CLOSING_STORAGE + CLOSINGS)}
    older = [replace(row, storage=CLOSING_STORAGE) for row in EVERY if row.storage > CLOSING_STORAGE]
    assert set(older) == {row for rows in closing_records(CLOSING_STORAGE) for row in rows}


def test_the_printed_lists_hold_every_record():
    assert len(records()) == len(ROWS)
    assert as_csv().count("\r\n") == len(ROWS) + 1
    assert set(COLUMNS) == set(records()[0])
    assert as_json().count('"vib"') == len(ROWS)


def test_the_page_is_in_step_with_the_rows():
    page = Path(__file__).parents[2] / "docs" / "reference" / "mbus-records.md"
    assert page.read_text("utf-8") == as_markdown(), "make docs prints it anew"
