"""Which instant a sample of a source belongs to: by counting samples, never by looking at a clock."""

from watthour.samples import Block
from watthour.units import NANOSECONDS


class SampleClock:
    """Instants of a source's samples.

    Parameters
    ----------
    sample, time_ns : int
        A sample whose instant is known.
    rate_hz : float
        Samples per second from it on; a block of another rate moves the anchor to its first sample.
    """

    def __init__(self, sample: int, time_ns: int, rate_hz: float) -> None:
        self._sample = sample
        self._time_ns = time_ns
        self._rate_hz = rate_hz

    def time_of(self, block: Block) -> int:
        """Return the instant of a block's first sample, nanoseconds UTC since 1970."""
        time_ns = self._time_ns + round((block.first_sample - self._sample) * NANOSECONDS / self._rate_hz)
        if block.rate_hz != self._rate_hz:
            self._sample, self._time_ns, self._rate_hz = block.first_sample, time_ns, block.rate_hz
        return time_ns
