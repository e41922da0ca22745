"""Flashes of the LEDs: numbered by the counters, dated by proportion, refused when no eye or bench could follow."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import SampleError
from watthour.pulses import LEDS, MICRO_PER_PULSE, MOST_PULSES_PER_S, Led, Spans, flashes, led_count

SECOND = 10**9
WINDOW_NS = 200_000_000
STEPS = st.lists(st.tuples(st.integers(0, 2_000_000), st.integers(1, WINDOW_NS)), min_size=1, max_size=12)


def spans_of(steps, *, start=(0,) * 6, column=0):
    """Return windows one after the other, each with an energy in one column and a length in nanoseconds."""
    booked = np.zeros((len(steps), 6), np.int64)
    booked[:, column] = [energy for energy, _ in steps]
    after = np.array(start) + booked.cumsum(axis=0)
    ends = np.cumsum([length for _, length in steps])
    begins = ends - [length for _, length in steps]
    return Spans(begin_ns=begins, end_ns=ends, before=after - booked, after=after)


def part(spans, start, stop):
    return Spans(**{name: getattr(spans, name)[start:stop] for name in ("begin_ns", "end_ns", "before", "after")})


def test_four_thousand_pulses_make_a_kilowatt_hour():
    assert MICRO_PER_PULSE * 4000 == 1000 * 10**6


def test_a_steady_kilowatt_flashes_every_nine_tenths_of_a_second():
    spans = spans_of([(1_000_000_000 // 3600 * 9, 9 * SECOND // 10)] * 5)  # 0.25 Wh, less a remainder, in 0.9 s
    exact = [Fraction(n * MICRO_PER_PULSE * SECOND * 9, 10 * int(spans.after[0, 0])) for n in range(1, 5)]
    pulses = flashes(spans, Led.KWH)
    assert pulses.first == 1
    assert [0 <= found - wanted < 1 for found, wanted in zip(pulses.time_ns.tolist(), exact, strict=False)] == [True] * 4


@pytest.mark.parametrize("column", range(6))
def test_each_energy_belongs_to_one_led(column):
    spans = spans_of([(MICRO_PER_PULSE, WINDOW_NS)], column=column)
    lit = Led.KWH if column < 2 else Led.KVARH
    assert [len(flashes(spans, led)) for led in LEDS] == [int(led is lit) for led in LEDS]


def test_a_pulse_comes_with_the_last_nanosecond_of_its_energy_and_not_before():
    exact = flashes(spans_of([(MICRO_PER_PULSE, WINDOW_NS)]), Led.KWH)
    assert exact.time_ns.tolist() == [WINDOW_NS]
    assert len(flashes(spans_of([(MICRO_PER_PULSE - 1, WINDOW_NS)]), Led.KWH)) == 0


@given(steps=STEPS, start=st.integers(0, 10**16), cut=st.integers(0, 12))
def test_pulses_count_what_the_register_counts_in_order_and_whole_over_any_cut(steps, start, cut):
    spans = spans_of([(min(energy, length * 2), length) for energy, length in steps], start=(start, 0, 0, 0, 0, 0))
    whole = flashes(spans, Led.KWH)
    before, after = (led_count(row.tolist(), Led.KWH) for row in (spans.before[0], spans.after[-1]))
    assert whole.first == before + 1
    assert len(whole) == after - before
    assert (np.diff(whole.time_ns) > 0).all()
    one, other = flashes(part(spans, 0, cut), Led.KWH), flashes(part(spans, cut, None), Led.KWH)
    assert np.concatenate([one.time_ns, other.time_ns]).tolist() == whole.time_ns.tolist()
    assert not len(other) or other.first == before + 1 + len(one)


def test_an_instant_is_where_a_steady_power_would_have_reached_the_energy():
    spans = spans_of([(1_000_001, WINDOW_NS)], start=(249_999, 0, 0, 0, 0, 0))
    wanted = [Fraction((n * MICRO_PER_PULSE - 249_999) * WINDOW_NS, 1_000_001) for n in (1, 2, 3, 4, 5)]
    found = flashes(spans, Led.KWH).time_ns.tolist()
    assert found == [-(-each.numerator // each.denominator) for each in wanted]


def test_no_window_gives_no_pulse():
    assert len(flashes(part(spans_of([(1, 1)]), 1, 1), Led.KWH)) == 0


def test_pulses_too_fast_to_be_told_apart_are_refused():
    most = MOST_PULSES_PER_S * MICRO_PER_PULSE
    pulses = flashes(spans_of([(most, SECOND)]), Led.KWH)
    assert len(pulses) == MOST_PULSES_PER_S
    assert (np.diff(pulses.time_ns) > 0).all()
    with pytest.raises(SampleError, match="10000 times a second"):
        flashes(spans_of([(most + 1, SECOND)]), Led.KWH)
