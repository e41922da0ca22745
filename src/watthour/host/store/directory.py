"""A meter's data directory: DATA/SERIAL, two complete files in it, one process at a time.

What is kept is decided in ``meter/``, how it is checked in ``journal/``, and how the two files stand in for one another in
`Pair`. A directory of an earlier version holds one record, ``meter.state``; it is taken over into the two files.
"""

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from watthour import journal
from watthour.errors import DamagedRecordError, StorageFaultError, StoreBusyError, StoreError
from watthour.history import History
from watthour.host.store.disk import Disk, FileDisk, sync_directory
from watthour.host.store.kept import Kept, kept_from_content, kept_to_content, row_body
from watthour.host.store.pair import KEEP, LOST, Loaded, Pair
from watthour.meter import MeterState

EARLIER_STATE = "meter.state"
_LOCK = "lock"
_READERS_MOMENT_S = 1.0
_TAKEN_OVER = ".taken-over"
_BEGUN = b"this meter has kept a state: its files were not always empty\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a data directory held when it was opened.

    Parameters
    ----------
    kept : Kept or None
        None in a new directory, and where nothing can be believed.
    faults : tuple of str
        What was found damaged, one line each.
    is_lost : bool
        Whether there was a state, and none can be believed.
    events : History of bytes
        Those that can be read, also where the state is lost.
    """

    kept: Kept | None
    faults: tuple[str, ...]
    is_lost: bool
    events: History[bytes]


class DataDirectory:
    """The data directory of one meter, held from `open` to `close`.

    Parameters
    ----------
    data : Path
        What the user named; the meter's own directory lies in it.
    serial : int
        The meter's serial number, which names its directory.
    disk : Disk, optional
        Where the files are, if not there.
    """

    def __init__(self, data: Path, serial: int, disk: Disk | None = None) -> None:
        self.path = data / str(serial)
        self.serial = serial
        self._lock = -1
        self._profile = History[bytes](keep=KEEP["profile"])
        self._pair = Pair(FileDisk(self.path) if disk is None else disk)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def fault(self) -> str:
        """What is wrong with the store now, in one line; empty where nothing is."""
        return self._pair.fault

    def take_news(self) -> tuple[str, ...]:
        """Return what failed or was mended since last asked, one line each."""
        return self._pair.take_news()

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
            sync_directory(self.path.parent)
            self._lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            _own(self._lock)
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
        self._pair.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def load(self) -> Found:
        """Return what was kept, and what of it is damaged.

        Raises
        ------
        StoreError
            If the disk does not give back what was kept, and nothing else can be believed: an answer to come is no reason to
            begin anew. If what was kept is of another version, or that of an earlier version cannot be read or believed.
        """
        loaded = self._pair.load()
        if loaded.content is None and loaded.is_withheld:
            said = "; ".join(loaded.faults)
            msg = f"{self.path}: what was kept cannot be read ({said}): mend that, or name another directory with --data"
            raise StoreError(msg)
        if loaded.content is None and not loaded.is_lost:
            earlier = self._earlier()
            is_lost = earlier is None and self._has_begun()
            faults = ("both files are empty or gone, but this meter has kept a state before",) if is_lost else ()
            return Found(kept=earlier, faults=(*loaded.faults, *faults), is_lost=is_lost, events=loaded.rows["events"])
        found = _found(loaded, self.path)
        if found.kept is not None:
            self._profile = History(
                _unbroken(loaded.rows["profile"]), keep=KEEP["profile"], first=found.kept.state.profile.oldest
            )
        return found

    def save(self, kept: Kept, *, both: bool = True) -> None:
        """Keep a state after the one before, with every event and row of the profile.

        Parameters
        ----------
        both : bool
            In both files; else in the one whose turn it is.

        Raises
        ------
        StoreError
            If neither file took it; what was kept before is still there. If the directory is not held: it may be another's.
        """
        if self._lock < 0:
            msg = f"{self.path}: this directory is not held: nothing is written into it"
            raise StoreError(msg)
        before, self._profile = self._profile, self._profile_of(kept.state)
        rows = {"events": kept.events, "profile": self._profile}
        try:
            self._pair.commit(kept_to_content(kept), rows, now_s=time.monotonic(), both=both)
            if not self._has_begun():
                self._begin()
        except (StorageFaultError, OSError) as problem:
            self._profile = before
            msg = f"{self.path}: the state could not be kept ({problem})"
            raise StoreError(msg) from None

    def _profile_of(self, state: MeterState) -> History[bytes]:
        """Return the rows of a state's load profile as they are kept; those that were kept before are there already."""
        profile = self._profile
        if profile.oldest > state.profile.oldest or len(profile) > len(state.profile):
            profile = History(keep=KEEP["profile"], first=state.profile.oldest)
        for row in state.profile.since(len(profile)):
            profile = profile.append(row_body(row))
        return profile

    def _earlier(self) -> Kept | None:
        """Return the state that an earlier version kept; None where there is none."""
        file = self.path / EARLIER_STATE
        try:
            content = journal.from_bytes(file.read_bytes())
            return kept_from_content(content, profile=[json.dumps(row).encode() for row in content.get("profile", ())])
        except FileNotFoundError:
            return None
        except OSError as problem:
            msg = f"{file}: cannot be read ({problem.strerror}): mend that, or name another directory with --data"
            raise StoreError(msg) from None
        except DamagedRecordError as problem:
            msg = f"{file}: {problem}: restore it from a copy, or move it away to begin with fresh registers"
            raise StoreError(msg) from None

    def _has_begun(self) -> bool:
        return os.fstat(self._lock).st_size > 0

    def _begin(self) -> None:
        """Note that a state was kept; from now on empty files are a loss. The record of an earlier version goes."""
        os.pwrite(self._lock, _BEGUN, 0)
        os.fsync(self._lock)
        with suppress(FileNotFoundError):
            (self.path / EARLIER_STATE).replace(self.path / (EARLIER_STATE + _TAKEN_OVER))
        sync_directory(self.path)


def _own(lock: int) -> None:
    """Lock a file for this process alone; who only reads holds it for a moment at most. Raise BlockingIOError else."""
    give_up_s = time.monotonic() + _READERS_MOMENT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_s:
                raise
            time.sleep(_READERS_MOMENT_S / 20)
        else:
            return


def _found(loaded: Loaded, path: Path) -> Found:
    events = loaded.rows["events"]
    if loaded.content is None:
        return Found(kept=None, faults=loaded.faults, is_lost=True, events=events)
    try:
        kept = kept_from_content(loaded.content, events, _unbroken(loaded.rows["profile"]))
    except DamagedRecordError as problem:  # its checksum is right, so another version wrote it
        msg = f"{path}: {problem}: restore it from a copy, or move it away to begin with fresh registers"
        raise StoreError(msg) from None
    return Found(kept=kept, faults=loaded.faults, is_lost=False, events=events)


def _unbroken(rows: History[bytes]) -> tuple[bytes, ...]:
    """Return the newest rows behind the last that is lost: what a meter goes on with. The files set aside hold the others."""
    bodies = rows.since(0)
    lost = [place for place, body in enumerate(bodies) if body == LOST]
    return bodies[lost[-1] + 1 :] if lost else bodies
