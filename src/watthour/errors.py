"""Everything that can go wrong and is somebody's to mend, as one tree.

::

    WatthourError                 one line: what, where, what to do
    ├── UsageError                our caller's mistake: a wrong option, an impossible combination
    │   ├── ConfigError           a config or network file says something impossible
    │   ├── UnknownModelError     no such meter in the range
    │   ├── CalendarError         a tariff calendar that contradicts itself
    │   ├── UnknownCalendarError  no such calendar
    │   ├── LocalTimeError        a local time that a clock shows twice, or never
    │   ├── ContractError         a contract whose parts do not fit each other
    │   └── ReadingsError         readings that cannot be billed: no column, no interval, no such meter
    ├── NoPriceError              a day without a price, named with the line that asks
    ├── OutsideCalendarError      a day before the first or after the last of a calendar
    ├── SourceError               samples cannot be had
    │   ├── RecordingError        a recording is missing, malformed, or lacks a channel
    │   ├── ContactsError         lines that do not say what a contact does
    │   └── SampleError           a sample that is not a number, a rate too low
    ├── CalibrationError          reference loads from which no correction follows
    ├── ParameterError            a setting is refused
    │   ├── UnknownParameterError there is no such setting
    │   ├── OutOfRangeError       the value is outside the setting's range
    │   ├── ReadOnlyError         this interface may not write it
    │   └── SealedError           it is sealed
    ├── PeerError                 the other end of a line
    │   ├── BadFrameError         bytes that are no legal frame
    │   │   └── TelegramError     a frame whose content is none: an M-Bus record cut off, a reserved code
    │   ├── ExceptionReplyError   it answered with an exception
    │   └── NoAnswerError         it does not answer
    ├── ListenError               a port or line cannot be opened
    └── StoreError                what was kept cannot be kept or believed
        ├── DamagedRecordError    a record's checksum or shape is wrong
        ├── StorageFaultError     the disk refuses: full, an I/O error, a file that is no database
        └── StoreBusyError        another process owns the directory
"""

from collections.abc import Sequence
from datetime import date


class WatthourError(Exception):
    """What went wrong, where, and what to do about it, in one line."""

    exit_code = 1


class UsageError(WatthourError):
    """Our caller asked for something that cannot be: an option, a combination."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration file cannot be used as it is.

    Parameters
    ----------
    file : str
        The file as the user named it.
    problem : str
        What is wrong and what to do.
    line : int, optional
        Line of the file, from 1.
    """

    def __init__(self, file: str, problem: str, line: int | None = None) -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {problem}")
        self.file = file
        self.line = line


class UnknownModelError(UsageError):
    """No meter of the range has this code or name."""


class CalendarError(UsageError):
    """A tariff calendar contradicts itself, or says what no meter can do.

    Parameters
    ----------
    path : sequence of str and int
        Of the key at fault, from the top of a calendar file.
    problem : str
        What is wrong and what to do.
    """

    def __init__(self, path: Sequence[str | int], problem: str) -> None:
        super().__init__(f"{'.'.join(str(part) for part in path)}: {problem}")
        self.path = tuple(path)
        self.problem = problem


class UnknownCalendarError(UsageError):
    """There is no calendar of this name."""


class LocalTimeError(UsageError):
    """A local time that the clock shows twice, or jumps over."""


class ContractError(UsageError):
    """A contract, or an invoice, whose parts do not fit each other."""


class ReadingsError(UsageError):
    """Readings that cannot be billed: a column, an interval or a meter is not there."""


class NoPriceError(WatthourError):
    """A line of a bill asks for a value that is dated, and nothing holds on the day.

    Parameters
    ----------
    name, key : str
        Of the value.
    day : date
    line : str
        The line that asks.
    held : str
        The days on which there is one, in words; empty: none.
    """

    def __init__(self, name: str, key: str, day: date, line: str, held: str) -> None:
        value = f"{name} {key}".strip()
        known = f"it holds {held}" if held else "none is given"
        super().__init__(f"{line}: no value of {value} on {day.isoformat()}: {known}; add a price list that covers that day")
        self.name = name
        self.key = key
        self.day = day
        self.line = line


class OutsideCalendarError(WatthourError):
    """A calendar says nothing of a day: it is before its first or after its last.

    Parameters
    ----------
    calendar : str
        Its name.
    day : date
        On the clock that the calendar switches by.
    valid : str
        Its first and last day in words.
    """

    def __init__(self, calendar: str, day: date, valid: str) -> None:
        super().__init__(f"{calendar}: no rate on {day.isoformat()}: the calendar holds {valid}; name one that covers that day")
        self.calendar = calendar
        self.day = day


class SourceError(WatthourError):
    """Samples cannot be had from where they should come."""


class RecordingError(SourceError):
    """A recording is missing, malformed, or lacks what was asked of it.

    Parameters
    ----------
    file : str
        The file as the user named it.
    problem : str
        What is wrong, at which place of the file, and what to do.
    """

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file


class ContactsError(SourceError):
    """What the contacts at the digital inputs do cannot be had, or is nonsense.

    Parameters
    ----------
    file : str
        The file or FIFO as the user named it.
    problem : str
        What is wrong and what to do.
    line : int, optional
        Line of the file, from 1.
    """

    def __init__(self, file: str, problem: str, line: int | None = None) -> None:
        super().__init__(f"{file if line is None else f'{file}:{line}'}: {problem}")
        self.file = file
        self.line = line


class SampleError(SourceError):
    """Samples that no meter can use: not a number, or too few a second."""


class CalibrationError(WatthourError):
    """Reference loads from which no correction follows; the reason says which and why."""


class ParameterError(WatthourError):
    """A setting is refused; `name` says which."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


class UnknownParameterError(ParameterError):
    """There is no setting of that name."""


class OutOfRangeError(ParameterError):
    """The value is not one that the setting may take."""


class ReadOnlyError(ParameterError):
    """The setting is not written through this interface."""


class SealedError(ParameterError):
    """The setting changes only while the seal is open."""


class PeerError(WatthourError):
    """The other end of a line misbehaves."""


class BadFrameError(PeerError):
    """Bytes that are no legal frame or message."""


class TelegramError(BadFrameError):
    """A whole frame whose content makes no telegram.

    Parameters
    ----------
    fault : str
        What is wrong, in the words of the protocol.
    place : str
        Where.
    before : tuple
        What could be read before it.
    rest : bytes
        What could not.
    """

    def __init__(self, fault: str, place: str, before: tuple[object, ...] = (), rest: bytes = b"") -> None:
        super().__init__(f"{fault}: {place}")
        self.fault = fault
        self.before = before
        self.rest = rest


class ExceptionReplyError(PeerError):
    """The peer answered a request with an exception.

    Parameters
    ----------
    code : int
        The protocol's exception code.
    message : str
        Who refused what.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class NoAnswerError(PeerError):
    """The peer does not answer, or cannot be reached."""


class ListenError(WatthourError):
    """A port or a line cannot be opened for the meter to answer on."""


class StoreError(WatthourError):
    """What was kept cannot be read, or what must be kept cannot be written."""


class DamagedRecordError(StoreError):
    """A record whose checksum or shape is wrong."""


class StorageFaultError(StoreError):
    """The disk, or a file on it, refuses.

    Parameters
    ----------
    is_passing : bool
        Whether nothing is wrong with the file itself (a full disk): it may be written again. A file that failed in any
        other way is not trusted until it was written anew.
    is_damage : bool
        Whether the disk gave its bytes, and they are wrong; else it gave none.
    """

    def __init__(self, message: str, *, is_passing: bool = False, is_damage: bool = False) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.is_damage = is_damage


class StoreBusyError(StoreError):
    """Another process owns the data directory."""
