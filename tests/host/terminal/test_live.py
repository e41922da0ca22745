"""The live page shows a running meter on one screen of 80 columns."""

import pytest

from watthour.host.terminal import Scene
from watthour.host.terminal.live import SampleRate, live_page, rack_page

SCENE = Scene(
    source="examples/workshop.network.toml",
    rate_hz=8000.0,
    listeners=["modbus+tcp://127.0.0.1:1502", "modbus+tcp://[::1]:1503"],
)
EVENTS = [f"event {n}" for n in range(9)]


def test_a_large_substation_is_shown_whole(drawn, make_view, largest):
    view = make_view(largest, duration_s=123_456_789.0, time_ns=1_767_225_600_500_000_000, warnings=("mind the ratio",))
    lines = drawn(live_page(view, SCENE, 8000.4, EVENTS))
    text = "\n".join(lines)
    assert "…" not in text
    assert max(len(line) for line in lines) <= 80
    assert lines[0] == "CEM-D311-MID  Q23612  serial 23612001  examples/workshop.network.toml"
    assert lines[1] == "2026-01-01T00:00:00Z  34293:33:09.0 metered at 8000 samples/s, 8000 coming in"
    for line in ("listening on modbus+tcp://127.0.0.1:1502", "listening on modbus+tcp://[::1]:1503", "mind the ratio"):
        assert line in lines
    assert "no voltage" not in text


def test_the_last_events_are_shown(drawn, make_view):
    lines = drawn(live_page(make_view(), SCENE, None, EVENTS))
    assert [line for line in lines if line.startswith("event")] == EVENTS[-4:]


def test_a_page_fits_a_screen_of_40_lines(drawn, make_view):
    assert len(drawn(live_page(make_view(warnings=("one",)), SCENE, None, EVENTS))) <= 40


def test_a_meter_without_voltage_says_that_it_is_off(drawn, make_view):
    assert "no voltage: the meter is off, its bus is silent" in drawn(live_page(make_view(powered=False), SCENE, None, ()))


@pytest.mark.parametrize("width", [1, 20, 79, 200])
def test_a_page_is_drawn_on_any_width(drawn, make_view, width):
    assert drawn(live_page(make_view(), SCENE, 1.0, EVENTS), width)


def test_the_rate_of_samples_is_that_of_the_last_seconds():
    rate = SampleRate()
    assert rate.update(0.0, 0) is None
    assert rate.update(1.0, 8000) == 8000.0
    for second in range(2, 20):
        rate.update(float(second), 8000)
    assert rate.update(20.0, 8000) == 0.0


def test_several_meters_are_shown_compactly(drawn, make_view, largest):
    views = [
        make_view(largest, serial=4_294_967_295),
        make_view(powered=False, serial=2),
        make_view(serial=3, warnings=("mind the ratio",)),
    ]
    lines = drawn(rack_page(views, [SCENE] * 3, EVENTS))
    assert "…" not in "\n".join(lines)
    assert max(len(line) for line in lines) <= 80
    assert lines[0].startswith("3 meters  1970-01-01T00:00:00Z")
    rows = lines[5:8]
    assert [row.split()[0] for row in rows] == ["4294967295", "2", "3"]
    for line in (
        "2: no voltage, its bus is silent",
        "3: mind the ratio",
        "3: listening on modbus+tcp://127.0.0.1:1502",
        "event 8",
    ):
        assert line in lines
    assert "event 4" not in lines
