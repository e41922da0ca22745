"""Meters polled over real ports: what dies does not delay what lives, what is missing is never 0, what is killed loses nothing."""

import asyncio
import json
import random
import socket
import sqlite3
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from watthour.headend.reading import Quality
from watthour.host.archive.database import open_archive
from watthour.host.archive.queries import gaps, intervals, places
from watthour.host.instants import now_ns
from watthour.host.lines.url import parse_url
from watthour.host.poller.config import PolledMeter, plan_poll
from watthour.host.poller.devices import device_of
from watthour.host.poller.line import Health, Line
from watthour.host.poller.running import Poll
from watthour.host.poller.scan import scan
from watthour.host.poller.showing import JsonLines, Showing

PATIENCE_S = 40.0


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


async def until(is_so):
    """Wait for something to be so."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0.05)


@pytest.fixture
def rack(soak):
    """Build lines of two meters each, of any scheme."""

    def build(*schemes):
        lines = []
        for number, scheme in enumerate(schemes):
            sockets = [
                soak.Socket(
                    f"{number}-{n}",
                    soak.SimulatedMeter(serial=100 * number + n + 1, seed=n, begin_ns=now_ns(), begin_wh=10**6 * (number + 1)),
                )
                for n in range(2)
            ]
            lines.append(soak.SimulatedLine(scheme, sockets, random.Random(1)))  # noqa: S311
        return lines

    return build


@pytest.fixture
def polled(tmp_path):
    """Poll lines with a configuration once, or during a story; return the plan, what was told and what was written."""

    async def run(lines, *, head="timeout_s = 5.0\nslot_s = 20.0\n", tail="", device="watthour", during=None):
        path = tmp_path / "poll.toml"
        path.write_text(head + "".join(part for line in lines for part in line.tables(device)) + tail, "utf-8")
        plan = plan_poll(path)
        told, stop = [], []
        output = (tmp_path / "lines").open("w+", encoding="utf-8")
        poll = Poll(plan, JsonLines(told.append, output), stop_asked=lambda: bool(stop))
        task = asyncio.create_task(poll.run(once=during is None))
        if during is not None:
            await during(told)
            stop.append(True)
        whole = await task
        output.seek(0)
        written = [json.loads(line) for line in output]
        output.close()
        return plan, told, written, whole

    return run


def test_one_poll_reads_every_meter_of_every_bus_once(rack, polled):
    async def story():
        lines = rack("modbus+tcp", "mbus+tcp")
        for line in lines:
            await line.answer()
        try:
            return await polled(lines)
        finally:
            for line in lines:
                await line.stop()

    _, _, written, whole = asyncio.run(story())
    assert whole
    assert sorted(line["serial"] for line in written) == ["1", "2", "CIR00000101", "CIR00000102"]
    assert all(line["exact"]["import_microwh"] >= 10**12 for line in written)


def test_a_meter_that_does_not_answer_is_unavailable_and_its_values_are_null(rack, polled):
    async def story():
        lines = rack("modbus+tcp", "modbus+tcp")
        await lines[0].answer()
        await lines[1].answer()
        await lines[1].stop()
        try:
            return await polled(lines)
        finally:
            await lines[0].stop()

    _, told, written, whole = asyncio.run(story())
    assert not whole
    dead = [line for line in written if not line["available"]]
    assert {(line["place"], line["values"]) for line in dead} == {("1-0", None), ("1-1", None)}
    assert any("1-0: modbus+tcp" in words and "connection refused" in words for words in told)


def test_a_silent_meter_costs_its_line_no_more_than_its_slot(rack):
    async def story():
        (line,) = rack("modbus+tcp")
        await line.answer()
        plan = [
            PolledMeter(place=f"{n}", url=parse_url(f"modbus+tcp://127.0.0.1:{line._port}?unit={unit}"), device=kind)
            for n, unit in enumerate((1, 9, 2))
            for kind in (device_of("watthour", Path()),)
        ]
        polled = Line(plan, timeout_s=0.3, slot_s=0.5, now_ns=now_ns)
        begin_s = time.monotonic()
        order = [(read.meter.place, read.reading is not None) async for read in polled.read_round(lambda: 10.0)]
        took_s = time.monotonic() - begin_s
        again = [(read.meter.place, read.reading is not None) async for read in polled.read_round(lambda: 10.0)]
        await polled.close()
        await line.stop()
        return order, took_s, again

    order, took_s, again = asyncio.run(story())
    assert order == [("0", True), ("2", True), ("1", False)]
    assert took_s < 3
    assert again[:2] == [("0", True), ("2", True)]


def test_a_dead_meter_is_left_alone_longer_each_time_until_it_answers():
    health = Health()
    waits = []
    for _ in range(6):
        health.failed("no answer")
        waits.append(health.wait)
    assert waits == [0, 1, 3, 7, 7, 7]
    health.answered()
    assert (health.failures, health.wait, health.problem) == (0, 0, "")


def test_intervals_follow_the_registers_and_a_pause_is_listed_as_a_gap(rack, polled):
    async def story():
        lines = rack("modbus+tcp")
        (line,) = lines
        await line.answer()

        async def during(told):
            await until(lambda: sum("first" in words for words in told) == 2)
            await asyncio.sleep(2.2)
            await line.stop()
            await asyncio.sleep(4.2)
            await line.answer()
            await until(lambda: sum("it answers again" in words for words in told) >= 2)
            await asyncio.sleep(2.2)

        try:
            return await polled(lines, head="interval_s = 1\ntimeout_s = 0.3\n", during=during)
        finally:
            await line.stop()

    plan, told, written, _ = asyncio.run(story())
    assert any(words.startswith("0-0: it answers again") for words in told)
    with open_archive(plan.store) as archive:
        for place in places(archive):
            found = list(intervals(archive, place))
            mine = [line for line in written if line["place"] == place.name and line["available"]]
            exact = [line["exact"]["import_microwh"] for line in mine]
            total = sum(interval.energies["import"] for interval in found)
            assert 0 < total <= exact[-1] - exact[0]
            listed = list(gaps(archive, place, None))
            assert [gap.quality for gap in listed] == [Quality.ESTIMATED]
            assert listed[0].energies["import"] > 0
            assert {i.quality for i in found} <= {Quality.MEASURED, Quality.INTERPOLATED, Quality.ESTIMATED}


def test_the_page_for_prometheus_lacks_what_does_not_hold(rack, polled):
    port = free_port()
    pages = []

    async def story():
        lines = rack("modbus+tcp")
        (line,) = lines
        await line.answer()

        def page():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                return answer.read().decode()

        async def during(told):
            await until(lambda: sum("first" in words for words in told) == 2)
            pages.append(await asyncio.to_thread(page))
            await line.stop()
            await until(lambda: sum("connection refused" in words for words in told) == 2)
            pages.append(await asyncio.to_thread(page))

        tail = f'[metrics]\naddress = "127.0.0.1:{port}"\n'
        await polled(lines, head="interval_s = 1\ntimeout_s = 0.3\n", tail=tail, during=during)

    asyncio.run(story())
    assert 'watthour_up{place="0-0"} 1.0' in pages[0]
    assert 'watthour_import_wh_total{place="0-0"}' in pages[0]
    assert "watthour_active_rate" not in pages[1]
    assert 'watthour_up{place="0-0"} 0.0' in pages[1]
    assert 'watthour_import_wh_total{place="0-0"}' in pages[1]


def test_a_scan_tells_who_is_there_and_what_each_may_be(rack):
    async def story():
        lines = rack("modbus+tcp", "mbus+tcp")
        for line in lines:
            await line.answer()
        try:
            return [
                await scan(parse_url(f"{line.scheme}://127.0.0.1:{line._port}"), range(1, 5), progress=False) for line in lines
            ]
        finally:
            for line in lines:
                await line.stop()

    modbus, mbus = asyncio.run(story())
    assert [(each.device, each.serial) for each in modbus] == [("watthour", "1"), ("watthour", "2")]
    assert [(each.device, each.serial) for each in mbus] == [("M-Bus", "CIR00000101"), ("M-Bus", "CIR00000102")]
    assert modbus[1].url.endswith("?unit=2")


def test_a_rack_under_fire_loses_and_doubles_nothing(soak, tmp_path):
    form = soak.Form(meters=8, modbus=2, mbus=1, interval_s=5, duration_s=45.0, kills=1, seed=11, pause_s=4.0)
    run = soak.Soak(form=form, folder=tmp_path, say=print)
    asyncio.run(run.run())
    found = soak.judge(run, soak.sqlite_asker(tmp_path / "readings.db"))
    assert run.done["poll killed"] == 1
    assert found["measured"] + found["interpolated"] >= 1
    _judge_refuses_what_was_changed(soak, run, tmp_path / "readings.db")


def test_days_with_pauses_are_filled_from_the_load_profiles_of_the_meters(soak, tmp_path):
    run = soak.Soak(form=soak.Form(meters=2, interval_s=900, seed=3), folder=tmp_path, say=[].append)
    asyncio.run(soak.poll_with_pauses(run, hours=6))
    found = soak.judge(run, soak.sqlite_asker(tmp_path / "readings.db"))
    assert run.done["boundaries nobody read"] >= 5
    assert found["profile"] >= 10
    assert found["estimated"] == found["incomplete"] == found["gap"] == 0
    _judge_refuses_what_was_changed(soak, run, tmp_path / "readings.db")


def _judge_refuses_what_was_changed(soak, run, file):
    _add_a_kilowatt_hour_to_each_known_interval(file)
    with pytest.raises(AssertionError):
        soak.judge(run, soak.sqlite_asker(file))


def _add_a_kilowatt_hour_to_each_known_interval(file):
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE interval SET import_microwh = import_microwh + 1000000000 WHERE import_microwh IS NOT NULL")
        connection.commit()


def test_nothing_is_told_that_has_nothing_to_tell():
    told = []
    quiet = Showing(told.append)
    quiet.failed("hall", "no answer")
    quiet.failed("hall", "no answer")
    assert told == ["hall: no answer"]
