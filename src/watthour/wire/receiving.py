"""What a receiver on a shared serial line waits for, whatever the protocol: one machine, drawn in each link's docstring.

A frame begins, goes on and is whole; or what comes is no frame, and only a silence puts the line in step again.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """What the receiving side waits for."""

    IDLE = "idle"
    PARTIAL = "partial"
    LOST = "lost"


class Happening(Enum):
    """What can happen to the receiving side."""

    WHOLE = "the bytes so far are a frame"
    HALF = "the bytes so far may become a frame"
    NONSENSE = "the bytes so far are no frame"
    SILENCE = "nothing has come for a while"


NEXT: Mapping[tuple[State, Happening], State] = MappingProxyType(
    {
        (State.IDLE, Happening.WHOLE): State.IDLE,
        (State.IDLE, Happening.HALF): State.PARTIAL,
        (State.IDLE, Happening.NONSENSE): State.LOST,
        (State.IDLE, Happening.SILENCE): State.IDLE,
        (State.PARTIAL, Happening.WHOLE): State.IDLE,
        (State.PARTIAL, Happening.HALF): State.PARTIAL,
        (State.PARTIAL, Happening.NONSENSE): State.LOST,
        (State.PARTIAL, Happening.SILENCE): State.IDLE,
        (State.LOST, Happening.WHOLE): State.LOST,
        (State.LOST, Happening.HALF): State.LOST,
        (State.LOST, Happening.NONSENSE): State.LOST,
        (State.LOST, Happening.SILENCE): State.IDLE,
    }
)
"""The whole machine: every state has an answer to everything that can happen."""
