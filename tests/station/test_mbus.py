from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

import pytest

from watthour.history import Closing, ClosingCause, History, Maximum
from watthour.maps.mbus import SETS, Set
from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.station.mbus import ACKNOWLEDGED, MBusStation
from watthour.units import MICRO, NANOSECONDS
from watthour.view import ClosePeriod, Outcome, ResetPartial, SelectRate, SetClock, Verdict, WriteSettings
from watthour.wire.mbus.frame import Malformed, parse
from watthour.wire.mbus.message import Ci, RequestAlarm, RequestData, ResetLink, SendData
from watthour.wire.mbus.record import Function
from watthour.wire.mbus.telegram import ApplicationError, decode_response, read_record


def view_of(serial=23622001, **values):
    view = Meter(first_state({"model": "Q23622", "serial": serial})).view()
    return replace(view, values=MappingProxyType({**view.values, **values}))


def told(answer):
    return decode_response(parse(answer.reply))


def ask(station, view, request):
    return station.answer(request, [view])


def test_a_meter_that_starts_tells_that_it_is_busy_and_acknowledges_only_what_asks_for_nothing():
    station, starting = MBusStation(), replace(view_of(import_wh=5), starting=True)
    assert ask(station, starting, ResetLink(address=1)).reply == ACKNOWLEDGED
    assert told(ask(station, starting, RequestData(address=1, fcb=True))) == ApplicationError(address=1, code=8)
    for ci in (Ci.DATA_SEND, Ci.APPLICATION_RESET, Ci.SELECT):
        silent = ask(station, starting, SendData(address=1, ci=ci, data=b""))
        assert (silent.reply, silent.asks) == (b"", ())
    assert read_record(data_of(station, view_of(import_wh=5)).content.records[0]).value == 5


def data_of(station, view, *, fcb=True, address=1):
    return told(ask(station, view, RequestData(address=address, fcb=fcb)))


def test_the_first_record_is_the_plain_import_total():
    telegram = data_of(MBusStation(), view_of(import_wh=4_294_967_295))
    first = telegram.content.records[0]
    assert (first.dif, first.vif, first.difes, first.vifes) == (0x06, 0x03, b"", b"")
    assert read_record(first).value == 4_294_967_295


@pytest.mark.parametrize("chosen", list(SETS))
def test_every_telegram_fits_a_frame_and_all_is_read_in_at_most_three_of_the_whole(chosen):
    station, view = MBusStation(), view_of()
    ask(station, view, SendData(address=1, ci=Ci.APPLICATION_RESET, data=bytes([chosen])))
    count, fcb = 0, True
    while True:
        answer = ask(station, view, RequestData(address=1, fcb=fcb))
        assert len(answer.reply) <= 261
        count, fcb = count + 1, not fcb
        if not told(answer).content.more_follow:
            break
    assert count == (2 if chosen is Set.ENHANCED_BILLING else len(SETS[chosen])), "one closing, though none was made yet"
    assert chosen is not Set.ALL or count <= 3


def closing(number):
    return Closing(
        time_ns=(1_767_225_600 + 86_400 * number) * NANOSECONDS,
        cause=ClosingCause.COMMAND,
        total=tuple((1000 * number + k) * MICRO + 999_999 for k in range(6)),
        rates=tuple(tuple((1000 * number + 10 * rate + k) * MICRO for k in range(6)) for rate in range(1, 9)),
        maximum=Maximum(demand_microw=number * 1_500_000, time_ns=1_767_225_600 * NANOSECONDS),
        rate_maxima=(None,) * 7 + (Maximum(demand_microw=5 * MICRO, time_ns=1_767_226_500 * NANOSECONDS),),
    )


def whole_set(chosen, view):
    """Return every record of a set, as a master collects them."""
    station, found, fcb = MBusStation(), [], True
    ask(station, view, SendData(address=1, ci=Ci.APPLICATION_RESET, data=bytes([chosen])))
    while True:
        content = data_of(station, view, fcb=fcb).content
        found += content.records
        fcb = not fcb
        if not content.more_follow:
            return found


def values_in(records, **wanted):
    return [read_record(r).value for r in records if all(getattr(r, name) == word for name, word in wanted.items())]


def test_the_whole_readout_holds_what_a_bill_and_an_operator_need():
    names = [row.name for rows in SETS[Set.ALL] for row in rows]
    assert len(names) == len(set(names))
    phases = [f"{stem}_l{n}{end}" for n in (1, 2, 3) for stem, end in
              (("voltage", "_v"), ("current", "_a"), ("power", "_w"), ("reactive", "_var"), ("power_factor", ""))]  # fmt: skip
    energies = [
        f"{prefix}{e}" for prefix in ("", "partial_") for e in ("import_wh", "export_wh", *(f"q{q}_varh" for q in range(1, 5)))
    ]
    rates = [f"{prefix}t{n}_import_wh" for prefix in ("", "closing_") for n in range(1, 9)]
    others = ["max_demand_w", "max_demand_unix_s", "demand_period_min", "closing_unix_s", "closing_import_wh", "closing_max_demand_w",
              "closing_max_demand_unix_s", "ct_primary", "ct_secondary", "active_rate", "digital_inputs", "input1_count", "input2_count",
              "error_flags", "clock", "power_fail_count", "software_id", "event_head", "frequency_hz", "power_factor"]  # fmt: skip
    assert set(names) >= {*phases, *energies, *rates, *others}
    assert {row.name for row in SETS[Set.ALL][0]} == {*energies, *rates[:8]}, "the first telegram holds the energies alone"
    further = {row.name for chosen, telegrams in SETS.items() if chosen is not Set.ALL for rows in telegrams for row in rows}
    assert further >= {f"t{n}_{e}" for n in range(1, 9) for e in ("export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")}
    assert further >= {"cos_phi", "cos_phi_l1", "cos_phi_l2", "cos_phi_l3"}


def test_the_last_closing_stands_under_storage_2_and_those_before_it_behind_it():
    closings = History([closing(n) for n in range(5, 30)], keep=24, first=5)
    view = replace(view_of(), closings=closings)
    main = whole_set(Set.ALL, view)
    assert values_in(main, storage=2, tariff=0, vif=0x03) == [29_000]
    assert [values_in(main, storage=2, tariff=n, vif=0x03) for n in (1, 8)] == [[29_010], [29_080]]
    assert values_in(main, storage=2, vif=0x6D)[0] == datetime(2026, 1, 30)  # noqa: DTZ001 - UTC, as the bus carries it
    assert values_in(main, storage=2, vif=0x2B, function=Function.MAXIMUM) == [44], "43.5 W, half up"
    older = whole_set(Set.ENHANCED_BILLING, view)
    assert [values_in(older, storage=n, tariff=0, vif=0x03) for n in (2, 3, 25)] == [[29_000], [28_000], [6_000]]
    assert values_in(older, storage=26, vif=0x03) == []
    assert values_in(older, storage=3, vif=0x83) == [28_001]
    assert values_in(older, storage=3, tariff=8, vif=0x2B) == [5]
    assert [r.function for r in older if (r.storage, r.tariff, r.vif) == (3, 7, 0x2B)] == [Function.ERROR]


def test_highest_demand_inputs_and_identity_travel_as_the_view_has_them():
    view = view_of(max_demand_w=123.5, max_demand_unix_s=1_767_226_500, input1_closed=0, input2_closed=1, input2_count=77,
                   power_fail_count=3)  # fmt: skip
    view = replace(view, software_id="ab" * 32, event_head="cd" * 32)
    records = {(r.vif, r.vifes, r.storage, r.subunit): r for r in whole_set(Set.ALL, view) if not r.tariff}
    by_key = {key: read_record(r).value for key, r in records.items()}
    assert by_key[0xFD, b"\x1b", 0, 0] == 2
    assert (by_key[0xFD, b"\x61", 0, 1], by_key[0xFD, b"\x61", 0, 2]) == (0, 77)
    assert by_key[0xFD, b"\x60", 0, 0] == 3
    assert by_key[0xFD, b"\x0f", 0, 0] == "ab" * 32
    assert by_key[0xFF, b"\x04", 0, 0] == "cd" * 32
    peak = [r for r in whole_set(Set.ALL, view) if r.function is Function.MAXIMUM and not r.storage]
    assert [bytes([r.dif, r.vif]).hex() for r in peak] == ["142b", "146d"]
    assert [read_record(r).value for r in peak] == [124, datetime(2026, 1, 1, 0, 15)]  # noqa: DTZ001


def test_damage_of_the_store_is_a_permanent_error_of_the_status_and_a_warning_a_temporary_one():
    shown = [
        view_of(),
        replace(view_of(), warnings=("odd",)),
        replace(view_of(), storage_fault=True),
        replace(view_of(), registers_fresh=True),
    ]
    assert [data_of(MBusStation(), view).header.status for view in shown] == [0, 0x10, 0x08, 0x08]


def test_the_same_frame_count_bit_asks_for_the_same_telegram_and_the_other_for_the_next():
    station, view = MBusStation(), view_of()
    firsts = [data_of(station, view, fcb=bit).content.records[0] for bit in (True, True, False, False, True, False)]
    assert firsts[0] == firsts[1]
    assert firsts[2] == firsts[3]
    assert firsts[0] != firsts[2]
    assert len({bytes(first.to_bytes()) for first in firsts}) == 3
    assert firsts[5] == firsts[0], "after the last one the first"


def test_a_repeated_readout_of_the_same_telegram_is_fresh_and_one_in_the_middle_is_of_one_instant():
    station = MBusStation()
    assert read_record(data_of(station, view_of(import_wh=1)).content.records[0]).value == 1
    assert read_record(data_of(station, view_of(import_wh=2)).content.records[0]).value == 2
    second = data_of(station, view_of(import_wh=3, voltage_l1_v=100.0), fcb=False)
    assert read_record(second.content.records[0]).value is not None
    again = data_of(station, view_of(import_wh=3, voltage_l1_v=200.0), fcb=False)
    assert again.content == second.content


def test_the_access_number_counts_replies():
    station, view = MBusStation(), view_of()
    numbers = [data_of(station, view).header.access_number for _ in range(3)]
    assert numbers == [1, 2, 3]


def test_a_reset_begins_with_the_first_telegram():
    station, view = MBusStation(), view_of()
    first = data_of(station, view, fcb=True)
    data_of(station, view, fcb=False)
    assert ask(station, view, ResetLink(address=1)).reply == ACKNOWLEDGED
    assert data_of(station, view, fcb=False).content == first.content


def test_null_travels_as_zero_in_error_state():
    telegram = data_of(MBusStation(), view_of(import_wh=None))
    record = telegram.content.records[0]
    assert record.function is Function.ERROR
    assert set(record.data) == {0}


def test_what_its_integers_cannot_hold_travels_in_error_state():
    station, view = MBusStation(), view_of(power_w=3e9)
    ask(station, view, SendData(address=1, ci=Ci.APPLICATION_RESET, data=bytes([Set.INSTANTANEOUS])))
    power = next(r for r in data_of(station, view).content.records if (r.vif, r.vifes) == (0x2B, b""))
    assert power.function is Function.ERROR
    view = view_of(power_w=2e9)
    power = next(r for r in data_of(station, view).content.records if (r.vif, r.vifes) == (0x2B, b""))
    assert (power.function, read_record(power).value) == (Function.INSTANTANEOUS, 2_000_000_000)


@pytest.mark.parametrize("address", [0, 2, 250, 253])
def test_it_is_silent_for_others(address):
    station, view = MBusStation(), view_of()
    for request in (ResetLink(address=address), RequestData(address=address), RequestAlarm(address=address)):
        assert ask(station, view, request).reply == b""


def test_everyone_answers_254_and_nobody_255():
    station, view = MBusStation(), view_of()
    assert ask(station, view, ResetLink(address=254)).reply == ACKNOWLEDGED
    assert told(ask(station, view, RequestData(address=254))).header.serial == "23622001"
    assert ask(station, view, ResetLink(address=255)).reply == b""
    broadcast = ask(station, view, SendData(address=255, ci=Ci.DATA_SEND, data=bytes.fromhex("01 7A 05")))
    assert broadcast.reply == b""
    assert len(broadcast.asks) == 1


def test_a_meter_without_voltage_is_silent():
    station, view = MBusStation(), replace(view_of(), powered=False)
    assert ask(station, view, ResetLink(address=1)).reply == b""
    assert ask(station, view, RequestData(address=254)).reply == b""


def select(text):
    return SendData(address=253, ci=Ci.SELECT, data=bytes.fromhex(text))


def test_selection_by_secondary_address():
    station, view = MBusStation(), view_of()
    assert ask(station, view, select("01206223 320D FF 02")).reply == ACKNOWLEDGED
    assert told(ask(station, view, RequestData(address=253))).address == 1
    assert ask(station, view, select("02206223 FFFF FF FF")).reply == b""
    assert ask(station, view, RequestData(address=253)).reply == b"", "another selection deselects"
    assert ask(station, view, select("F1206223 FFFF FF FF")).reply == ACKNOWLEDGED
    assert ask(station, view, ResetLink(address=253)).reply == ACKNOWLEDGED
    assert ask(station, view, RequestData(address=253)).reply == b"", "a reset of 253 deselects"
    ask(station, view, select("FFFFFFFF FFFF FF FF"))
    ask(station, view, SendData(address=253, ci=Ci.DESELECT))
    assert ask(station, view, RequestData(address=253)).reply == b""


@pytest.mark.parametrize("length", range(9))
def test_short_masks_select_by_what_they_have(length):
    station, view = MBusStation(), view_of()
    mask = bytes.fromhex("01206223 320D FF 02")[:length]
    assert ask(station, view, SendData(address=253, ci=Ci.SELECT, data=mask)).reply == ACKNOWLEDGED


@pytest.mark.parametrize(
    ("more", "does"),
    [
        ("0C 78 01206223", True),
        ("0C 78 FFFF6223", True),
        ("0C 78 02206223", False),
        ("0C 78 0120", False),
        ("0C 79 01206223", False),
        ("FF", False),
    ],
)
def test_enhanced_selection_looks_at_the_fabrication_number_too(more, does):
    station, view = MBusStation(), view_of()
    assert bool(ask(station, view, select("FFFFFFFF FFFF FF FF" + more)).reply) is does


def test_two_meters_at_once_collide_and_their_acknowledgements_do_not():
    views = [view_of(serial=1), view_of(serial=2)]
    station = MBusStation((1, 2))
    assert station.answer(select("FFFFFFFF FFFF FF FF"), views).reply == ACKNOWLEDGED
    both = station.answer(RequestData(address=253), views).reply
    assert isinstance(parse(both), Malformed), "no frame comes of it"


def send(station, view, text, *, fcb=True, ci=Ci.DATA_SEND, address=1):
    return ask(station, view, SendData(address=address, ci=ci, data=bytes.fromhex(text), fcb=fcb))


def test_written_settings_become_commands():
    station, view = MBusStation(), view_of()
    [address] = send(station, view, "01 7A FA").asks
    assert address.command == WriteSettings(settings={"mbus_address": 250}, interface=Interface.BUS)
    [identification] = send(station, view, "0C 79 78563412", fcb=False).asks
    assert identification.command == WriteSettings(settings={"mbus_identification": 12345678}, interface=Interface.BUS)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("01 FF 01 08", SelectRate(rate=8, interface=Interface.BUS)),
        ("04 6D 37 08 4F 31", SetClock(time_ns=1_768_467_300 * NANOSECONDS, interface=Interface.BUS)),
        ("06 6D 1E 37 08 4F 31 00", SetClock(time_ns=1_768_467_330 * NANOSECONDS, interface=Interface.BUS)),
        ("80 01 83 0B", ClosePeriod(interface=Interface.BUS)),
        ("40 83 07", ResetPartial(interface=Interface.BUS)),
    ],
)
def test_rate_clock_closing_and_partial_reset_are_asked_of_the_meter(text, command):
    assert [asked.command for asked in send(MBusStation(), view_of(), text).asks] == [command]


@pytest.mark.parametrize(
    "text", ["04 6D 80 08 4F 31", "02 6C 4F 31", "02 6D 4F 31", "06 83 0B 00 00 00 00 00 00", "00 83 0B", "0D FF 01 01 41"]
)
def test_what_looks_like_them_means_nothing(text):
    station, view = MBusStation(), view_of()
    assert send(station, view, text).asks == ()
    assert data_of(station, view) == ApplicationError(address=1, code=0)


def test_clearing_the_partial_energy_resets_it_once_for_each_turn_of_the_bit():
    station, view = MBusStation(), view_of()
    first = send(station, view, "40 83 07")
    assert [row.command for row in first.asks] == [ResetPartial(interface=Interface.BUS)]
    again = send(station, view, "40 83 07")
    assert (again.reply, again.asks) == (ACKNOWLEDGED, ())
    assert len(send(station, view, "40 83 07", fcb=False).asks) == 1


def test_clearing_a_total_means_nothing():
    station, view = MBusStation(), view_of()
    answer = send(station, view, "00 83 07")
    assert (answer.reply, answer.asks) == (ACKNOWLEDGED, ())
    assert data_of(station, view) == ApplicationError(address=1, code=0)
    assert data_of(station, view).header is not None, "told once"


@pytest.mark.parametrize(
    ("ci", "text", "code"),
    [
        (0x57, "", 1),
        (Ci.DATA_SEND, "01 7A", 4),
        (Ci.DATA_SEND, "81 " + "80 " * 10 + "00 03 00", 5),
        (Ci.DATA_SEND, "01 83 " + "80 " * 10 + "00 00", 6),
        (Ci.DATA_SEND, "01 FD 1B 00", 0),
    ],
)
def test_what_it_cannot_do_is_told_with_the_next_data(ci, text, code):
    station, view = MBusStation(), view_of()
    assert send(station, view, text, ci=ci).reply == ACKNOWLEDGED
    assert data_of(station, view) == ApplicationError(address=1, code=code)


def test_a_meter_with_a_command_on_its_way_is_busy_until_its_outcome():
    station, view = MBusStation(), view_of()
    first, second = send(station, view, "01 7A 05 0C 79 78563412").asks
    for asked in (first, second):
        assert data_of(station, view) == ApplicationError(address=1, code=8)
        station.settle(asked, Outcome(verdict=Verdict.DONE))
    assert data_of(station, view).header is not None


def test_a_refused_command_is_told_with_the_next_data():
    station, view = MBusStation(), view_of()
    [wanted] = send(station, view, "01 7A FB").asks
    station.settle(wanted, Outcome(verdict=Verdict.OUT_OF_RANGE))
    assert data_of(station, view) == ApplicationError(address=1, code=0)
    [wanted] = send(station, view, "01 7A 05", fcb=False).asks
    station.settle(wanted, Outcome(verdict=Verdict.DONE))
    assert data_of(station, view).header is not None


@pytest.mark.parametrize(("ci", "baudrate"), [(0xB8, 300), (0xBB, 2400), (0xBD, 9600), (0xBF, 38400)])
def test_another_speed_is_acknowledged_first(ci, baudrate):
    answer = send(MBusStation(), view_of(), "", ci=ci)
    assert (answer.reply, answer.baudrate) == (ACKNOWLEDGED, baudrate)


def test_all_250_primary_addresses_work():
    for address in range(251):
        station = MBusStation((address,))
        assert told(ask(station, view_of(), RequestData(address=address))).address == address
