"""Two complete files, written in turn: whatever happens to one, the other is whole.

``load`` believes the newest state whose checksum is right, and takes each row from whichever file has it sound; ``commit``
writes the file that is behind. A file that was damaged, or failed in any way but a full disk, is set aside and written anew
from what is in memory, never while it is the only one that holds the newest state.

A **note** beside them says which commit was the last to be whole: written when the commit was synced and not synced itself, so it is
never ahead of a disk that only lost its power. Files that stop short of it were damaged, or put back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from watthour import journal
from watthour.errors import DamagedRecordError, StorageFaultError
from watthour.history import PROFILE_ROWS
from watthour.host.store.copy import SERIES, Commit, Contents, Copy, Rows
from watthour.host.store.disk import Disk

NAMES = ("a.db", "b.db")
LOST = b""
"""The body of a row that neither file holds: a gap, not a row of zeros."""

KEEP: Mapping[str, int] = MappingProxyType({"events": 2**31, "profile": PROFILE_ROWS})
"""How many rows of a series are kept: events for ever."""

_NOTE = "note"
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0
_STEPS_APART = 1
"""Commits by which the files differ when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What two files hold together.

    Parameters
    ----------
    content : mapping or None
        The newest state that can be believed.
    rows : mapping of str to Rows
        A row that is in neither file is `LOST`.
    faults : tuple of str
        What was found wrong, one line each.
    is_lost : bool
        Whether there was a state, and none can be believed.
    is_withheld : bool
        Whether the disk did not give the bytes of a file.
    """

    content: Mapping[str, object] | None
    rows: Mapping[str, Rows]
    faults: tuple[str, ...]
    is_lost: bool
    is_withheld: bool = False


@dataclass(slots=True)
class _Patience:
    """When a file that failed may be tried again."""

    not_before_s: float = 0.0
    delay_s: float = _FIRST_DELAY_S

    def lengthen(self, now_s: float) -> None:
        self.not_before_s = now_s + self.delay_s
        self.delay_s = min(2 * self.delay_s, _LONGEST_DELAY_S)


class Pair:
    """The two files of a meter.

    Parameters
    ----------
    disk : Disk

    Attributes
    ----------
    sequence : int
        Of the newest commit that was tried. One that failed may yet be on the disk, so its number is never given again:
        else it could stand beside a later one, and be believed.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._copies = tuple(Copy(disk, name) for name in NAMES)
        self._last = 1
        self._patience = [_Patience(), _Patience()]
        self._failing: dict[str, str] = {}
        self._news: list[str] = []
        self.sequence = 0

    @property
    def fault(self) -> str:
        """What is wrong with the files now, in one line; empty where nothing is."""
        return "; ".join(self._failing.values())

    def take_news(self) -> tuple[str, ...]:
        """Return which files began to fail, or were mended, since last asked."""
        news, self._news = tuple(self._news), []
        return news

    def load(self) -> Loaded:
        """Return what the files hold."""
        noted = noted_sequence(self._disk.read_note())
        found = [copy.read() for copy in self._copies]
        loaded = loaded_from(found, noted)
        newest = max(contents.sequence for contents in found)
        for copy, contents in zip(self._copies, found, strict=True):
            faults = row_faults(copy.name, contents) + unlike_rows(copy.name, contents, loaded.rows)
            is_short = contents.sequence < newest < noted
            copy.is_trusted = copy.is_trusted and not faults and not is_short
        self._last = 1 if found[1].sequence >= found[0].sequence else 0
        self.sequence = max(newest, noted)
        return loaded

    def commit(self, content: Mapping[str, object], rows: Mapping[str, Rows], *, now_s: float, both: bool = False) -> None:
        """Keep a state and the rows it counts.

        Parameters
        ----------
        now_s : float
            Of a clock that only goes forward.
        both : bool
            Write both files, and try one that failed a moment ago again: for what was promised to somebody.

        Raises
        ------
        StorageFaultError
            If neither file took it.
        """
        commit = self._commit(content, rows)
        taken = 0
        for place in (1 - self._last, self._last):
            if (both or now_s >= self._patience[place].not_before_s) and self._try(place, commit, now_s):
                taken += 1
                if not both:
                    break
        if not taken:
            raise StorageFaultError(self.fault or "the files are not tried again yet", is_passing=True)
        self._disk.write_note(note_of(commit.sequence))

    def close(self) -> None:
        """Let go of the files."""
        for copy in self._copies:
            copy.close()

    def _commit(self, content: Mapping[str, object], rows: Mapping[str, Rows]) -> Commit:
        self.sequence += 1
        extents = {series: [rows[series].oldest, len(rows[series])] for series in SERIES}
        record = journal.to_bytes({**content, "sequence": self.sequence, "rows": extents})
        return Commit(sequence=self.sequence, record=record, rows=rows)

    def _try(self, place: int, commit: Commit, now_s: float) -> bool:
        copy = self._copies[place]
        other = self._copies[1 - place]
        if not copy.is_trusted and copy.sequence > other.sequence:
            return False  # what it holds is the newest there is: the other comes first
        try:
            copy.commit(commit)
        except StorageFaultError as problem:
            self._note_failure(copy.name, str(problem))
            self._patience[place].lengthen(now_s)
            return False
        self._last = place
        self._patience[place] = _Patience()
        if self._failing.pop(copy.name, ""):
            self._news.append(f"{copy.name}: written again, whole")
        return True

    def _note_failure(self, name: str, problem: str) -> None:
        if name not in self._failing:
            self._news.append(problem)
        self._failing[name] = problem


def note_of(sequence: int) -> bytes:
    """Return the note of the last commit that was whole, as long for each."""
    return journal.row_to_bytes(_NOTE, 0, f"{sequence:020d}".encode())


def noted_sequence(note: bytes) -> int:
    """Return the commit of a note; 0 where there is none, or it is damaged."""
    try:
        return int(journal.row_from_bytes(_NOTE, 0, note))
    except DamagedRecordError:
        return 0


def loaded_from(found: list[Contents], noted: int = 0) -> Loaded:
    """Return what the contents of the two files say together.

    Parameters
    ----------
    noted : int
        The last commit that was whole, as the note says that was read before them; 0 where there is none.
    """
    faults = [problem for name, contents in zip(NAMES, found, strict=True) for problem in _problems(name, contents)]
    believed = [contents for contents in found if contents.content is not None]
    if not believed:
        rows = {series: _salvaged(series, found) for series in SERIES}
        is_lost = not all(contents.is_empty for contents in found)
        is_withheld = any(contents.is_withheld for contents in found)
        return Loaded(content=None, rows=rows, faults=tuple(faults), is_lost=is_lost, is_withheld=is_withheld)
    newest = max(believed, key=lambda contents: contents.sequence)
    faults += _behind(found)
    if noted > newest.sequence:
        said = f"commit {noted} was whole, and the newest to be believed is {newest.sequence}"
        faults.append(f"{said}: its file is damaged, gone, or was put back")
    merged = {series: _merged(series, newest, found) for series in SERIES}
    faults += [f"{series}: {missing} rows are in neither file" for series, (_, missing) in merged.items() if missing]
    rows = {series: history for series, (history, _) in merged.items()}
    faults += [line for name, contents in zip(NAMES, found, strict=True) for line in unlike_rows(name, contents, rows)]
    return Loaded(content=newest.content, rows=rows, faults=tuple(faults), is_lost=False)


def row_faults(name: str, contents: Contents) -> list[str]:
    """Return what does not agree between a file's state and its rows."""
    if contents.content is None:
        return []
    faults = []
    for series in SERIES:
        first, end = extent_of(contents, series)
        held = contents.rows[series]
        missing = sum(number not in held for number in range(first, end))
        beyond = sum(number >= end for number in held)
        faults += [f"{name}: {missing} rows of {series} are missing or damaged"] if missing else []
        faults += [f"{name}: {beyond} rows of {series} are beyond what its state counts"] if beyond else []
    return faults


def unlike_rows(name: str, contents: Contents, rows: Mapping[str, Rows]) -> list[str]:
    """Return what a file has otherwise than the rows that are believed, though its checksums are right.

    So it is after a commit that failed and yet reached the disk, and was made anew with other events: rows that are to come
    do not follow from those.
    """
    if contents.content is None:
        return []
    faults = []
    for series in SERIES:
        believed = rows[series]
        held = contents.rows[series]
        unlike = sum(
            believed[number] not in {LOST, body} for number, body in held.items() if believed.oldest <= number < len(believed)
        )
        faults += [f"{name}: {unlike} rows of {series} are not those of the newest state"] if unlike else []
    return faults


def extent_of(contents: Contents, series: str) -> tuple[int, int]:
    """Return the first row and the end of a series, as a file's state has them."""
    assert contents.content is not None  # noqa: S101 - asked of files that hold a state
    rows = contents.content.get("rows")
    extent = rows.get(series) if isinstance(rows, dict) else None
    first, end = extent if isinstance(extent, list) else (0, 0)
    return int(first), int(end)


def _problems(name: str, contents: Contents) -> list[str]:
    return [*contents.problems, *row_faults(name, contents)]


def _behind(found: list[Contents]) -> list[str]:
    """Return a line where one file is further behind the other than a meter that was stopped leaves it."""
    a, b = (contents.sequence if contents.content is not None else 0 for contents in found)
    if not a or not b or abs(a - b) <= _STEPS_APART:
        return []
    name, other = (NAMES[0], NAMES[1]) if a < b else (NAMES[1], NAMES[0])
    return [f"{name}: {abs(a - b)} commits behind {other}, where one is the most a stop leaves"]


def _rows_of(series: str, found: list[Contents]) -> list[Mapping[int, bytes]]:
    return [contents.rows[series] for contents in found]


def _merged(series: str, newest: Contents, found: list[Contents]) -> tuple[Rows, int]:
    """Return the rows that the newest state counts, each from its own file, else from the other; and how many are in neither."""
    first, end = extent_of(newest, series)
    sources = [newest.rows[series], *(rows for rows in _rows_of(series, found) if rows is not newest.rows[series])]
    bodies = [next((rows[number] for rows in sources if number in rows), None) for number in range(first, end)]
    return Rows((LOST if body is None else body for body in bodies), keep=KEEP[series], first=first), bodies.count(None)


def _salvaged(series: str, found: list[Contents]) -> Rows:
    """Return the rows that can still be read where no state tells how many there were."""
    together = {number: body for rows in _rows_of(series, found) for number, body in rows.items()}
    first, end = (min(together), max(together) + 1) if together else (0, 0)
    return Rows((together.get(number, LOST) for number in range(first, end)), keep=KEEP[series], first=first)
