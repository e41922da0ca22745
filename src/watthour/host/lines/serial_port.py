"""Opening a serial port or a pty, with one clear line where that fails.

In: a URL and the settings that stand where it is silent. Out: an open transport. A pty is a file that behaves as a port: it
has neither a speed nor a parity.
"""

import asyncio
import errno
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """

    device: str
    baudrate: int
    framing: str
    gap_s: float | None = None

    @classmethod
    def of(cls, url: SerialUrl, settings: Mapping[str, Setting] = DEFAULTS) -> "SerialSettings":
        """Return what a URL asks for, completed by a meter's settings."""
        return cls(
            device=url.device,
            baudrate=int(str(settings["bus_baudrate"])) if url.baudrate is None else url.baudrate,
            framing=str(settings["bus_framing"]) if url.framing is None else url.framing,
            gap_s=None if url.gap_ms is None else url.gap_ms / 1000,
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
        return SerialSettings(device=self.device, baudrate=self.baudrate, framing=framing, gap_s=self.gap_s)


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
    return transport, made[0]


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
