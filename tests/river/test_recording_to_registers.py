"""A stranger's recording of a substation becomes registers: net energy against the plain sum of u·i."""

import hashlib
from itertools import pairwise

import numpy as np
import pytest

from watthour.meter import Meter, first_state
from watthour.samples import Block

RATE_HZ = 1200.0
CT, VT = 200.0, 1200.0
ROW = np.dtype([("sample", "<u4"), ("stamp", "<u4"), ("analog", "<f4", (23,)), ("digital", "<u2", (9,))])
VOLTAGES, CURRENTS = (6, 7, 8), (1, 2, 3)
"""Channels by number, from 1, primary volts and amperes."""


@pytest.fixture(scope="module")
def rows(shared_data):
    """Six channels of the recording, primary, float32, shape (6, n)."""
    raw = (shared_data / "waveforms" / "substation_60hz.dat").read_bytes()
    analog = np.frombuffer(raw, ROW)["analog"]
    return np.ascontiguousarray(analog[:, [k - 1 for k in (*VOLTAGES, *CURRENTS)]].T)


def metered(rows, cuts=()):
    meter = Meter(first_state({"ct": "200/1", "vt": "132000/110"}))
    places = [0, *cuts, rows.shape[1]]
    for start, stop in pairwise(places):
        part = np.ascontiguousarray(rows[:, start:stop])
        block = Block(
            voltages=part[:3],
            currents=part[3:],
            rate_hz=RATE_HZ,
            first_sample=start,
            voltage_scale=(1 / VT,) * 3,
            current_scale=(1 / CT,) * 3,
        )
        meter.step(block, round(start * 1e9 / RATE_HZ))
    return meter


def plain_wh(rows):
    """Return the plain sum of u·i over the samples given, in Wh."""
    return float((rows[:3].astype(np.float64) * rows[3:].astype(np.float64)).sum()) / RATE_HZ / 3600


def test_the_net_energy_of_the_recording_is_its_plain_sum(rows):
    meter = metered(rows)
    meter.end()
    view = meter.view()
    assert rows.shape[1] == view.samples == 7200
    net_wh = (view.exact["import_microwh"] - view.exact["export_microwh"]) / 1e6
    assert abs(net_wh - plain_wh(rows)) < 1
    assert abs(view.values["import_wh"] - view.values["export_wh"] - plain_wh(rows)) < 2  # two floors
    # per phase too: half a microwatt-hour of the secondary is 0.24 Wh primary
    for p in range(3):
        phase_wh = (view.exact[f"l{p + 1}_import_microwh"] - view.exact[f"l{p + 1}_export_microwh"]) / 1e6
        assert abs(phase_wh - plain_wh(rows[[p, p, p, 3 + p, 3 + p, 3 + p]]) / 3) < 1


def test_the_first_second_shows_what_the_recording_says(rows):
    first = rows[:, :1200]
    meter = metered(first)
    values = meter.view().values
    assert [round(values[f"voltage_l{p}_v"] / 100) / 10 for p in (1, 2, 3)] == [130.4, 130.7, 130.4]
    meter.end()
    view = meter.view()
    net_kwh = (view.exact["import_microwh"] - view.exact["export_microwh"]) / 1e9
    assert net_kwh == pytest.approx(plain_wh(first) / 1000, abs=0.001)
    assert net_kwh == pytest.approx(17.66, abs=0.005)
    last = first[:, 724:964]  # the fourth window of 12 cycles, the load rising all the while
    assert view.values["power_w"] == pytest.approx(plain_wh(last) * 3600 / (240 / RATE_HZ), rel=1e-4)
    assert view.values["power_w"] == pytest.approx(68.6e6, rel=2e-3)
    assert view.values["frequency_hz"] == pytest.approx(60.0, abs=0.5)


def test_after_the_breaker_has_opened_next_to_nothing_flows(rows):
    view = metered(rows).view()
    assert abs(view.values["power_w"]) < 0.005 * 63.59e6


def test_the_recording_gives_the_same_registers_however_it_is_read(rows):
    whole = metered(rows)
    whole.end()
    for step in (1, 17, 239, 1200):
        cut = metered(rows, range(step, 7200, step))
        cut.end()
        assert cut.view().exact == whole.view().exact


def test_metering_leaves_the_recording_as_it_was(rows):
    before = hashlib.sha256(rows.tobytes()).digest()
    metered(rows)
    assert hashlib.sha256(rows.tobytes()).digest() == before
