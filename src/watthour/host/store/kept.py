"""What a data directory keeps of a meter, as a record that JSON can write, and back.

The rows of events and profile travel beside it, each with a checksum of its own; the state says how many there are and
holds the hash that the newest one ends with, so that none can be altered, taken out or added unseen.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from watthour.errors import DamagedRecordError
from watthour.history import History, ProfileRow
from watthour.host.store.secret import SealSecret
from watthour.journal import Head
from watthour.meter import MeterState, row_from_record, row_to_record, state_from_record, state_to_record

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How far a source has been metered.

    Parameters
    ----------
    next_sample : int
        Index in the source of the first sample that has not been taken in.
    finished : bool
        Whether it was metered to its end.
    start_ns : int
        Instant of its first sample, nanoseconds UTC since 1970.
    clock : tuple of int, int, float
        A sample, its instant, and the samples per second from it on.
    """

    next_sample: int
    finished: bool
    start_ns: int
    clock: tuple[int, int, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a data directory keeps.

    Parameters
    ----------
    source : str
        Identity of the source that was metered last.
    sources : mapping of str to Taken
        Every source that was ever metered here, by its identity, so that none is counted twice.
    head : Head or None
        Where the chain of events ends; None: it was never begun.
    events : History of bytes
        Bodies of the events.
    secret : SealSecret or None
        What opens the seal; None before the first sealing.
    sealed_source : mapping of str to str
        What the seal holds beside settings: how the source is read (channels, scale, rate, side of the transformers), and the hash
        of the calendar's file.
    folder : str
        What the path of a calendar file is relative to; empty: where the program runs.
    committed_ns : int
        Wall clock of the commit, nanoseconds UTC since 1970; 0: not known.
    stopped : bool
        Whether the meter was stopped in order after it.
    fresh_since_ns : int or None
        Since when the registers are fresh ones, because those before were lost.
    software_id : str
        Hash of the software that wrote it; empty: not known.
    is_passing : bool
        Whether the next window will come for certain and another commit with it: what nobody has asked for is not found for this one.
    """

    source: str
    sources: Mapping[str, Taken]
    state: MeterState
    head: Head | None = None
    events: History[bytes] = field(default_factory=lambda: History(keep=2**31))
    secret: SealSecret | None = None
    sealed_source: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    committed_ns: int = 0
    stopped: bool = False
    fresh_since_ns: int | None = None
    software_id: str = ""
    is_passing: bool = False


def kept_to_content(kept: Kept) -> Json:
    """Return what is kept as an object that JSON can write."""
    return {
        "source": kept.source,
        "sources": {identity: _taken_to_record(taken) for identity, taken in kept.sources.items()},
        "meter": state_to_record(kept.state, asks=not kept.is_passing),
        "head": None if kept.head is None else {"count": kept.head.count, "digest": kept.head.digest},
        "secret": None if kept.secret is None else asdict(kept.secret),
        "sealed_source": dict(kept.sealed_source),
        "folder": kept.folder,
        "committed_ns": kept.committed_ns,
        "stopped": kept.stopped,
        "fresh_since_ns": kept.fresh_since_ns,
        "software_id": kept.software_id,
    }


def kept_from_content(content: Mapping[str, Any], events: History[bytes] | None = None, profile: Sequence[bytes] = ()) -> Kept:
    """Return what `kept_to_content` wrote; a record of before there was an event chain holds less.

    Parameters
    ----------
    events : History of bytes, optional
    profile : sequence of bytes
        Bodies of the newest rows of the load profile, none of them missing.

    Raises
    ------
    DamagedRecordError
        If it does not hold what this version keeps.
    """
    try:
        head, secret = content.get("head"), content.get("secret")
        parts: dict[str, Any] = {
            "source": content["source"],
            "sources": MappingProxyType({identity: _taken(record) for identity, record in content["sources"].items()}),
            "head": None if head is None else Head(**head),
            "secret": None if secret is None else SealSecret(**secret),
            "sealed_source": dict(content.get("sealed_source", {})),
            "folder": str(content.get("folder", "")),
            "committed_ns": int(content.get("committed_ns", 0)),
            "stopped": bool(content.get("stopped", True)),
            "fresh_since_ns": content.get("fresh_since_ns"),
            "software_id": str(content.get("software_id", "")),
        }
        rows = [row_from_record(json.loads(body)) for body in profile]
        meter = content["meter"]
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        msg = f"it does not hold what this version keeps ({problem})"
        raise DamagedRecordError(msg) from None
    if events is not None:
        parts["events"] = events
    return Kept(state=state_from_record(meter, rows), **parts)


def row_body(row: ProfileRow) -> bytes:
    """Return a row of the load profile as it is kept."""
    return json.dumps(row_to_record(row), separators=(",", ":")).encode()


def _taken_to_record(taken: Taken) -> Json:
    return {
        "next_sample": taken.next_sample,
        "finished": taken.finished,
        "start_ns": taken.start_ns,
        "clock": taken.clock,
    }


def _taken(record: Json) -> Taken:
    sample, time_ns, rate_hz = record["clock"]
    return Taken(
        next_sample=int(record["next_sample"]),
        finished=bool(record["finished"]),
        start_ns=int(record["start_ns"]),
        clock=(int(sample), int(time_ns), float(rate_hz)),
    )
