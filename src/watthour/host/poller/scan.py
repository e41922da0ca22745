"""Who is on a line: addresses, serial numbers and a guess at what each is, on any bus, with progress.

A Modbus unit is asked for what any meter of the package's devices would show; whatever it answers, an exception too, says that it is
there. A serial line is asked at each speed it may have.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from watthour.errors import ExceptionReplyError, NoAnswerError, PeerError
from watthour.headend.device import Device
from watthour.host.instants import now_ns
from watthour.host.lines.mbus_client import Found, open_master, scan_primary
from watthour.host.lines.modbus_client import open_link
from watthour.host.lines.url import BusUrl, SerialUrl, TcpUrl
from watthour.host.poller.devices import device_names, device_of
from watthour.host.poller.modbus import ModbusUnits
from watthour.parameters import BAUD_RATES, FRAMINGS
from watthour.wire.mbus.message import PRIMARY
from watthour.wire.mbus.telegram import manufacturer_letters
from watthour.wire.modbus.message import ExceptionCode

UNITS = range(1, 248)
MBUS_BAUD_RATES = (2400, 9600, 300)
TCP_ANSWER_S = 0.3
SERIAL_ANSWER_S = 0.15
_GATEWAY = {ExceptionCode.GATEWAY_TARGET_FAILED, ExceptionCode.GATEWAY_TARGET_FAILED - 1}
"""Exceptions by which a gateway says that nobody is there (Application Protocol V1.1b3, 7)."""

Heard = Callable[[str, int, int], None]
"""Takes what is asked now, how many were asked, and how many were found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Who answers.

    Parameters
    ----------
    url : str
        By which it can be polled.
    device : str
        A guess at what it is; empty: nothing that is known.
    """

    url: str
    device: str = ""
    serial: str = ""
    model: str = ""
    remark: str = ""


async def scan(url: BusUrl, units: Sequence[int] | None, *, progress: bool) -> list[Station]:
    """Return who is on a line.

    Parameters
    ----------
    units : sequence of int, optional
        Units or addresses to ask; without it all.

    Raises
    ------
    NoAnswerError
        If the line cannot be opened.
    """
    tries = list(_tries(url))
    asked = list(units or (PRIMARY if url.is_mbus else UNITS))
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]} found"), TimeElapsedColumn())
    found: list[Station] = []
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not progress) as bar:
        task = bar.add_task("", total=len(asked) * len(tries), count=0)
        for place, each in enumerate(tries):

            def heard(words: str, done: int, count: int, place: int = place, known: int = len(found)) -> None:
                bar.update(task, description=words, completed=place * len(asked) + done, count=known + count)

            found += await (_scan_mbus(each, asked, heard) if url.is_mbus else _scan_modbus(each, asked, heard))
    return found


def _tries(url: BusUrl) -> Iterator[BusUrl]:
    """Yield the ways a line may be opened: a serial line at each speed and framing that the URL leaves open."""
    if not isinstance(url, SerialUrl):
        yield url
    elif url.is_mbus:
        for rate in (url.baudrate,) if url.baudrate else MBUS_BAUD_RATES:
            yield replace(url, baudrate=rate)
    else:
        framings = (url.framing,) if url.framing else FRAMINGS[:3]
        for rate in (url.baudrate,) if url.baudrate else tuple(int(rate) for rate in BAUD_RATES):
            for framing in framings:
                yield replace(url, baudrate=rate, framing=framing)


async def _scan_modbus(url: BusUrl, units: Sequence[int], heard: Heard) -> list[Station]:
    devices = [device_of(name, Path()) for name in _BY_LIKELIHOOD if name in device_names()]
    timeout_s = TCP_ANSWER_S if isinstance(url, TcpUrl) else SERIAL_ANSWER_S
    found: list[Station] = []
    streams, link = await open_link(url, timeout_s)
    try:
        line = ModbusUnits(streams, link, now_ns)
        for done, unit in enumerate(units):
            heard(f"{_way(url)} unit {unit}", done, len(found))
            station = await _ask(line, replace(url, unit=unit), devices)
            if station is not None:
                found.append(station)
    finally:
        streams[1].close()
    return found


_BY_LIKELIHOOD = ("watthour", "cem-family", "sunspec-203", "sunspec-213")


async def _ask(line: ModbusUnits, url: BusUrl, devices: Sequence[Device]) -> Station | None:
    """Return who answers as a unit; None: nobody."""
    is_there, remark = False, ""
    for device in devices:
        try:
            reading = await line.read(url, device, None)
        except ExceptionReplyError as problem:
            if problem.code in _GATEWAY:
                return None
            is_there = True
        except NoAnswerError:
            if not is_there:
                return None
        except PeerError as problem:
            is_there, remark = True, str(problem).partition(": ")[2]
        else:
            return Station(url=str(url), device=device.name, serial=reading.serial, model=reading.model)
    return Station(url=str(url), remark=remark or "answers, and is no device that is known")


async def _scan_mbus(url: BusUrl, addresses: Sequence[int], heard: Heard) -> list[Station]:
    timeout_s = TCP_ANSWER_S if isinstance(url, TcpUrl) else None
    async with open_master(url, timeout_s=timeout_s) as master:
        done = iter(range(len(addresses)))
        found = await scan_primary(
            master, addresses, lambda address, count: heard(f"{_way(url)} address {address}", next(done), count)
        )
    return [_station(url, each) for each in found]


def _station(url: BusUrl, found: Found) -> Station:
    where = str(replace(url, address=found.address))
    if found.header is None:
        return Station(url=where, remark=found.remark or "tells no header")
    maker = manufacturer_letters(found.header.manufacturer)
    return Station(
        url=where,
        device="M-Bus",
        serial=f"{maker}{found.header.serial}",
        model=f"{maker} version {found.header.version}",
        remark=found.remark,
    )


def _way(url: BusUrl) -> str:
    return f"{url.baudrate} {url.framing or '8E1'}" if isinstance(url, SerialUrl) else f"{url.host}:{url.port}"
