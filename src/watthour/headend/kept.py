"""Where the counters of a place stand, as a plain object that a store can keep, and back."""

from collections.abc import Mapping
from typing import Any

from watthour.headend.counting import Count, Good
from watthour.headend.reading import Quality


def to_plain(count: Count) -> dict[str, Any]:
    """Return a count as numbers, words, lists and mappings."""
    return {
        "good": _plain(count.good),
        "total": count.total,
        "held": _plain(count.held),
        "boundary_ns": count.boundary_ns,
        "at_boundary": count.at_boundary,
        "open_quality": int(count.open_quality),
        "stepped_ns": count.stepped_ns,
    }


def from_plain(plain: Mapping[str, Any]) -> Count:
    """Return the count that was kept.

    >>> from_plain(to_plain(Count())) == Count()
    True
    """
    return Count(
        good=_good(plain["good"]),
        total=plain["total"],
        held=_good(plain["held"]),
        boundary_ns=plain["boundary_ns"],
        at_boundary=plain["at_boundary"],
        open_quality=Quality(plain["open_quality"]),
        stepped_ns=plain.get("stepped_ns"),
    )


def _plain(good: Good | None) -> dict[str, Any] | None:
    if good is None:
        return None
    return {
        "time_ns": good.time_ns,
        "serial": good.serial,
        "counters": good.counters,
        "within_ns": good.within_ns,
        "resettable": good.resettable,
        "ratio": good.ratio,
    }


def _good(plain: Mapping[str, Any] | None) -> Good | None:
    return None if plain is None else Good(**plain)
