"""Lines on standard error: what happened, and what a user should know."""

import sys

from watthour.host.instants import iso
from watthour.view import Event


def say(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"watthour: {text}\n")
    sys.stderr.flush()


def event_line(event: Event) -> str:
    """Return an event in one line.

    >>> from watthour.view import EventKind
    >>> event_line(Event(time_ns=0, kind=EventKind.SOURCE_GAP, detail={"samples": "100", "duration_s": "0.0125"}))
    '1970-01-01T00:00:00Z source gap: samples 100, duration_s 0.0125'
    """
    detail = ", ".join(f"{name} {value}" for name, value in event.detail.items())
    return f"{iso(event.time_ns)} {event.kind}{': ' if detail else ''}{detail}"
