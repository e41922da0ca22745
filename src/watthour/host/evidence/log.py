"""The event chain as people and programs read it: an entry a line, with its number and the hash that it ends with."""

import hashlib
from collections.abc import Iterator
from typing import Any

from watthour.errors import DamagedRecordError
from watthour.host.evidence.files import MeterFiles
from watthour.host.instants import iso
from watthour.host.store.pair import LOST
from watthour.journal import Entry, Head, beginning

HEAD_DIGITS = 16
"""Of a hash, where a line is for people."""

Numbered = tuple[int, Entry | None, str]
"""Number, entry, and the hash after it; no entry where it is lost or damaged."""


def entries_of(meter: MeterFiles) -> Iterator[Numbered]:
    """Yield the entries of a meter's chain in order."""
    events = meter.loaded.rows["events"]
    for number, body in enumerate(events.since(0), events.oldest):
        try:
            entry = None if body == LOST else Entry.from_bytes(body)
        except DamagedRecordError:
            entry = None
        yield number, entry, "" if entry is None else hashlib.sha256(body).hexdigest()


def head_of(meter: MeterFiles) -> Head:
    """Return where a meter's chain ends, as its events have it."""
    numbered = list(entries_of(meter))
    if not numbered:
        return beginning(meter.serial)
    number, _, digest = numbered[-1]
    return Head(count=number + 1, digest=digest)


def entry_line(numbered: Numbered) -> str:
    """Return an entry in one line for people."""
    number, entry, digest = numbered
    if entry is None:
        return f"{number:>6}  missing or damaged"
    detail = ", ".join(f"{name} {value}" for name, value in entry.detail.items())
    return f"{number:>6}  {iso(entry.time_ns)}  {entry.kind}{': ' if detail else ''}{detail}  [{digest[:HEAD_DIGITS]}]"


def entry_record(meter: MeterFiles, numbered: Numbered) -> dict[str, Any]:
    """Return an entry as an object for programs; its kind is null where it is lost."""
    number, entry, digest = numbered
    if entry is None:
        return {
            "serial": meter.serial,
            "number": number,
            "time": None,
            "kind": None,
            "detail": {},
            "previous": None,
            "hash": None,
        }
    return {
        "serial": meter.serial,
        "number": number,
        "time": iso(entry.time_ns),
        "kind": entry.kind,
        "detail": dict(entry.detail),
        "previous": entry.previous,
        "hash": digest,
    }
