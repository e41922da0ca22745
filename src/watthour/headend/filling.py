"""Filling what no read saw from the meter's own load profile.

In: boundaries as the reads around them place them, and the profile's energies. Out: the same boundaries where the profile puts
them, between the reads, or None where the profile does not fit the counters: it is then another clock's, or another meter's.
"""

from collections.abc import Callable, Mapping

from watthour.headend.reading import Energies, Quality

ProfileEnergies = Mapping[int, Energies]
"""Micro-units of each interval by its start; what the meter has no row of it metered nothing in."""

Placed = dict[int, tuple[Energies, Quality]]


def placed_by_profile(
    placed: Placed,
    profile: ProfileEnergies,
    *,
    step_ns: int,
    known: tuple[int, Energies] | None,
    reads: tuple[Energies, Energies],
    slack: Mapping[str, int],
    rest_micro: Callable[[int], int],
) -> Placed | None:
    """Return boundaries where a load profile puts them; those behind its newest row stay as they are.

    Parameters
    ----------
    placed : mapping of int to energies and quality
        What reads alone say; those that were read stay as they are.
    known : tuple, optional
        A boundary before them, and V there; without it they are counted from one that was read.
    reads : two energies
        U at the reads before and behind them: no boundary lies outside.
    slack : mapping of str to int
        By how much reads within the tolerance, and last digits, may disagree with the profile.
    rest_micro : callable
        Returns what may have been used between a boundary and the read behind all of them.
    """
    anchor = known or _first_read(placed)
    told = [at for at in placed if at <= max(profile, default=0) + step_ns]
    if anchor is None or not told:
        return placed
    low, high = reads
    by_profile = {at: _counted(anchor, at, profile, step_ns) for at in told}
    if any(_is_read(placed[at][1]) and _disagree(by_profile[at], placed[at][0], slack) for at in told):
        return None
    for name, micro in by_profile[told[-1]].items():
        if name in high and not -slack.get(name, 0) <= high[name] - micro <= rest_micro(told[-1]) + slack.get(name, 0):
            return None
    filled = {at: (_between(by_profile[at], low, high), Quality.PROFILE) for at in told if not _is_read(placed[at][1])}
    return {**placed, **filled}


def _is_read(quality: Quality) -> bool:
    return quality is Quality.MEASURED


def _first_read(placed: Placed) -> tuple[int, Energies] | None:
    return next(((at, energies) for at, (energies, quality) in placed.items() if _is_read(quality)), None)


def _counted(anchor: tuple[int, Energies], at: int, profile: ProfileEnergies, step_ns: int) -> dict[str, int]:
    """Return V at a boundary, counted from one where it is known."""
    begin, energies = anchor
    sign = 1 if at >= begin else -1
    starts = range(min(begin, at), max(begin, at), step_ns)
    return {
        name: micro + sign * sum(profile[start].get(name, 0) for start in starts if start in profile)
        for name, micro in energies.items()
    }


def _disagree(one: Energies, other: Energies, slack: Mapping[str, int]) -> bool:
    return any(abs(micro - other[name]) > slack.get(name, 0) for name, micro in one.items() if name in other)


def _between(wanted: Energies, low: Energies, high: Energies) -> dict[str, int]:
    return {name: min(max(micro, low.get(name, micro)), high.get(name, micro)) for name, micro in wanted.items()}
