"""Settings and commands written to a meter over Modbus, by the rows of its map.

In: a URL, and what is to be written by name. Out: nothing, or one line that says what was refused. Several settings are several
requests, in the order given: what comes before a refusal is done.
"""

from collections.abc import Mapping
from typing import cast

from watthour.errors import OutOfRangeError, UsageError
from watthour.host.lines.modbus_client import connect
from watthour.host.lines.url import BusUrl
from watthour.maps.modbus import LIVE
from watthour.maps.register import Access, Encodable, Register
from watthour.parameters import PARAMETER_BY_NAME, Interface, check_setting
from watthour.wire.modbus.link import ANSWER_TIMEOUT_S

SETTINGS: Mapping[str, Register] = {
    row.name: row for row in LIVE if row.access is Access.READ_WRITE and row.name in PARAMETER_BY_NAME
}
"""Settings that the map has writable."""
COMMANDS: Mapping[str, Register] = {row.name: row for row in LIVE if row.access is Access.COMMAND}


async def write_settings(url: BusUrl, settings: Mapping[str, str], *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    """Write settings, one request each; all are checked before the first is sent.

    Raises
    ------
    UsageError
        If one is not written over Modbus, naming those that are.
    OutOfRangeError
        If one cannot have this value.
    NoAnswerError, ExceptionReplyError, BadFrameError
        As reading.
    """
    _require_modbus(url)
    written = encoded(settings)
    async with connect(url, timeout_s=timeout_s) as line:
        for start, data in written:
            await line.write(start, data)


def encoded(settings: Mapping[str, object]) -> list[tuple[int, bytes]]:
    """Return what is to be written where for settings to have their values.

    Raises
    ------
    UsageError
        If one is not written over Modbus, naming those that are.
    OutOfRangeError
        If one cannot have this value.
    """
    unknown = [name for name in settings if name not in SETTINGS]
    if unknown:
        msg = f"{unknown[0]}: not written over Modbus, where there are {', '.join(SETTINGS)}: name the data directory instead"
        raise UsageError(msg)
    written = []
    for name, wanted in settings.items():
        row, value = SETTINGS[name], check_setting(name, wanted, Interface.BUS)
        try:
            written.append((row.address, row.to_bytes(cast("Encodable", value))))
        except ValueError as problem:
            raise OutOfRangeError(name, str(problem)) from None
    return written


async def command(url: BusUrl, name: str, *, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    """Write 1 to a command's register, such as ``partial_reset``.

    Raises
    ------
    UsageError
        If the URL is of another bus.
    NoAnswerError, ExceptionReplyError, BadFrameError
        As reading.
    """
    _require_modbus(url)
    async with connect(url, timeout_s=timeout_s) as line:
        await line.write(COMMANDS[name].address, COMMANDS[name].to_bytes(1))


def _require_modbus(url: BusUrl) -> None:
    if url.is_mbus:
        msg = f"{url}: settings and commands go over Modbus: name such a URL, or the data directory"
        raise UsageError(msg)
