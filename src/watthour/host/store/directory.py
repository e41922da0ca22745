"""A meter's data directory: DATA/SERIAL, one checked record in it, one process at a time.

The record is written beside the old one, synced, and put in its place by a rename, so a stop in the middle
leaves the old one whole. What it holds is decided in ``meter/``; how it is checked, in ``journal/``.
"""

import fcntl
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from watthour import journal
from watthour.errors import DamagedRecordError, StoreBusyError, StoreError
from watthour.meter import MeterState, row_from_record, row_to_record, state_from_record, state_to_record

STATE = "meter.state"
_LOCK = "lock"
_NEW = ".new"


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
    """

    source: str
    sources: Mapping[str, Taken]
    state: MeterState


class DataDirectory:
    """The data directory of one meter, held from `open` to `close`.

    Parameters
    ----------
    data : Path
        What the user named; the meter's own directory lies in it.
    serial : int
        The meter's serial number, which names its directory.
    """

    def __init__(self, data: Path, serial: int) -> None:
        self.path = data / str(serial)
        self._lock = -1

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def open(self) -> None:
        """Make the directory if need be, and own it.

        Raises
        ------
        StoreBusyError
            If another process owns it.
        StoreError
            If it cannot be made or written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            msg = f"{self.path}: another process meters into this directory: stop it, or name another with --data"
            raise StoreBusyError(msg) from None
        except OSError as problem:
            self.close()
            msg = f"{self.path}: cannot keep state here ({problem.strerror}): name another directory with --data"
            raise StoreError(msg) from None

    def close(self) -> None:
        """Let go of the directory."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def load(self) -> Kept | None:
        """Return what was kept; None in a new directory.

        Raises
        ------
        StoreError
            If the record cannot be read or believed.
        """
        file = self.path / STATE
        try:
            return _from_record(journal.from_bytes(file.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as problem:
            msg = f"{file}: cannot be read ({problem.strerror}): mend that, or name another directory with --data"
            raise StoreError(msg) from None
        except DamagedRecordError as problem:
            msg = f"{file}: {problem}: restore it from a copy, or move it away to begin with fresh registers"
            raise StoreError(msg) from None

    def save(self, kept: Kept) -> None:
        """Keep a state in place of the one before.

        Raises
        ------
        StoreError
            If it could not be written whole; the one before is still there.
        """
        sources = {identity: asdict(taken) for identity, taken in kept.sources.items()}
        rows = [row_to_record(row) for row in kept.state.profile]
        record = {"source": kept.source, "sources": sources, "meter": state_to_record(kept.state), "profile": rows}
        file = self.path / STATE
        try:
            with (self.path / (STATE + _NEW)).open("wb") as new:
                new.write(journal.to_bytes(record))
                new.flush()
                os.fsync(new.fileno())
            (self.path / (STATE + _NEW)).replace(file)
            _sync_directory(self.path)
        except OSError as problem:
            msg = f"{file}: the state could not be kept ({problem.strerror})"
            raise StoreError(msg) from None


def _from_record(content: dict[str, Any]) -> Kept:
    try:
        sources = {identity: _taken(record) for identity, record in content["sources"].items()}
        source, meter = content["source"], content["meter"]
        profile = [row_from_record(row) for row in content["profile"]]
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        msg = f"it does not hold what this version keeps ({problem})"
        raise DamagedRecordError(msg) from None
    return Kept(source=source, sources=MappingProxyType(sources), state=state_from_record(meter, profile))


def _taken(record: dict[str, Any]) -> Taken:
    sample, time_ns, rate_hz = record["clock"]
    return Taken(
        next_sample=int(record["next_sample"]),
        finished=bool(record["finished"]),
        start_ns=int(record["start_ns"]),
        clock=(int(sample), int(time_ns), float(rate_hz)),
    )


def _sync_directory(path: Path) -> None:
    """Make a rename in the directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
