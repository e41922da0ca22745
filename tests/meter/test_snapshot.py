"""A state to a record and back, to the last bit; a record that does not fit is refused, never guessed."""

import json

import pytest

from watthour.errors import DamagedRecordError
from watthour.history import ProfileRow, RowFlag
from watthour.meter import Meter, first_state, row_from_record, row_to_record, state_from_record, state_to_record
from watthour.parameters import Interface
from watthour.pulses import Edge
from watthour.view import ClosePeriod, SelectRate


@pytest.fixture(scope="module")
def record(waves):
    """The record of a meter in the middle of its work, as JSON gives it back."""
    block = waves.wave(waves.three_phase(), 50.13, 3000, 2000.0, kind="float32")
    given = {
        "ct": "200/5",
        "vt": "7/3",
        "cost_per_kwh": "0.1234",
        "auxiliary_supply": True,
        "rate_source": "bus",
        "input1_use": "pulses",
    }
    meter = Meter(first_state({**given, "demand_period_min": 2, "demand_method": "sliding"}))
    meter.switch_contacts(
        [Edge(time_ns=n, contact=1, closed=n % 2 == 1, number=n) for n in (1, 10**8, 122_190_000_001, 10**12)]
    )
    meter.step(block.part(0, 400), 0)
    meter.command(ClosePeriod(interface=Interface.BUS), 0)
    meter.step(block.part(400, 900), 60 * 10**9)
    meter.step(block.part(1000, 2500), 121 * 10**9)
    meter.command(SelectRate(rate=2, interface=Interface.BUS), 0)
    meter.step(block.part(2500, 3000), 122 * 10**9)
    meter.command(SelectRate(rate=3, interface=Interface.BUS), 0)
    meter.command(ClosePeriod(interface=Interface.BUS), 0)
    return json.loads(json.dumps(state_to_record(meter.state)))


def test_a_record_makes_the_same_record_again(record):
    assert json.loads(json.dumps(state_to_record(state_from_record(record)))) == record


def test_a_new_meter_and_one_that_has_ended_survive_too(waves):
    meter = Meter(first_state({}))
    for _ in range(2):
        record = json.loads(json.dumps(state_to_record(meter.state)))
        assert json.loads(json.dumps(state_to_record(state_from_record(record)))) == record
        meter.step(waves.wave(waves.three_phase(), 50.0, 1000, 2000.0), 0)
        meter.change_source()


def test_a_setting_newer_than_the_record_has_its_default(record):
    older = {**record, "settings": {k: v for k, v in record["settings"].items() if k != "hole_reply"}}
    assert state_from_record(older).settings["hole_reply"] == "02"


@pytest.mark.parametrize("version", [0, 2, None, "1"])
def test_another_version_is_refused(record, version):
    with pytest.raises(DamagedRecordError, match=f"version {version}: this program reads version 1"):
        state_from_record({**record, "version": version})


def places(content, path=()):
    """Yield the path of everything in a record."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(content, path, how):
    copy = json.loads(json.dumps(content))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    how(inner, path[-1])
    return copy


NEWER = {
    ("seal_open",), ("power_fail_count",), ("clock_offset_ns",), ("standings",), ("down_ns",), *(("marks", k, 2) for k in range(3)),
    ("period_flags",), ("closings", "rows", 0, "flags"),
}  # fmt: skip
"""What records of an earlier version lack."""


def test_a_record_that_lacks_anything_is_refused(record):
    def drop(inner, key):
        del inner[key]

    for path in places(record):
        if path not in NEWER and (path[0] != "settings" or len(path) == 1) and path[:-1] not in LISTS:
            with pytest.raises(DamagedRecordError):
                state_from_record(changed(record, path, drop))


MAY_BE = {
    "{}": [("settings",)],
    "''": [("last",), *(("marks", k, 2) for k in range(3))],
    "'nonsense'": [("settings", "calendar"), *(("marks", k, 2) for k in range(3))],
    "[]": [("anchors_ahead",), ("marks",), ("demand", "steps"), ("closings", "rows"), ("contacts", "waiting")],
    "None": [
        *((name,) for name in ("tracker", "opened", "history", "interval")),
        *(("marks", k, 1) for k in range(3)),
        ("down_ns",),
        *(("standings", k, field) for k in range(13) for field in (2, 3)),
        ("contacts", "time_ns"),
        *(("contacts", "inputs", place, field) for place in (0, 1) for field in (2, 5)),
        *(("contacts", "waiting", place, 3) for place in range(3)),
        ("output", 2),
        ("interval", "demand_microw"),
        *(("demand", name) for name in ("running", "last", "maximum")),
        *(("demand", "rate_maxima", k) for k in range(8)),
        ("closings", "rows", 0, "maximum"),
        *(("closings", "rows", 0, "rate_maxima", k) for k in range(8)),
    ],
}
LISTS = [
    ("interval", "rates"),
    ("anchors_ahead",),
    ("marks",),
    ("demand", "steps"),
    ("closings", "rows"),
    ("contacts", "waiting"),
]
"""Lists that may be of any length."""


@pytest.mark.parametrize("value", ["nonsense", "", [], {}, [[]], None], ids=repr)
def test_a_record_with_something_else_in_a_place_is_refused(record, value):
    def put(inner, key):
        inner[key] = value

    for path in places(record):
        if path in MAY_BE.get(repr(value), []) or (
            value is None and path[:1] == ("quality",)
        ):  # what a new meter, or an older one, has there
            continue
        with pytest.raises(DamagedRecordError):
            state_from_record(changed(record, path, put))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("settings", "ct"), "200/3"),
        (("settings", "bus_address"), "300"),
        (("settings", "colour"), "red"),
        (("registers", "total"), [0, 0, 0, 0, 0, -1]),
        (("registers", "total"), [0, 0, 0, 0, 0]),
        (("registers", "rates"), [[0] * 6] * 7),
        (("registers", "phases"), [[0] * 6] * 4),
        (("registers", "parts"), 0),
        (("duration",), "1/0"),
        (("carry",), ""),
        (("opened", "pieces", 0, "type"), "int8"),
        (("opened", "pieces", 0, "rate_hz"), 100.0),
        (("anchor",), None),
        (("anchor",), [0, 0]),
        (("samples",), True),
        (("position",), 1.5),
        (("position",), 2999),
        (("opened", "pieces", 0, "first_sample"), 2000),
        (("opened", "pieces", 0, "scales", 0), [1.0, 1.0]),
        (("anchor", 2), 2001.0),
        (("powered",), 1),
        (("selected_rate",), 9),
        (("contacts", "inputs"), [[False, False, None, 0, 0, None]]),
        (("contacts", "inputs", 0), [False, False, None, 0, 0]),
        (("contacts", "inputs", 0, 3), -1),
        (("contacts", "waiting"), [[2, 1, True, None], [1, 1, False, None]]),
        (("contacts", "waiting"), [[1, 3, True, None]]),
        (("output",), [0, 0]),
        (("output", 1), -1),
        (("marks", 0, 1), 0),
        (("anchors_ahead",), [[0, 0, 0.0]]),
        (("profile",), -1),
        (("closings", "first"), -1),
        (("closings", "rows", 0, "cause"), "weather"),
        (("closings", "rows", 0, "rates"), [[0] * 6] * 7),
        (("demand", "rate_maxima"), [None] * 7),
        (("demand", "maximum"), [-1, 0]),
        (("interval", "rates"), []),
        (("interval", "metered"), "-1"),
        (("interval", "metered"), "0"),
        (("interval", "flags"), 16),
        (("period_flags",), 16),
        (("closings", "rows", 0, "flags"), -1),
        (("quality", "thd_voltage_percent"), [1.0, 2.0]),
        (("quality", "voltage_harmonics_percent", 0), [1.0]),
        (("quality", "thd_voltage_percent", 0), 1),
    ],
)
def test_values_that_no_meter_can_have_are_refused(record, path, value):
    def put(inner, key):
        inner[key] = value

    with pytest.raises(DamagedRecordError, match="does not hold a meter's state"):
        state_from_record(changed(record, path, put))


def test_the_whole_record_is_json_that_names_its_parts(record):
    assert set(record) == {
        "version", "settings", "registers", "carry", "last", "quality", "tracker", "opened", "history", "anchor", "position", "samples",
        "duration", "operating_ns", "partial_operating_ns", "powered", "time_ns", "anchors_ahead", "marks", "selected_rate",
        "clock_was_set", "period_flags", "closed_ns", "interval", "demand", "profile", "closings", "seal_open", "power_fail_count", "clock_offset_ns",
        "contacts", "output", "standings", "down_ns",
    }  # fmt: skip


ROW = ProfileRow(
    start_ns=0,
    end_ns=900 * 10**9,
    energies=(1, 2, 3, 4, 5, 6),
    rates=(2, 1),
    demand_microw=4,
    metered_ns=899 * 10**9,
    flags=RowFlag.INCOMPLETE | RowFlag.CLOCK_SET,
)


def test_a_row_of_the_profile_makes_the_same_row_again():
    assert row_from_record(json.loads(json.dumps(row_to_record(ROW)))) == ROW


@pytest.mark.parametrize(
    ("place", "value"), [(0, 1.5), (2, [0] * 5), (2, [-1] * 6), (3, [0]), (3, [9]), (4, -1), (5, -1), (6, 16), (6, True)]
)
def test_a_row_that_no_meter_makes_is_refused(place, value):
    record = row_to_record(ROW)
    record[place] = value
    with pytest.raises((TypeError, ValueError)):
        row_from_record(record)


def test_rows_keep_their_numbers_and_no_more_are_taken_than_there_were(record):
    state = state_from_record({**record, "profile": 5}, [ROW, ROW])
    assert (len(state.profile), state.profile.oldest, state.profile[4]) == (5, 3, ROW)
    with pytest.raises(DamagedRecordError, match="2 rows of the load profile, of 1"):
        state_from_record({**record, "profile": 1}, [ROW, ROW])
