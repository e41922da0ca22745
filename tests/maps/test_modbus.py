"""One sweep over every row of the Modbus map, and the published addresses held against it."""

from collections import Counter
from itertools import pairwise

import pytest

from watthour.maps.modbus import (
    BITS,
    FAMILY,
    IDENTITY,
    LIVE,
    OWN,
    REGISTERS,
    VALIDITY_BITS_PER_REGISTER,
    VALIDITY_REGISTERS,
    finest,
    meaning,
    validity_place,
)
from watthour.maps.records import ENERGIES_OF_SET, HEAD, MAXIMUM, ROW, ROWS_SHOWN
from watthour.maps.register import RANGES, Access, BitTable, Register, Type
from watthour.models import MODELS
from watthour.parameters import PARAMETER_BY_NAME, Interface
from watthour.units import LATE_NAMES, RATES, VALUE_BY_NAME

NUMBERS = [row for row in LIVE if row.type in RANGES]


def label(row):
    return f"{row.address:04X}-{row.name}"


every_row = pytest.mark.parametrize("row", REGISTERS, ids=label)
live_rows = pytest.mark.parametrize("row", LIVE, ids=label)
number_rows = pytest.mark.parametrize("row", NUMBERS, ids=label)


@live_rows
def test_the_name_is_known(row):
    assert meaning(row)
    assert row.name in VALUE_BY_NAME or row.name in PARAMETER_BY_NAME or row.name in IDENTITY


def test_every_bit_has_a_meaning_and_an_address_of_its_own_in_its_table():
    assert all(meaning(bit) for bit in BITS)
    places = [(bit.table, bit.address) for bit in BITS]
    assert len(set(places)) == len(places)
    assert places == sorted(places)
    assert all((bit.access is Access.COMMAND) == (bit.table is BitTable.COIL) for bit in BITS)


def test_a_name_nobody_knows_means_nothing():
    assert meaning(Register(address=0, name="voltage_l4_v")) == ""


@live_rows
def test_the_unit_is_that_of_the_nomenclature(row):
    if row.name in VALUE_BY_NAME:
        assert (row.unit or "1") == VALUE_BY_NAME[row.name].unit
    elif row.name in PARAMETER_BY_NAME:
        assert row.unit == PARAMETER_BY_NAME[row.name].unit


@number_rows
def test_every_end_of_the_range_makes_the_round_trip(row):
    low, high = RANGES[row.type]
    for raw in {low, 0, high} if not row.codes else range(len(row.codes)):
        value = row.from_bytes(raw.to_bytes(2 * row.registers, "big", signed=raw < 0))
        assert row.to_bytes(value) == raw.to_bytes(2 * row.registers, "big", signed=raw < 0)


@number_rows
def test_what_rolls_over_is_not_hidden(row):
    if not row.codes:
        low, high = RANGES[row.type]
        assert row.encode((high + 1) * 10**row.decimals) == (high, False)
        assert row.encode((low - 1) * 10**row.decimals) == (low, False)


@every_row
def test_the_row_is_whole(row):
    assert row.block in {FAMILY, OWN}
    assert row.source
    assert 0 <= row.address < row.end <= 0x10000
    assert (row.block == OWN) == (0x1000 <= row.address <= 0x1FFF)
    assert not row.needs or all(hasattr(model, row.needs) for model in MODELS)
    assert (row.length > 0) == (row.type in {Type.ASCII, Type.RAW})


def test_the_rows_are_sorted_and_none_overlaps_another():
    assert all(before.end <= after.address for before, after in pairwise(REGISTERS))


def test_every_value_that_may_be_null_has_a_validity_bit_of_its_own():
    bits = Counter(row.bit for row in REGISTERS if row.bit is not None)
    assert max(bits.values()) == 1
    assert max(bits) < VALIDITY_REGISTERS * VALIDITY_BITS_PER_REGISTER
    without = {row.name for row in LIVE if row.bit is None}
    assert without.isdisjoint(set(VALUE_BY_NAME) - set(PARAMETER_BY_NAME))
    assert all(row.name not in IDENTITY or "exact" in meaning(row) for row in LIVE if row.bit is not None)


def test_every_value_of_the_nomenclature_stands_on_the_map():
    on_a_bus = {name for name, value in VALUE_BY_NAME.items() if value.needs != "pulse_outputs"}  # the CEM-D310 has none
    assert {row.name for row in LIVE} & set(VALUE_BY_NAME) == on_a_bus


STATES = {"wiring_findings", "seal_open", "storage_fault", "registers_fresh", "calendar_missing", "power_fail_count"}
"""What changes seldom, and has a bit of the status word or a place of its own."""


def test_what_a_poller_wants_each_second_is_one_read():
    page = [row for row in LIVE if 0x1000 <= row.address < 0x1062]
    assert all(before.end == after.address for before, after in pairwise(page))
    assert page[-1].end - page[0].address == 98
    others = ("h", "cost", "kg")
    measured = {
        name
        for name, value in VALUE_BY_NAME.items()
        if name not in {*LATE_NAMES, *STATES} and not (value.needs or name.endswith(others) or "demand" in name)
    }
    assert measured <= {row.name for row in page}


def test_what_is_found_only_when_asked_has_its_validity_apart():
    late = {row.name: row for row in LIVE if row.late}
    assert {name for name in late if not name.startswith("validity_")} == set(LATE_NAMES)
    assert all(row.bit >= 256 for name, row in late.items() if name in LATE_NAMES)
    assert all(row.bit < 256 for row in LIVE if row.bit is not None and not row.late)
    block = [row for row in late.values() if row.address >= 0x1A00]
    assert all(before.end == after.address for before, after in pairwise(block))
    assert {row.address: row.name for row in block}[0x1A00] == "validity_16"


def test_the_energies_of_rates_and_phases_leave_no_gap():
    sets = [row for row in LIVE if 0x1100 <= row.address < 0x1200]
    assert len(sets) == 11 * 6
    assert all(before.end == after.address for before, after in pairwise(sets))


def test_what_is_writable_is_a_setting_that_the_bus_may_write_or_a_command():
    writable = {row.name: row for row in LIVE if row.access is not Access.READ}
    assert set(writable) == {
        "cost_per_kwh", "co2_kg_per_kwh", "bus_address", "bus_baudrate", "bus_framing", "partial_reset", "close_period",
        "rate_select", "profile_select", "closing_select",
    }  # fmt: skip
    for name, row in writable.items():
        assert row.access is Access.COMMAND or name.endswith("_select") or Interface.BUS in PARAMETER_BY_NAME[name].writers


def test_codes_are_the_words_of_the_setting():
    for row in LIVE:
        if row.codes:
            assert row.codes == PARAMETER_BY_NAME[row.name].choices


def test_a_live_record_holds_its_parts_and_is_the_bytes_it_is():
    sizes = {
        "closing_head": HEAD.size,
        "closing_maxima": 9 * MAXIMUM.size,
        "profile_window": ROWS_SHOWN * ROW.size,
        **{f"closing_{name}": ENERGIES_OF_SET.size for name in ("total", *RATES)},
    }
    live = {row.name: row for row in LIVE if row.type is Type.RAW}
    assert {name: 2 * row.registers for name, row in live.items() if name in sizes} == sizes
    for row in live.values():
        data = bytes(range(256))[: 2 * row.registers].ljust(2 * row.registers, b"x")
        assert row.encode(data) == (data, True)
        assert row.from_bytes(data) == data


SIX = ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")


def following(start, step, *names):
    return {start + step * place: name for place, name in enumerate(names)}


PUBLISHED = {
    **following(0x0000, 2, *SIX),
    **following(0x0030, 2, *(f"partial_{name}" for name in SIX)),
    **following(0x0050, 1, "firmware_major", "firmware_minor", "firmware_revision"),
    **following(0x0080, 1, "pulse_type", "pulse_weight"),
    **following(0x00B0, 2, "cost_per_kwh", "co2_kg_per_kwh"),
    **following(0x00C0, 2, "partial_cost", "partial_co2_kg", "partial_operating_time_h", "operating_time_h"),
    **following(0x0100, 2, *(f"t1_{name}" for name in SIX)),
    **following(0x010C, 2, *(f"t2_{name}" for name in SIX)),
    **following(0x03E8, 1, "bus_address", "bus_baudrate", "bus_framing"),
    **following(0x044C, 2, "vt_primary", "vt_secondary", "ct_primary", "ct_secondary"),
    **following(0x0732, 2, *(f"voltage_l{n}_v" for n in (1, 2, 3)), *(f"current_l{n}_a" for n in (1, 2, 3))),
    **following(0x073E, 2, *(f"cos_phi_l{n}" for n in (1, 2, 3))),
    **following(0x0746, 2, "power_l1_w", "power_l2_w", "power_l3_w", "power_w"),
    **following(0x074E, 2, "reactive_l1_var", "reactive_l2_var", "reactive_l3_var", "reactive_var"),
    **following(0x0756, 2, "apparent_l1_va", "apparent_l2_va", "apparent_l3_va", "apparent_va"),
    0x2710: "serial",
    0xF010: "model",
}
"""The map published for the siblings (facts: CEM M-RS485, CEM M-ETH, CEM-C31)."""


def test_the_family_block_is_the_published_map_and_nothing_else():
    assert {row.address: row.name for row in REGISTERS if row.block == FAMILY} == PUBLISHED


def test_published_scales():
    at = {row.address: row for row in REGISTERS}
    assert [at[address].decimals for address in (0x0732, 0x0738, 0x073E, 0x0746, 0x00B0, 0x00C4, 0x0450)] == [
        1,
        2,
        2,
        0,
        4,
        1,
        1,
    ]
    assert [at[address].type for address in (0x073E, 0x0756, 0x0732, 0x03E8)] == [Type.I32, Type.I32, Type.U32, Type.U16]


def test_the_pulse_output_belongs_to_models_that_have_one():
    assert {row.needs for row in REGISTERS if row.name.startswith("pulse")} == {"pulse_outputs"}


def test_the_finest_row_is_that_of_the_watthour_block():
    chosen = finest()
    assert (chosen["cos_phi_l1"].decimals, chosen["current_l1_a"].decimals, chosen["partial_cost"].decimals) == (4, 3, 4)
    assert chosen["partial_import_wh"].address == 0x0030


@pytest.mark.parametrize(("bit", "place"), [(0, ("validity_0", 0)), (15, ("validity_0", 15)), (16, ("validity_1", 0))])
def test_the_place_of_a_validity_bit(bit, place):
    assert validity_place(bit) == place
