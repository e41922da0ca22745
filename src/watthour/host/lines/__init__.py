"""Lines: the ports a meter answers on, and the other end that reads one."""

from watthour.host.lines.access import LineAccess
from watthour.host.lines.modbus_client import MeterLine, connect
from watthour.host.lines.modbus_server import ModbusTcpServer, serve_modbus_tcp
from watthour.host.lines.port import MeterPort
from watthour.host.lines.reading import read_values
from watthour.host.lines.serial_server import ModbusRtuServer, serve_modbus_rtu
from watthour.host.lines.sharing import Listener, OpenLine, lines_of, open_line
from watthour.host.lines.trace import TraceFile
from watthour.host.lines.url import BusUrl, SerialUrl, TcpUrl, parse_url
from watthour.host.lines.values import Reading

__all__ = [
    "BusUrl",
    "LineAccess",
    "Listener",
    "MeterLine",
    "MeterPort",
    "ModbusRtuServer",
    "ModbusTcpServer",
    "OpenLine",
    "Reading",
    "SerialUrl",
    "TcpUrl",
    "TraceFile",
    "connect",
    "lines_of",
    "open_line",
    "parse_url",
    "read_values",
    "serve_modbus_rtu",
    "serve_modbus_tcp",
]
