"""The ``.cfg`` of a COMTRADE recording: what was recorded, how fast, since when, in which format.

In: its bytes. Out: a `Configuration`, or one line with the number of the line that is wrong. Fields that a revision
made optional may be blank or absent. Nothing is known here of the samples.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NoReturn

from watthour.errors import RecordingError
from watthour.waveform.channels import Channel, Side
from watthour.waveform.comtrade.instants import instant_ns, offset_ns, tick_s
from watthour.waveform.lines import header_text

FORMATS = ("ASCII", "BINARY", "BINARY32", "FLOAT32")
REVISIONS = {"": "1991", "1991": "1991", "1999": "1999", "2001": "1999", "2013": "2013"}
"""What the first line says, and what it means: without a year it is of 1991; IEC 60255-24:2001 is that of 1999."""

_SIDES: dict[str, Side] = {"P": "primary", "S": "secondary"}
_SHOWN = 40
_SMALLEST, _LARGEST = 1e-30, 1e30  # of any factor a recorder may write


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A ``.cfg`` read.

    Parameters
    ----------
    rates : tuple of (samples/s, last sample)
        As the header lists them; a rate of 0 means that time stamps count. A last sample of 0 means that the header
        does not know.
    tick_s : float
        Seconds per unit of a time stamp, multiplier included.
    """

    revision: str
    channels: tuple[Channel, ...]
    digital_count: int
    rates: tuple[tuple[float, int], ...]
    start_ns: int | None
    format: str
    tick_s: float
    remarks: tuple[str, ...]


class _Lines:
    """The header's lines in order, each as fields; blank ones past the end."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = re.split(r"\r\n|\r|\n", text.replace("\x1a", "").rstrip())
        self.number = 0

    def take(self) -> list[str]:
        """Return the next line's fields."""
        fields = self.peek()
        self.number += 1
        return fields

    def peek(self) -> list[str]:
        """Return the fields that `take` would return."""
        return [field.strip() for field in self._line(self.number).split(",")]

    def refuse(self, expected: str) -> NoReturn:
        """Refuse the line just taken."""
        found = self._line(self.number - 1)[:_SHOWN]
        what = f"found {found!r}" if found else "there is nothing"
        raise RecordingError(
            self._file, f"line {self.number}: {what} where {expected} is due: this is no whole COMTRADE header"
        )

    def _line(self, index: int) -> str:
        return self._lines[index] if index < len(self._lines) else ""


def read_configuration(file: str, content: bytes) -> Configuration:
    """Return what a ``.cfg`` says.

    Raises
    ------
    RecordingError
        Naming the line that cannot be understood.
    """
    lines = _Lines(file, header_text(content))
    revision = _revision(lines)
    analog_count, digital_count = _counts(lines)
    channels = tuple(_channel(lines, number) for number in range(1, analog_count + 1))
    for _ in range(digital_count):
        lines.take()
    lines.take()  # nominal frequency: the meter tracks its own
    rates = _rates(lines)
    first, trigger = lines.take(), lines.take()
    data_format = _format(lines)
    multiplier = _multiplier(lines)
    time_code = lines.take()[0] if revision == "2013" else ""
    start_ns, remarks = _start(file, revision, first, time_code)
    return Configuration(
        revision=revision,
        channels=channels,
        digital_count=digital_count,
        rates=rates,
        start_ns=start_ns,
        format=data_format,
        tick_s=tick_s([first[-1], trigger[-1]]) * multiplier,
        remarks=remarks,
    )


def _revision(lines: _Lines) -> str:
    fields = lines.take()
    year = fields[-1] if len(fields) > 2 else ""  # noqa: PLR2004 - station, device, year
    if len(fields) < 2 or year not in REVISIONS:  # noqa: PLR2004
        lines.refuse("station,device,year with the year 1991, 1999 or 2013")
    return REVISIONS[year]


def _counts(lines: _Lines) -> tuple[int, int]:
    fields = lines.take()
    counts = {}
    for field in fields[1:]:
        match = re.fullmatch(r"(\d{1,6})\s*([ADad])", field)
        if match:
            counts[match.group(2).upper()] = int(match.group(1))
    if "A" not in counts:
        lines.refuse("the number of channels, such as 8,6A,2D,")
    return counts["A"], counts.get("D", 0)


def _channel(lines: _Lines, number: int) -> Channel:
    fields = lines.take()
    if len(fields) < 6:  # noqa: PLR2004 - up to the multiplier
        lines.refuse(f"analog channel {number}")
    fields = [*fields, *[""] * (13 - len(fields))]
    try:
        return Channel(
            number=number,
            name=fields[1],
            phase=fields[2],
            unit=fields[4],
            gain=_factor(fields[5]),
            offset=_factor(fields[6] or "0"),
            skew_us=float(fields[7] or 0),
            maximum=float(fields[9]) if fields[9] else None,
            side=_SIDES.get(fields[12].upper()),
        )
    except ValueError:
        lines.refuse(f"analog channel {number} with its numbers")


def _factor(text: str) -> Fraction:
    """Return a number exactly as written; ValueError if it is none of this world."""
    size = abs(float(text))
    if size and not _SMALLEST < size < _LARGEST:
        raise ValueError(text)
    return Fraction(text) if size else Fraction(0)


def _rates(lines: _Lines) -> tuple[tuple[float, int], ...]:
    fields = lines.take()
    if not re.fullmatch(r"\d{1,4}", fields[0]):
        lines.refuse("the number of sampling rates")
    if fields[0] == "0" and "/" in lines.peek()[0]:
        return ((0.0, 0),)  # a date already: no rate line at all
    rates: list[tuple[float, int]] = []
    for _ in range(max(int(fields[0]), 1)):
        rates.append(_rate(lines, rates[-1][1] if rates else -1))
    return tuple(rates)


def _rate(lines: _Lines, last: int) -> tuple[float, int]:
    fields = lines.take()
    try:
        rate_hz, end = float(fields[0]), int(fields[1] or 0)
    except (ValueError, IndexError):
        lines.refuse("samples/s,last sample")
    if not 0 <= rate_hz < float("inf") or end <= last:
        lines.refuse("samples/s,last sample, in rising order,")
    return rate_hz, end


def _format(lines: _Lines) -> str:
    fields = lines.take()
    found = fields[0].upper()
    if found not in FORMATS:
        lines.refuse(f"the format of the samples ({', '.join(FORMATS)})")
    return found


def _multiplier(lines: _Lines) -> float:
    fields = lines.take()
    try:
        multiplier = float(fields[0] or 1)
    except ValueError:
        multiplier = -1.0
    if not _SMALLEST < multiplier < _LARGEST:
        lines.refuse("the multiplier of the time stamps")
    return multiplier


def _start(file: str, revision: str, fields: Sequence[str], time_code: str) -> tuple[int | None, tuple[str, ...]]:
    local_ns = instant_ns(",".join(fields), month_first=revision == "1991")
    if local_ns is None:
        return None, (f"{file}: its start {','.join(fields)[:_SHOWN]!r} is no instant: say start in [source]",)
    offset = offset_ns(time_code)
    if offset is None:
        return local_ns, (f"{file}: its time code {time_code[:_SHOWN]!r} is no offset: its start is taken as UTC",)
    return local_ns - offset, ()
