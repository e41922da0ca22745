"""A disk that is not there: it keeps what was synced, and of the rest what chance leaves when the power fails.

In: what SQLite writes through a VFS (apsw) and what the store renames. Out: at every boundary an image, and from an image,
by seeded dice, one of the disks that a power cut may leave. The store above is the one of a running meter; only the leaf that
opens a database is another.

What is taken for granted of a real disk, and no more: what a sync has acknowledged stays; a rename is whole or not at all; a
write that is cut short harms no byte outside it (SQLite's "powersafe overwrite"). Everything else may happen to what was
not synced: a write may be lost, come before an earlier one, arrive in part (sectors of 512 bytes, in any order), leave zeros
or noise in its place; names may come and go in any order. A sync that fails has lost an unknown part of what it was to save,
and the next one knows nothing of it.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import apsw

from watthour.errors import StorageFaultError
from watthour.host.store.disk import DAMAGED, NOTE, SETUP, WAL, fault_of

SECTOR = 512
POWERSAFE_OVERWRITE = 0x1000
MODES = ("lost", "kept", "prefix", "chance", "chance", "noise")
"""What becomes of writes that were not synced: none is there, all are, the first ones, some in any order, some with noise."""

_numbers = itertools.count()


class PowerCutError(BaseException):
    """The power is out: nothing that happens now reaches the disk."""


@dataclass(slots=True)
class Inode:
    """A file's bytes: as they are read, as they are safe, and what was done since the last sync."""

    safe: bytes = b""
    done: list[tuple[int, bytes | None]] = field(default_factory=list)
    """Offset and bytes of a write; size and None of a truncation."""
    now: bytearray = field(default_factory=bytearray)
    names_synced: bool = False

    def apply(self, offset, data):
        if data is None:
            del self.now[offset:]
            self.now.extend(bytes(max(0, offset - len(self.now))))
        else:
            self.now.extend(bytes(max(0, offset - len(self.now))))
            self.now[offset : offset + len(data)] = data


@dataclass(frozen=True, slots=True)
class Image:
    """A disk at one boundary: what is safe, and what is on its way."""

    inodes: tuple[tuple[bytes, tuple[tuple[int, bytes | None], ...]], ...]
    names: dict[str, int]
    name_changes: tuple[tuple[str, str, int], ...]
    boundary: str


class Platter:
    """The files of one directory.

    Attributes
    ----------
    on_boundary : callable
        Called before each thing that changes the disk, with its name; may raise PowerCutError.
    refuse : callable
        Called with "write" or "sync"; tells whether the disk answers with an error: full, or lost.
    """

    def __init__(self, files=None):
        self.number = next(_numbers)
        self.inodes = []
        self.names = {}
        self.safe_names = {}
        self.name_changes = []
        self.is_dead = False
        self.on_boundary: Callable[[str], None] = lambda what: None
        self.refuse: Callable[[str], bool] = lambda what: False
        for name, data in (files or {}).items():
            self.names[name] = len(self.inodes)
            self.inodes.append(Inode(safe=data, now=bytearray(data), names_synced=True))
        self.safe_names = dict(self.names)

    def boundary(self, what):
        """Tell that the disk is about to change; without power it changes no more, whoever still closes files."""
        if not self.is_dead:
            self.on_boundary(what)

    def image(self, what):
        return Image(
            inodes=tuple((inode.safe, tuple(inode.done)) for inode in self.inodes),
            names=dict(self.safe_names),
            name_changes=tuple(self.name_changes),
            boundary=what,
        )

    def files(self):
        return {name: bytes(self.inodes[place].now) for name, place in self.names.items()}

    def create(self, name):
        self.boundary(f"create {name}")
        self.names[name] = len(self.inodes)
        self.inodes.append(Inode())
        self.name_changes.append(("link", name, self.names[name]))

    def remove(self, name):
        self.boundary(f"remove {name}")
        if name in self.names:
            self.name_changes.append(("unlink", name, self.names.pop(name)))

    def rename(self, name, other):
        self.boundary(f"rename {name} {other}")
        place = self.names.pop(name)
        self.names[other] = place
        self.name_changes.append((f"rename {name}", other, place))

    def sync_names(self):
        self.boundary("sync directory")
        self.safe_names = dict(self.names)
        self.name_changes.clear()

    def write(self, name, inode, offset, data):
        self.boundary(f"write {name}")
        inode.apply(offset, data)
        inode.done.append((offset, data))

    def sync(self, name, inode, dice):
        self.boundary(f"sync {name}")
        if self.refuse("sync"):
            inode.safe = survived(inode.safe, inode.done, dice, dice.choice(("lost", "kept", "chance")))
            inode.done.clear()
            raise apsw.IOError
        inode.safe = bytes(inode.now)
        inode.done.clear()


def survived(safe, done, dice, mode):
    """Return what a file holds after the power came back."""
    if mode == "lost" or not done:
        return safe
    inode = Inode(now=bytearray(safe))
    ops = list(done)
    if mode == "prefix":
        ops = ops[: dice.randrange(len(ops) + 1)]
        for offset, data in ops[:-1]:
            inode.apply(offset, data)
        for offset, data in ops[-1:]:
            _apply_part(inode, offset, data, dice, noise=False)
        return bytes(inode.now)
    if mode == "kept":
        for offset, data in ops:
            inode.apply(offset, data)
        return bytes(inode.now)
    share = dice.random()
    taken = [op for op in ops if dice.random() < share]
    if dice.random() < 0.5:
        dice.shuffle(taken)
    for offset, data in taken:
        if dice.random() < 0.3:
            _apply_part(inode, offset, data, dice, noise=mode == "noise")
        else:
            inode.apply(offset, data)
    return bytes(inode.now)


def _apply_part(inode, offset, data, dice, *, noise):
    """Apply a write of which only some sectors arrived."""
    if data is None:
        if dice.random() < 0.5:
            inode.apply(offset, None)
        return
    begin = offset
    while begin < offset + len(data):
        end = min((begin // SECTOR + 1) * SECTOR, offset + len(data))
        lot = dice.random()
        if lot < 0.5:
            inode.apply(begin, data[begin - offset : end - offset])
        elif lot < 0.6 and noise:
            inode.apply(begin, dice.randbytes(end - begin))
        elif lot < 0.7:
            inode.apply(begin, bytes(end - begin))
        begin = end


def after_cut(image, dice):
    """Return the files that a power cut at an image may leave."""
    names = dict(image.names)
    share = dice.choice((0.0, 1.0, dice.random()))
    for kind, name, place in image.name_changes:
        if dice.random() >= share:
            continue
        if kind == "link":
            names[name] = place
        elif kind == "unlink":
            if names.get(name) == place:
                del names[name]
        else:
            old = kind.removeprefix("rename ")
            if names.get(old) == place:
                del names[old]
            names[name] = place
    mode = dice.choice(MODES)
    return {name: survived(*image.inodes[place], dice, mode) for name, place in names.items()}


class _File:
    """One open file, as SQLite asks for it."""

    def __init__(self, platter, name, dice, *, syncs_names):
        self._platter, self._name, self._dice = platter, name, dice
        self._inode = platter.inodes[platter.names[name]]
        self._syncs_names = syncs_names

    def xRead(self, amount, offset):
        return bytes(self._inode.now[offset : offset + amount])

    def xWrite(self, data, offset):
        if self._platter.refuse("write"):
            raise apsw.FullError
        self._platter.write(self._name, self._inode, offset, bytes(data))

    def xTruncate(self, size):
        self._platter.write(self._name, self._inode, size, None)

    def xSync(self, flags):
        self._platter.sync(self._name, self._inode, self._dice)
        if self._syncs_names:
            self._platter.sync_names()
            self._syncs_names = False

    def xFileSize(self):
        return len(self._inode.now)

    def xLock(self, level):
        pass

    def xUnlock(self, level):
        pass

    def xCheckReservedLock(self):
        return False

    def xClose(self):
        pass

    def xSectorSize(self):
        return 4096

    def xDeviceCharacteristics(self):
        return POWERSAFE_OVERWRITE

    def xFileControl(self, operation, pointer):
        return False


class _Vfs(apsw.VFS):
    """SQLite's view of the platters that turn: ``NUMBER/name`` is a file on one of them."""

    def __init__(self):
        super().__init__("simulated", "", makedefault=True)
        self.platters = {}
        self.dice = random.Random(0)

    def _at(self, path):
        number, _, name = path.partition("/")
        return self.platters.get(int(number), _STOPPED), name

    def xFullPathname(self, name):
        return name

    def xOpen(self, name, flags):
        platter, path = self._at(name.filename() if isinstance(name, apsw.URIFilename) else name)
        is_new = path not in platter.names
        if is_new:
            if not flags[0] & apsw.SQLITE_OPEN_CREATE:
                raise apsw.CantOpenError
            platter.create(path)
        flags[1] = flags[0]
        journal = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        return _File(platter, path, self.dice, syncs_names=bool(is_new and journal))  # as SQLite's own for Unix

    def xDelete(self, name, sync_directory):
        platter, path = self._at(name)
        platter.remove(path)
        if sync_directory:
            platter.sync_names()

    def xAccess(self, name, flags):
        platter, path = self._at(name)
        return path in platter.names

    def xRandomness(self, amount):
        return self.dice.randbytes(amount)


_STOPPED = Platter()
"""Where the files of a platter that turns no more are closed."""
_STOPPED.is_dead = True
_VFS = _Vfs()


@contextmanager
def turning(platter, dice) -> Iterator[None]:
    """Have a platter turn: its files can be opened. SQLite's own dice are thrown anew, from these."""
    _VFS.platters[platter.number], _VFS.dice = platter, dice
    apsw.randomness(0)
    try:
        yield
    finally:
        platter.is_dead = True
        del _VFS.platters[platter.number]


class SimulatedDisk:
    """The store's disk, on a platter that turns."""

    def __init__(self, platter):
        self._platter = platter

    def exists(self, name):
        return name in self._platter.names

    def open(self, name, *, read_only=False):
        return SimulatedDatabase(self._platter.number, name)

    def set_aside(self, name):
        for end in (WAL, ""):
            if name + end in self._platter.names:
                self._platter.rename(name + end, name + DAMAGED + end)
        self.sync()

    def sync(self):
        self._platter.sync_names()

    def write_note(self, note):
        platter = self._platter
        if platter.refuse("write"):
            return
        if NOTE not in platter.names:
            platter.create(NOTE)
        platter.write(NOTE, platter.inodes[platter.names[NOTE]], 0, note)

    def read_note(self):
        return self._platter.files().get(NOTE, b"")


class SimulatedDatabase:
    """A database on the simulated disk: the statements of the store, through another binding of SQLite."""

    def __init__(self, number, name):
        self._name = name
        self._connection = apsw.Connection(f"{number}/{name}", vfs="simulated")
        try:
            # the index of the log lies in the heap: SQLite asks for no memory that is shared with other processes
            for statement in ("PRAGMA locking_mode=EXCLUSIVE", *SETUP):
                self.execute(statement)
        except StorageFaultError:
            self.close()
            raise

    def execute(self, statement, values=()):
        try:
            return self._connection.execute(statement, values).fetchall()
        except apsw.Error as problem:
            raise self._fault(problem) from None

    def execute_many(self, statement, rows):
        try:
            self._connection.executemany(statement, rows)
        except apsw.Error as problem:
            raise self._fault(problem) from None

    def close(self):
        with suppress(apsw.Error):
            self._connection.close()

    def _fault(self, problem):
        return fault_of(f"{self._name}: {problem}", getattr(problem, "result", 0))
