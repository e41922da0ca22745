"""What every source of samples offers, be it a recording or a simulated installation.

Out: blocks of samples, or of seconds as phasors, in order, from any position; what makes the source the same one again after a restart. A source
knows nothing of the meter that listens to it.
"""

from collections.abc import Iterator
from typing import Protocol

from watthour.samples import Delivery


class Source(Protocol):
    """Samples at the meter's terminals, in order."""

    @property
    def name(self) -> str:
        """What a message calls it: the file as the user named it."""
        ...

    @property
    def identity(self) -> str:
        """SHA-256 in hex that makes it the same source after a restart."""
        ...

    @property
    def start_ns(self) -> int | None:
        """Instant of sample 0, nanoseconds UTC since 1970, where the source itself says so."""
        ...

    @property
    def rate_hz(self) -> float:
        """Samples per second of the first block."""
        ...

    @property
    def sample_type(self) -> str:
        """What it delivers, one of `watthour.samples.SAMPLE_TYPES` or `PHASORS`: loops are made ready before it comes."""
        ...

    @property
    def samples(self) -> int | None:
        """How many samples there are; None for a source without end."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user must know of it, one line each, such as that a recording is truncated."""
        ...

    def blocks(self, first_sample: int = 0) -> Iterator[Delivery]:
        """Yield the samples from `first_sample` on; a jump of ``first_sample`` between blocks is a gap."""
        ...
