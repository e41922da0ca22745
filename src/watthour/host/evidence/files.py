"""The two files of a meter, read without leaving a trace, also beside a meter that runs.

While a meter runs its files are opened where they are, read only, both at one instant. At rest they are read from a copy: to
open a database of this kind, even to read, makes files beside it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from watthour.errors import StorageFaultError, StoreError
from watthour.host.store.copy import Contents, checked
from watthour.host.store.disk import WAL, Database, FileDisk
from watthour.host.store.pair import NAMES, Loaded, loaded_from, noted_sequence

_LOCK = "lock"
_ATTEMPTS = 3
"""A meter that commits between two looks leaves files that seem apart; it does not do so each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterFiles:
    """What the files of a meter hold.

    Parameters
    ----------
    path : Path
        The meter's own directory.
    found : sequence of Contents
        Of each file.
    loaded : Loaded
        What they hold together.
    has_begun : bool
        Whether the meter has kept a state before, whatever the files say now.
    """

    path: Path
    found: Sequence[Contents]
    loaded: Loaded
    has_begun: bool

    @property
    def serial(self) -> int:
        """The meter's serial number, which names its directory."""
        return int(self.path.name)


def read_meters(path: Path) -> list[MeterFiles]:
    """Return what each meter below a directory has kept, in the order of their serial numbers.

    Parameters
    ----------
    path : Path
        What ``--data`` named, or the directory of one meter in it.

    Raises
    ------
    StoreError
        If no meter has kept anything there, or it cannot be read.
    """
    own = [path] if _is_of_a_meter(path) else sorted(filter(_is_of_a_meter, _below(path)), key=lambda each: int(each.name))
    meters = [meter for meter in map(read_meter, own) if meter.has_begun]
    if not meters:
        msg = f"{path}: no meter keeps its state here: name the directory that --data named"
        raise StoreError(msg)
    return meters


def read_meter(path: Path) -> MeterFiles:
    """Return what the files of one meter hold.

    Raises
    ------
    StoreError
        If they cannot be read at all.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        noted = noted_sequence(FileDisk(path).read_note())
        found = _contents(path)
        loaded = loaded_from(found, noted)
        if not loaded.faults or attempt == _ATTEMPTS:
            break
    has_begun = any(not contents.is_empty for contents in found) or _lock_says_so(path)
    return MeterFiles(path=path, found=found, loaded=loaded, has_begun=has_begun)


def _below(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError as problem:
        msg = f"{path}: cannot be read ({problem.strerror}): name the directory that --data named"
        raise StoreError(msg) from None


def _is_of_a_meter(path: Path) -> bool:
    return path.name.isascii() and path.name.isdecimal() and path.is_dir()


def _lock_says_so(path: Path) -> bool:
    with suppress(OSError):
        return (path / _LOCK).stat().st_size > 0
    return False


def _contents(path: Path) -> list[Contents]:
    try:
        with _at_rest(path) as is_at_rest:
            if not is_at_rest:
                return _of_both(path)
            with TemporaryDirectory(prefix="watthour-") as copy:
                for name in (name + end for name in NAMES for end in ("", WAL)):
                    if (path / name).exists():
                        shutil.copyfile(path / name, Path(copy) / name)
                return _named_as_in(path, Path(copy), _of_both(Path(copy)))
    except OSError as problem:
        msg = f"{path}: cannot be read ({problem.strerror}): ask as the user who owns it"
        raise StoreError(msg) from None


@contextmanager
def _at_rest(path: Path) -> Iterator[bool]:
    """Tell whether no meter runs there, and let none begin meanwhile."""
    try:
        lock = os.open(path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # a copy of a directory, or one that was tampered with
        yield True
        return
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


def _named_as_in(path: Path, copy: Path, found: list[Contents]) -> list[Contents]:
    """Return contents whose problems name the files where the user has them."""
    return [
        Contents(
            sequence=contents.sequence,
            content=contents.content,
            rows=contents.rows,
            problems=tuple(problem.replace(f"{copy}/", f"{path}/") for problem in contents.problems),
            is_empty=contents.is_empty,
        )
        for contents in found
    ]


def _of_both(path: Path) -> list[Contents]:
    """Return what both files hold at one instant, as near as can be."""
    opened = [_opened(path, name) for name in NAMES]
    try:
        for database in opened:
            if not isinstance(database, Contents):
                with suppress(StorageFaultError):  # told when it is read
                    database.execute("BEGIN")
                    database.execute("SELECT count(*) FROM sqlite_master")
        return [
            database if isinstance(database, Contents) else _read(database, name)
            for database, name in zip(opened, NAMES, strict=True)
        ]
    finally:
        for database in opened:
            if not isinstance(database, Contents):
                database.close()


def _opened(path: Path, name: str) -> Database | Contents:
    disk = FileDisk(path)
    if not disk.exists(name):
        return Contents(is_empty=True)
    try:
        return disk.open(name, read_only=True)
    except StorageFaultError as problem:
        return Contents(problems=(str(problem),))


def _read(database: Database, name: str) -> Contents:
    try:
        return checked(database, name)
    except StorageFaultError as problem:
        return Contents(problems=(str(problem),))
