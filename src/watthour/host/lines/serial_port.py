"""Opening a serial port or a pty, with one clear line where that fails.

In: a URL and the settings that stand where it is silent. Out: an open transport. A pty is a file that behaves as a port: it
has neither a speed nor a parity.
"""

import asyncio
import errno
import fcntl
import os
import stat
import struct
import termios
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from watthour.errors import ListenError
from watthour.host.lines.url import SerialUrl
from watthour.parameters import DEFAULTS, Setting
from watthour.wire.modbus.rtu_frame import Timing

Protocol = TypeVar("Protocol", bound=asyncio.Protocol)

PTY_MAJORS = range(136, 144)
"""Device numbers of ptys (Linux, Documentation/admin-guide/devices.txt)."""

NO_PARITY = "N"


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """How a port is opened.

    Parameters
    ----------
    framing : str
        Data bits, parity, stop bits: ``8N1``.
    gap_s : float, optional
        Silence after which a frame that has begun is over; None: that of the speed.
    rs485 : bool
        Whether the driver is to switch the transmitter.
    """

    device: str
    baudrate: int
    framing: str
    gap_s: float | None = None
    rs485: bool = False

    @classmethod
    def of(cls, url: SerialUrl, settings: Mapping[str, Setting] = DEFAULTS) -> "SerialSettings":
        """Return what a URL asks for, completed by a meter's settings."""
        return cls(
            device=url.device,
            baudrate=int(str(settings["bus_baudrate"])) if url.baudrate is None else url.baudrate,
            framing=str(settings["bus_framing"]) if url.framing is None else url.framing,
            gap_s=None if url.gap_ms is None else url.gap_ms / 1000,
            rs485=url.rs485,
        )

    @property
    def timing(self) -> Timing:
        """The silences of the line."""
        return Timing.at(self.baudrate, self.gap_s)

    @property
    def parity(self) -> str:
        """N, E or O."""
        return self.framing[1]

    @property
    def stop_bits(self) -> int:
        """Of each character."""
        return int(self.framing[2])

    def without_parity(self) -> "SerialSettings":
        """Return the same without parity."""
        framing = self.framing.replace(self.parity, NO_PARITY)
        return replace(self, framing=framing)


def is_pty(device: str) -> bool:
    """Say whether a device is a pty; one that is not there is none."""
    try:
        found = os.stat(device)  # noqa: PTH116 - a device number, which a path does not show
    except OSError:
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) in PTY_MAJORS


def fitting(settings: SerialSettings) -> tuple[SerialSettings, tuple[str, ...]]:
    """Return the settings that a device can take, and a remark on what it cannot."""
    if settings.parity == NO_PARITY or not is_pty(settings.device):
        return settings, ()
    plain = settings.without_parity()
    return plain, (f"{settings.device}: a pty has no parity: opened with {plain.framing} instead of {settings.framing}",)


async def open_port(settings: SerialSettings, protocol: Callable[[], Protocol]) -> tuple[asyncio.Transport, Protocol]:
    """Open a port, for this process alone.

    Raises
    ------
    ListenError
        Naming the device and what to do.
    """
    if settings.rs485:
        drive_direction(settings.device)

    import serialx  # noqa: PLC0415 - takes a fifth of a second, and most runs have no serial line

    loop = asyncio.get_running_loop()
    options: dict[str, Any] = {"byte_size": 8, "exclusive": True}
    options |= {"parity": serialx.Parity(settings.parity), "stopbits": serialx.StopBits(settings.stop_bits)}
    made: list[Protocol] = []

    def make() -> Protocol:
        made.append(protocol())
        return made[0]

    try:
        transport, _ = await serialx.create_serial_connection(loop, make, settings.device, settings.baudrate, **options)
    except (OSError, serialx.SerialException) as problem:
        msg = f"{settings.device}: {trouble(problem)}"
        raise ListenError(msg) from None
    if settings.parity != NO_PARITY:
        drop_damaged(transport.get_extra_info("serial").fileno())
    return transport, made[0]


def drop_damaged(port: int) -> None:
    """Have the driver check the parity, and drop characters with a wrong parity or stop bit, and breaks.

    Without it a driver computes the parity it sends and looks at none that it receives. A frame that lacks a character is
    dropped whole by its length and its check. A port that `mark_damage` has asked for marks is left as it is.
    """
    attributes = termios.tcgetattr(port)
    if attributes[0] & termios.PARMRK:
        return
    attributes[0] |= termios.INPCK | termios.IGNPAR | termios.IGNBRK
    termios.tcsetattr(port, termios.TCSANOW, attributes)


MARK = 0xFF
"""Begins a mark where a port marks damage: FF 00 and the character it made of it; a true FF comes doubled (termios, PARMRK)."""


class Marks:
    """Takes the marks of damaged characters out of what a port delivered, cut anywhere.

    Parameters
    ----------
    are_set : bool
        Whether the port marks them at all.
    """

    def __init__(self, *, are_set: bool) -> None:
        self.are_set = are_set
        self._begun = b""

    def split(self, data: bytes) -> Iterator[bytes | None]:
        """Yield the bytes between damaged characters, and None for each of those."""
        data, self._begun = self._begun + data, b""
        plain, at = bytearray(), 0
        while at < len(data):
            if data[at] != MARK:
                end = data.find(MARK, at)
                end = len(data) if end < 0 else end
                plain += data[at:end]
                at = end
            elif data[at : at + 2] == bytes((MARK, MARK)):
                plain.append(MARK)
                at += 2
            elif at + 1 < len(data) and data[at + 1] != 0:
                plain.append(MARK)  # no mark at all
                at += 1
            elif at + 2 < len(data):
                yield bytes(plain)
                yield None
                plain, at = bytearray(), at + 3
            else:
                self._begun = data[at:]
                break
        if plain:
            yield bytes(plain)


def mark_damage(settings: SerialSettings) -> bool:
    """Have a port check parity and mark each character that came damaged; say whether it does.

    A pty has no characters to be damaged, and is left as it is.
    """
    if settings.parity == NO_PARITY or is_pty(settings.device):
        return False
    try:
        opened = os.open(settings.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        attributes = termios.tcgetattr(opened)
        attributes[0] = (attributes[0] | termios.INPCK | termios.PARMRK) & ~(termios.IGNPAR | termios.ISTRIP)
        termios.tcsetattr(opened, termios.TCSANOW, attributes)
    except (OSError, termios.error):
        return False
    finally:
        os.close(opened)
    return True


_TIOCSRS485 = 0x542F
_RS485_ENABLED, _RS485_RTS_ON_SEND = 1, 2
_RS485 = struct.Struct("=3I5I")
"""Flags, delays before and after sending, padding (Linux, serial_rs485)."""


def drive_direction(device: str) -> None:
    """Have the driver of an RS-485 port switch its transmitter by itself.

    Raises
    ------
    ListenError
        If it does not offer that.
    """
    try:
        opened = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as problem:
        msg = f"{device}: {trouble(problem)}"
        raise ListenError(msg) from None
    try:
        fcntl.ioctl(opened, _TIOCSRS485, _RS485.pack(_RS485_ENABLED | _RS485_RTS_ON_SEND, *[0] * 7))
    except OSError:
        msg = f"{device}: its driver does not switch an RS-485 transmitter: leave rs485 out, most adapters do it by themselves"
        raise ListenError(msg) from None
    finally:
        os.close(opened)


_REMEDIES = {
    errno.ENOENT: "no such device: is it plugged in? ls /dev/tty* /dev/serial/by-id shows those there are",
    errno.ENODEV: "no device behind this file: is it plugged in?",
    errno.ENXIO: "no device behind this file: is it plugged in?",
    errno.EACCES: "not allowed: join the group that owns it (ls -l shows it, often dialout), and log in again",
    errno.EPERM: "not allowed: join the group that owns it (ls -l shows it, often dialout), and log in again",
    errno.EBUSY: "in use: stop the program that has it open, or use another line",
    errno.ENOTTY: "no serial port: name a tty or a pty",
    errno.EISDIR: "no serial port: name a tty or a pty",
    errno.EINVAL: "it does not take this speed or framing: choose others with ?baudrate= and &framing=",
    errno.EIO: "the other end of this pty is closed, or the device does not answer",
}


def trouble(problem: Exception) -> str:
    """Return what a failure to open or to keep a port means, and what to do."""
    number = problem.errno if isinstance(problem, OSError) else None
    return _REMEDIES.get(number or 0) or getattr(problem, "strerror", None) or str(problem)
