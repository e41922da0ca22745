from dataclasses import replace
from types import MappingProxyType

import pytest

from watthour.maps.mbus import SETS, Set
from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.station.mbus import ACKNOWLEDGED, MBusStation
from watthour.view import Outcome, ResetPartial, Verdict, WriteSettings
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
    assert count == len(SETS[chosen])
    assert chosen is not Set.ALL or count <= 3


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
