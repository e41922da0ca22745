"""Which meters share a line: those that are to listen on the same port, or on the same tty.

In: for each meter the addresses it is to listen on. Out: the lines, each with its meters in the order they were named; or one
line that names both meters that cannot be on it together. An open line answers for all of them.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from watthour.errors import UsageError
from watthour.host.lines.access import OPEN, LineAccess, Refusals
from watthour.host.lines.mbus_server import (
    MBusSerialServer,
    MBusTcpServer,
    check_addresses,
    mbus_settings,
    serve_mbus_serial,
    serve_mbus_tcp,
)
from watthour.host.lines.modbus_server import ModbusTcpServer, TcpOptions, serve_modbus_tcp
from watthour.host.lines.port import MeterPort
from watthour.host.lines.serial_port import SerialSettings
from watthour.host.lines.serial_server import ModbusRtuServer, serve_modbus_rtu
from watthour.host.lines.shared_line import TellFault, check_units
from watthour.host.lines.trace import TraceFile
from watthour.host.lines.url import BusUrl, SerialUrl, TcpUrl
from watthour.wire.modbus.faults import FaultInjector

Place = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A meter on a line.

    Parameters
    ----------
    owner : str
        What messages call the meter: its configuration.
    access : LineAccess
        Who may do what there.
    """

    owner: str
    url: BusUrl
    port: MeterPort
    access: LineAccess = OPEN

    @property
    def unit(self) -> int | None:
        """The unit, or on M-Bus the address, that it answers now; None where it is kept with a state that is not there yet."""
        fixed, setting = (self.url.address, "mbus_address") if self.url.is_mbus else (self.url.unit, "bus_address")
        view = self.port.view()
        if fixed is None and view.starting:
            return None
        return int(str(view.parameters[setting])) if fixed is None else fixed

    @property
    def waits(self) -> bool:
        """Whether it can be on its line only when its state is there.

        On a serial line it would not know who is meant, or how the others speak; to one that is silent it looks the same. A TCP
        port is its meters' own.
        """
        if not isinstance(self.url, SerialUrl) or not self.port.view().starting:
            return False
        return self.unit is None or self.url.baudrate is None or (self.url.framing is None and not self.url.is_mbus)


def place_of(url: BusUrl) -> Place:
    """Return where a URL leads, whatever the unit: two that lead to the same place share a line.

    A port that the system is to choose is nobody else's.
    """
    if isinstance(url, SerialUrl):
        return (os.path.realpath(url.device),)
    return (url.host, url.port) if url.port else (object(),)


def lines_of(listeners: Sequence[Listener]) -> list[tuple[Listener, ...]]:
    """Return the listeners of each line.

    Raises
    ------
    UsageError
        If a unit is no station's, two meters on a line have the same one, or want a port opened differently; the line names both.
        What is kept with a state that is not there yet is not looked at: ask again when it is.
    """
    lines: dict[Place, list[Listener]] = {}
    for listener in listeners:
        check = check_addresses if listener.url.is_mbus else check_units
        check(listener.url, [listener.url.address if listener.url.is_mbus else listener.url.unit])
        line = lines.setdefault(place_of(listener.url), [])
        for other in line:
            _check_together(other, listener)
        line.append(listener)
    return [tuple(line) for line in lines.values()]


def _check_together(one: Listener, other: Listener) -> None:
    owners = f"{one.owner} and {other.owner}" if one.owner != other.owner else f"{one.owner} twice"
    if one.unit is not None and one.unit == other.unit:
        msg = f"{other.url}: unit {one.unit} is wanted by {owners}: give each its own, with ?unit= or bus_address"
        raise UsageError(msg)
    if one.url.scheme != other.url.scheme:
        msg = f"{other.url}: {owners} want {one.url.scheme} and {other.url.scheme} there: a line has one protocol"
        raise UsageError(msg)
    if one.access != other.access:
        msg = f"{other.url}: {owners} want different rights there: a port has one writable and one table of roles"
        raise UsageError(msg)
    is_starting = any(listener.port.view().starting for listener in (one, other))
    if isinstance(one.url, SerialUrl) and isinstance(other.url, SerialUrl) and not is_starting:
        ways = [_way(listener.url, listener.port) for listener in (one, other) if isinstance(listener.url, SerialUrl)]
        if ways[0] != ways[1]:
            msg = f"{other.url}: {owners} want the line at {ways[0]} and at {ways[1]}: a line has one speed and framing"
            raise UsageError(msg)


def _way(url: SerialUrl, port: MeterPort) -> str:
    of = mbus_settings if url.is_mbus else SerialSettings.of
    settings = of(url, port.view().parameters)
    return f"{settings.baudrate} {settings.framing}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A line that answers.

    Parameters
    ----------
    urls : tuple of str
        Where each of its meters is now, in their order.
    """

    server: ModbusTcpServer | ModbusRtuServer | MBusTcpServer | MBusSerialServer
    urls: tuple[str, ...]


async def open_line(
    listeners: Sequence[Listener],
    *,
    injector: FaultInjector | None = None,
    tell_fault: TellFault | None = None,
    tell: Callable[[str], None],
    trace: TraceFile | None = None,
) -> OpenLine:
    """Open the line that some meters share.

    Raises
    ------
    UsageError, ListenError
        As `serve_modbus_tcp` and `serve_modbus_rtu`.
    """
    ports = [listener.port for listener in listeners]
    urls = [listener.url for listener in listeners]
    units = [url.unit for url in urls]
    first = urls[0]
    if first.is_mbus:
        return await _open_mbus(first, urls, ports, tell)
    if isinstance(first, TcpUrl):
        options = TcpOptions(access=listeners[0].access, trace=trace)
        tcp = await serve_modbus_tcp(
            first, ports, units=units, injector=injector, tell_fault=tell_fault, tell_denied=Refusals(tell), options=options
        )
        host, port = tcp.address
        told = (str(replace(url, host=host, port=port)) for url in urls if isinstance(url, TcpUrl))
        return OpenLine(server=tcp, urls=tuple(told))
    rtu = await serve_modbus_rtu(first, ports, units=units, injector=injector, tell_fault=tell_fault, tell=tell, trace=trace)
    opened = rtu.settings
    at = (str(replace(url, baudrate=opened.baudrate, framing=opened.framing)) for url in urls if isinstance(url, SerialUrl))
    return OpenLine(server=rtu, urls=tuple(at))


async def _open_mbus(
    first: BusUrl, urls: Sequence[BusUrl], ports: Sequence[MeterPort], tell: Callable[[str], None]
) -> OpenLine:
    addresses = [url.address for url in urls]
    if isinstance(first, TcpUrl):
        tcp = await serve_mbus_tcp(first, ports, addresses)
        host, port = tcp.address
        return OpenLine(
            server=tcp, urls=tuple(str(replace(url, host=host, port=port)) for url in urls if isinstance(url, TcpUrl))
        )
    serial = await serve_mbus_serial(first, ports, addresses, tell)
    baudrate = serial.settings.baudrate
    return OpenLine(
        server=serial, urls=tuple(str(replace(url, baudrate=baudrate)) for url in urls if isinstance(url, SerialUrl))
    )
