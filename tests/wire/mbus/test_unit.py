"""Every code of the three tables of units beside what another decoder makes of it."""

from decimal import Decimal

import pymbusparser
import pytest

from watthour.wire.mbus.record import Record, Records
from watthour.wire.mbus.telegram import Header, Telegram, read_record

HEADER = Header(identification=bytes(4), manufacturer=0x0D32, version=1, medium=2)
THEIR_UNITS = {
    "W.h": ("Wh", 1), "J": ("J", 1), "m3": ("m³", 1), "kg": ("kg", 1), "t": ("kg", 1000), "s": ("s", 1), "min": ("s", 60),
    "h": ("s", 3600), "d": ("s", 86_400), "mo": ("month", 1), "a": ("year", 1), "W": ("W", 1), "J.h-1": ("J/h", 1),
    "m3.h-1": ("m³/h", 1), "m3.min-1": ("m³/min", 1), "m3.s-1": ("m³/s", 1), "kg.h-1": ("kg/h", 1), "Cel": ("°C", 1), "K": ("K", 1),
    "bar": ("bar", 1), "$ (local)": ("currency", 1), "Symbols⁻¹": ("Bd", 1), "BitTime": ("bit times", 1), "V": ("V", 1), "A": ("A", 1),
    "dBmW": ("dBm", 1), "W (reactive)h": ("varh", 1), "W (apparent)h": ("VAh", 1), "cal": ("cal", 1), "W (reactive)": ("var", 1),
    "W (apparent)": ("VA", 1), "%": ("%", 1), "°": ("°", 1), "Hz": ("Hz", 1), "[degF]": ("°F", 1), "[ft_i]3": ("ft³", 1), None: (None, 1),
}  # fmt: skip
"""Theirs to ours."""

THEY_LACK_THE_UNIT = {0x2C, 0x2D, 0x2E, 0x2F, 0x31, 0x36, 0x37, 0x38, 0x39, 0x3C, 0x3D, 0x3E, 0x3F, 0x74}
THEY_ARE_ONE_STEP_OFF = {0x32, 0x33, 0x34, 0x35}
"""FD 32 is the duration of a tariff in hours (6.4.4.1); they begin to count seconds at it."""
THEY_MISTAKE_IT = {0x6F, 0x70}
"""Years, and a time point: they count hours and seconds."""
FD_DIFFER = THEY_LACK_THE_UNIT | THEY_ARE_ONE_STEP_OFF | THEY_MISTAKE_IT

FB_OF_HEAT_COST_ALLOCATORS = set(range(0x68, 0x6F))
FB_RESERVED = {0x06, 0x23}
"""Not in table 14; they scale or name them."""
FB_SUMMED = {0x78, 0x79, 0x7A, 0x7B}
"""Cumulative maximum power: they add the offset of a combinable VIFE of the same code too."""
FB_DIFFER = FB_OF_HEAT_COST_ALLOCATORS | FB_RESERVED | FB_SUMMED


def theirs(vib, data):
    telegram = Telegram(1, HEADER, Records((Record(b"\x02" + vib, data),)))
    record = pymbusparser.parse(telegram.to_frame().to_bytes())["records"][0]
    unit, factor = THEIR_UNITS[record.get("unit")]
    return unit, Decimal(record["value"]["value"]) * factor


def is_of_numbers(vib):
    return not read_record(Record(b"\x02" + vib, bytes(2))).meaning.is_time


SPECIAL = {0x6F, 0x7B, 0x7C, 0x7D}
"""Reserved, the two extensions and the plain text."""
PRIMARY = [bytes([code]) for code in range(0x80) if code not in SPECIAL and is_of_numbers(bytes([code]))]
FD = [bytes([0xFD, code]) for code in range(0x77) if code not in FD_DIFFER and is_of_numbers(bytes([0xFD, code]))]
FB = [bytes([0xFB, code]) for code in range(0x80) if code not in FB_DIFFER]


@pytest.mark.parametrize("vibs", [PRIMARY, FD, FB], ids=["primary", "FD", "FB"])
def test_every_code_has_the_unit_and_the_scale_that_another_decoder_gives_it(vibs):
    for vib in vibs:
        ours = read_record(Record(b"\x02" + vib, b"\x07\x00"))
        assert (ours.meaning.unit, ours.value) == theirs(vib, b"\x07\x00"), vib.hex(" ")


def test_the_differences_are_differences():
    for table, codes in ((0xFD, FD_DIFFER), (0xFB, FB_DIFFER)):
        for code in codes - {0x70}:
            vib = bytes([table, code])
            ours = read_record(Record(b"\x02" + vib, b"\x07\x00"))
            try:
                other = theirs(vib, b"\x07\x00")
            except KeyError:
                continue  # a unit of theirs that nobody else has
            assert (ours.meaning.unit, ours.value) != other, vib.hex(" ")


MULTIPLIED = {0x70: -6, 0x71: -5, 0x72: -4, 0x73: -3, 0x74: -2, 0x75: -1, 0x76: 0, 0x77: 1, 0x7D: 3}


@pytest.mark.parametrize(("code", "exponent"), MULTIPLIED.items())
def test_a_multiplicative_vife_scales_as_the_other_decoder_does(code, exponent):
    for head in (b"\x83", b"\xfd\xc8", b"\xfb\x94"):
        ours = read_record(Record(b"\x02" + head + bytes([code]), b"\x07\x00"))
        plain = read_record(Record(b"\x02" + head[:-1] + bytes([head[-1] & 0x7F]), b"\x07\x00"))
        assert ours.value == plain.value * Decimal(10) ** exponent
        if code != 0x7D:
            assert (ours.meaning.unit, ours.value) == theirs(head + bytes([code]), b"\x07\x00")


def test_no_two_codes_of_a_table_mean_the_same_but_the_two_of_time_points():
    for table in (
        [bytes([code]) for code in range(0x80)],
        *([bytes([head, code]) for code in range(0x80)] for head in (0xFD, 0xFB)),
    ):
        meanings = [read_record(Record(b"\x02" + vib, bytes(2))).meaning for vib in table if vib not in {b"\x7c", b"\x6c"}]
        assert len({(m.quantity, m.unit, m.factor, m.exponent) for m in meanings}) == len(meanings)
