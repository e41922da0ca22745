"""However a stream is cut into blocks, and wherever a meter is brought back from its record: not a microwatt-hour differs."""

import json
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from watthour.meter import Meter, first_state, state_from_record, state_to_record
from watthour.samples import Block

RATE_HZ, SAMPLES = 1600.0, 2400
START_NS = 1_769_903_999_400_000_000
"""0.6 s before a midnight at which a quarter of an hour, a demand period and a billing period end."""


def stream(seed):
    """Return volts and amperes in steps, of three phases whose loads change every tenth of a second."""
    dice = np.random.Generator(np.random.Philox(key=seed))
    angle = 2 * np.pi * 50.3 * np.arange(SAMPLES) / RATE_HZ - 2 * np.pi / 3 * np.arange(3)[:, None]
    loads = np.repeat(dice.uniform(-3, 6, (3, SAMPLES // 160)), 160, axis=1)
    return (32000 * np.cos(angle)).astype(np.int16), (1000 * loads * np.cos(angle - 0.4)).astype(np.int16)


def metered(volts, amperes, cuts, crashes):
    """Return the state after a stream in blocks, the meter brought back from its record after some of them."""
    meter = Meter(first_state({"serial": 7, "ct": "123/5"}))
    edges = [0, *sorted(cuts), SAMPLES]
    for number, (begin, end) in enumerate(pairwise(edges)):
        block = Block(
            voltages=volts[:, begin:end],
            currents=amperes[:, begin:end],
            rate_hz=RATE_HZ,
            first_sample=begin,
            voltage_scale=(0.01,) * 3,
            current_scale=(0.001,) * 3,
        )
        meter.step(block, START_NS + round(begin * 1e9 / RATE_HZ))
        if number in crashes:
            state = meter.state
            meter = Meter(state_from_record(json.loads(json.dumps(state_to_record(state))), state.profile.since(0)))
    meter.end()
    return meter.state


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    cuts=st.sets(st.integers(1, SAMPLES - 1), max_size=12),
    crashes=st.sets(st.integers(0, 12), max_size=8),
)
def test_energy_is_conserved_to_the_microwatt_hour_over_any_blocks_and_crashes(seed, cuts, crashes):
    volts, amperes = stream(seed)
    whole, parted = metered(volts, amperes, (), ()), metered(volts, amperes, cuts, crashes)
    assert parted.registers == whole.registers
    assert state_to_record(parted) == state_to_record(whole)
    registers = parted.registers
    assert tuple(map(sum, zip(*registers.rates, strict=True))) == registers.total
    rows = [row.energies for row in parted.profile] + [tuple(parted.interval.energies)]
    assert tuple(map(sum, zip(*rows, strict=True))) == registers.total
    power_w = (volts.astype(float) * amperes * 1e-5).sum(axis=1)
    net_microwh = float(power_w.sum()) / RATE_HZ / 3600e-6
    remainders = 3  # one of each phase, each below a micro-unit
    assert abs(registers.secondary[0] - registers.secondary[1] - net_microwh) < remainders
