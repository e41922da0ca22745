"""The event chain: entries that only follow one another, each hashed over the one before it.

::

    beginning ──▶ entry 0 ──▶ entry 1 ──▶ … ──▶ entry n-1
    h0 = SHA-256("watthour event chain 1, serial S")
    h(k+1) = SHA-256(body of entry k), and that body holds h(k) as "previous"

The **body** of an entry is its canonical bytes: one JSON object, ASCII, keys sorted, no spaces, with the keys ``detail``
(object of strings), ``kind`` (string), ``number`` (integer, from 0), ``previous`` (64 lower-case hexadecimal digits) and
``time_ns`` (integer, nanoseconds UTC since 1970). The hash of the last body, the **head**, stands for all of them.

Whoever holds the disk can write the whole chain anew; whoever has noted a head finds out (`anchor_fault`). What an
event means is not known here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watthour.errors import DamagedRecordError

_KEYS = {"detail", "kind", "number", "previous", "time_ns"}
_HEX_DIGITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain ends.

    Parameters
    ----------
    count : int
        Entries in it.
    digest : str
        SHA-256 of the last body, hexadecimal; of the beginning where there is no entry.
    """

    count: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event in its place.

    Parameters
    ----------
    number : int
        From 0.
    time_ns : int
        Nanoseconds UTC since 1970.
    previous : str
        Hash of the body before it.
    """

    number: int
    time_ns: int
    kind: str
    detail: Mapping[str, str]
    previous: str

    def to_bytes(self) -> bytes:
        """Return the body: the canonical bytes that are hashed and kept."""
        content = {
            "detail": dict(self.detail),
            "kind": self.kind,
            "number": self.number,
            "previous": self.previous,
            "time_ns": self.time_ns,
        }
        return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> "Entry":
        """Return the entry of a body.

        Raises
        ------
        DamagedRecordError
            If it is not the canonical bytes of an entry.
        """
        try:
            content = json.loads(body)
            entry = cls(**content) if set(content) == _KEYS else None
        except (TypeError, ValueError):
            entry = None
        if entry is None or not entry.is_wellformed() or entry.to_bytes() != body:
            msg = "these are not the bytes of an event"
            raise DamagedRecordError(msg)
        return entry

    def is_wellformed(self) -> bool:
        """Tell whether each part is of its kind."""
        texts = (self.kind, self.previous, *self.detail, *self.detail.values()) if isinstance(self.detail, dict) else (None,)
        return (
            all(isinstance(text, str) for text in texts)
            and type(self.number) is int
            and type(self.time_ns) is int
            and len(self.previous) == _HEX_DIGITS
        )


def beginning(serial: int) -> Head:
    """Return the head of the empty chain of a meter: no meter's chain can stand in for another's."""
    return Head(count=0, digest=hashlib.sha256(f"watthour event chain 1, serial {serial}".encode()).hexdigest())


def append(head: Head, *, time_ns: int, kind: str, detail: Mapping[str, str]) -> tuple[Entry, Head]:
    """Return the entry that follows a head, and the head after it."""
    entry = Entry(number=head.count, time_ns=time_ns, kind=kind, detail=dict(detail), previous=head.digest)
    return entry, after(entry.to_bytes(), head.count)


def after(body: bytes, number: int) -> Head:
    """Return the head behind a body that is entry `number`."""
    return Head(count=number + 1, digest=hashlib.sha256(body).hexdigest())


def chain_faults(bodies: Sequence[bytes | None], serial: int, head: Head | None = None) -> list[str]:
    """Return what is wrong with a chain, one line each; nothing where it is whole.

    Parameters
    ----------
    bodies : sequence of bytes or None
        From entry 0 on; None is one that cannot be read.
    head : Head, optional
        Where the meter's state says that it ends.
    """
    faults = []
    at: Head | None = beginning(serial)
    for number, body in enumerate(bodies):
        fault = f"event {number} is missing or damaged" if body is None else _fault_of(body, number, at)
        faults += [fault] if fault else []
        at = None if body is None else after(body, number)
    if head is not None and at != head:
        end = "where an event is missing" if at is None else f"with event {at.count - 1} ({at.digest[:16]}…)"
        faults.append(f"the chain ends {end}, but the state says event {head.count - 1} ({head.digest[:16]}…)")
    return faults


def _fault_of(body: bytes, number: int, at: Head | None) -> str:
    """Return what is wrong with one entry; `at` is the head before it, None where the one before is missing."""
    try:
        entry = Entry.from_bytes(body)
    except DamagedRecordError as problem:
        return f"event {number}: {problem}"
    if entry.number != number:
        return f"event {number} says that it is event {entry.number}: events were removed or reordered"
    if at is not None and entry.previous != at.digest:
        return f"event {number} does not follow from the one before it: one of the two was altered"
    return ""


def anchor_fault(bodies: Sequence[bytes | None], serial: int, anchor: str) -> str:
    """Return why a head noted earlier does not belong to this chain; empty where it does.

    Parameters
    ----------
    anchor : str
        Hexadecimal; at least its first 16 digits.
    """
    wanted = anchor.strip().lower()
    digests = [beginning(serial).digest, *(hashlib.sha256(body).hexdigest() for body in bodies if body is not None)]
    if any(digest.startswith(wanted) for digest in digests):
        return ""
    return f"the noted head {wanted[:16]}… is not in this chain: it was rewritten, cut, or put back to an earlier state"


def link(previous: str, body: bytes) -> str:
    """Return the running hash of a series of rows after one more: SHA-256(previous, body), hexadecimal."""
    return hashlib.sha256(previous.encode() + body).hexdigest()
