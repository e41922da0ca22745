"""A state to a record and back, to the last bit; a record that does not fit is refused, never guessed."""

import json

import pytest

from watthour.errors import DamagedRecordError
from watthour.meter import Meter, first_state, state_from_record, state_to_record


@pytest.fixture(scope="module")
def record(waves):
    """The record of a meter in the middle of its work, as JSON gives it back."""
    block = waves.wave(waves.three_phase(), 50.13, 3000, 2000.0, kind="float32")
    meter = Meter(first_state({"ct": "200/5", "vt": "7/3", "cost_per_kwh": "0.1234", "auxiliary_supply": True}))
    meter.step(block.part(0, 900), 0)
    meter.step(block.part(1000, 3000), 10**9)
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


def test_a_record_that_lacks_anything_is_refused(record):
    def drop(inner, key):
        del inner[key]

    for path in places(record):
        if path[0] != "settings" or len(path) == 1:  # a setting may be newer than the record
            with pytest.raises(DamagedRecordError):
                state_from_record(changed(record, path, drop))


@pytest.mark.parametrize("value", ["nonsense", "", [], {}, [[]], None], ids=repr)
def test_a_record_with_something_else_in_a_place_is_refused(record, value):
    def put(inner, key):
        inner[key] = value

    allowed = (
        [("settings",)]
        if value == {}
        else [("last",)]
        if value == ""
        else [("tracker",), ("opened",), ("history",)]
        if value is None
        else []
    )
    for path in places(record):
        if path in allowed:  # what a new meter, or an older one, has there
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
    ],
)
def test_values_that_no_meter_can_have_are_refused(record, path, value):
    def put(inner, key):
        inner[key] = value

    with pytest.raises(DamagedRecordError, match="does not hold a meter's state"):
        state_from_record(changed(record, path, put))


def test_the_whole_record_is_json_that_names_its_parts(record):
    assert set(record) == {
        "version", "settings", "registers", "carry", "last", "tracker", "opened", "history", "anchor", "position", "samples",
        "duration", "operating_ns", "partial_operating_ns", "powered", "time_ns",
    }  # fmt: skip
