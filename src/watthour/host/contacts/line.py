"""A line that says what a contact does: ``time,input,state``.

::

    # anything after a hash is a remark
    time,input,state
    2026-01-01T00:00:10.250Z,1,closed
    2026-01-01T00:00:10.350Z,1,open
    12.5,2,closed                       seconds since the source's first sample
    now,2,open                          of a FIFO: at once

In: text. Out: the line's meaning, or one sentence that says what is wrong with it. The heading may be left out.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from watthour.host.instants import iso, to_ns
from watthour.pulses import INPUTS
from watthour.units import NANOSECONDS

HEADING = "time,input,state"
NOW = "now"

_STATES = {"closed": True, "1": True, "open": False, "0": False}
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,9})?")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)")
_HELP = f'write "{HEADING}", such as 2026-01-01T00:00:10.25Z,1,closed'
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLine:
    """What a line says.

    Parameters
    ----------
    time_ns : int or None
        Nanoseconds UTC since 1970; None: now.
    input : int
        1 or 2.
    closed : bool
        As the contact is from then on.
    """

    time_ns: int | None
    input: int
    closed: bool


def read_line(text: str, start_ns: int) -> ContactLine | None:
    """Return what a line says; None if it says nothing.

    Parameters
    ----------
    start_ns : int
        Instant of the source's first sample, from which plain seconds count.

    Raises
    ------
    ValueError
        If it is no such line, in one sentence.
    """
    said = text.partition("#")[0].strip()
    if said in {"", HEADING}:
        return None
    parts = [part.strip() for part in said.split(",")]
    if len(parts) != len(HEADING.split(",")):
        msg = f"{_shown(said)} is no line of a contact: {_HELP}"
        raise ValueError(msg)
    when, number, state = parts
    if number not in {str(each) for each in INPUTS}:
        msg = f"input {_shown(number)}: there are 1 and 2"
        raise ValueError(msg)
    if state.lower() not in _STATES:
        msg = f"state {_shown(state)}: a contact is closed or open"
        raise ValueError(msg)
    return ContactLine(time_ns=_instant(when, start_ns), input=int(number), closed=_STATES[state.lower()])


def require_later(line: ContactLine, last: dict[int, int]) -> None:
    """Refuse a line that does not come after the one before it at the same input, and take note of it.

    Parameters
    ----------
    last : dict of int to int
        Instant of the last line of each input.

    Raises
    ------
    ValueError
        If it does not.
    """
    if line.time_ns is None:
        return
    before_ns = last.get(line.input)
    if before_ns is not None and line.time_ns <= before_ns:
        late = "at the same instant as" if line.time_ns == before_ns else "before"
        msg = f"input {line.input} at {iso(line.time_ns)}, {late} its line above: put the lines in order of time"
        raise ValueError(msg)
    last[line.input] = line.time_ns


def _instant(text: str, start_ns: int) -> int | None:
    if text == NOW:
        return None
    if _SECONDS.fullmatch(text):
        return start_ns + int(Decimal(text) * NANOSECONDS)
    match = _INSTANT.fullmatch(text)
    try:
        whole = datetime.fromisoformat(f"{match[1]}{match[3]}") if match else None
    except ValueError:
        whole = None
    if match is None or whole is None:
        msg = f"time {_shown(text)}: write an instant with its zone, such as 2026-01-01T00:00:10.25Z, or seconds since the first sample"
        raise ValueError(msg)
    return to_ns(whole) + int((match[2] or "").ljust(9, "0"))


def _shown(text: str) -> str:
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return repr(shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}...")
