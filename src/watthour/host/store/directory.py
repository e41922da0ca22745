"""A meter's data directory: DATA/SERIAL, one checked record in it, one process at a time.

The record is written beside the old one, synced, and put in its place by a rename, so a stop in the middle
leaves the old one whole. What it holds is decided in ``meter/``; how it is checked, in ``journal/``.
"""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from watthour import journal
from watthour.errors import DamagedRecordError, StoreBusyError, StoreError
from watthour.meter import MeterState, state_from_record, state_to_record

STATE = "meter.state"
_LOCK = "lock"
_NEW = ".new"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a data directory keeps.

    Parameters
    ----------
    source : str
        Identity of the source that was metered.
    finished : bool
        Whether it was metered to its end.
    """

    source: str
    finished: bool
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
            content = journal.from_bytes(file.read_bytes())
            state = state_from_record(content["meter"])
            return Kept(source=content["source"], finished=content["finished"], state=state)
        except FileNotFoundError:
            return None
        except OSError as problem:
            msg = f"{file}: cannot be read ({problem.strerror})"
            raise StoreError(msg) from None
        except (DamagedRecordError, KeyError) as problem:
            msg = f"{file}: {problem}: restore it from a copy, or move it away to begin with fresh registers"
            raise StoreError(msg) from None

    def save(self, kept: Kept) -> None:
        """Keep a state in place of the one before.

        Raises
        ------
        StoreError
            If it could not be written whole; the one before is still there.
        """
        record = {"source": kept.source, "finished": kept.finished, "meter": state_to_record(kept.state)}
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


def _sync_directory(path: Path) -> None:
    """Make a rename in the directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
