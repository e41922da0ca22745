"""The pulses of a run as a test bench would see them: a CSV file, one line a flash of a LED or a closing of the output.

In: pulses as the meter gives them. Out: lines ``time,led,count`` in order of time. A file goes on where the meter left
off: lines beyond what was kept come again, so they are dropped before, and none is doubled or lost over a restart.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from watthour.errors import StoreError, UsageError
from watthour.host.store.disk import sync_directory
from watthour.meter import Meter, MeterState
from watthour.meter.pulsing import has_output
from watthour.pulses import LEDS, led_count
from watthour.units import NANOSECONDS

HEADER = "time,led,count"
OUTPUT = "output"
"""What stands in the column ``led`` for the pulse output."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """Pulses of one LED or of the output.

    Parameters
    ----------
    name : str
        ``kWh``, ``kvarh`` or `OUTPUT`.
    first : int
        Number of the first, counted from the meter's first on.
    time_ns : sequence of int
        Instants, in order.
    """

    name: str
    first: int
    time_ns: Sequence[int]


def pulses_counted(state: MeterState) -> dict[str, int]:
    """Return how many pulses each LED, and the output where there is one, has given."""
    counts = {str(led): led_count(state.registers.secondary, led) for led in LEDS}
    return {**counts, OUTPUT: state.output.count} if has_output(state.settings) else counts


def take_flashes(meter: Meter) -> list[Train]:
    """Return the pulses of the LEDs since last asked."""
    return [Train(name=str(each.led), first=each.first, time_ns=each.time_ns.tolist()) for each in meter.take_pulses()]


def take_output(meter: Meter) -> Train:
    """Return the pulses of the output since last asked: the last that it has given."""
    instants = meter.take_output_pulses()
    return Train(name=OUTPUT, first=meter.state.output.count - len(instants) + 1, time_ns=instants)


class PulseFile:
    """A file of pulses, open from `begin` to `close`.

    Parameters
    ----------
    path : Path
        New, empty, or written by an earlier run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int = -1

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def begin(self, counted: Mapping[str, int]) -> tuple[str, ...]:
        """Open the file to go on after what a meter has counted, and return what the user should know.

        Parameters
        ----------
        counted : mapping of str to int
            Pulses that each LED or output has given.

        Raises
        ------
        UsageError
            If the file holds something else.
        StoreError
            If it cannot be written.
        """
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            keep, dropped, last = 0, 0, dict.fromkeys(counted, 0)
            if stat.S_ISREG(os.fstat(self._file).st_mode):  # a device holds nothing of ours, and may be read for ever
                with os.fdopen(os.dup(self._file), "rb") as held:
                    keep, dropped, last = _reach(held, counted, self._path)
                os.truncate(self._file, keep)
                os.lseek(self._file, keep, os.SEEK_SET)
                sync_directory(self._path.absolute().parent)  # else a power cut may leave the meter's count without its file
            if not keep:
                self._write(f"{HEADER}\n")
        except OSError as problem:
            raise self._unwritable(problem) from None
        return _remarks(self._path, counted, last, dropped)

    def write(self, pulses: Sequence[Train]) -> None:
        """Append pulses, in order of time.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        lines = [f"{instant(time_ns)},{name},{count}\n" for time_ns, name, count in _in_order(pulses)]
        if lines:
            try:
                self._write("".join(lines))
            except OSError as problem:
                raise self._unwritable(problem) from None

    def sync(self) -> None:
        """Bring what was written to the disk, before the state that has counted it."""
        try:
            os.fsync(self._file)
        except OSError as problem:
            if problem.errno not in _NO_DISK:
                raise self._unwritable(problem) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, text: str) -> None:
        rest = text.encode()
        while rest:
            rest = rest[os.write(self._file, rest) :]

    def _unwritable(self, problem: OSError) -> StoreError:
        return StoreError(f"{self._path}: pulses cannot be written here ({problem.strerror}): name another file with --pulses")


_NO_DISK = frozenset({22, 95})
"""EINVAL, ENOTSUP: /dev/null and pipes have nothing to bring to a disk."""


def _reach(held: Iterable[bytes], counted: Mapping[str, int], path: Path) -> tuple[int, int, dict[str, int]]:
    """Return how many bytes of a file to keep, how many pulses are dropped behind them, and each one's last count kept."""
    last = dict.fromkeys(counted, 0)
    keep, dropped = 0, 0
    for place, line in enumerate(held):
        if place == 0:
            if line.rstrip(b"\r\n") != HEADER.encode():
                msg = f"{path}: holds something else than pulses ({HEADER}): name another file with --pulses"
                raise UsageError(msg)
            keep = len(line)
        elif dropped or not _is_kept(line, counted, last):
            dropped += 1
        else:
            keep += len(line)
    return keep, dropped, last


def _is_kept(line: bytes, counted: Mapping[str, int], last: dict[str, int]) -> bool:
    """Tell whether a line is whole and of a pulse that the meter has counted, and note its count."""
    try:
        _, name, number = line.decode("ascii").split(",")
        count = int(number)
    except ValueError:
        return False
    if not line.endswith(b"\n") or count > counted.get(name, 0):
        return False
    last[name] = count
    return True


def _remarks(path: Path, counted: Mapping[str, int], last: Mapping[str, int], dropped: int) -> tuple[str, ...]:
    again = (
        f"{path}: lines taken out at its end: {dropped}, beyond what this meter has counted; what is metered again comes again"
    )
    return (
        *((again,) if dropped else ()),
        *(
            f"{path}: {name} pulses {last[name] + 1} to {count} came before and are not in it"
            for name, count in counted.items()
            if last[name] < count
        ),
    )


def _in_order(trains: Iterable[Train]) -> Iterator[tuple[int, str, int]]:
    """Yield instant, name and number of each pulse, in order of time."""
    names: dict[str, list[Train]] = {}
    for train in trains:
        names.setdefault(train.name, []).append(train)
    return merge(*map(_dated, names.values()), key=itemgetter(0))


def _dated(trains: Iterable[Train]) -> Iterator[tuple[int, str, int]]:
    for train in trains:
        yield from ((time_ns, train.name, count) for count, time_ns in enumerate(train.time_ns, train.first))


def instant(time_ns: int) -> str:
    """Return an instant in ISO 8601, UTC, with nine decimals.

    >>> instant(1_767_225_600_500_000_000)
    '2026-01-01T00:00:00.500000000Z'
    """
    seconds, rest = divmod(time_ns, NANOSECONDS)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
