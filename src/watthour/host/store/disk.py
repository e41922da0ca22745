"""What the store needs of a disk, as narrow as it goes, and that disk as SQLite and the file system give it.

Everything above works on a `Disk`: this one in a running meter, a simulated one in tests, where power fails between any
two writes. Each statement commits by itself unless a transaction is open.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import quote

from watthour.errors import StorageFaultError

DAMAGED = ".damaged"
"""Ends the name of a file that was set aside."""
WAL = "-wal"
NOTE = "newest"
"""The file that says which commit was the last to be whole."""
SETUP = (
    "PRAGMA page_size=16384",  # of a new file: a state is one page of it, so a commit writes one
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",  # ours, so that its errors are seen
    "PRAGMA cell_size_check=ON",
    "PRAGMA trusted_schema=OFF",
)
"""What every connection that writes begins with."""

_SHM = "-shm"
_PATIENCE_S = 5.0
"""A reader beside a running meter holds it up for a moment at most."""
_FULL, _BUSY, _LOCKED, _NO_MEMORY = 13, 5, 6, 7
PASSING = frozenset({_FULL, _BUSY, _LOCKED, _NO_MEMORY})
"""Primary result codes of SQLite after which the file is as it was."""
NO_BYTES = PASSING | {3, 8, 9, 10, 14, 15}
"""Primary result codes after which nothing is known of the file's bytes: PERM, READONLY, INTERRUPT, IOERR, CANTOPEN, PROTOCOL."""
_PRIMARY = 0xFF

Row = tuple[Any, ...]


class Database(Protocol):
    """One open database."""

    def execute(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Carry out a statement and return its rows; raise StorageFaultError where the disk refuses."""
        ...

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Carry out a statement for each of some rows; raise StorageFaultError where the disk refuses."""
        ...

    def close(self) -> None:
        """Let go of it, whatever the disk says."""
        ...


class Disk(Protocol):
    """The place of a meter's files."""

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        ...

    def open(self, name: str, *, read_only: bool = False) -> Database:
        """Open a database, made if need be; raise StorageFaultError where that cannot be."""
        ...

    def set_aside(self, name: str) -> None:
        """Put a file and what was not yet taken over into it under another name, in place of an earlier one."""
        ...

    def sync(self) -> None:
        """Make the names of the files survive a power cut."""
        ...

    def write_note(self, note: bytes) -> None:
        """Put some bytes beside the files over those before, as many each time; not synced, and where it cannot be they stay."""
        ...

    def read_note(self) -> bytes:
        """Return those bytes; none where they cannot be read."""
        ...


class FileDisk:
    """A directory.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self, name: str) -> bool:
        """Tell whether there is a file of that name."""
        return (self._path / name).exists()

    def open(self, name: str, *, read_only: bool = False) -> Database:
        """Open a database of the directory."""
        return SqliteDatabase(self._path / name, read_only=read_only)

    def set_aside(self, name: str) -> None:
        """Rename a database and its log; the log first, so that it is never beside a new file."""
        try:
            for end in (WAL, ""):
                with suppress(FileNotFoundError):
                    (self._path / (name + end)).replace(self._path / (name + DAMAGED + end))
            with suppress(FileNotFoundError):
                (self._path / (name + _SHM)).unlink()
            self.sync()
        except OSError as problem:
            msg = f"{self._path / name}: cannot be set aside ({problem.strerror})"
            raise StorageFaultError(msg) from None

    def sync(self) -> None:
        """Sync the directory."""
        try:
            sync_directory(self._path)
        except OSError as problem:
            msg = f"{self._path}: cannot be synced ({problem.strerror})"
            raise StorageFaultError(msg) from None

    def write_note(self, note: bytes) -> None:
        """Write the note's file in place."""
        with suppress(OSError):
            file = os.open(self._path / NOTE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(file, note, 0)
            finally:
                os.close(file)

    def read_note(self) -> bytes:
        """Return what the note's file holds."""
        with suppress(OSError):
            return (self._path / NOTE).read_bytes()
        return b""


class SqliteDatabase:
    """A database of Python's own SQLite.

    Parameters
    ----------
    file : Path
    read_only : bool
        Never change it; a file that is not there is refused.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        self._file = file
        mode = "ro" if read_only else "rwc"
        url = f"file:{quote(str(file.absolute()))}?mode={mode}"
        try:
            self._connection = sqlite3.connect(
                url, uri=True, isolation_level=None, timeout=_PATIENCE_S, check_same_thread=False, cached_statements=16
            )
        except sqlite3.Error as problem:
            raise self._fault(problem) from None
        try:
            for statement in () if read_only else SETUP:
                self.execute(statement)
        except StorageFaultError:
            self.close()
            raise

    def execute(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Carry out a statement and return its rows."""
        try:
            return cast("list[Row]", self._connection.execute(statement, values).fetchall())
        except (sqlite3.Error, OverflowError, UnicodeError) as problem:  # a damaged file holds text that is none
            raise self._fault(problem) from None

    def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Carry out a statement for each of some rows."""
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.Error as problem:
            raise self._fault(problem) from None

    def close(self) -> None:
        """Let go of it; the log is taken over into the file where that can be."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _fault(self, problem: Exception) -> StorageFaultError:
        return fault_of(f"{self._file}: {problem}", getattr(problem, "sqlite_errorcode", None) or 0)


def fault_of(message: str, code: int) -> StorageFaultError:
    """Return the fault that a result code of SQLite stands for, primary or extended."""
    primary = code & _PRIMARY
    return StorageFaultError(message, is_passing=primary in PASSING, is_damage=primary not in NO_BYTES)


def sync_directory(path: Path) -> None:
    """Make what was created, renamed and removed in a directory survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
