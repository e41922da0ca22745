"""The panel: what it draws, and what its keys do, on a terminal of the mind."""

import asyncio
import runpy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from watthour.face import Face, Leds, Trace, lcd
from watthour.history import History, ProfileRow, RowFlag
from watthour.host.instrument import Instrument, Shown
from watthour.host.terminal.panel import pictures
from watthour.host.terminal.panel.app import Panel
from watthour.host.terminal.panel.canvas import Canvas
from watthour.host.terminal.panel.lamps import Lamps
from watthour.meter import Meter, first_state
from watthour.view import Outcome, Verdict, Waves

make_view = runpy.run_path(str(Path(__file__).parents[3] / "station" / "views.py"))["make_view"]


class Direct:
    def __init__(self, **settings):
        self.meter = Meter(first_state({"serial": 7, **settings}))
        self._view = self.meter.view()

    def view(self):
        return self._view

    def change(self, **changes):
        self._view = replace(self._view, **changes)

    async def ask(self, command):
        outcome = self.meter.command(command, 0)
        self._view = self.meter.view()
        return outcome

    async def switch(self, contact, closed):
        return Outcome(verdict=Verdict.DONE, message=f"{contact} {closed}")


def shown_of(port, **options):
    return Shown(port=port, instrument=Instrument(port, **options), source="a test", calendar=None, switch=port.switch)


def plain(panel, place):
    return str(panel.query_one(f"#{place}").render())


def driven(shown, deed, size=(120, 40)):
    """Run the panel, do something in it, and return what that gives."""

    async def run():
        panel = Panel(shown)
        async with panel.run_test(size=size) as pilot:
            await pilot.pause()
            return await deed(panel, pilot)

    return asyncio.run(run())


def test_keys_step_set_and_go_back_as_on_the_instrument():
    port = Direct()
    shown = shown_of(port)

    async def deed(panel, pilot):
        await pilot.press("1")
        assert shown.instrument.glass().page == "partial"
        await pilot.press("2")
        assert shown.instrument.glass().place == 1
        while shown.instrument.glass().page != "bus":
            await pilot.press("1")
        await pilot.press("h", "1", "1", "2")
        assert shown.instrument.glass().cursor == "one"
        await pilot.press("h")
        assert "stored" in plain(panel, "glass") or shown.instrument.glass().text == "donE"
        await pilot.press("b")

    driven(shown, deed)
    assert port.view().parameters["bus_address"] == 2
    assert shown.instrument.glass().page == "total"


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
def test_it_fits_terminals_of_every_size(size):
    async def deed(panel, _pilot):
        await asyncio.sleep(0.25)
        assert "0000.000" in lcd(Face(), panel._shown.port.view(), 0.0).text
        return plain(panel, "glass").splitlines()

    lines = driven(shown_of(Direct()), deed, size)
    assert {len(line) for line in lines} == {pictures.GLASS_WIDTH}


def test_a_meter_that_is_only_read_says_so():
    shown = shown_of(Direct(), may_set=False)

    async def deed(_panel, pilot):
        while shown.instrument.glass().page != "bus":
            await pilot.press("1")
        await pilot.press("h", "h")
        return shown.instrument.glass()

    glass = driven(shown, deed)
    assert (glass.text, glass.words) == ("rEAd", "this meter is only read from here")


def test_it_ends_when_there_is_nothing_more_to_show():
    async def run():
        panel = Panel(shown_of(Direct()), is_over=lambda: True)
        async with panel.run_test() as pilot:
            await pilot.pause(0.3)
        return panel.return_value

    assert asyncio.run(run()) is None


DIGITS = {"8": [" _  ", "|_| ", "|_| "], "1": ["    ", "  | ", "  | "], "4": ["    ", "|_| ", "  | "]}


@pytest.mark.parametrize("digit", DIGITS)
def test_a_digit_is_drawn_of_its_segments(digit):
    view = make_view({"import_wh": int(digit) * 1000})
    rows = pictures.glass(lcd(Face(), view, 0.0), flash=False).plain.splitlines()[1:4]
    place = 9 + 4 * 4  # the fifth of eight cells holds the last digit before the point
    wanted = [*DIGITS[digit][:2], DIGITS[digit][2][:3] + "."]
    assert [row[place : place + 4] for row in rows] == wanted


def test_a_led_is_lit_where_a_pulse_came_and_steadily_below_the_cut_off():
    seen = Lamps().after(Leds(kwh=4, kvarh=1, steady=False))
    dark = seen.after(Leds(kwh=4, kvarh=1, steady=False))
    lit = seen.after(Leds(kwh=5, kvarh=1, steady=False))
    steady = seen.after(Leds(kwh=None, kvarh=None, steady=True))
    texts = map(pictures.lamps, (dark, lit, steady))
    assert [sum("bright_red" in str(span.style) for span in text.spans) for text in texts] == [0, 1, 2]
    assert pictures.lamps(Lamps().after(Leds(kwh=None, kvarh=None, steady=False)), "untold").plain == " untold"


def test_a_led_flashes_once_for_each_pulse_and_is_dark_between():
    lamps, flashes = Lamps().after(Leds(kwh=0, kvarh=0, steady=False)), []
    for count in (3, 3, 3, 3, 3, 3, 4, 4, 4, 4):
        lamps = lamps.after(Leds(kwh=count, kvarh=0, steady=False))
        flashes.append(lamps.kwh.lit)
    assert flashes == [True, False, True, False, True, False, True, False, False, False]
    assert not lamps.kvarh.lit


def test_phasors_point_where_their_angles_say():
    values = {f"voltage_l{n}_v": 230.0 for n in (1, 2, 3)} | {
        f"voltage_angle_l{n}_deg": a for n, a in ((1, 0), (2, -120), (3, 120))
    }
    lines = pictures.phasors(values, 40, 20).plain.splitlines()
    where = {name: next((x, y) for y, line in enumerate(lines) if (x := line.find(name)) >= 0) for name in ("U1", "U2", "U3")}
    assert where["U1"][0] > 30
    assert where["U3"][1] < 5
    assert where["U2"][1] > 14
    assert "I1" not in "".join(lines)


def test_a_wave_is_drawn_over_its_whole_width():
    wave = tuple(np.sin(np.linspace(0, 4 * np.pi, 160)).tolist())
    text = pictures.waves(Trace(duration_s=0.04, voltages_v=(wave,) * 3, currents_a=(wave,) * 3), 60, 10).plain
    assert len(text.splitlines()) == 10
    assert all(any(line[column] not in " ⠀" for line in text.splitlines()) for column in range(60))


def test_the_load_curve_has_the_height_and_colour_of_each_interval():
    def row(quarter, wh):
        start = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp()) * 10**9 + quarter * 900 * 10**9
        return ProfileRow(start_ns=start, end_ns=start + 900 * 10**9, energies=(wh * 10**6, 0, 0, 0, 0, 0), rates=(1 + quarter % 2,),
                          demand_microw=None, metered_ns=900 * 10**9, flags=RowFlag(0))  # fmt: skip

    noon = int(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()) * 10**9
    view = make_view(time_ns=noon, profile=History([row(0, 1000), row(1, 500), row(47, 250)], keep=99))
    title, *levels, hours = pictures.load_curve(view, None, 96, 4).plain.splitlines()
    assert "2026-01-15  most 4.0000 kW" in title
    assert [line[0] for line in levels] == ["█"] * 4
    assert [line[1] for line in levels] == [" ", " ", "█", "█"]
    assert [line[47] for line in levels] == [" ", " ", " ", "█"]
    assert hours.split() == ["00", "03", "06", "09", "12", "15", "18", "21"]
    assert not pictures.load_curve(make_view(), None, 96, 4).plain


def test_harmonics_stand_where_a_meter_tells_them_and_no_samples():
    values = {f"thd_{stem}_{phase}_percent": 5.0 for stem in ("voltage", "current") for phase in ("l1", "l2", "l3")}
    text = pictures.harmonics({**values, "voltage_l1_h5_percent": 4.0, "voltage_l1_h7_percent": 2.0}, 60, 8).plain.splitlines()
    assert text[0].split()[:4] == ["order", "3", "5", "7"]
    assert text[1].split()[:6] == ["U1", "THD", "5.0", "%", "█", "▄"]
    assert len(text) == 7
    assert not pictures.harmonics({}, 60, 8).plain


def test_dots_outside_the_field_are_left_out():
    canvas = Canvas(3, 2)
    canvas.line(-50, -50, 50, 50, "red")
    assert len(canvas.text().plain.splitlines()) == 2


def test_samples_of_the_last_window_are_drawn():
    port = Direct()
    wave = 325 * np.sin(np.linspace(0, 40 * np.pi, 1600))[None].repeat(3, axis=0)
    port.change(waves=lambda: Waves(rate_hz=8000.0, voltages_v=wave, currents_a=wave / 100))

    async def deed(panel, pilot):
        await pilot.pause(0.3)
        return plain(panel, "waves")

    assert "325 V" in driven(shown_of(port), deed)
