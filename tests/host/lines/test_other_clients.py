"""Other people's clients read and write a meter, over TCP and over a pair of ptys; tshark takes apart all they said.

mbpoll, libmodbus, pymodbus, minimalmodbus, pyModbusTCP and modbus-serial. What they do is the same for all: registers by 03 and 04, bits
by 01 and 02, a coil, one register, several registers, and a read of an address that does not exist.
"""

import asyncio
import ctypes
import ctypes.util
import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import minimalmodbus
import pytest
from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pyModbusTCP.client import ModbusClient

from watthour.host.lines.modbus_server import TcpOptions, serve_modbus_tcp
from watthour.host.lines.serial_server import serve_modbus_rtu
from watthour.host.lines.trace import TraceFile
from watthour.host.lines.url import parse_url
from watthour.view import Outcome, ResetPartial, Verdict, WriteSettings

PATIENCE_S = 60.0
NODE = Path(__file__).parents[2] / "node"
WAYS = ["tcp", "rtu"]
SIX = ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")


class Meter:
    """A meter that does nothing but answer."""

    def __init__(self, view):
        self.shown, self.asked = view, []

    def view(self):
        return self.shown

    async def ask(self, command):
        self.asked.append(command)
        return Outcome(verdict=Verdict.DONE)


@dataclass
class Line:
    """One meter behind a port and behind a pty, and where its trace is."""

    meter: Meter
    port: int
    device: str
    trace: Path

    def energies(self):
        return [self.meter.shown.values[name] for name in SIX]

    def take(self):
        """Return what was asked of the meter since last taken: kinds, and the settings written."""
        asked, self.meter.asked = self.meter.asked, []
        written = {}
        for command in asked:
            if isinstance(command, WriteSettings):
                written |= command.settings
        return [type(command) for command in asked], written


WRITTEN = ([ResetPartial, WriteSettings, WriteSettings], {"bus_framing": "8N1", "cost_per_kwh": Decimal("0.1500")})


def pairs(words):
    return [high << 16 | low for high, low in zip(words[::2], words[1::2], strict=True)]


@pytest.fixture(scope="module")
def line(make_view, tmp_path_factory, require_program):
    folder = tmp_path_factory.mktemp("clients")
    ends = [str(folder / name) for name in ("ours", "theirs")]
    socat = subprocess.Popen(
        [require_program("socat"), *(f"pty,raw,echo=0,link={end}" for end in ends)], stderr=subprocess.DEVNULL
    )
    give_up_s = time.monotonic() + PATIENCE_S
    while not all(map(os.path.exists, ends)):
        assert time.monotonic() < give_up_s
        time.sleep(0.01)
    meter = Meter(make_view(values={"input1_closed": 1, "input2_closed": 0}, selected_rate=2))
    loop, opened, closing = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    place = {}

    async def serve():
        with TraceFile(folder / "line.pcap") as trace:
            tcp = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0"), [meter], options=TcpOptions(trace=trace))
            rtu = await serve_modbus_rtu(parse_url(f"modbus+rtu://{ends[0]}"), [meter], trace=trace)
            place["port"] = tcp.address[1]
            opened.set()
            await closing.wait()
            await tcp.close()
            await rtu.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert opened.wait(PATIENCE_S)
        yield Line(meter, place["port"], ends[1], folder / "line.pcap")
    finally:
        loop.call_soon_threadsafe(closing.set)
        thread.join(PATIENCE_S)
        loop.close()
        socat.terminate()
        socat.wait(PATIENCE_S)


def mbpoll(program, line, way, *words):
    how = ["-m", "tcp", "-p", str(line.port)] if way == "tcp" else ["-m", "rtu", "-b", "9600", "-P", "none"]
    place, writes = ("127.0.0.1" if way == "tcp" else line.device), [word for word in words if word.startswith("=")]
    plain = [word for word in words if not word.startswith("=")]
    command = [program, *how, "-a", "1", "-0", "-1", "-o", "5", *plain, place, *(word[1:] for word in writes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    return [row.split("\t")[-1].strip() for row in done.stdout.splitlines() if row.startswith("[")], done.stdout + done.stderr


@pytest.mark.parametrize("way", WAYS)
def test_mbpoll(line, require_program, way):
    program = require_program("mbpoll")
    read, told = mbpoll(program, line, way, "-t", "4:int", "-B", "-r", "0", "-c", "6")
    assert [int(word) for word in read] == line.energies(), told
    assert len(mbpoll(program, line, way, "-t", "3:int", "-B", "-r", "0x732", "-c", "3")[0]) == 3
    assert mbpoll(program, line, way, "-t", "1", "-r", "0", "-c", "2")[0] == ["1", "0"]
    assert mbpoll(program, line, way, "-t", "0", "-r", "0x1302", "-c", "3")[0] == ["0", "1", "0"]
    line.take()
    for words in (
        ("-t", "0", "-r", "0x1300", "=1"),
        ("-t", "4", "-r", "0x3EA", "=0"),
        ("-t", "4:int", "-B", "-r", "0xB0", "=1500"),
    ):
        assert "Written 1 references" in mbpoll(program, line, way, *words)[1]
    assert line.take() == WRITTEN
    assert "Illegal data address" in mbpoll(program, line, way, "-t", "4", "-r", "0x744", "-c", "2")[1]


@pytest.fixture(scope="module")
def libmodbus():
    """libmodbus in C, called in this process."""
    name = ctypes.util.find_library("modbus")
    if name is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs libmodbus (apt: libmodbus5)", pytrace=False)
        pytest.skip("this test needs libmodbus (apt: libmodbus5)")
    library = ctypes.CDLL(name, use_errno=True)
    for function in ("modbus_new_tcp", "modbus_new_rtu"):
        getattr(library, function).restype = ctypes.c_void_p
    library.modbus_new_rtu.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_char, ctypes.c_int, ctypes.c_int]
    return library


@pytest.mark.parametrize("way", WAYS)
def test_libmodbus(line, libmodbus, way):
    opened = (
        libmodbus.modbus_new_tcp(b"127.0.0.1", line.port)
        if way == "tcp"
        else libmodbus.modbus_new_rtu(line.device.encode(), 9600, b"N", 8, 1)
    )
    client = ctypes.c_void_p(opened)
    libmodbus.modbus_set_slave(client, 1)
    libmodbus.modbus_set_response_timeout(client, 5, 0)
    assert libmodbus.modbus_connect(client) == 0
    try:
        words, bits = (ctypes.c_uint16 * 125)(), (ctypes.c_uint8 * 16)()
        assert libmodbus.modbus_read_registers(client, 0, 12, words) == 12
        assert pairs(words[:12]) == line.energies()
        assert libmodbus.modbus_read_input_registers(client, 0x1000, 98, words) == 98
        assert libmodbus.modbus_read_input_bits(client, 0, 2, bits) == 2
        assert bits[:2] == [1, 0]
        assert libmodbus.modbus_read_bits(client, 0x1300, 10, bits) == 10
        assert bits[:10] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        line.take()
        assert libmodbus.modbus_write_bit(client, 0x1300, 1) == 1
        assert libmodbus.modbus_write_register(client, 0x03EA, 0) == 1
        assert libmodbus.modbus_write_registers(client, 0x00B0, 2, (ctypes.c_uint16 * 2)(0, 1500)) == 2
        assert line.take() == WRITTEN
        written = (ctypes.c_uint16 * 2)(0, 1500)
        assert libmodbus.modbus_write_and_read_registers(client, 0x00B0, 2, written, 0, 12, words) == 12
        assert pairs(words[:12]) == line.energies()
        assert line.take()[0] == [WriteSettings]
        assert libmodbus.modbus_read_registers(client, 0x0744, 2, words) == -1
        assert ctypes.get_errno() == 112345678 + 2
        if way == "rtu":
            told = (ctypes.c_uint8 * 250)()
            size = libmodbus.modbus_report_slave_id(client, 250, told)
            assert bytes(told[:size])[:13] == b"\x01\xffCEM-D311-MI"
    finally:
        libmodbus.modbus_close(client)
        libmodbus.modbus_free(client)


@pytest.mark.parametrize("way", WAYS)
def test_pymodbus(line, way):
    client = (
        ModbusTcpClient("127.0.0.1", port=line.port, timeout=5)
        if way == "tcp"
        else ModbusSerialClient(line.device, baudrate=9600, timeout=5)
    )
    with client:
        assert pairs(client.read_holding_registers(0, count=12, device_id=1).registers) == line.energies()
        assert len(client.read_input_registers(0x1000, count=98, device_id=1).registers) == 98
        assert client.read_discrete_inputs(0, count=2, device_id=1).bits[:2] == [True, False]
        assert client.read_coils(0x1300, count=10, device_id=1).bits[:10] == [place == 3 for place in range(10)]
        line.take()
        assert not client.write_coil(0x1300, True, device_id=1).isError()  # noqa: FBT003 - its own words
        assert not client.write_register(0x03EA, 0, device_id=1).isError()
        assert not client.write_registers(0x00B0, [0, 1500], device_id=1).isError()
        assert line.take() == WRITTEN
        both = client.readwrite_registers(read_address=0, read_count=12, write_address=0x00B0, values=[0, 1500], device_id=1)
        assert pairs(both.registers) == line.energies()
        assert client.read_holding_registers(0x0744, count=2, device_id=1).exception_code == 2
        about = client.read_device_information(read_code=1, object_id=0, device_id=1)
        assert about.information[1] == b"Q23612"
        if way == "rtu":
            assert client.diag_query_data(b"\xa5\x37", device_id=1).message in (b"\xa5\x37", 0xA537, [0xA537])
            assert not client.report_device_id(device_id=1).isError()


def test_minimalmodbus(line):
    meter = minimalmodbus.Instrument(line.device, 1)
    meter.serial.baudrate, meter.serial.timeout = 9600, 5
    try:
        assert [meter.read_long(2 * place) for place in range(6)] == line.energies()
        assert meter.read_long(0x0732, functioncode=4) == round(line.meter.shown.values["voltage_l1_v"] * 10)
        assert meter.read_bits(0, 2, functioncode=2) == [1, 0]
        assert meter.read_bit(0x1303, functioncode=1) == 1
        line.take()
        meter.write_bit(0x1300, 1)
        meter.write_register(0x03EA, 0, functioncode=6)
        meter.write_long(0x00B0, 1500)
        assert line.take() == WRITTEN
        with pytest.raises(minimalmodbus.IllegalRequestError):
            meter.read_registers(0x0744, 2)
    finally:
        meter.serial.close()


def test_py_modbus_tcp(line):
    client = ModbusClient(host="127.0.0.1", port=line.port, unit_id=1, timeout=5)
    try:
        assert pairs(client.read_holding_registers(0, 12)) == line.energies()
        assert len(client.read_input_registers(0x1000, 98)) == 98
        assert client.read_discrete_inputs(0, 2) == [True, False]
        assert client.read_coils(0x1302, 3) == [False, True, False]
        line.take()
        assert client.write_single_coil(0x1300, True)  # noqa: FBT003 - its own words
        assert client.write_single_register(0x03EA, 0)
        assert client.write_multiple_registers(0x00B0, [0, 1500])
        assert line.take() == WRITTEN
        assert pairs(client.write_read_multiple_registers(0x00B0, [0, 1500], 0, 12)) == line.energies()
        assert client.read_holding_registers(0x0744, 2) is None
        assert client.last_except == 2
        assert client.read_device_identification().product_code == b"Q23612"
    finally:
        client.close()


@pytest.mark.parametrize("way", WAYS)
def test_modbus_serial(line, require_program, way):
    if not (NODE / "node_modules" / "modbus-serial").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs tests/node: npm ci --ignore-scripts --prefix tests/node", pytrace=False)
        pytest.skip("this test needs: npm ci --ignore-scripts --prefix tests/node")
    line.take()
    place = ["127.0.0.1", str(line.port)] if way == "tcp" else [line.device]
    done = subprocess.run(
        [require_program("node"), NODE / "read_meter.cjs", way, *place],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert pairs(told["holding"]) == line.energies()
    assert pairs(told["input"]) == [round(line.meter.shown.values[f"voltage_l{n}_v"] * 10) for n in (1, 2, 3)]
    assert (told["inputs"], told["exception"]) == ([True, False], 2)
    assert told["coils"] == [place == 3 for place in range(10)]
    assert "Q23612" in list(told["about"].values() if isinstance(told["about"], dict) else told["about"])
    assert line.take() == WRITTEN


def test_tshark_finds_every_crc_right_and_nothing_malformed_in_all_they_said(line, require_program):
    fields = ("_ws.col.Protocol", "mbrtu.crc16.status", "_ws.malformed", "data.data")
    command = [
        require_program("tshark"),
        "-r",
        line.trace,
        "-o",
        "mbrtu.crc_verification:TRUE",
        "-T",
        "fields",
        *(f"-e{name}" for name in fields),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    packets = [row.split("\t") for row in done.stdout.splitlines()]
    too_short = [
        packet for packet in packets if packet[3] == "0111c02c"
    ]  # its dissector takes no frame of four bytes, such as 11h
    packets = [packet for packet in packets if packet not in too_short]
    assert len(packets) > 20
    assert {protocol for protocol, *_ in packets} <= {"Modbus/TCP", "Modbus RTU"}
    assert {status for protocol, status, *_ in packets if protocol == "Modbus RTU"} <= {"1"}
    assert not any(malformed for _, _, malformed, _ in packets)
