"""The pulses of a run as a test bench would see them: a CSV file, one line a flash.

In: pulses as the meter gives them. Out: lines ``time,led,count`` in order of time. A file goes on where the meter left
off: lines beyond what was kept come again, so they are dropped before, and none is doubled or lost over a restart.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import merge
from pathlib import Path
from types import TracebackType
from typing import Self

from watthour.errors import StoreError, UsageError
from watthour.pulses import LEDS, Led, Pulses, led_count
from watthour.units import NANOSECONDS

HEADER = "time,led,count"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def begin(self, secondary: Sequence[int]) -> tuple[str, ...]:
        """Open the file to go on after what a meter has counted, and return what the user should know.

        Parameters
        ----------
        secondary : six int
            The meter's secondary counters.

        Raises
        ------
        UsageError
            If the file holds something else.
        StoreError
            If it cannot be written.
        """
        counted = {led: led_count(secondary, led) for led in LEDS}
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            keep, dropped, last = 0, 0, dict.fromkeys(LEDS, 0)
            if stat.S_ISREG(os.fstat(self._file).st_mode):  # a device holds nothing of ours, and may be read for ever
                with os.fdopen(os.dup(self._file), "rb") as held:
                    keep, dropped, last = _reach(held, counted, self._path)
                os.truncate(self._file, keep)
                os.lseek(self._file, keep, os.SEEK_SET)
            if not keep:
                self._write(f"{HEADER}\n")
        except OSError as problem:
            raise self._unwritable(problem) from None
        return _remarks(self._path, counted, last, dropped)

    def write(self, pulses: Sequence[Pulses]) -> None:
        """Append pulses, in order of time.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        lines = [f"{text},{led},{count}\n" for text, led, count in _told(pulses)]
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


def _reach(held: Iterable[bytes], counted: dict[Led, int], path: Path) -> tuple[int, int, dict[Led, int]]:
    """Return how many bytes of a file to keep, how many pulses are dropped behind them, and each LED's last count kept."""
    last = dict.fromkeys(LEDS, 0)
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


def _is_kept(line: bytes, counted: dict[Led, int], last: dict[Led, int]) -> bool:
    """Tell whether a line is whole and of a pulse that the meter has counted, and note its count."""
    try:
        _, name, number = line.decode("ascii").split(",")
        led, count = Led(name), int(number)
    except ValueError:
        return False
    if not line.endswith(b"\n") or count > counted[led]:
        return False
    last[led] = count
    return True


def _remarks(path: Path, counted: dict[Led, int], last: dict[Led, int], dropped: int) -> tuple[str, ...]:
    again = (
        f"{path}: lines taken out at its end: {dropped}, beyond what this meter has counted; what is metered again comes again"
    )
    return (
        *((again,) if dropped else ()),
        *(
            f"{path}: {led} pulses {last[led] + 1} to {counted[led]} came before and are not in it"
            for led in LEDS
            if last[led] < counted[led]
        ),
    )


def _told(pulses: Sequence[Pulses]) -> Iterator[tuple[str, Led, int]]:
    """Yield instant, LED and count of each pulse, in order of time."""
    streams = [_dated([each for each in pulses if each.led is led]) for led in LEDS]
    for time_ns, led, count in merge(*streams):
        yield instant(time_ns), led, count


def _dated(pulses: Iterable[Pulses]) -> Iterator[tuple[int, Led, int]]:
    for each in pulses:
        yield from ((time_ns, each.led, count) for count, time_ns in enumerate(each.time_ns.tolist(), each.first))


def instant(time_ns: int) -> str:
    """Return an instant in ISO 8601, UTC, with nine decimals.

    >>> instant(1_767_225_600_500_000_000)
    '2026-01-01T00:00:00.500000000Z'
    """
    seconds, rest = divmod(time_ns, NANOSECONDS)
    return f"{_EPOCH + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
