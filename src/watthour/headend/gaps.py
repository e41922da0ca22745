"""Which stretches of a place's history are not known as they should be: neighbouring intervals of one quality as one gap.

In: intervals in order, and until when the place should be known. Out: gaps with what bounds them. A gap has a length and never a zero.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watthour.headend.reading import Interval, Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A stretch [begin, end).

    Parameters
    ----------
    quality : Quality
        ESTIMATED: its sum is exact, its course is not; INCOMPLETE: its sum is a lower bound; GAP: nothing is known.
    energies : mapping of str to int
        Sums in micro-units; empty where nothing is known.
    is_open : bool
        No good read has ended it yet.
    """

    begin_ns: int
    end_ns: int
    quality: Quality
    energies: dict[str, int]
    is_open: bool = False


def gaps_of(intervals: Iterable[Interval], step_ns: int, until_ns: int | None = None) -> Iterator[Gap]:
    """Yield the gaps of one place.

    Parameters
    ----------
    until_ns : int, optional
        Boundary up to which the place should be known: what is not there yet is an open gap.
    """
    gap: Gap | None = None
    known_ns: int | None = None
    for interval in intervals:
        if known_ns is not None and interval.start_ns > known_ns:
            yield from () if gap is None else (gap,)
            gap = Gap(begin_ns=known_ns, end_ns=interval.start_ns, quality=Quality.GAP, energies={})
        known_ns = interval.start_ns + step_ns
        if gap is not None and interval.quality is gap.quality and interval.start_ns == gap.end_ns:
            gap = Gap(begin_ns=gap.begin_ns, end_ns=known_ns, quality=gap.quality, energies=_sum(gap.energies, interval))
            continue
        yield from () if gap is None else (gap,)
        gap = None
        if interval.quality >= Quality.ESTIMATED:
            energies = dict(interval.energies)
            gap = Gap(begin_ns=interval.start_ns, end_ns=known_ns, quality=interval.quality, energies=energies)
    yield from () if gap is None else (gap,)
    if until_ns is not None and known_ns is not None and until_ns > known_ns:
        yield Gap(begin_ns=known_ns, end_ns=until_ns, quality=Quality.GAP, energies={}, is_open=True)


def _sum(energies: dict[str, int], interval: Interval) -> dict[str, int]:
    return {name: micro + energies.get(name, 0) for name, micro in interval.energies.items()}
