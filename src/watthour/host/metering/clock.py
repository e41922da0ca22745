"""Which instant a sample of a source belongs to: by counting samples, never by looking at a clock."""

from fractions import Fraction
from math import floor

from watthour.samples import Delivery
from watthour.units import NANOSECONDS

Anchor = tuple[int, int, float]
"""A sample, its instant in nanoseconds UTC since 1970, and the samples per second from it on."""


class SampleClock:
    """Instants of a source's samples.

    Parameters
    ----------
    sample, time_ns : int
        A sample whose instant is known.
    rate_hz : float
        Samples per second from it on; a block of another rate moves the anchor to its first sample.

    Attributes
    ----------
    anchor : Anchor
        To be kept: a clock made of it goes on to the nanosecond as this one would have.
    """

    def __init__(self, sample: int, time_ns: int, rate_hz: float) -> None:
        self.anchor: Anchor = (sample, time_ns, rate_hz)

    def time_of(self, block: Delivery) -> int:
        """Return the instant of a block's first sample, nanoseconds UTC since 1970."""
        sample, anchor_ns, rate_hz = self.anchor
        time_ns = anchor_ns + round((block.first_sample - sample) * NANOSECONDS / Fraction(rate_hz))
        if block.rate_hz != rate_hz:
            self.anchor = (block.first_sample, time_ns, block.rate_hz)
        return time_ns

    def sample_at(self, time_ns: int) -> int:
        """Return the first sample at or after an instant, to half a sample, at the rate now in force."""
        sample, anchor_ns, rate_hz = self.anchor
        return sample + floor((time_ns - anchor_ns) * Fraction(rate_hz) / NANOSECONDS + Fraction(1, 2))
