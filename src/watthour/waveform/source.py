"""What every source of samples offers, be it a recording or a simulated installation.

Out: blocks in order, from any position; what makes the source the same one again after a restart. A source
knows nothing of the meter that listens to it.
"""

from collections.abc import Iterator
from typing import Protocol

from watthour.samples import Block


class Source(Protocol):
    """Samples at the meter's terminals, in order.

    Attributes
    ----------
    name : str
        What a message calls it: the file as the user named it.
    identity : str
        SHA-256 in hex that makes it the same source after a restart.
    start_ns : int or None
        Instant of sample 0 in nanoseconds UTC since 1970, where the source itself says so.
    rate_hz : float
        Samples per second of the first block.
    samples : int or None
        How many there are; None for a source without end.
    remarks : tuple of str
        What a user must know of it, one line each, such as that a recording is truncated.
    """

    @property
    def name(self) -> str: ...
    @property
    def identity(self) -> str: ...
    @property
    def start_ns(self) -> int | None: ...
    @property
    def rate_hz(self) -> float: ...
    @property
    def samples(self) -> int | None: ...
    @property
    def remarks(self) -> tuple[str, ...]: ...

    def blocks(self, first_sample: int = 0) -> Iterator[Block]:
        """Yield the samples from `first_sample` on; a jump of `Block.first_sample` between blocks is a gap."""
        ...
