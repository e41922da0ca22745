"""Slaves and a master on real sockets and ptys, and other people's decoders on what our slave says."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import meterbus
import pymbusparser
import pytest

from watthour.errors import BadFrameError, ListenError, NoAnswerError, UsageError
from watthour.history import Closing, ClosingCause, History, Maximum
from watthour.host.lines.mbus_client import open_master, read_mbus, scan_primary, scan_secondary
from watthour.host.lines.mbus_server import serve_mbus_serial, serve_mbus_tcp
from watthour.host.lines.url import parse_url
from watthour.maps.mbus import SETS, Set
from watthour.meter import Meter, first_state
from watthour.station.mbus_telegrams import header_of, telegrams_of
from watthour.units import MICRO, NANOSECONDS
from watthour.view import Verdict
from watthour.wire.mbus.message import SendData
from watthour.wire.mbus.telegram import Telegram, read_record


class OneMeter:
    """A meter without a thread, as a line asks it."""

    def __init__(self, serial=23622001, **settings):
        self.meter = Meter(first_state({"model": "Q23622", "serial": serial, **settings}))
        self.outcomes = []
        self.asked = asyncio.Event()
        self._view = self.meter.view()

    def view(self):
        return self._view

    def sample_time_s(self):
        return 0.0

    async def ask(self, command):
        self.outcomes.append(self.meter.command(command, 0))
        self._view = self.meter.view()
        self.asked.set()
        return self.outcomes[-1]


async def listening(ports, addresses=None):
    server = await serve_mbus_tcp(parse_url("mbus+tcp://127.0.0.1:0"), ports, addresses or [None] * len(ports))
    return server, f"mbus+tcp://127.0.0.1:{server.address[1]}"


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 60))


def test_a_meter_is_read_by_primary_and_by_secondary_address():
    async def scenario():
        server, url = await listening([OneMeter()])
        readings = [
            await read_mbus(parse_url(url + query))
            for query in ("", "?address=1", "?secondary=23622001", "?secondary=2362FFFF320D0102")
        ]
        await server.close()
        return readings

    readings = run(scenario())
    assert {reading.serial for reading in readings} == {23622001}
    assert all(reading.values["import_wh"] == 0 for reading in readings)
    assert all(reading.values["voltage_l1_v"] is None for reading in readings), "nothing measured yet"


def test_nobody_there_is_one_clear_line():
    async def scenario():
        server, url = await listening([OneMeter()])
        with pytest.raises(NoAnswerError, match="address 7"):
            async with open_master(parse_url(url), timeout_s=0.05) as master:
                await master.telegrams(7)
        with pytest.raises(NoAnswerError, match="secondary"):
            await read_mbus(parse_url(url + "?secondary=00000001"))
        await server.close()
        with pytest.raises(NoAnswerError, match="refused"):
            await read_mbus(parse_url(url))

    run(scenario())


def test_a_written_address_moves_the_meter():
    async def scenario():
        port = OneMeter()
        server, url = await listening([port])
        async with open_master(parse_url(url)) as master:
            assert await master.acknowledged(SendData(address=1, ci=0x51, data=bytes.fromhex("01 7A 05")).to_frame())
            await port.asked.wait()
        reading = await read_mbus(parse_url(url + "?address=5"))
        await server.close()
        return port.outcomes, reading

    outcomes, reading = run(scenario())
    assert [outcome.verdict for outcome in outcomes] == [Verdict.DONE]
    assert reading.serial == 23622001


def test_a_refused_write_is_told_with_the_next_data():
    async def scenario():
        port = OneMeter()
        server, url = await listening([port])
        async with open_master(parse_url(url)) as master:
            await master.acknowledged(SendData(address=1, ci=0x51, data=bytes.fromhex("01 7A FB")).to_frame())
            await port.asked.wait()
            with pytest.raises(BadFrameError, match="unspecified error"):
                await master.telegrams(1)
        await server.close()
        return port.view().parameters["mbus_address"]

    assert run(scenario()) == 1


def test_fifty_meters_with_adjacent_identifications_are_all_found():
    async def scenario():
        ports = [OneMeter(serial=23_622_000 + n, mbus_address=n) for n in range(50)]
        server, url = await listening(ports)
        masks = []
        async with open_master(parse_url(url), timeout_s=0.1) as master:
            found = await scan_secondary(master, lambda mask, _: masks.append(mask))
        await server.close()
        return found, masks

    found, masks = run(scenario())
    assert [one.header.serial for one in found] == [f"{23_622_000 + n}" for n in range(50)]
    assert masks[0] == "0FFFFFFF"


def test_a_primary_scan_finds_each_address_and_says_where_two_share_one():
    async def scenario():
        ports = [OneMeter(serial=1 + n, mbus_address=address) for n, address in enumerate((0, 3, 3, 250))]
        server, url = await listening(ports)
        async with open_master(parse_url(url), timeout_s=0.03) as master:
            found = await scan_primary(master, range(251), lambda *_: None)
        await server.close()
        return found

    found = run(scenario())
    assert [one.address for one in found] == [0, 3, 250]
    assert [bool(one.remark) for one in found] == [False, True, False]


def test_two_hundred_and_fifty_meters_have_an_address_each_on_one_line():
    async def scenario():
        ports = [OneMeter(serial=23_622_000 + address, mbus_address=address) for address in range(1, 251)]
        server, url = await listening(ports)
        async with open_master(parse_url(url), timeout_s=0.5) as master:
            found = await scan_primary(master, range(1, 251), lambda *_: None)
            telegrams = [await master.telegrams(one.address) for one in found[::50]]
        await server.close()
        return found, telegrams

    found, telegrams = run(scenario())
    assert [(one.address, one.header.serial, one.remark) for one in found] == [
        (address, f"{23_622_000 + address}", "") for address in range(1, 251)
    ]
    assert {len(each) for each in telegrams} == {3}


def test_a_busy_port_and_wrong_addresses_are_refused_in_one_line():
    async def scenario():
        server, url = await listening([OneMeter()])
        with pytest.raises(ListenError, match="in use"):
            await serve_mbus_tcp(parse_url(url), [OneMeter()], [None])
        with pytest.raises(UsageError, match="more than one meter"):
            await serve_mbus_tcp(parse_url(url), [OneMeter(), OneMeter()], [3, 3])
        with pytest.raises(UsageError, match="251"):
            await serve_mbus_tcp(parse_url(url), [OneMeter()], [251])
        await server.close()

    run(scenario())


def test_a_meter_on_a_serial_line_is_read_over_a_pty(serial_pair):
    async def scenario():
        told = []
        server = await serve_mbus_serial(parse_url(f"mbus+serial://{serial_pair.ours}"), [OneMeter()], [None], told.append)
        reading = await read_mbus(parse_url(f"mbus+serial://{serial_pair.theirs}?address=1"))
        await server.close()
        return told, reading

    told, reading = run(scenario())
    assert "no parity" in told[0]
    assert reading.serial == 23622001


def telegrams_of_our_meter():
    """What a meter says whose every value is another number."""
    view = OneMeter(ct="200/5").view()
    numbers = {name: 7 + 11 * place for place, name in enumerate(view.values)}
    numbers |= {name: round(number / 1000, 3) for name, number in numbers.items() if "factor" in name or "cos" in name}
    numbers |= {name: 1_767_225_600 + 60 * number for name, number in numbers.items() if name.endswith("unix_s")}
    peak = Maximum(demand_microw=123_000_000, time_ns=1_767_226_500 * NANOSECONDS)
    closing = Closing(
        time_ns=1_767_225_600 * NANOSECONDS,
        cause=ClosingCause.CALENDAR,
        total=tuple((900 + k) * MICRO for k in range(6)),
        rates=tuple(tuple((100 * rate + k) * MICRO for k in range(6)) for rate in range(8)),
        maximum=peak,
        rate_maxima=(peak,) * 8,
    )
    view = replace(
        view,
        time_ns=1_767_229_200 * NANOSECONDS,
        values=MappingProxyType({**numbers, "active_rate": 3, "frequency_hz": 49.97}),
        closings=History([closing] * 24, keep=24),
        software_id="5a" * 32,
        event_head="0f" * 32,
    )
    return [
        Telegram(address=1, header=header_of(view), content=content)
        for chosen in SETS
        for content in telegrams_of(view, chosen)
    ]


THEIR_UNITS = {
    "min": "s",
    "W (apparent)": "VA",
    "W.h": "Wh",
    "W (reactive)h": "varh",
    "W (reactive)": "var",
    "V·A": "VA",
    "s": "s",
}
THEIR_SECONDS = {"s": 1, "min": 60}


def test_two_other_decoders_read_the_same_records():
    for telegram in telegrams_of_our_meter():
        adu = telegram.to_frame().to_bytes()
        python = json.loads(meterbus.TelegramLong.parse(list(adu)).to_JSON())["body"]["records"]
        rust = pymbusparser.parse(adu)
        assert rust["meter"]["identity"]["id"] == "23622001"
        assert rust["meter"]["identity"]["manufacturer_code"] == "CIR"
        follows = telegram.content.more_follow  # which one of them counts as a record
        assert len(python) == len(telegram.content.records) + follows
        assert len(rust["records"]) in {len(telegram.content.records), len(telegram.content.records) + follows}
        for record, theirs, others in zip(telegram.content.records, python, rust["records"], strict=False):
            ours = read_record(record)
            assert theirs["storage_number"] == others["storage_number"] == record.storage
            assert theirs.get("tariff", 0) == others["tariff"] == record.tariff
            assert theirs.get("device", 0) == others["subunit"] == record.subunit
            if ours.meaning.is_time:
                assert theirs["value"] == ours.value.isoformat(timespec="minutes")
                assert others["value"]["value"] == ours.value.isoformat()
            elif isinstance(ours.value, str):
                assert theirs["value"] == others["value"]["value"] == ours.value
            else:
                assert Decimal(str(theirs["value"])) in {ours.number, ours.value}, "it scales where it knows the unit"
                seconds = THEIR_SECONDS.get(others.get("unit"), 1)
                assert Decimal(others["value"]["value"]) * seconds == ours.value, others
                assert THEIR_UNITS.get(others.get("unit"), others.get("unit")) == ours.meaning.unit


def test_our_own_readout_is_whole():
    whole = telegrams_of_our_meter()[: len(SETS[Set.ALL])]
    names = [read_record(record).meaning.quantity for telegram in whole for record in telegram.content.records]
    assert names.count("energy") == 21
    assert names.count("reactive energy") == 8
