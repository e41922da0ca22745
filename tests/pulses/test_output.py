"""The queue of the pulse output: nothing lost, nothing closer than the norm allows, and rates that cannot be kept up refused."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.pulses import PulseOutput, PulseShape, due_instants, give, require_rate
from watthour.pulses.output import LEAST_OFF_MS

MS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """A `Course` of known readings, the first before the first window."""

    readings: Sequence[int]

    @property
    def first(self) -> int:
        """The register before the first window."""
        return self.readings[0]

    @property
    def last(self) -> int:
        """The register after the last window."""
        return self.readings[-1]

    def reading(self, window: int) -> int:
        """Return the register after so many windows."""
        return self.readings[window]

    def window_reaching(self, amount: int) -> int:
        """Return the first window after which the register holds `amount`."""
        return bisect_left(self.readings, amount) - 1


@pytest.mark.parametrize(
    ("readings", "weight", "due"),
    [
        ([0, 100], 25, [250, 500, 750, 1000]),
        ([0, 99], 100, []),
        ([0, 100], 100, [1000]),
        ([99, 101], 100, [500]),
        ([0, 50, 50, 150], 100, [2500]),
        ([100, 101], 100, []),
        ([0, 3], 1, [334, 667, 1000]),
    ],
)
def test_a_pulse_is_due_where_the_register_passes_a_multiple_of_its_weight(readings, weight, due):
    assert due_instants(Readings(readings=readings), lambda window: 1000 * window, weight) == due


growth = st.lists(st.integers(0, 400), min_size=1, max_size=60)


@given(steps=growth, weight=st.integers(1, 300), width=st.integers(30, 500), first=st.integers(0, 1000), cut=st.integers(0, 60))
def test_no_pulse_is_lost_and_none_is_too_close_however_the_windows_are_cut(steps, weight, width, first, cut):
    readings = list(accumulate(steps, initial=first))
    shape = PulseShape(weight=1, width_ms=width)

    def metered(output, begin, end):
        if begin == end:
            return output, ()
        due = due_instants(Readings(readings=readings[begin : end + 1]), lambda window: (begin + window) * 200 * MS, weight)
        return give(output, due, since_ns=begin * 200 * MS, until_ns=end * 200 * MS, spacing_ns=shape.spacing_ns)

    whole, starts = metered(PulseOutput(), 0, len(steps))
    cut = min(cut, len(steps))
    half, early = metered(PulseOutput(), 0, cut)
    parted, late = metered(half, cut, len(steps))
    assert (parted, (*early, *late)) == (whole, starts)
    owed = readings[-1] // weight - first // weight
    assert (whole.count + whole.pending, whole.count) == (owed, len(starts))
    assert all(later - earlier >= (width + LEAST_OFF_MS) * MS for earlier, later in pairwise(starts))
    _, rest = give(whole, (), since_ns=len(steps) * 200 * MS, until_ns=10**15, spacing_ns=shape.spacing_ns)
    assert len(starts) + len(rest) == owed


LIMITS = {"voltage_v": Fraction(276), "maximum_a": Fraction(6), "unit": "Wh"}


@pytest.mark.parametrize(
    ("weight", "width_ms", "ratio"), [(8, 100, 40), (4, 30, 40), (1, 100, 5), (180, 100, 1000), (30, 500, 40)]
)
def test_a_weight_that_can_just_be_kept_up_passes_and_one_less_does_not(weight, width_ms, ratio):
    per_second = 3 * 276 * 6 * ratio / 3600
    assert weight * 1000 / (width_ms + 30) >= per_second  # what the border must be
    least = -(-3 * 276 * 6 * ratio * (width_ms + 30) // 3_600_000)
    assert least <= weight
    require_rate(PulseShape(weight=least, width_ms=width_ms), ratio=Fraction(ratio), **LIMITS)
    if least > 1:
        with pytest.raises(ValueError, match=f"pulse_weight at least {least}"):
            require_rate(PulseShape(weight=least - 1, width_ms=width_ms), ratio=Fraction(ratio), **LIMITS)


def test_a_refusal_shows_its_arithmetic():
    with pytest.raises(ValueError, match="cannot be kept up") as refused:
        require_rate(PulseShape(weight=5, width_ms=100), ratio=Fraction(40), **LIMITS)
    told = str(refused.value)
    for part in (
        "5 Wh a pulse of 100 ms", "3 x 276 V x 6 A x 40 = 198720 W", "11.04 pulses/s", "7.692", "100 ms on + 30 ms off",
        "pulse_weight at least 8", "pulse_width_ms at most 60",
    ):  # fmt: skip
        assert part in told
    require_rate(PulseShape(weight=5, width_ms=60), ratio=Fraction(40), **LIMITS)
    with pytest.raises(ValueError, match="cannot"):
        require_rate(PulseShape(weight=5, width_ms=61), ratio=Fraction(40), **LIMITS)
