"""A view as registers: what stands where, and which bits say that it is valid."""

import struct
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watthour import __version__
from watthour.history import ProfileRow, RowFlag
from watthour.maps.modbus import LIVE, REGISTERS, validity_place
from watthour.maps.register import Register, Type
from watthour.parameters import PARAMETER_BY_NAME
from watthour.station.image import Layout, Selection, layout_for, layout_of
from watthour.units import VALUE_BY_NAME, Ratio

LAYOUT: Layout = layout_of("Q23612")


def registers(view, address, count):
    stretch = LAYOUT.stretch(address, count)
    return LAYOUT.image(view).data[stretch.begin : stretch.end]


def shown(view, name):
    """What the row of that name with the highest address holds."""
    row = [row for row in LIVE if row.name == name][-1]
    return row.from_bytes(registers(view, row.address, row.registers))


def valid_bits(view):
    words = struct.unpack(">37H", registers(view, 0x1002, 16) + registers(view, 0x1A00, 21))
    return {16 * word + place for word in range(37) for place in range(16) if words[word] >> place & 1}


def test_the_image_holds_every_register_once(make_view):
    assert len(LAYOUT.image(make_view()).data) == 2 * sum(row.registers for row in LIVE)


def test_every_live_row_reads_back_what_the_view_shows(make_view):
    view = make_view()
    for row in LIVE:
        if row.name in VALUE_BY_NAME and row.name not in PARAMETER_BY_NAME:
            read = row.from_bytes(registers(view, row.address, row.registers))
            assert abs(read - Decimal(view.values[row.name])) <= Decimal("0.5").scaleb(-row.decimals)


def test_all_that_is_known_is_valid(make_view):
    assert valid_bits(make_view()) == {row.bit for row in LIVE if row.bit is not None}


@pytest.mark.parametrize(
    "row", [row for row in LIVE if row.bit is not None and row.name in VALUE_BY_NAME], ids=lambda row: row.name
)
def test_null_is_zero_with_its_validity_bit_clear(make_view, row):
    view = make_view(values={row.name: None})
    missing = {row.bit for row in LIVE if row.bit is not None} - valid_bits(view)
    assert missing == {other.bit for other in LIVE if other.name == row.name}
    assert registers(view, row.address, row.registers) == bytes(2 * row.registers)


def test_a_value_that_the_view_lacks_is_null(make_view):
    view = make_view()
    view = replace(view, values={}, exact={})
    assert valid_bits(view) == set()
    assert shown(view, "voltage_l1_v") == 0


def test_what_one_row_cannot_hold_is_still_valid_in_a_wider_one(make_view):
    view = make_view(values={"partial_cost": 5_000_000_000.25})
    assert registers(view, 0x00C0, 2) == b"\xff\xff\xff\xff"
    assert shown(view, "partial_cost") == Decimal("5000000000.2500")
    missing = {row.bit for row in LIVE if row.bit is not None} - valid_bits(view)
    assert missing == {row.bit for row in LIVE if row.address == 0x00C0}


def test_a_register_at_its_end_is_valid(make_view):
    view = make_view(values={"import_wh": 2**32 - 1, "power_w": -(2**31)})
    assert registers(view, 0x0000, 2) == b"\xff\xff\xff\xff"
    assert shown(view, "power_w") == -(2**31)
    assert {0, 24} <= valid_bits(view)


def test_a_power_beyond_the_range_saturates(make_view):
    view = make_view(values={"power_w": 3e9})
    assert shown(view, "power_w") == 2**31 - 1
    assert not {row.bit for row in LIVE if row.name == "power_w"} & valid_bits(view)


def test_the_meter_says_who_it_is(make_view):
    view = make_view(parameters={"ct": Ratio.parse("200/5"), "vt": Ratio.parse("132000/110")})
    assert registers(view, 0xF010, 6) == b"CEM-D311-MID"
    assert registers(replace(view, model="Q23611"), 0xF010, 6) == b"CEM-D311\0\0\0\0"
    assert shown(view, "serial") == 23612001
    assert struct.unpack(">4I", registers(view, 0x044C, 8)) == (1_320_000, 1100, 2000, 50)
    assert ".".join(str(shown(view, f"firmware_{part}")) for part in ("major", "minor", "revision")) == __version__
    assert shown(view, "block_version") == 1


def test_settings_are_shown_as_their_codes(make_view):
    view = make_view(
        parameters={"bus_address": 17, "bus_baudrate": "38400", "bus_framing": "8O2", "cost_per_kwh": Decimal("0.1234")}
    )
    assert registers(view, 0x03E8, 3) == bytes.fromhex("0011 0002 0005")
    assert registers(view, 0x00B0, 2) == bytes.fromhex("000004D2")


@pytest.mark.parametrize(
    ("warnings", "diagnosis", "status"),
    [((), (), 0), (("hot",), (), 1), ((), ("L1 and L2 are swapped",), 2), (("a", "b"), ("c",), 3)],
)
def test_status_tells_of_warnings_and_findings(make_view, warnings, diagnosis, status):
    view = make_view(warnings=warnings, diagnosis=diagnosis)
    assert shown(view, "status") == status
    assert shown(view, "warnings") == len(warnings)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({}, 0),
        ({"storage_fault": True}, 0b100),
        ({"registers_fresh": True}, 0b1000),
        ({"calendar_missing": True}, 0b10000),
        ({"seal_open": True}, 0b100000),
        (
            {"storage_fault": True, "registers_fresh": True, "calendar_missing": True, "seal_open": True, "warnings": ("a",)},
            0b111101,
        ),
    ],
)
def test_status_tells_of_the_store_the_calendar_and_the_seal(make_view, state, status):
    assert shown(make_view(**state), "status") == status


def test_the_head_of_the_event_chain_is_shown_whole(make_view):
    assert shown(make_view(event_head="0f" * 32), "event_head") == "0f" * 32


def test_a_command_reads_0(make_view):
    assert shown(make_view(), "partial_reset") == 0


def test_spans_end_where_an_address_is_missing():
    assert (LAYOUT.spans[0x0732].start, LAYOUT.spans[0x0732].end) == (0x0732, 0x0744)
    assert LAYOUT.spans[0x0742] is LAYOUT.spans[0x0732]
    assert 0x0733 not in LAYOUT.spans
    assert LAYOUT.spans[0x0746].start == 0x0746


def test_a_row_whose_feature_a_model_lacks_does_not_exist(monkeypatch):
    assert not any(row.needs == "pulse_outputs" for row in LAYOUT.rows)
    rows = (Register(address=1, name="model", type=Type.U16, needs="pulse_outputs"), Register(address=2, name="serial"))
    monkeypatch.setattr("watthour.station.image.LIVE", rows)
    layout_of.cache_clear()
    assert [row.address for row in layout_of("Q23601").rows] == [1, 2]
    assert [row.address for row in layout_of("Q23611").rows] == [2]
    layout_of.cache_clear()


def test_planned_rows_do_not_exist():
    planned = {row.address for row in REGISTERS} - {row.address for row in LIVE}
    assert planned
    assert planned.isdisjoint(LAYOUT.addresses)


def test_a_map_without_validity_words_has_none_filled_in(make_view):
    view = make_view(values={"import_wh": 0x01020304})
    assert layout_for([Register(address=5, name="import_wh")]).image(view).data.hex() == "01020304"


def test_the_place_of_a_bit_is_the_printed_one(make_view):
    row = next(row for row in LIVE if row.address == 0x1014)
    word, place = validity_place(row.bit)
    before = shown(make_view(), word)
    after = shown(make_view(values={"frequency_hz": None}), word)
    assert before - after == 1 << place


CHANGES = st.lists(
    st.tuples(
        st.dictionaries(
            st.sampled_from([row.name for row in LIVE if row.name in VALUE_BY_NAME]),
            st.sampled_from([None, 0, 1, -5, 2.5, 1e12]),
        ),
        st.integers(0, 2),
        st.booleans(),
    ),
    max_size=4,
)


@given(changes=CHANGES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_image_made_from_the_one_before_is_that_made_anew(make_view, changes):
    image = None
    for values, number, late in changes:
        view = make_view(values=values)
        selection = Selection(profile_select=number, closing_select=number)
        image = LAYOUT.image(view, selection, image, late=late)
        assert image.data == LAYOUT.image(view, selection, late=late).data


def test_a_row_of_the_profile_that_was_added_since_the_image_before_is_shown(make_view):
    view, longer = make_view(), make_view()
    row = ProfileRow(
        start_ns=0, end_ns=900, energies=(1, 2, 3, 4, 5, 6), rates=(1,), demand_microw=7, metered_ns=900, flags=RowFlag(0)
    )
    longer = replace(longer, profile=longer.profile.append(row))
    image = LAYOUT.image(longer, before=LAYOUT.image(view))
    assert image.data == LAYOUT.image(longer).data
    assert image.data != LAYOUT.image(view).data
