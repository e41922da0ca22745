"""What a station answers: addresses, access, commands, units and silence."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from watthour.history import PLAIN, Closing, ClosingCause, History, Maximum, ProfileRow, RowFlag
from watthour.maps.records import closing_from_registers, row_from_registers, row_to_registers
from watthour.parameters import Interface
from watthour.station.image import Layout
from watthour.station.modbus import SERIAL_LINE, Ask, Broadcast, Station
from watthour.station.plain_reads import PlainReads
from watthour.units import LATE_NAMES, Ratio
from watthour.view import ClosePeriod, LateValues, Outcome, ResetPartial, SelectRate, Verdict, WriteSettings
from watthour.wire.modbus.message import (
    ExceptionReply,
    IdentificationRequest,
    IllegalRequest,
    ReadBitsRequest,
    ReadReply,
    ReadRequest,
    WriteReply,
    WriteRequest,
)


def read(start, count, function=3):
    return ReadRequest(function=function, start=start, count=count)


def write(start, text):
    return WriteRequest(start=start, data=bytes.fromhex(text))


def answer(view, request, unit=1):
    return Station().answer(unit, request, [view])


def refused(code, function=3):
    return ExceptionReply(function=function, code=code)


@pytest.fixture
def view(make_view):
    return make_view()


# ---------------------------------------------------------------- reading


def variables(view):  # noqa: PLR0915 - one line a variable
    """Return the map written once more, from the published table and the printed layout: address to bytes, whole variables."""
    show, memory = view.values, {}

    def put(start, size, numbers, *, signed=False):
        for place, number in enumerate(numbers):
            memory[start + place * size // 2] = number.to_bytes(size, "big", signed=signed)

    def scaled(names, factor):
        return [int(Decimal(show[name]) * factor + Decimal("0.5")) for name in names]

    def six(prefix=""):
        return [show[prefix + name] for name in ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")]

    phases, lines = ("l1", "l2", "l3"), ("l12", "l23", "l31")
    volts, amps = [f"voltage_{p}_v" for p in phases], [f"current_{p}_a" for p in phases]
    powers = [name for stem, end in (("power", "w"), ("reactive", "var"), ("apparent", "va"))
              for name in (*(f"{stem}_{p}_{end}" for p in phases), f"{stem}_{end}")]  # fmt: skip
    put(0x0000, 4, six())
    put(0x0030, 4, six("partial_"))
    put(0x0050, 2, [0, 1, 0])
    put(0x00B0, 4, [0, 0])
    put(0x00C0, 4, scaled(["partial_cost", "partial_co2_kg"], 1) + scaled(["partial_operating_time_h", "operating_time_h"], 10))
    put(0x0100, 4, six("t1_") + six("t2_"))
    put(0x03E8, 2, [1, 0, 0])
    put(0x044C, 4, [1320000, 1100, 2000, 50])
    put(0x0732, 4, scaled(volts, 10) + scaled(amps, 100))
    put(0x073E, 4, scaled([f"cos_phi_{p}" for p in phases], 100), signed=True)
    put(0x0746, 4, scaled(powers, 1), signed=True)
    put(0x2710, 4, [23612001])
    memory[0xF010] = b"CEM-D311-MID"
    put(0x1000, 2, [1, 0])
    bits = [*range(49), *range(64, 108), *range(114, 121), *range(122, 194), *range(200, 226)]
    whole = sum(1 << bit for bit in bits)
    put(0x1002, 2, [whole >> 16 * word & 0xFFFF for word in range(16)])
    put(0x1012, 2, [*scaled(["active_rate"], 1), 0])
    put(0x1014, 4, scaled(["frequency_hz"], 1000))
    put(0x1016, 4, scaled([*volts, *(f"voltage_{p}_v" for p in lines)], 100))
    put(0x1022, 4, scaled([*amps, "current_n_a"], 1000))
    put(0x102A, 4, scaled(powers, 1), signed=True)
    factors = [name for stem in ("power_factor", "cos_phi") for name in (*(f"{stem}_{p}" for p in phases), stem)]
    put(0x1042, 2, scaled(factors, 10000), signed=True)
    put(0x104A, 4, scaled([f"{what}_angle_{p}_deg" for what in ("voltage", "current") for p in phases], 100), signed=True)
    put(0x1056, 4, six())
    for start, size, end, factor in ((0x106A, 2, "closed", 1), (0x106C, 4, "count", 1), (0x1220, 8, "quantity", 1000000)):
        put(start, size, scaled([f"input1_{end}", f"input2_{end}"], factor))
    put(0x1070, 2, scaled(["wiring_findings"], 1))
    put(0x1100, 4, [n for prefix in (*(f"t{rate}_" for rate in range(1, 9)), "l1_", "l2_", "l3_") for n in six(prefix)])
    put(0x1200, 8, [n * 1_000_000 + 7 for n in six()] + scaled(["partial_cost", "partial_co2_kg"], 10000))
    put(0x1300, 2, [0, 0, 3])
    memory[0x1400] = view.software_id.encode().ljust(64, b"\0")
    memory[0x1420] = b"es/3.0TD/peninsula".ljust(32, b"\0")
    maxima = [f"{prefix}max_demand" for prefix in ("", *(f"t{rate}_" for rate in range(1, 9)))]
    put(0x1068, 4, scaled(["demand_w"], 1))
    put(0x1430, 8, [view.time_ns // 10**9])
    put(0x1438, 4, scaled(["power_fail_count"], 1))
    put(0x1500, 4, scaled([f"{name}_w" for name in maxima] + [f"{name}_unix_s" for name in maxima], 1))
    put(0x1434, 2, scaled(["seal_open", "storage_fault", "registers_fresh", "calendar_missing"], 1))
    put(0x1600, 4, [1234])
    memory[0x1602] = b"5a" * 32
    put(0x1700, 4, [0, 0])
    memory[0x1704] = bytes(240)
    put(0x177C, 4, [0])
    put(0x1800, 4, [0, 0, 0])
    memory[0x1806] = bytes(8)
    memory |= {0x180A + 24 * place: bytes(48) for place in range(9)}
    memory[0x18E2] = ((b"\xff" * 8) + bytes(4)) * 9
    put_late(put, scaled)
    return memory


def put_late(put, scaled):
    """Put what is found only when somebody asks."""
    phases = ("l1", "l2", "l3")
    both = [f"{what}_{p}" for what in ("voltage", "current") for p in phases]
    put(0x1062, 2, scaled([f"thd_{name}_percent" for name in both], 100))
    late = sum(1 << bit for bit in range(578 - 256))
    put(0x1A00, 2, [late >> 16 * word & 0xFFFF for word in range(21)])
    put(0x1A15, 2, scaled([f"crest_factor_{name}" for name in both], 1000))
    put(0x1A1B, 2, scaled([f"{what}voltage_{p}" for what in ("under", "over") for p in phases], 1))
    put(
        0x1A21,
        2,
        scaled([f"{q}_{kind}_percent" for q in ("voltage", "current") for kind in ("unbalance", "zero_unbalance")], 100),
    )
    put(0x1A25, 4, scaled([f"voltage_{s}_v" for s in ("positive", "negative", "zero")], 100))
    put(0x1A2B, 4, scaled([f"current_{s}_a" for s in ("positive", "negative", "zero")], 1000))
    put(0x1A31, 2, scaled([f"{name}_h{h}_percent" for name in both for h in range(2, 51)], 100))


def expected(memory, start, count):
    """Return the bytes of a read, or None where it does not cover whole variables."""
    data, at = b"", start
    while at < start + count:
        if at not in memory:
            return None
        data += memory[at]
        at += len(memory[at]) // 2
    return data if at == start + count else None


@pytest.fixture
def memory_and_view(make_view):
    ratios = {"ct": Ratio.parse("200/5"), "vt": Ratio.parse("132000/110")}
    view = make_view(parameters=ratios, calendar="es/3.0TD/peninsula", selected_rate=3, event_count=1234, event_head="5a" * 32)
    return variables(view), view


@pytest.mark.parametrize("function", [3, 4])
def test_every_read_near_a_row_agrees_with_an_independent_oracle(memory_and_view, function):
    memory, view = memory_and_view
    station = Station()
    starts = {start + shift & 0xFFFF for start, data in memory.items() for shift in range(-2, len(data) // 2 + 2)}
    for start in sorted(starts | {0xFFFF, 0x8000}):
        for count in range(1, 126):
            data = expected(memory, start, count)
            wanted = refused(2, function) if data is None else ReadReply(function=function, data=data)
            assert station.answer(1, read(start, count, function), [view]) == wanted


def test_reads_anywhere_agree_with_the_oracle(memory_and_view):
    memory, view = memory_and_view
    station, choose = Station(), Random(7)  # noqa: S311 - no secrets
    for _ in range(20_000):
        start, count = choose.randrange(0x10000), choose.randint(1, 125)
        data = expected(memory, start, count)
        wanted = refused(2) if data is None else ReadReply(data=data)
        assert station.answer(1, read(start, count), [view]) == wanted


def test_03_and_04_read_the_same(view):
    three, four = answer(view, read(0x0732, 18)), answer(view, read(0x0732, 18, function=4))
    assert three.data == four.data
    assert (three.function, four.function) == (3, 4)


def test_half_a_variable_is_02_at_either_end(view):
    assert answer(view, read(0x0732, 2)).data
    assert answer(view, read(0x0732, 1)) == refused(2)
    assert answer(view, read(0x0733, 1)) == refused(2)
    assert answer(view, read(0x0733, 2)) == refused(2)
    assert answer(view, read(0x0732, 3)) == refused(2)


@pytest.mark.parametrize(("setting", "reply"), [("02", refused(2)), ("03", refused(3)), ("silence", None)])
def test_a_hole_gets_what_the_setting_says(make_view, setting, reply):
    view = make_view(parameters={"hole_reply": setting})
    assert answer(view, read(0x0742, 6)) == reply
    assert answer(view, read(0x5000, 1)) == reply
    assert answer(view, read(0x0080, 2)) == reply  # a pulse output, which a D311 lacks
    assert answer(view, read(0x1480, 4)) == reply


@pytest.mark.parametrize("setting", ["02", "03", "silence"])
def test_half_a_variable_and_addresses_beyond_the_last_are_02_whatever_the_setting(make_view, setting):
    view = make_view(parameters={"hole_reply": setting})
    assert answer(view, read(0x0732, 1)) == refused(2)
    assert answer(view, read(0xFFFF, 2)) == refused(2)


def test_the_last_address_is_a_hole_and_no_overrun(make_view):
    assert answer(make_view(parameters={"hole_reply": "03"}), read(0xFFFF, 1)) == refused(3)


def test_a_newer_view_is_read_at_once(make_view):
    station, first, second = Station(), make_view(values={"import_wh": 1}), make_view(values={"import_wh": 2})
    assert [station.answer(1, read(0, 2), [shown]).data[-1] for shown in (first, first, second, first)] == [1, 1, 2, 1]


def test_the_image_is_made_once_a_view(view, monkeypatch):
    made, original = [], Layout.image

    def image(layout, shown, *given, late):
        made.append((shown, late))
        return original(layout, shown, *given, late=late)

    monkeypatch.setattr(Layout, "image", image)
    station = Station()
    for _ in range(5):
        station.answer(1, read(0, 12), [view])
    assert made == [(view, False)]


def test_what_nobody_asks_for_is_never_found(view):
    asked = []

    def find():
        asked.append(1)
        return dict.fromkeys(LATE_NAMES, 12.5)

    ready = {name: value for name, value in view.values.items() if name not in LATE_NAMES}
    lazy = replace(view, values=LateValues(ready, LATE_NAMES, find))
    station = Station()
    for start, count in ((0, 12), (0x1000, 98), (0x1100, 120), (0x1000, 98)):
        assert isinstance(station.answer(1, read(start, count), [lazy]), ReadReply)
    assert not asked
    for _ in range(3):
        assert station.answer(1, read(0x1062, 6), [lazy]).data == 6 * (1250).to_bytes(2, "big")
        assert station.answer(1, read(0x1A00, 1), [lazy]).data == b"\xff\xff"
        assert station.answer(1, read(0x1000, 104), [lazy]).data[-2:] == (1250).to_bytes(2, "big")
    assert asked == [1]


# ---------------------------------------------------------------- order of checks, units, silence


STARTING = [
    read(0x0000, 2),
    read(0x9999, 2, function=4),
    write(0x1300, "0001"),
    ReadBitsRequest(function=2, start=0, count=1),
    IdentificationRequest(access=1, object_id=0),
]


@pytest.mark.parametrize("request_", STARTING, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("station", [Station(), Station((1,), SERIAL_LINE)], ids=["tcp", "serial"])
def test_a_meter_that_starts_is_busy_whatever_is_asked(view, station, request_):
    starting = replace(view, starting=True)
    assert station.answer(1, request_, [starting]) == refused(6, request_.function)
    assert station.answer(1, request_, [view]) != refused(6, request_.function)


def test_a_meter_that_starts_knows_its_functions_and_carries_no_broadcast(view):
    starting = replace(view, starting=True)
    assert answer(starting, IllegalRequest(function=0x2B, code=1)) == refused(1, 0x2B)
    assert Station((1,), SERIAL_LINE).answer(0, write(0x1300, "0001"), [starting]) == Broadcast(asks=())


def test_the_short_way_of_reads_shows_nothing_of_a_meter_that_starts(view):
    shown = [replace(view, starting=True)]
    reads = PlainReads(Station(), [lambda: shown[0]])
    asked = bytes.fromhex("0001 0000 0006 01 03 0000 0002")
    assert reads.reply(asked) is None
    shown[0] = view
    assert reads.reply(asked)[9:] == view.values["import_wh"].to_bytes(4)


def test_what_the_wire_found_illegal_is_answered_with_its_code(view):
    assert answer(view, IllegalRequest(function=0x2B, code=1)) == refused(1, 0x2B)
    assert answer(view, IllegalRequest(function=3, code=3)) == refused(3)


@pytest.mark.parametrize("unit", range(256))
def test_a_meter_alone_answers_0_255_and_its_own(make_view, unit):
    view = make_view(parameters={"bus_address": 17})
    reply = answer(view, read(0, 2), unit=unit)
    assert reply == refused(0x0B) if unit not in {0, 17, 255} else isinstance(reply, ReadReply)


def test_a_fixed_unit_wins_over_the_bus_address(make_view):
    view = make_view(parameters={"bus_address": 17})
    station = Station([5])
    assert isinstance(station.answer(5, read(0, 2), [view]), ReadReply)
    assert station.answer(17, read(0, 2), [view]) == refused(0x0B)


def test_the_unit_is_looked_at_before_the_function(view):
    assert answer(view, IllegalRequest(function=0x2B, code=1), unit=9) == refused(0x0B, 0x2B)


def test_unit_0_is_no_broadcast_and_is_answered(view):
    assert isinstance(answer(view, write(0x00B0, "00000001"), unit=0), Ask)


def test_several_meters_answer_their_own_units_and_no_other(make_view):
    views = [make_view(serial=n, parameters={"bus_address": 10 + n}) for n in range(3)]
    station = Station([None, 77, None])
    serials = {unit: station.answer(unit, read(0x2710, 2), views) for unit in range(256)}
    answered = {unit: int.from_bytes(reply.data, "big") for unit, reply in serials.items() if isinstance(reply, ReadReply)}
    assert answered == {10: 0, 77: 1, 12: 2}
    assert {reply for unit, reply in serials.items() if unit not in answered} == {refused(0x0B)}


def test_a_command_goes_to_the_meter_that_was_addressed(make_view):
    views = [make_view(parameters={"bus_address": n}) for n in (1, 2)]
    assert Station([None, None]).answer(2, write(0x1300, "0001"), views).meter == 1


def test_a_meter_without_voltage_is_silent(make_view):
    view = make_view(powered=False)
    for request in (read(0, 2), read(0x5000, 1), write(0x1300, "0001"), IllegalRequest(function=1, code=1)):
        assert answer(view, request) is None
        assert answer(view, request, unit=9) is None


def test_beside_a_meter_without_voltage_a_foreign_unit_is_still_refused(make_view):
    views = [make_view(parameters={"bus_address": 1}, powered=False), make_view(parameters={"bus_address": 2})]
    station = Station([None, None])
    assert station.answer(1, read(0, 2), views) is None
    assert station.answer(9, read(0, 2), views) == refused(0x0B)


# ---------------------------------------------------------------- writing


def asked(view, request):
    ask = answer(view, request)
    assert isinstance(ask, Ask)
    return ask.command


def settings(**given):
    return WriteSettings(settings=given, interface=Interface.BUS)


def test_each_writable_row_becomes_its_setting(view):
    assert asked(view, write(0x00B0, "000004D2")) == settings(cost_per_kwh=Decimal("0.1234"))
    assert asked(view, write(0x00B2, "FFFFFFFF")) == settings(co2_kg_per_kwh=Decimal("429496.7295"))
    assert asked(view, write(0x03E8, "00F7")) == settings(bus_address=247)
    assert asked(view, write(0x03E9, "0002")) == settings(bus_baudrate="38400")
    assert asked(view, write(0x03EA, "0005")) == settings(bus_framing="8O2")


def test_several_variables_are_one_command(view):
    both = settings(cost_per_kwh=Decimal("0.0001"), co2_kg_per_kwh=Decimal("0.0002"))
    assert asked(view, write(0x00B0, "00000001 00000002")) == both
    assert asked(view, write(0x03E8, "0002 0001 0001")) == settings(bus_address=2, bus_baudrate="19200", bus_framing="8E1")


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (0x0000, "00000000"),  # an energy
        (0x2710, "00000001"),  # the serial number
        (0x044C, "00000001"),  # a transformer
        (0x1002, "0000"),  # a validity word
        (0x00B0, "0000"),  # half a variable
        (0x00B1, "0000"),
        (0x00B1, "0000 0000"),
        (0x00B0, "00000000 0000"),
        (0x00B2, "00000000 0000"),  # a hole behind it
        (0x03E7, "0000 0001"),  # a hole before it
        (0x5000, "0000"),
        (0xFFFF, "0000 0000"),
        (0x0080, "0000"),  # a pulse output
        (0x1434, "0001"),  # planned
        (0x1700, "00000001"),  # how many rows there are
        (0x1702, "0000"),  # half a selection
        (0x1702, "00000000 0000"),
        (0x1704, "00000000"),
    ],
)
def test_what_may_not_be_written_or_is_not_there_is_02(view, start, text):
    assert answer(view, write(start, text)) == refused(2, 16)


def test_a_hole_in_a_write_is_02_whatever_the_setting(make_view):
    assert answer(make_view(parameters={"hole_reply": "silence"}), write(0x5000, "0000")) == refused(2, 16)


@pytest.mark.parametrize(
    ("start", "good", "bad"), [(0x03E9, 2, 3), (0x03EA, 5, 6), (0x1300, 1, 0), (0x1300, 1, 2), (0x1301, 1, 0)]
)
def test_a_number_that_means_nothing_is_03(view, start, good, bad):
    assert isinstance(answer(view, write(start, f"{good:04X}")), Ask)
    assert answer(view, write(start, f"{bad:04X}")) == refused(3, 16)


def test_one_bad_number_refuses_the_whole_write(view):
    assert answer(view, write(0x03E8, "0002 0003 0001")) == refused(3, 16)


@pytest.mark.parametrize("text", ["0001 0001", "0001 0001 0001", "0001 0000"])
def test_a_command_stands_alone(view, text):
    assert answer(view, write(0x1300, text)) == refused(3, 16)
    assert answer(view, write(0x1301, "0001 0002")) == refused(3, 16)


def test_a_1_closes_the_period_and_a_rate_is_selected(view):
    assert asked(view, write(0x1301, "0001")) == ClosePeriod(interface=Interface.BUS)
    for rate in (1, 8, 9):  # what is beyond the range the meter refuses
        assert asked(view, write(0x1302, f"{rate:04X}")) == SelectRate(rate=rate, interface=Interface.BUS)


# ---------------------------------------------------------------- profile and closings


def row_of(number):
    return ProfileRow(
        start_ns=(900 + 900 * number) * 10**9, end_ns=(1800 + 900 * number) * 10**9, energies=(number, 2, 3, 4, 5, 2**63),
        rates=(2, 1, 8) if number else (1,), demand_microw=number * 10**6 if number else None, metered_ns=899_999_000_000,
        flags=RowFlag.CLOCK_SET | RowFlag.INCOMPLETE,
    )  # fmt: skip


def closing_of(number):
    maxima = tuple(Maximum(demand_microw=10**7 * n, time_ns=n * 10**9) if n % 2 else None for n in range(8))
    return Closing(
        time_ns=(1 + number) * 10**9, cause=ClosingCause.COMMAND, total=(1, 2, 3, 4, 5, 6),
        rates=tuple((n, 0, 0, 0, 0, number) for n in range(8)), maximum=maxima[7], rate_maxima=maxima,
        flags=RowFlag.CLOCK_SET if number > 3 else PLAIN,
    )  # fmt: skip


@pytest.fixture
def past(make_view):
    profile = History([row_of(n) for n in range(3, 8)], keep=4, first=3)
    return make_view(profile=profile, closings=History([closing_of(n) for n in range(5)], keep=3))


def data_of(station, view, start, count):
    return station.answer(1, read(start, count), [view]).data


def test_a_line_looks_at_the_rows_that_it_selected(past):
    station, other = Station(), Station()
    assert data_of(station, past, 0x1700, 2) == (8).to_bytes(4, "big")
    assert data_of(station, past, 0x177C, 2) == (4).to_bytes(4, "big")
    assert station.answer(1, write(0x1702, "00000005"), [past]) == WriteReply(start=0x1702, count=2)
    window = data_of(station, past, 0x1702, 122)
    assert window[:4] == (5).to_bytes(4, "big")
    rows = [row_from_registers(window[4 + 80 * k : 84 + 80 * k]) for k in range(3)]
    assert [number for number, _ in rows] == [5, 6, 7]
    assert [row.energies for _, row in rows] == [row_of(n).energies for n in (5, 6, 7)]
    assert rows[0][1].start_ns == row_of(5).start_ns
    assert (rows[0][1].rates, rows[0][1].flags, rows[0][1].metered_ns) == ((2, 1, 8), row_of(5).flags, 899_999_000_000)
    assert rows[0][1].demand_microw == 5_000_000
    assert data_of(other, past, 0x1702, 2) == bytes(4)


def test_the_window_is_zeros_where_there_is_no_row(past):
    station = Station()
    for first, there in ((3, [False, True, True]), (7, [True, False, False]), (8, [False] * 3)):
        assert station.answer(1, write(0x1702, f"{first:08X}"), [past]) == WriteReply(start=0x1702, count=2)
        window = data_of(station, past, 0x1704, 120)
        assert [row_from_registers(window[80 * k : 80 * k + 80]) is not None for k in range(3)] == there
    assert station.answer(1, write(0x1702, "00000009"), [past]) == refused(3, 16)


def test_a_row_goes_over_the_line_and_back():
    assert row_from_registers(row_to_registers(row_of(0), 0)) == (0, row_of(0))
    assert row_from_registers(row_to_registers(row_of(7), 7)) == (7, row_of(7))


def test_a_line_looks_at_the_closing_that_it_selected(past):
    station = Station()
    assert (data_of(station, past, 0x1800, 2), data_of(station, past, 0x1804, 2)) == (b"\0\0\0\5", b"\0\0\0\2")
    for number in (1, 2, 4, 5):
        assert station.answer(1, write(0x1802, f"{number:08X}"), [past]) == WriteReply(start=0x1802, count=2)
        found = closing_from_registers(
            data_of(station, past, 0x1806, 4), data_of(station, past, 0x180A, 24),
            [data_of(station, past, 0x1822 + 24 * place, 24) for place in range(8)], data_of(station, past, 0x18E2, 54),
        )  # fmt: skip
        assert found == (closing_of(number) if number in {2, 4} else None)
    assert station.answer(1, write(0x1802, "00000006"), [past]) == refused(3, 16)


def test_what_a_line_selected_holds_for_the_views_that_follow(past):
    station = Station()
    station.answer(1, write(0x1702, "00000007"), [past])
    longer = replace(past, profile=past.profile.append(row_of(8)))
    window = data_of(station, longer, 0x1704, 120)
    assert [row_from_registers(window[80 * k : 80 * k + 80])[0] for k in range(2)] == [7, 8]


def test_a_1_resets_the_partial_counters(view):
    assert asked(view, write(0x1300, "0001")) == ResetPartial(interface=Interface.BUS)


@pytest.mark.parametrize(
    ("verdict", "reply"),
    [
        (Verdict.DONE, WriteReply(start=0x03E8, count=1)),
        (Verdict.OUT_OF_RANGE, refused(3, 16)),
        (Verdict.READ_ONLY, refused(2, 16)),
        (Verdict.SEALED, refused(4, 16)),
        (Verdict.REFUSED, refused(1, 16)),
    ],
)
def test_the_outcome_becomes_the_reply(view, verdict, reply):
    station = Station()
    ask = station.answer(1, write(0x03E8, "0002"), [view])
    assert station.reply(ask, Outcome(verdict=verdict), [view]) == reply


def test_every_verdict_has_a_reply(view):
    station = Station()
    ask = station.answer(1, write(0x03E8, "0002"), [view])
    assert all(station.reply(ask, Outcome(verdict=verdict), [view]) for verdict in Verdict)


def test_a_command_that_cannot_be_carried_is_04(view):
    assert answer(view, write(0x03E8, "0002")).failed() == refused(4, 16)


# ---------------------------------------------------------------- a line shared with others


def on_a_line(request, unit, *views, units=None):
    return Station(units or [None] * len(views), SERIAL_LINE).answer(unit, request, views)


def test_on_a_line_a_meter_answers_its_own_unit_alone(make_view):
    view = make_view(parameters={"bus_address": 5})
    assert [unit for unit in range(256) if on_a_line(read(0, 2), unit, view) not in (None, Broadcast(asks=()))] == [5]


@pytest.mark.parametrize("request_", [read(0, 2), write(0x1300, "0001"), IllegalRequest(function=6, code=1), read(0x5000, 1)])
def test_on_a_line_whatever_is_for_others_gets_silence(view, request_):
    assert on_a_line(request_, 9, view) is None
    assert on_a_line(request_, 1, view) is not None


def test_meters_on_a_line_answer_each_for_itself(make_view):
    first, second = make_view(values={"import_wh": 1}), make_view(values={"import_wh": 2})
    answers = [on_a_line(read(0, 2), unit, first, second, units=[1, 2]) for unit in (1, 2, 3)]
    assert answers == [ReadReply(data=b"\0\0\0\1"), ReadReply(data=b"\0\0\0\2"), None]


def test_a_broadcast_write_is_for_every_meter_that_is_on(make_view):
    views = [make_view(), make_view(powered=False), make_view()]
    answer = on_a_line(write(0x1300, "0001"), 0, *views, units=[1, 2, 3])
    assert isinstance(answer, Broadcast)
    assert [(ask.meter, ask.command) for ask in answer.asks] == [
        (place, ResetPartial(interface=Interface.BUS)) for place in (0, 2)
    ]


@pytest.mark.parametrize(
    "request_", [read(0, 2), write(0x0000, "0000 0001"), write(0x03E9, "0003"), IllegalRequest(function=3, code=3)]
)
def test_any_other_broadcast_does_nothing_and_gets_no_reply_either(view, request_):
    assert on_a_line(request_, 0, view) == Broadcast(asks=())


def test_on_a_port_unit_0_is_no_broadcast(view):
    assert isinstance(answer(view, write(0x1300, "0001"), unit=0), Ask)
    assert Station([1, 2]).answer(0, write(0x1300, "0001"), [view, view]) == refused(0x0B, 16)
