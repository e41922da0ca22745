"""The plan of reads, and what the registers say."""

from itertools import pairwise

from watthour.host.lines.values import decode, plan_reads, valid_values, wanted_rows
from watthour.maps.modbus import LIVE
from watthour.maps.register import Register, Type
from watthour.station.image import layout_of
from watthour.units import VALUE_BY_NAME

ON_A_BUS = {name for name, value in VALUE_BY_NAME.items() if value.needs != "pulse_outputs"}
"""The CEM-D310, which has the pulse output, has no bus."""


def covered(reads, rows):
    bounds = {bound for row in rows for bound in (row.address, row.end)}
    there = {address for row in rows for address in range(row.address, row.end)}
    asked = [address for read in reads for address in range(read.start, read.start + read.count)]
    assert sorted(asked) == sorted(there)
    assert all(read.start in bounds and read.start + read.count in bounds for read in reads)
    assert max(read.count for read in reads) <= 125


def test_the_plan_covers_every_row_once_and_nothing_else():
    covered(plan_reads(LIVE), LIVE)
    covered(plan_reads(wanted_rows()), wanted_rows())


def test_few_reads_are_enough_for_every_value():
    assert {row.name for row in wanted_rows()} >= ON_A_BUS
    assert len(plan_reads(wanted_rows())) == 15


def test_a_read_holds_125_registers_and_not_one_more():
    rows = [Register(address=n, name=f"a{n}", type=Type.U16) for n in range(251)]
    assert [read.count for read in plan_reads(rows)] == [125, 125, 1]


def test_a_variable_is_never_cut():
    rows = [Register(address=2 * n, name=f"a{n}") for n in range(63)]
    assert [read.count for read in plan_reads(rows)] == [124, 2]


def test_rows_that_do_not_touch_are_read_apart():
    assert all(before.start + before.count <= after.start for before, after in pairwise(plan_reads(LIVE)))


def contents_of(view, rows):
    layout = layout_of(view.model)
    image = layout.image(view).data
    places = {read.start: layout.stretch(read.start, read.count) for read in plan_reads(rows)}
    return {start: image[place.begin : place.end] for start, place in places.items()}


def test_what_is_valid_has_its_number_and_what_is_not_is_null(make_view):
    rows = wanted_rows()
    view = make_view(values={"frequency_hz": None, "power_l2_w": -12.0, "import_wh": 0, "voltage_l1_v": 230.127})
    decoded = decode(rows, contents_of(view, rows))
    values = valid_values(rows, decoded)
    assert list(values) == [name for name in VALUE_BY_NAME if name in ON_A_BUS]
    assert values["frequency_hz"] is None
    assert (values["power_l2_w"], values["import_wh"], values["voltage_l1_v"]) == (-12, 0, 230.13)
    assert [name for name, value in values.items() if value is None] == ["frequency_hz"]
    assert (decoded["serial"], decoded["model"]) == (23612001, "CEM-D311-MID")
    assert type(values["import_wh"]) is int
    assert type(values["cost_per_kwh"]) is float
