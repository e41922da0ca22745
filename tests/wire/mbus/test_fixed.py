"""Fixed data of old meters: the example of the M-Bus documentation (6.2), and its table of units as it is written there."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import TelegramError
from watthour.wire.mbus.fixed import FixedData
from watthour.wire.mbus.frame import LongFrame, parse
from watthour.wire.mbus.record import Function
from watthour.wire.mbus.telegram import decode_response, read_records

EXAMPLE = bytes.fromhex("68 13 13 68 08 05 73 78563412 0A 00 E9 7E 01000000 35010000 3C 16")

TABLE = """
Wh 10Wh 100Wh kWh 10kWh 100kWh MWh 10MWh 100MWh kJ 10kJ 100kJ MJ 10MJ 100MJ GJ 10GJ 100GJ
W 10W 100W kW 10kW 100kW MW 10MW 100MW kJ/h 10kJ/h 100kJ/h MJ/h 10MJ/h 100MJ/h GJ/h 10GJ/h 100GJ/h
ml 10ml 100ml l 10l 100l m³ 10m³ 100m³ ml/h 10ml/h 100ml/h l/h 10l/h 100l/h m³/h 10m³/h 100m³/h
"""
"""Codes 02 to 37."""
WORDS = TABLE.split()
BEGINNINGS = {"k": 3, "M": 6, "G": 9, "ml": -6, "l": -3}
BARE_UNITS = {"Wh", "J", "W", "J/h", "m³", "m³/h"}


def counted(word):
    """Return unit and size of one step, of a word such as 10kWh."""
    digits = word.rstrip("WhkJMGml³/")
    unit, exponent = word[len(digits) :], 0
    for begin, power in BEGINNINGS.items():
        if unit not in BARE_UNITS and unit.startswith(begin):
            exponent = power
            unit = ("m³" if "l" in begin else "") + unit[len(begin) :]
    return unit, int(digits or "1") * Decimal(10) ** exponent


def fixed(*, first=0x05, second=0x3E, status=0, counters="42000000 35010000"):
    return FixedData(b"\x78\x56\x34\x12", 10, status, bytes((first, second)), bytes.fromhex(counters))


def test_the_example_of_the_documentation_is_a_water_meter_at_1_and_135_litres():
    telegram = decode_response(parse(EXAMPLE))
    assert (telegram.address, telegram.fixed.serial, telegram.fixed.medium, telegram.fixed.access_number) == (
        5,
        "12345678",
        7,
        10,
    )
    now, stored = read_records(telegram.content.records)
    assert (now.meaning.quantity, now.meaning.unit, now.value, now.parts.storage) == ("volume", "m³", Decimal("0.001"), 0)
    assert (stored.meaning.unit, stored.value, stored.parts.storage) == ("m³", Decimal("0.135"), 1)
    assert now.parts.function is Function.INSTANTANEOUS


@pytest.mark.parametrize(("code", "word"), list(enumerate(WORDS, start=2)), ids=WORDS)
def test_a_code_counts_what_the_table_says(code, word):
    now, _ = read_records(fixed(first=code).records())
    unit, step = counted(word)
    assert (now.meaning.unit, now.value) == (unit, 42 * step)


def test_the_table_in_the_test_tells_a_wrong_step():
    assert counted("100kJ") == ("J", Decimal(100_000)) != counted("MJ") == ("J", Decimal(1_000_000))
    assert counted("10ml/h") == ("m³/h", Decimal("0.00001"))


@pytest.mark.parametrize("code", [0x00, 0x01, 0x3A, 0x3F])
def test_digits_of_a_time_or_a_reserved_unit_stay_a_bare_number(code):
    now, _ = read_records(fixed(first=code).records())
    assert (now.meaning.unit, now.value) == (None, 42)


def test_binary_counters_are_read_as_such_and_stored_ones_are_storage_1():
    both = read_records(fixed(status=0x03, second=0x04, counters="FFFFFFFF 10000000").records())
    assert [(one.value, one.parts.storage) for one in both] == [(-1000, 1), (1600, 1)]


def test_a_cut_off_structure_is_named():
    with pytest.raises(TelegramError, match="premature end of header"):
        decode_response(LongFrame(control=0x08, address=5, ci=0x73, data=bytes(15)))


@given(data=st.binary(min_size=16, max_size=20), control=st.sampled_from([0x08, 0x18, 0x28, 0x38]))
def test_whatever_it_holds_it_is_read_and_written_as_it_came(data, control):
    frame = LongFrame(control=control, address=1, ci=0x73, data=data)
    telegram = decode_response(frame)
    assert len(read_records(telegram.content.records)) == 2
    assert telegram.to_frame() == frame
