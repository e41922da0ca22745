"""One of the two complete files of a meter: a state, and every row that it counts.

A commit is one transaction: the state, and the rows this file does not hold yet. So the file is whole by itself after each, and a
power cut leaves it as it was before or as it is after. What it holds is never believed because it is there: `read` checks
everything and says what is wrong.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from watthour import journal
from watthour.errors import DamagedRecordError, StorageFaultError
from watthour.history import History
from watthour.host.store.disk import Database, Disk

SERIES = ("events", "profile")
"""What only grows, each a table of numbered rows."""

_CHECKPOINT_COMMITS = 64
"""The log is taken over into the file after so many commits."""
_PRUNE_ROWS = 96
"""Rows that need no longer be kept go when there are so many."""
_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "state": "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 0), sequence INTEGER NOT NULL, record BLOB NOT NULL)",
        **{series: f"CREATE TABLE {series} (number INTEGER PRIMARY KEY, row BLOB NOT NULL)" for series in SERIES},
    }
)
"""As SQLite keeps them; who only reads would not see a constraint that was altered."""


_PUT_STATE = (
    "INSERT INTO state VALUES (0, ?, ?) ON CONFLICT (id) DO UPDATE SET sequence = excluded.sequence, record = excluded.record"
)
"""Over the row that is there: taking it out first would touch more pages."""

Rows = History[bytes]
"""Bodies of the rows of a series that are kept, by their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What makes a file complete.

    Parameters
    ----------
    sequence : int
        Counts the commits of both files, from 1.
    record : bytes
        The state, checked.
    rows : mapping of str to Rows
        Of each series, all that is kept.
    """

    sequence: int
    record: bytes
    rows: Mapping[str, Rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a file holds, as far as it can be believed.

    Parameters
    ----------
    sequence : int
        Of its last commit; 0 where there is no state in it.
    content : mapping or None
        The state, its checksum right; None where there is none.
    rows : mapping of str to mapping of int to bytes
        Bodies of the rows whose checksum is right.
    problems : tuple of str
        What is wrong with the file, one line each.
    is_empty : bool
        Whether nothing was ever committed to it.
    is_withheld : bool
        Whether the disk did not give its bytes: what it holds is not known.
    """

    sequence: int = 0
    content: Mapping[str, object] | None = None
    rows: Mapping[str, Mapping[int, bytes]] = field(default_factory=lambda: {series: {} for series in SERIES})
    problems: tuple[str, ...] = ()
    is_empty: bool = False
    is_withheld: bool = False


class Copy:
    """One of the two files.

    Parameters
    ----------
    disk : Disk
    name : str

    Attributes
    ----------
    sequence : int
        Of the last commit that it holds; 0 where it holds none, as while it is written anew.
    is_trusted : bool
        False: it is to be written anew before it counts.
    """

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self.name = name
        self.sequence = 0
        self.is_trusted = False
        self._database: Database | None = None
        self._held: dict[str, tuple[int, int]] = {}
        self._commits = 0

    def read(self) -> Contents:
        """Return what it holds, and stay open."""
        self.close()
        if not self._disk.exists(self.name):
            return Contents(is_empty=True)
        try:
            self._database = self._disk.open(self.name)
        except StorageFaultError as problem:
            return Contents(problems=(str(problem),), is_withheld=not problem.is_damage)
        contents = contents_of(self._database, self.name)
        self.sequence = contents.sequence
        self.is_trusted = contents.content is not None and not contents.problems
        self._held = {series: _extent(contents.rows[series]) for series in SERIES}
        return contents

    def commit(self, commit: Commit) -> None:
        """Make the file complete; it is written anew where it is not trusted.

        Raises
        ------
        StorageFaultError
            If the disk refuses. The file then holds what it held, and is not trusted unless the fault is passing.
        """
        try:
            if not self.is_trusted or self._database is None:
                self._begin_anew()
            assert self._database is not None  # noqa: S101 - it was opened, or that was refused
            self._write(self._database, commit)
        except StorageFaultError as problem:
            if not problem.is_passing:
                self.is_trusted = False
            raise
        self.sequence = commit.sequence
        self.is_trusted = True

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _begin_anew(self) -> None:
        self.close()
        self.sequence = 0
        if self._disk.exists(self.name):
            self._disk.set_aside(self.name)
        self._database = self._disk.open(self.name)
        self._disk.sync()
        self._held = dict.fromkeys(SERIES, (0, 0))
        self._commits = 0

    def _write(self, database: Database, commit: Commit) -> None:
        held = {}
        database.execute("BEGIN IMMEDIATE")
        try:
            if not self.is_trusted:
                for table in _TABLES.values():
                    database.execute(table.replace("TABLE", "TABLE IF NOT EXISTS", 1))
            for series in SERIES:
                held[series] = _append(database, series, self._held[series], commit.rows[series])
            database.execute(_PUT_STATE, (commit.sequence, commit.record))
            database.execute("COMMIT")
        except StorageFaultError:
            with suppress(StorageFaultError):
                database.execute("ROLLBACK")
            raise
        self._held = held
        self._commits += 1
        if self._commits % _CHECKPOINT_COMMITS == 0:
            database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def contents_of(database: Database, name: str) -> Contents:
    """Return what a database holds at one instant, each part of it checked."""
    try:
        database.execute("BEGIN")
        contents = checked(database, name)
        database.execute("COMMIT")
    except StorageFaultError as problem:
        with suppress(StorageFaultError):
            database.execute("ROLLBACK")
        return Contents(problems=(str(problem),), is_withheld=not problem.is_damage)
    return contents


def checked(database: Database, name: str) -> Contents:
    """Return what a database holds, each part of it checked, within the transaction that is open.

    Raises
    ------
    StorageFaultError
        If it cannot be read at all.
    """
    tables: dict[str, str] = dict(database.execute("SELECT name, sql FROM sqlite_master"))
    if not tables:
        return Contents(is_empty=True)
    problems = [f"{name}: the table {table} is not as it was made" for table in _TABLES if tables.get(table) != _TABLES[table]]
    problems += [f"{name}: {text}" for (text,) in _integrity(database) if text != "ok"]
    sequence, content, is_withheld = 0, None, False
    try:
        sequence, content = _state(database, name)
    except DamagedRecordError as problem:
        problems.append(str(problem))
    except StorageFaultError as problem:
        problems.append(str(problem))
        is_withheld = not problem.is_damage
    rows = {series: _rows(database, name, series, problems) for series in SERIES}
    return Contents(sequence=sequence, content=content, rows=rows, problems=tuple(problems), is_withheld=is_withheld)


def _integrity(database: Database) -> list[tuple[str, ...]]:
    try:
        return database.execute("PRAGMA integrity_check(3)")
    except StorageFaultError as problem:
        return [(str(problem),)]


def _state(database: Database, name: str) -> tuple[int, Mapping[str, object]]:
    found = database.execute("SELECT sequence, record FROM state")
    if len(found) != 1 or not isinstance(found[0][1], bytes):
        msg = f"{name}: it holds no state"
        raise DamagedRecordError(msg)
    sequence, record = found[0]
    try:
        content = journal.from_bytes(record)
    except DamagedRecordError as problem:
        msg = f"{name}: {problem}"
        raise DamagedRecordError(msg) from None
    if content.get("sequence") != sequence:
        msg = f"{name}: the state of commit {content.get('sequence')} stands as that of {sequence}"
        raise DamagedRecordError(msg)
    return int(sequence), content


def _rows(database: Database, name: str, series: str, problems: list[str]) -> dict[int, bytes]:
    """Return the bodies of the rows that are sound, and add what is wrong with the others."""
    bodies = {}
    try:
        for number, row in database.execute(f"SELECT number, row FROM {series} ORDER BY number"):  # noqa: S608 - one of `SERIES`
            try:
                bodies[int(number)] = journal.row_from_bytes(series, number, row)
            except (DamagedRecordError, TypeError) as problem:
                problems.append(f"{name}: {problem}")
    except StorageFaultError as problem:
        problems.append(str(problem))
    return bodies


def _append(database: Database, series: str, held: tuple[int, int], rows: Rows) -> tuple[int, int]:
    """Write the rows that a file does not hold yet; return the first and the end of what it holds then."""
    first, end = held
    if end == len(rows) and rows.oldest - first < _PRUNE_ROWS:
        return held
    new = ((number, journal.row_to_bytes(series, number, rows[number])) for number in range(max(rows.oldest, end), len(rows)))
    database.execute_many(f"INSERT INTO {series} VALUES (?, ?)", new)  # noqa: S608 - one of `SERIES`
    if rows.oldest - first >= _PRUNE_ROWS:
        database.execute(f"DELETE FROM {series} WHERE number < ?", (rows.oldest,))  # noqa: S608
        first = rows.oldest
    return first, len(rows)


def _extent(rows: Mapping[int, bytes]) -> tuple[int, int]:
    return (min(rows), max(rows) + 1) if rows else (0, 0)
