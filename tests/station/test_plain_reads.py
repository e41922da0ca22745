"""The short way of a read says what the long one says, or leaves the request to it."""

from random import Random

import pytest

from watthour.history import History
from watthour.station import plain_reads
from watthour.station.modbus import Station
from watthour.station.plain_reads import PlainReads
from watthour.wire.modbus.message import ReadReply, WriteReply, decode_request
from watthour.wire.modbus.tcp_link import TcpStationLink


def frame(unit, function, start, count, transaction=7):
    head = transaction.to_bytes(2, "big") + b"\0\0\0\6" + bytes((unit, function))
    return head + start.to_bytes(2, "big") + count.to_bytes(2, "big")


def the_long_way(data, views, units=(None,)):
    """Return what the link and the station make of the bytes, where they answer at once."""
    link, station = TcpStationLink(), Station(units)
    [asked] = link.receive(data, 0.0)
    answer = station.answer(asked.unit, asked.request, views)
    return answer, None if answer is None else link.send(answer, asked)


class Meters:
    """Views that change."""

    def __init__(self, *views, units=None):
        self.views = list(views)
        self.station = Station(units or [None] * len(views))
        self.reads = PlainReads(self.station, [lambda place=place: self.views[place] for place in range(len(views))])


@pytest.mark.parametrize("changes", [{}, {"powered": False}])
def test_a_read_gets_what_the_long_way_gives_or_is_left_to_it(make_view, changes):
    meters, choose = Meters(make_view(parameters={"bus_address": 17}, **changes)), Random(3)  # noqa: S311 - no secrets
    taken = 0
    for number in range(4000):
        start = choose.choice([0, 0x30, 0x732, 0x1000, 0x1062, 0x1100, 0x5000]) + choose.choice([0, 0, 1])
        data = frame(
            choose.choice([0, 17, 17, 255, 9]),
            choose.choice([3, 4]),
            start,
            choose.choice([0, 1, 2, 4, 12, 60, 98, 125, 126]),
            number,
        )
        answer, sent = the_long_way(data, meters.views)
        reply = meters.reads.reply(data)
        assert reply == (sent if isinstance(answer, ReadReply) else None)
        taken += reply is not None
    assert (taken > 300) == (not changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "0007 0000 0006 01 03 0000",
        "0007 0000 0006 01 03 0000 0002 00",
        "0007 0000 0006 01 03 0000 0002 0008 0000 0006 01 03 0000 0002",
        "0007 0001 0006 01 03 0000 0002",
        "0007 0000 0005 01 03 0000 0002",
        "0007 0000 0007 01 03 0000 0002",
        "0007 0000 FFFF 01 03 0000 0002",
        "0007 0000 0006 01 06 00B0 0002",
        "0007 0000 0006 01 02 0000 0002",
        "0007 0000 0006 01 83 0000 0002",
        "0007 0000 0006 01 03 0000 0001",
    ],
)
def test_what_is_not_one_whole_read_of_whole_variables_is_left_to_the_long_way(make_view, text):
    meters = Meters(make_view())
    assert meters.reads.reply(frame(1, 3, 0, 2)) is not None
    assert meters.reads.reply(bytes.fromhex(text)) is None


def test_a_newer_view_is_read_at_once_and_a_meter_that_goes_off_is_silent(make_view):
    meters = Meters(make_view(values={"import_wh": 5}))
    assert meters.reads.reply(frame(1, 3, 0, 2))[-4:] == bytes((0, 0, 0, 5))
    meters.views[0] = make_view(values={"import_wh": 6})
    assert meters.reads.reply(frame(1, 3, 0, 2))[-4:] == bytes((0, 0, 0, 6))
    meters.views[0] = make_view(powered=False)
    assert meters.reads.reply(frame(1, 3, 0, 2)) is None


def test_a_selection_shows_at_once(make_view):
    meters, data = Meters(make_view(profile=History([], keep=4, first=5))), frame(1, 3, 0x1702, 2)
    assert meters.reads.reply(data)[-4:] == bytes(4)
    select = decode_request(bytes.fromhex("10 1702 0002 04 00000005"))
    assert meters.station.answer(1, select, meters.views) == WriteReply(start=0x1702, count=2)
    assert meters.reads.reply(data)[-4:] == bytes((0, 0, 0, 5))


def test_a_moved_meter_is_found_at_its_new_address_and_no_more_at_its_old_one(make_view):
    one, other = (make_view(parameters={"bus_address": unit}, serial=unit) for unit in (4, 5))
    meters = Meters(one, other)
    for unit in (4, 5, 4, 5):
        assert meters.reads.reply(frame(unit, 3, 0x2710, 2))[-1] == unit
    meters.views[0] = make_view(parameters={"bus_address": 9}, serial=4)
    assert meters.reads.reply(frame(4, 3, 0x2710, 2)) is None
    assert meters.reads.reply(frame(4, 3, 0x2710, 2)) is None
    assert meters.reads.reply(frame(9, 3, 0x2710, 2))[-1] == 4
    assert meters.reads.reply(frame(5, 3, 0x2710, 2))[-1] == 5


def test_meters_that_trade_addresses_answer_for_themselves(make_view):
    meters = Meters(*(make_view(parameters={"bus_address": unit}, serial=unit) for unit in (4, 5)))
    assert [meters.reads.reply(frame(unit, 3, 0x2710, 2))[-1] for unit in (4, 5)] == [4, 5]
    meters.views = [make_view(parameters={"bus_address": unit}, serial=9 - unit) for unit in (5, 4)]
    asked = [frame(unit, 3, 0x2710, 2) for unit in (4, 5, 4, 5)]
    replies = [meters.reads.reply(data) for data in asked]
    assert all(
        reply in {None, the_long_way(data, meters.views, (None, None))[1]} for data, reply in zip(asked, replies, strict=True)
    )
    assert None not in replies[2:]


def test_no_more_requests_are_remembered_than_is_said(make_view, monkeypatch):
    monkeypatch.setattr(plain_reads, "REMEMBERED", 5)
    meters = Meters(make_view())
    for start in range(0x1000, 0x1020, 2):
        data = frame(1, 3, start, 2)
        assert meters.reads.reply(data) == meters.reads.reply(data) == the_long_way(data, meters.views)[1]
        assert 1 <= len(meters.reads._cuts) <= 5


def test_what_is_found_only_when_asked_for_is_found(make_view):
    meters = Meters(make_view())
    for start, count in ((0x1000, 2), (0x1062, 6), (0x1000, 2), (0x1A00, 1)):
        assert meters.reads.reply(frame(1, 4, start, count)) == the_long_way(frame(1, 4, start, count), meters.views)[1]
