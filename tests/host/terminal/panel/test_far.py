"""A meter on a bus under the panel: everything its bus offers is there, what it does not carry is said, keys set what may be set."""

import asyncio
import runpy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from watthour.errors import NoAnswerError
from watthour.face import Face, Key, Leds, lcd, leds, pages_of
from watthour.history import Closing, ClosingCause, History, Maximum, ProfileRow, RowFlag
from watthour.host.instrument import Instrument, Shown
from watthour.host.lines import parse_url, serve_modbus_tcp
from watthour.host.lines.access import OPEN
from watthour.host.lines.mbus_view import MBusView
from watthour.host.lines.sharing import Listener, open_line
from watthour.host.terminal.panel.app import Panel
from watthour.host.terminal.panel.far import LACKING, FarMeter
from watthour.maps.mbus import Set
from watthour.meter import Meter, first_state
from watthour.station.mbus_telegrams import content_of, telegram_of
from watthour.units import VALUE_BY_NAME, Ratio
from watthour.view import Event, EventKind, Finding, FindingKind
from watthour.wire.mbus.telegram import Telegram, manufacturer_code

make_view = runpy.run_path(str(Path(__file__).parents[3] / "station" / "views.py"))["make_view"]

SECOND = 10**9
NOON = 1_768_478_400 * SECOND
QUARTER = 900 * SECOND


def row(number):
    return ProfileRow(
        start_ns=NOON + number * QUARTER, end_ns=NOON + (number + 1) * QUARTER, energies=(10**9 * number, 1, 2, 3, 4, 5),
        rates=(1 + number % 6,), demand_microw=None, metered_ns=QUARTER, flags=RowFlag(0),
    )  # fmt: skip


def closing(number):
    highest = Maximum(demand_microw=10**9 * number, time_ns=NOON - QUARTER)
    return Closing(
        time_ns=NOON + 60 * number * SECOND, cause=ClosingCause.CALENDAR, total=tuple(10**6 * (number + n) for n in range(6)),
        rates=tuple((10**6 * n, 0, 0, 0, 0, 0) for n in range(8)), maximum=highest, rate_maxima=(highest, *[None] * 7),
    )  # fmt: skip


def whole_view(model="Q23612", **changes):
    """A meter that has everything: a profile, closings, events, a finding."""
    fields = {
        "model": model,
        "time_ns": NOON + 20 * QUARTER,
        "profile": History([row(n) for n in range(20)], keep=100),
        "closings": History([closing(n) for n in (1, 2)], keep=24),
        "events": History([Event(time_ns=NOON, kind=EventKind.POWER_UP)], keep=10),
        "event_count": 17,
        "event_head": "ab" * 32,
        "software_id": "cd" * 32,
        "calendar": "es/3.0TD/peninsula",
        "warnings": ("one thing",),
    }
    parameters = {"ct": Ratio(Decimal(200), Decimal(5)), "backlight_s": 0, **changes.pop("parameters", {})}
    whole = ("W", "var", "VA", "s")  # which buses carry without decimals
    rounded = {name: 12_345 + place for place, (name, row) in enumerate(VALUE_BY_NAME.items()) if row.unit in whole}
    values = {**rounded, "wiring_findings": 0, "seal_open": 0, "active_rate": 3, **changes.pop("values", {})}
    return make_view(values, parameters, **(fields | changes))


class Port:
    """A meter that a bus asks."""

    def __init__(self, view):
        self.shown = view
        self.meter = Meter(first_state({"serial": 7}))

    def view(self):
        return self.shown

    def sample_time_s(self):
        return 0.0

    async def ask(self, command):
        outcome = self.meter.command(command, 0)
        self.shown = replace(self.shown, parameters={**self.shown.parameters, **self.meter.view().parameters})
        return outcome


def far_away(near, deed, *, host="127.0.0.1"):
    """Have a meter on a bus, Modbus or M-Bus by its model, and do something with it as the panel has it."""
    kind = "mbus" if near.view().model.startswith("Q2362") else "modbus"

    async def run():
        url = parse_url(f"{kind}+tcp://{host}:0")
        opened = await open_line([Listener(owner="a", url=url, port=near, access=OPEN)], tell_fault=None, tell=print)
        far = FarMeter(parse_url(opened.urls[0]))
        try:
            await far.look()
            return await deed(far)
        finally:
            await far.close()
            await opened.server.close()

    return asyncio.run(run())


async def looked(far, times=12):
    for _ in range(times):
        await far.look()
    return far.view()


def screens(view, page):
    return [(screen().legend, screen().digits, screen().unit) for screen in pages_of(view)[page]]


SAME = (
    "total", "partial", "rates", "rates_export", "rates_reactive", "phases", "voltage", "current", "power", "reactive", "apparent",
    "power_factor", "cos_phi", "frequency", "demand", "closings", "thd", "time", "bus", "identity",
)  # fmt: skip


@pytest.mark.parametrize("page", SAME)
def test_a_page_over_modbus_shows_what_the_meter_s_own_glass_shows(page):
    near = whole_view()
    shown = {legend: rest for legend, *rest in screens(far_away(Port(near), looked), page)}
    own = {legend: rest for legend, *rest in screens(near, page)}
    assert shown == own


def test_every_page_of_a_meter_is_there_over_modbus():
    near = whole_view()
    assert set(pages_of(far_away(Port(near), looked))) == set(pages_of(near)) - {"output"}  # which a D311 has not


def test_the_load_profile_is_fetched_bit_by_bit_and_grows_with_the_meter_s():
    near = Port(whole_view())

    async def deed(far):
        first = len(far.view().profile.since(0))
        await looked(far, 3)
        whole = far.view().profile
        near.shown = replace(near.shown, profile=near.shown.profile.append(row(20)))
        await far.look()
        return first, whole, far.view().profile

    first, whole, longer = far_away(near, deed)
    assert 0 < first < 20
    assert whole.since(0) == tuple(row(n) for n in range(20))
    assert longer.since(0) == tuple(row(n) for n in range(21))


def test_flashes_over_a_bus_are_those_of_the_secondary_energy():
    near = whole_view(values={"import_wh": 400_000, "export_wh": 0, "q1_varh": 0, "q2_varh": 0, "q3_varh": 0, "q4_varh": 0})
    for model in ("Q23612", "Q23622"):
        far = far_away(Port(replace(near, model=model)), looked)
        assert far.exact["secondary_import_microwh"] == 10_000 * 10**6  # 200/5


def test_what_stands_against_a_meter_is_said_over_both_buses():
    found = Finding(kind=FindingKind.CT_REVERSED, phases=("L1",), confidence=0.9, evidence="e")
    near = whole_view(diagnosis=(found,), values={"wiring_findings": 1, "storage_fault": 1}, storage_fault=True)
    for model in ("Q23612", "Q23622"):
        words = [screen().words for screen in pages_of(far_away(Port(replace(near, model=model)), looked))["warnings"]]
        assert any(word.startswith("ct reversed") for word in words), words
        assert any("standing warning" in word for word in words)
        assert any("not kept" in word for word in words)


def test_over_m_bus_every_set_is_shown():
    near = whole_view(model="Q23622")
    far = far_away(Port(near), looked)
    assert far.model == "CEM-D312-MID"
    assert far.software_id == near.software_id
    assert far.event_head == near.event_head
    assert far.time_ns == near.time_ns
    assert [each.total for each in far.closings.since(0)] == [each.total for each in near.closings.since(0)]
    assert [each.maximum for each in far.closings.since(0)] == [each.maximum for each in near.closings.since(0)]
    for page in ("total", "rates", "rates_export", "closings"):
        assert screens(far, page) == screens(near, page), page
    assert screens(far, "partial")[:6] == screens(near, "partial")[:6]
    assert {"voltage", "current", "power", "reactive", "apparent", "power_factor", "cos_phi", "demand", "identity"} <= set(
        pages_of(far)
    )
    assert str(far.parameters["ct"]) == "200/5"
    assert not far.seal_open


def test_another_maker_s_meter_is_shown_as_far_as_its_telegrams_go():
    class Stranger:
        """A master on a line with one meter of another maker."""

        async def reset(self, _address):
            return True

        async def telegrams(self, _address):
            view = whole_view(model="Q23622")
            told = telegram_of(view, content_of(view, Set.ALL, 0), address=1, access_number=0)
            header = told.header._replace(manufacturer=manufacturer_code("ABB"))
            return [Telegram(address=1, header=header, content=told.content)]

    view = asyncio.run(MBusView(Stranger(), parse_url("mbus+tcp://127.0.0.1:1")).look())
    shown = lcd(Face(page="identity"), view, 0.0)
    assert (shown.text, shown.words) == ("-----", "ABB version 1")
    assert lcd(Face(), view, 0.0).text == "1000.077"
    assert leds(view) == Leds(kwh=None, kvarh=None, steady=False)
    assert view.seal_open, "nobody says that it is sealed"
    assert "bus" not in pages_of(view)


def panel_over(far):
    return Panel(
        Shown(port=far, instrument=Instrument(far), source="a bus", calendar=None, switch=far.switch),
        lacking=LACKING[far._url.is_mbus],
    )


def shown_by(panel, place):
    return str(panel.query_one(f"#{place}").render())


@pytest.mark.parametrize("model", ["Q23612", "Q23622"])
def test_the_panel_says_what_a_bus_does_not_carry(model):
    async def deed(far):
        await looked(far)
        panel = panel_over(far)
        async with panel.run_test(size=(130, 44)) as pilot:
            await pilot.pause(0.3)
            return {place: shown_by(panel, place) for place in ("waves-title", "waves", "curve", "log", "lamps", "glass")}

    told = far_away(Port(whole_view(model=model)), deed)
    assert "carries no samples" in told["waves-title"]
    assert "not the events" in told["log"] or "no events" in told["log"]
    assert "imp/kWh" in told["lamps"]
    if model == "Q23612":
        assert "THD" in told["waves"]
        assert "█" in told["curve"]
    else:
        assert told["curve"] == "M-Bus carries no load profile"


async def at_page(far, page):
    instrument = Instrument(far)
    while instrument.glass().page != page:
        await instrument.press(Key.ONE, 0.1)
    return instrument


def test_keys_set_over_modbus_what_the_map_has_writable():
    near = Port(whole_view())

    async def deed(far):
        instrument = await at_page(far, "settings")
        for key, held_s in ((2, 3.0), *[(1, 0.1)] * 3, (2, 0.1), (2, 3.0)):
            await instrument.press(Key(key), held_s)
        return instrument.glass().text, far.view().parameters["cost_per_kwh"]

    text, cost = far_away(near, deed)
    assert text == "donE"
    assert cost == near.view().parameters["cost_per_kwh"] != whole_view().parameters["cost_per_kwh"]


def test_a_read_only_port_and_m_bus_refuse_and_say_so():
    async def deed(far):
        instrument = await at_page(far, "partial")
        while instrument.glass().text != "rESEt":
            await instrument.press(Key.TWO, 0.1)
        for key, held_s in ((2, 3.0), (2, 0.1), (2, 3.0)):
            await instrument.press(Key(key), held_s)
        return instrument.glass().text

    assert far_away(Port(whole_view()), deed, host="0.0.0.0") == "rEAd"  # noqa: S104 - where others reach it
    assert far_away(Port(whole_view(model="Q23622")), deed) == "rEAd"
    assert far_away(Port(whole_view()), deed) == "donE"


def test_a_meter_that_goes_away_is_trouble_and_is_found_again():
    async def run():
        near = Port(whole_view())
        server = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0"), [near])
        port = server.address[1]
        far = FarMeter(parse_url(f"modbus+tcp://127.0.0.1:{port}"))
        await far.look()
        await server.close()
        with pytest.raises(NoAnswerError):
            await far.look()
        kept = far.view().serial
        server = await serve_modbus_tcp(parse_url(f"modbus+tcp://127.0.0.1:{port}"), [near])
        await far.look()
        await far.close()
        await server.close()
        return kept

    assert asyncio.run(run()) == 23612001
    assert lcd(Face(), whole_view(), 0.0).text
