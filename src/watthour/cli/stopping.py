"""SIGINT and SIGTERM, noted from the first moment of a run to its last, so that a stop always ends in order."""

import signal
from types import FrameType


def end_undisturbed() -> None:
    """Let no signal change the exit status of a program that has done its work."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class Stopping:
    """Whether the program has been asked to stop; from its making on, a signal no longer ends the program by itself."""

    def __init__(self) -> None:
        self._is_asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def is_asked(self) -> bool:
        """Tell whether a signal has come."""
        return self._is_asked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
