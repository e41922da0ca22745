"""Every fault of the bus, as other people's programs see it: pymodbus and mbpoll, over TCP and over a serial line."""

import asyncio
import re
import subprocess
import time

import pytest
from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from watthour.errors import ExceptionReplyError, NoAnswerError
from watthour.host.lines import parse_url, read_values, serve_modbus_rtu, serve_modbus_tcp
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.faults import BusFault, FaultInjector, FaultKind
from watthour.wire.modbus.rtu_frame import RtuFrame

ANY_PORT = parse_url("modbus+tcp://127.0.0.1:0")
TIMEOUT_S = 0.5
PLAIN_PDU = "0304000f426c"
PLAIN_RTU = RtuFrame(unit=1, pdu=bytes.fromhex(PLAIN_PDU)).to_bytes()
PLAIN_TCP = bytes.fromhex("000100000007 01" + PLAIN_PDU)


class Meter:
    """A meter that shows 1 000 044 Wh, 10 s into its source."""

    def __init__(self, view):
        self.shown = view
        self.asked = []

    def view(self):
        return self.shown

    def sample_time_s(self):
        return 10.0

    async def ask(self, command):
        self.asked.append(command)
        return Outcome(verdict=Verdict.DONE)


@pytest.fixture
def meter(make_view):
    return Meter(make_view(values={"import_wh": 1_000_044}))


def fault(kind, **changes):
    return BusFault(**({"kind": FaultKind(kind), "at_s": 10.0, "duration_s": 1.0} | changes))


class Struck:
    """What a line tells of its faults."""

    def __init__(self):
        self.told = []

    def __call__(self, fault, asked, time_ns):
        self.told.append((str(fault.kind), asked.unit, time_ns))


def over_tcp(meter, *faults, struck=None):
    return serve_modbus_tcp(ANY_PORT, [meter], injector=FaultInjector(faults, 1, has_crc=False), tell_fault=struck)


def over_serial(meter, path, *faults, struck=None):
    injector = FaultInjector(faults, 1, has_crc=True)
    return serve_modbus_rtu(parse_url(f"modbus+rtu://{path}"), [meter], injector=injector, tell_fault=struck)


async def by_pymodbus(client_of, received):
    """Read a register with somebody else's client; `received` takes the bytes that came."""

    def note(sending, data):
        if not sending:
            received.append(data)
        return data

    client = client_of(note)
    assert await client.connect()
    try:
        return await client.read_holding_registers(0, count=2, device_id=1)
    except ModbusException as problem:
        return problem
    finally:
        client.close()


def pymodbus_over_tcp(meter, *faults, struck=None):
    """Return what pymodbus makes of a reply, the bytes it got, and the time it took."""
    received = []

    async def run():
        server = await over_tcp(meter, *faults, struck=struck)
        host, port = server.address

        def client(note):
            return AsyncModbusTcpClient(host, port=port, timeout=TIMEOUT_S, retries=0, trace_packet=note)

        try:
            began = time.monotonic()
            return await by_pymodbus(client, received), time.monotonic() - began
        finally:
            await server.close()

    result, took_s = asyncio.run(run())
    return result, b"".join(received), took_s


def pymodbus_over_serial(meter, pair, *faults):
    received = []

    async def run():
        server = await over_serial(meter, pair[0], *faults)

        def client(note):
            return AsyncModbusSerialClient(
                pair[1], framer=FramerType.RTU, baudrate=9600, timeout=TIMEOUT_S, retries=0, trace_packet=note
            )

        try:
            return await by_pymodbus(client, received)
        finally:
            await server.close()

    result = asyncio.run(run())
    return result, b"".join(received)


@pytest.fixture
def mbpoll(require_program):
    program = require_program("mbpoll")
    words = ("-a", "1", "-0", "-r", "0", "-c", "1", "-t", "4:int", "-B", "-1", "-o", str(TIMEOUT_S))

    def read(*where):
        done = subprocess.run([program, *words, *where], capture_output=True, text=True, timeout=30, check=False)
        return done.stdout + done.stderr

    return read


def mbpoll_over_serial(mbpoll, meter, pair, *faults):
    async def run():
        server = await over_serial(meter, pair[0], *faults)
        try:
            return await asyncio.to_thread(mbpoll, "-m", "rtu", "-b", "9600", "-P", "none", pair[1])
        finally:
            await server.close()

    return asyncio.run(run())


# ---------------------------------------------------------------- over a serial line


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("silence", "failed: Connection timed out"),
        ("disconnect", "failed: Connection timed out"),
        ("truncated", "failed: Connection timed out"),
        ("wrong_crc", "failed: Invalid CRC"),
        ("noise", "failed: Invalid CRC"),
        ("wrong_unit", "failed: Response not from requested slave"),
        ("exception", "failed: Slave device or server failure"),
        ("doubled", "[0]: \t1000044"),
    ],
)
def test_mbpoll_sees_each_fault_of_a_serial_line_as_what_it_is(mbpoll, meter, serial_pair, kind, seen):
    assert seen in mbpoll_over_serial(mbpoll, meter, serial_pair, fault(kind))


def test_mbpoll_sees_a_delay_as_time_or_as_no_answer(mbpoll, meter, serial_pair):
    began = time.monotonic()
    assert "[0]: \t1000044" in mbpoll_over_serial(mbpoll, meter, serial_pair, fault("delay", delay_s=0.3))
    assert time.monotonic() - began > 0.3
    assert "timed out" in mbpoll_over_serial(mbpoll, meter, serial_pair, fault("delay", delay_s=0.8))


def test_mbpoll_names_the_exception_that_was_asked_for(mbpoll, meter, serial_pair):
    assert "device or server is busy" in mbpoll_over_serial(mbpoll, meter, serial_pair, fault("exception", code=6))


def test_outside_its_time_a_fault_is_not_there(mbpoll, meter, serial_pair):
    for early_or_late in (fault("silence", at_s=10.5), fault("silence", at_s=5.0, duration_s=5.0), fault("silence", unit=2)):
        assert "[0]: \t1000044" in mbpoll_over_serial(mbpoll, meter, serial_pair, early_or_late)


@pytest.mark.parametrize(
    ("kind", "received"),
    [
        ("truncated", PLAIN_RTU[:-1]),
        ("doubled", 2 * PLAIN_RTU),
        ("wrong_unit", RtuFrame(unit=2, pdu=bytes.fromhex(PLAIN_PDU)).to_bytes()),
        ("silence", b""),
    ],
)
def test_pymodbus_gets_the_bytes_that_the_fault_leaves(meter, serial_pair, kind, received):
    assert pymodbus_over_serial(meter, serial_pair, fault(kind))[1] == received


def test_pymodbus_takes_no_damaged_frame(meter, serial_pair):
    for kind in ("wrong_crc", "noise"):
        result, received = pymodbus_over_serial(meter, serial_pair, fault(kind))
        assert isinstance(result, ModbusException)
        assert len(received) == len(PLAIN_RTU)
        assert received != PLAIN_RTU


def test_our_own_reader_says_what_it_heard_instead(meter, serial_pair):
    words = {"wrong_crc": "without a right CRC", "wrong_unit": "a reply from unit 2 to a request to unit 1"}

    async def run(kind):
        server = await over_serial(meter, serial_pair[0], fault(kind))
        try:
            await read_values(parse_url(f"modbus+rtu://{serial_pair[1]}"), timeout_s=TIMEOUT_S)
        finally:
            await server.close()

    for kind, heard in words.items():
        with pytest.raises(NoAnswerError, match=re.escape(f"no answer within {TIMEOUT_S} s (heard ") + ".*" + heard):
            asyncio.run(run(kind))
    with pytest.raises(ExceptionReplyError, match="exception 04"):
        asyncio.run(run("exception"))


# ---------------------------------------------------------------- over TCP


def test_pymodbus_sees_each_fault_of_a_port_as_what_it_is(meter):
    silent, received, _ = pymodbus_over_tcp(meter, fault("silence"))
    assert "No response" in str(silent)
    assert received == b""
    busy, _, _ = pymodbus_over_tcp(meter, fault("exception", code=6))
    assert busy.exception_code == 6
    other, received, _ = pymodbus_over_tcp(meter, fault("wrong_unit", as_unit=77))
    assert isinstance(other, ModbusException)
    assert received[6] == 77
    short, received, _ = pymodbus_over_tcp(meter, fault("truncated", size=3))
    assert "No response" in str(short)
    assert received == PLAIN_TCP[:-3]
    twice, received, _ = pymodbus_over_tcp(meter, fault("doubled"))
    assert twice.registers == [0x000F, 0x426C]
    assert received == 2 * PLAIN_TCP
    _, received, _ = pymodbus_over_tcp(meter, fault("noise", size=2))
    assert sum(one != other for one, other in zip(received, PLAIN_TCP, strict=True)) == 2


def test_a_delay_on_a_port_is_time(meter):
    result, received, took_s = pymodbus_over_tcp(meter, fault("delay", delay_s=0.3))
    assert (result.registers, received) == ([0x000F, 0x426C], PLAIN_TCP)
    assert took_s >= 0.3


def test_there_is_no_crc_on_a_port_to_be_wrong(meter):
    struck = Struck()
    assert pymodbus_over_tcp(meter, fault("wrong_crc"), struck=struck)[1] == PLAIN_TCP
    assert struck.told == []


def test_mbpoll_sees_a_port_cut_off(mbpoll, meter):
    async def run():
        server = await over_tcp(meter, fault("disconnect"))
        try:
            return await asyncio.to_thread(mbpoll, "-m", "tcp", "-p", str(server.address[1]), "127.0.0.1")
        finally:
            await server.close()

    assert "Connection reset by peer" in asyncio.run(run())


def test_pipelined_replies_keep_their_order_behind_a_delay(meter):
    async def run():
        server = await over_tcp(meter, fault("delay", delay_s=0.2, unit=1))
        reader, writer = await asyncio.open_connection(*server.address)
        try:
            writer.write(b"".join(bytes.fromhex(f"000{n} 0000 0006 {unit} 03 0000 0002") for n, unit in ((1, "01"), (2, "FF"))))
            return await asyncio.wait_for(reader.readexactly(2 * len(PLAIN_TCP)), 5)
        finally:
            writer.close()
            await server.close()

    data = asyncio.run(run())
    assert [data[1], data[len(PLAIN_TCP) + 1]] == [1, 2]


def test_a_command_is_done_though_its_reply_is_spoilt(meter):
    async def run():
        server = await over_tcp(meter, fault("exception"), fault("delay", delay_s=0.1))
        reader, writer = await asyncio.open_connection(*server.address)
        try:
            writer.write(bytes.fromhex("0001 0000 0009 01 10 1300 0001 02 0001"))
            return await asyncio.wait_for(reader.readexactly(9), 5)
        finally:
            writer.close()
            await server.close()

    assert asyncio.run(run()).hex(" ") == "00 01 00 00 00 03 01 90 04"
    assert len(meter.asked) == 1


def test_a_cut_while_a_command_is_on_its_way_cuts(meter):
    async def run():
        server = await over_tcp(meter, fault("disconnect"))
        reader, writer = await asyncio.open_connection(*server.address)
        try:
            writer.write(bytes.fromhex("0001 0000 0009 01 10 1300 0001 02 0001"))
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()
            await server.close()

    assert asyncio.run(run()) == b""
    assert len(meter.asked) == 1


def test_a_client_that_leaves_before_its_late_reply_troubles_nobody(meter):
    async def run():
        server = await over_tcp(meter, fault("delay", delay_s=0.2))
        _, leaving = await asyncio.open_connection(*server.address)
        leaving.write(bytes.fromhex("0001 0000 0006 01 03 0000 0002"))
        await asyncio.sleep(0.05)
        leaving.close()
        await asyncio.sleep(0.3)
        reader, writer = await asyncio.open_connection(*server.address)
        try:
            writer.write(bytes.fromhex("0001 0000 0006 01 03 0000 0002"))
            return await asyncio.wait_for(reader.readexactly(len(PLAIN_TCP)), 5)
        finally:
            writer.close()
            await server.close()

    assert asyncio.run(run()) == PLAIN_TCP


def test_every_fault_that_strikes_is_told_with_its_time(meter):
    struck = Struck()
    pymodbus_over_tcp(meter, fault("silence"), fault("doubled"), struck=struck)
    assert struck.told == [("silence", 1, meter.shown.time_ns), ("doubled", 1, meter.shown.time_ns)]
