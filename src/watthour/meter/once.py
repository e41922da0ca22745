"""What follows from settings, worked out once for each set of them: a step asks for it again and again.

In: a function of settings. Out: the same function, which remembers what it said.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import TypeVar

from watthour.parameters import Setting

T = TypeVar("T")
Settings = Mapping[str, Setting]

_KEPT = 64
"""Sets of settings that are remembered at most (ours): more than a process has meters."""


def once_per_settings(work: Callable[[Settings], T]) -> Callable[[Settings], T]:
    """Return a function of settings that remembers its results.

    A mapping that somebody may change is worked out anew each time; a meter's own cannot be changed, another one takes its place.
    """
    kept: dict[int, tuple[Settings, T]] = {}

    @wraps(work)
    def ask(settings: Settings) -> T:
        found = kept.get(id(settings))
        if found is not None and found[0] is settings:
            return found[1]
        result = work(settings)
        if isinstance(settings, MappingProxyType):
            if len(kept) >= _KEPT:
                kept.clear()
            kept[id(settings)] = settings, result
        return result

    return ask
