"""The port, over real sockets on 127.0.0.1: other people's client, and clients that misbehave."""

import asyncio
import contextlib
import errno
import resource
import socket
import struct
import time

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from watthour.errors import ListenError, UsageError
from watthour.host.lines import modbus_server, read_values
from watthour.host.lines.access import LineAccess, Refusals
from watthour.host.lines.modbus_server import ModbusTcpServer, TcpOptions, allow_connections, serve_modbus_tcp
from watthour.host.lines.shared_line import SharedLine
from watthour.host.lines.url import parse_url
from watthour.parameters import Interface
from watthour.station.modbus import Denied, Station
from watthour.view import Outcome, ResetPartial, Verdict, WriteSettings
from watthour.wire.modbus.link import Requested
from watthour.wire.modbus.message import WriteRequest
from watthour.wire.modbus.rtu_frame import RtuFrame

ANY_PORT = parse_url("modbus+tcp://127.0.0.1:0")
PATIENCE_S = 5.0

READ = bytes.fromhex("0001 0000 0006 01 03 0000 000C")
LONG_READ = bytes.fromhex("0001 0000 0006 01 03 1100 007C")
RESET = bytes.fromhex("0002 0000 0009 01 10 1300 0001 02 0001")


class Meter:
    """A meter that does nothing but answer."""

    def __init__(self, view, outcome=None):
        self.shown = view
        self.outcome = outcome or Outcome(verdict=Verdict.DONE)
        self.asked = []
        self.gate = None
        self.has_been_asked = asyncio.Event()

    def view(self):
        return self.shown

    async def ask(self, command):
        self.asked.append(command)
        self.has_been_asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def meter(make_view):
    return Meter(make_view())


def with_server(story, *meters, **options):
    """Run a story against a server, and stop it whatever happens."""

    async def run():
        server = await serve_modbus_tcp(ANY_PORT, meters, **options)
        try:
            return await asyncio.wait_for(story(server), 60)
        finally:
            await server.close()

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def socket_to(server):
    reader, writer = await asyncio.open_connection(*server.address)
    try:
        yield reader, writer
    finally:
        writer.close()


async def frame_of(reader):
    """Return the next frame that the server sends."""
    head = await asyncio.wait_for(reader.readexactly(6), PATIENCE_S)
    return head + await asyncio.wait_for(reader.readexactly(int.from_bytes(head[4:], "big")), PATIENCE_S)


async def end_of(reader):
    """Return all that still comes before the server closes."""
    return await asyncio.wait_for(reader.read(), PATIENCE_S)


def reply_to_read(view, number=1):
    names = ("import_wh", "export_wh", "q1_varh", "q2_varh", "q3_varh", "q4_varh")
    return struct.pack(">HHHBBB6I", number, 0, 27, 1, 3, 24, *(view.values[name] for name in names))


def test_someone_elses_client_reads_and_writes(meter):
    async def story(server):
        host, port = server.address
        async with AsyncModbusTcpClient(host, port=port, timeout=PATIENCE_S, retries=0) as client:
            holding = await client.read_holding_registers(0x0000, count=12, device_id=1)
            inputs = await client.read_input_registers(0x1000, count=98, device_id=1)
            written = await client.write_registers(0x00B0, [0, 1234], device_id=1)
            reset = await client.write_registers(0x1300, [1], device_id=1)
            return holding, inputs, written, reset

    holding, inputs, written, reset = with_server(story, meter)
    pairs = zip(holding.registers[::2], holding.registers[1::2], strict=True)
    assert [high << 16 | low for high, low in pairs][:2] == [meter.shown.values["import_wh"], meter.shown.values["export_wh"]]
    assert len(inputs.registers) == 98
    assert not written.isError()
    assert not reset.isError()
    assert [type(command) for command in meter.asked] == [WriteSettings, ResetPartial]
    assert str(meter.asked[0].settings["cost_per_kwh"]) == "0.1234"
    assert {command.interface for command in meter.asked} == {Interface.BUS}


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda client: client.read_coils(0, count=1, device_id=1), 2),
        (lambda client: client.write_coils(0x1300, [True], device_id=1), 1),
        (lambda client: client.write_register(0x03E9, 3, device_id=1), 3),
        (lambda client: client.read_holding_registers(0x0744, count=2, device_id=1), 2),
        (lambda client: client.read_holding_registers(0x0000, count=1, device_id=1), 2),
        (lambda client: client.write_registers(0x0000, [0, 1], device_id=1), 2),
        (lambda client: client.write_registers(0x03E9, [3], device_id=1), 3),
        (lambda client: client.read_holding_registers(0x0000, count=2, device_id=9), 0x0B),
    ],
)
def test_someone_elses_client_hears_every_exception(meter, request_of, code):
    async def story(server):
        host, port = server.address
        async with AsyncModbusTcpClient(host, port=port, timeout=PATIENCE_S, retries=0) as client:
            return await request_of(client)

    assert with_server(story, meter).exception_code == code
    assert meter.asked == []


def test_a_sealed_setting_is_04(make_view):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(RESET)
            return await frame_of(reader)

    sealed = Meter(make_view(), Outcome(verdict=Verdict.SEALED, message="sealed"))
    assert with_server(story, sealed)[7:] == b"\x90\x04"


def test_pipelined_requests_are_answered_in_order_also_behind_a_command(meter):
    async def story(server):
        meter.gate = asyncio.Event()
        async with socket_to(server) as (reader, writer):
            writer.write(READ + RESET + READ + RESET)
            first = await frame_of(reader)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
            meter.gate.set()
            return [first, *[await frame_of(reader) for _ in range(3)]]

    replies = with_server(story, meter)
    assert [reply[7] for reply in replies] == [3, 16, 3, 16]
    assert replies[0] == replies[2] == reply_to_read(meter.shown)
    assert len(meter.asked) == 2


def test_while_a_command_is_on_its_way_the_others_are_answered(meter):
    async def story(server):
        meter.gate = asyncio.Event()
        async with socket_to(server) as (waiting, asking), socket_to(server) as (reader, writer):
            asking.write(RESET)
            writer.write(READ)
            reply = await frame_of(reader)
            meter.gate.set()
            return reply, await frame_of(waiting)

    reply, done = with_server(story, meter)
    assert reply == reply_to_read(meter.shown)
    assert done == bytes.fromhex("0002 0000 0006 01 10 1300 0001")


def test_one_byte_at_a_time_is_answered(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            for byte in READ:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.005)
            return await frame_of(reader)

    assert with_server(story, meter) == reply_to_read(meter.shown)


@pytest.mark.parametrize("asked", [READ, RESET, READ + RESET + READ])
def test_a_half_closed_client_gets_its_replies(meter, asked):
    async def story(server):
        meter.gate = asyncio.Event()
        async with socket_to(server) as (reader, writer):
            writer.write(asked)
            writer.write_eof()
            asyncio.get_running_loop().call_later(0.1, meter.gate.set)
            return await end_of(reader)

    replies = with_server(story, meter)
    assert replies.count(reply_to_read(meter.shown)) == asked.count(READ)
    assert replies.count(bytes.fromhex("0002 0000 0006 01 10 1300 0001")) == asked.count(RESET)


def test_a_frame_of_another_protocol_is_dropped_and_the_next_answered(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(READ[:3] + b"\1" + READ[4:] + READ)
            return await frame_of(reader)

    assert with_server(story, meter) == reply_to_read(meter.shown)


def test_a_bare_function_code_gets_03(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(bytes.fromhex("0009 0000 0002 01 03"))
            return await frame_of(reader)

    assert with_server(story, meter) == bytes.fromhex("0009 0000 0003 01 83 03")


def test_an_impossible_length_closes_the_connection_behind_the_replies(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(READ + bytes.fromhex("0001 0000 FFFF 01 03") + READ)
            return await end_of(reader)

    assert with_server(story, meter) == reply_to_read(meter.shown)


def test_an_impossible_length_behind_a_command_waits_for_its_outcome(meter):
    async def story(server):
        meter.gate = asyncio.Event()
        async with socket_to(server) as (reader, writer):
            writer.write(RESET + bytes.fromhex("0001 0000 FFFF 01 03"))
            asyncio.get_running_loop().call_later(0.1, meter.gate.set)
            return await end_of(reader)

    assert with_server(story, meter) == bytes.fromhex("0002 0000 0006 01 10 1300 0001")


def test_half_a_frame_is_given_up_in_time_and_silence_is_not(meter):
    async def story(server):
        async with socket_to(server) as (half, writer), socket_to(server) as (silent, later):
            writer.write(READ[:5])
            began = time.monotonic()
            await end_of(half)
            took_s = time.monotonic() - began
            later.write(READ)
            return took_s, await frame_of(silent)

    took_s, reply = with_server(story, meter, options=TcpOptions(frame_timeout_s=0.3))
    assert 0.2 <= took_s < PATIENCE_S
    assert reply == reply_to_read(meter.shown)


def test_a_frame_that_ends_in_time_moves_the_deadline_on(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(READ[:5])
            await asyncio.sleep(0.6)
            writer.write(READ[5:] + READ[:5])
            await frame_of(reader)
            await asyncio.sleep(0.6)
            writer.write(READ[5:])
            return await frame_of(reader)

    assert with_server(story, meter, options=TcpOptions(frame_timeout_s=1.0)) == reply_to_read(meter.shown)


def test_endless_garbage_costs_the_others_nothing(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            for seed in range(50):
                async with socket_to(server) as (_, noisy):
                    noisy.write(bytes((seed * byte + byte // 7) & 0xFF for byte in range(3000)))
                writer.write(READ)
                assert await frame_of(reader) == reply_to_read(meter.shown)
            return True

    assert with_server(story, meter)


async def deaf_client(server):
    """Return a client that has asked until the server reads no more of it, and reads no replies."""
    deaf, sent = socket.socket(), 0
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(server.address)
    deaf.setblocking(False)  # noqa: FBT003 - the socket module's own way
    asked = LONG_READ * 1001
    while not any(connection.conversation.is_full for connection in server.connections):
        with contextlib.suppress(BlockingIOError):
            sent += deaf.send(asked[sent % len(LONG_READ) :])
        await asyncio.sleep(0)
        assert sent < 100_000_000
    return deaf


def test_a_client_that_never_reads_is_read_no_further_and_the_others_are_answered(meter):
    async def story(server):
        deaf = await deaf_client(server)
        async with socket_to(server) as (reader, writer):
            writer.write(READ)
            reply = await frame_of(reader)
        [stuck] = [connection for connection in server.connections if connection.conversation.is_full]
        kept = stuck.transport.get_write_buffer_size()
        while stuck.conversation.is_full:
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(deaf, 1 << 20), PATIENCE_S)
        replied = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(deaf, 1 << 20), PATIENCE_S)
        assert replied
        deaf.close()
        return reply, kept

    reply, kept = with_server(story, meter)
    assert reply == reply_to_read(meter.shown)
    assert kept < 200_000


def test_many_clients_at_once_are_all_answered(meter):
    wanted = 2048
    allow_connections(2 * wanted)
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2 * wanted + 200:
        pytest.skip("this machine allows too few open files")

    async def story(server):
        clients = [await asyncio.open_connection(*server.address) for _ in range(wanted)]
        for _, writer in clients:
            writer.write(READ)
        replies = [await frame_of(reader) for reader, _ in clients]
        for _, writer in clients:
            writer.close()
        return replies

    assert set(with_server(story, meter)) == {reply_to_read(meter.shown)}


def test_a_meter_without_voltage_is_silent_and_answers_again(make_view):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(READ)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.2)
            dark.shown = make_view()
            writer.write(READ)
            return await frame_of(reader)

    dark = Meter(make_view(powered=False))
    assert with_server(story, dark) == reply_to_read(dark.shown)


def test_a_write_of_the_address_is_answered_from_the_old_one(make_view):
    class Moving(Meter):
        async def ask(self, command):
            self.shown = make_view(parameters={"bus_address": command.settings["bus_address"]})
            return Outcome(verdict=Verdict.DONE)

    async def story(server):
        host, port = server.address
        async with AsyncModbusTcpClient(host, port=port, timeout=PATIENCE_S, retries=0) as client:
            moved = await client.write_registers(0x03E8, [42], device_id=1)
            return moved, *[await client.read_holding_registers(0x03E8, count=1, device_id=unit) for unit in (1, 42)]

    moved, old, new = with_server(story, Moving(make_view()))
    assert not moved.isError()
    assert moved.dev_id == 1
    assert old.exception_code == 0x0B
    assert new.registers == [42]


def test_meters_share_a_port(make_view):
    async def story(server):
        host, port = server.address
        async with AsyncModbusTcpClient(host, port=port, timeout=PATIENCE_S, retries=0) as client:
            return [await client.read_holding_registers(0x2710, count=2, device_id=unit) for unit in (1, 2, 3, 255)]

    replies = with_server(story, Meter(make_view(serial=11)), Meter(make_view(serial=22)), units=[1, 2])
    assert [reply.registers for reply in replies[:2]] == [[0, 11], [0, 22]]
    assert [reply.exception_code for reply in replies[2:]] == [0x0B, 0x0B]


def test_a_command_that_fails_is_04_and_is_said(make_view):
    said = []

    async def story(server):
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: said.append(context))
        async with socket_to(server) as (reader, writer):
            writer.write(RESET + READ)
            return await frame_of(reader), await frame_of(reader)

    failing = Meter(make_view(), OSError("the disk is full"))
    refused, reply = with_server(story, failing)
    assert refused == bytes.fromhex("0002 0000 0003 01 90 04")
    assert reply == reply_to_read(failing.shown)
    assert str(said[0]["exception"]) == "the disk is full"


def test_a_client_gone_before_its_outcome_harms_nobody(meter):
    async def story(server):
        meter.gate = asyncio.Event()
        async with socket_to(server) as (_, writer):
            writer.write(RESET)
            await writer.drain()
            await asyncio.wait_for(meter.has_been_asked.wait(), PATIENCE_S)
            writer.transport.abort()
        next(iter(server.connections)).abort()
        await asyncio.sleep(0.05)
        meter.gate.set()
        await asyncio.sleep(0.05)
        async with socket_to(server) as (reader, writer):
            writer.write(READ)
            return await frame_of(reader)

    assert with_server(story, meter) == reply_to_read(meter.shown)


def test_close_lets_a_command_end_and_closes_every_connection(meter):
    async def story():
        server = await serve_modbus_tcp(ANY_PORT, [meter])
        meter.gate = asyncio.Event()
        async with socket_to(server) as (reader, writer):
            writer.write(RESET)
            await asyncio.wait_for(meter.has_been_asked.wait(), PATIENCE_S)
            asyncio.get_running_loop().call_later(0.1, meter.gate.set)
            await server.close()
            reply = await end_of(reader)
        await server.close()
        with pytest.raises(ListenError, match="closed"):
            _ = server.address
        return reply

    assert asyncio.run(story()) == bytes.fromhex("0002 0000 0006 01 10 1300 0001")


def test_close_does_not_wait_for_ever(meter, monkeypatch):
    monkeypatch.setattr(modbus_server, "CLOSING_S", 0.1)

    async def story():
        server = await serve_modbus_tcp(ANY_PORT, [meter])
        meter.gate = asyncio.Event()
        async with socket_to(server) as (reader, writer):
            writer.write(RESET)
            await asyncio.wait_for(meter.has_been_asked.wait(), PATIENCE_S)
            await asyncio.wait_for(server.close(), PATIENCE_S)
            return await end_of(reader)

    assert asyncio.run(story()) == b""


def test_close_cuts_off_a_client_that_does_not_read(meter, monkeypatch):
    monkeypatch.setattr(modbus_server, "CLOSING_S", 0.1)

    async def story():
        server = await serve_modbus_tcp(ANY_PORT, [meter])
        deaf = await deaf_client(server)
        await asyncio.wait_for(server.close(), PATIENCE_S)
        deaf.close()
        return server.connections

    assert asyncio.run(story()) == {}


def test_a_busy_port_is_refused_in_one_line(meter):
    async def story(server):
        _, port = server.address
        with pytest.raises(ListenError) as refusal:
            await serve_modbus_tcp(parse_url(f"modbus+tcp://127.0.0.1:{port}"), [meter])
        return port, str(refusal.value)

    port, said = with_server(story, meter)
    assert said == f"127.0.0.1:{port}: in use: stop the program that listens there, or choose another port"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (OSError(errno.EACCES, "Permission denied"), "ports below 1024"),
        (OSError(errno.EADDRNOTAVAIL, "Cannot assign"), "no address of this machine"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no such host"),
    ],
)
def test_a_port_that_cannot_be_opened_says_why(meter, monkeypatch, problem, words):
    async def fail(*_args, **_options):
        raise problem

    async def story():
        monkeypatch.setattr(asyncio.get_running_loop(), "create_server", fail)
        await serve_modbus_tcp(parse_url("modbus+tcp://meter.example:502"), [meter])

    with pytest.raises(ListenError, match=f"^meter.example:502: .*{words}"):
        asyncio.run(story())


@pytest.mark.parametrize(("units", "words"), [([0], "1 to 247, not 0"), ([248], "not 248"), ([5, 5], "more than one meter")])
def test_units_that_cannot_be_are_refused(meter, units, words):
    with pytest.raises(UsageError, match=words):
        asyncio.run(serve_modbus_tcp(ANY_PORT, [meter] * len(units), units=units))


@pytest.mark.parametrize("unit", [1, 247])
def test_the_units_of_the_range_are_taken(meter, unit):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            writer.write(READ[:6] + bytes([unit]) + READ[7:])
            return await frame_of(reader)

    assert with_server(story, meter, units=[unit])[7] == 3


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1024, 4096, (2304, 4096)),
        (1024, 2000, (2000, 2000)),
        (1024, resource.RLIM_INFINITY, (2304, resource.RLIM_INFINITY)),
        (2304, 4096, None),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None),
    ],
)
def test_the_limit_on_open_files_is_raised_as_far_as_may_be(monkeypatch, soft, hard, raised):
    asked = []
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limits: asked.append(limits))
    allow_connections(2048)
    assert asked == ([] if raised is None else [raised])


def test_a_server_that_was_never_opened_closes(meter):
    asyncio.run(ModbusTcpServer(SharedLine([meter], Station()), ANY_PORT, TcpOptions()).close())


# ---------------------------------------------------------------- silence, crowds, rights


def test_a_silent_connection_is_closed_and_one_that_asks_is_kept(meter):
    async def story(server):
        async with socket_to(server) as (silent, _), socket_to(server) as (reader, writer):
            for _ in range(8):
                writer.write(READ)
                await frame_of(reader)
                await asyncio.sleep(0.25)
            return await end_of(silent)

    assert with_server(story, meter, options=TcpOptions(idle_timeout_s=1.2)) == b""


def test_nobody_is_closed_within_a_minute_by_default():
    assert TcpOptions().idle_timeout_s >= 60
    assert TcpOptions().connections >= 2048


def test_one_connection_too_many_closes_the_one_that_was_silent_longest(meter):
    async def story(server):
        async with socket_to(server) as (first, first_writer), socket_to(server) as (second, _):
            await asyncio.sleep(0.05)
            first_writer.write(READ)
            await frame_of(first)
            async with socket_to(server) as (third, third_writer):
                closed = await end_of(second)
                for reader, writer in ((first, first_writer), (third, third_writer)):
                    writer.write(READ)
                    await frame_of(reader)
                return closed

    with contextlib.suppress(ConnectionResetError):
        assert with_server(story, meter, options=TcpOptions(connections=2)) == b""


COST = bytes.fromhex("0003 0000 000B 01 10 00B0 0002 04 00000001")
SELECT = bytes.fromhex("0004 0000 000B 01 10 1702 0002 04 00000000")


@pytest.mark.parametrize(
    ("host", "writable", "is_done"), [("127.0.0.1", False, True), ("0.0.0.0", False, False), ("0.0.0.0", True, True)]  # noqa: S104
)  # fmt: skip
def test_a_port_that_others_reach_is_read_only_unless_it_is_said_to_be_writable(meter, host, writable, is_done):
    told = []

    async def run():
        options = TcpOptions(access=LineAccess(writable=writable))
        url = parse_url(f"modbus+tcp://{host}:0")
        server = await serve_modbus_tcp(url, [meter], options=options, tell_denied=Refusals(told.append))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.address[1])
            writer.write(READ + COST + COST + SELECT)
            replies = [await frame_of(reader) for _ in range(4)]
            writer.close()
        finally:
            await server.close()
        return replies

    replies = asyncio.run(run())
    assert replies[0] == reply_to_read(meter.shown)
    assert [reply[7] for reply in replies[1:]] == ([0x10] * 3 if is_done else [0x90, 0x90, 0x10])
    assert len(meter.asked) == (2 if is_done else 0)
    if not is_done:
        assert replies[1][8] == 1
        assert len(told) == 1
        assert told[0].endswith(", role read-only, function 10h, cost_per_kwh")


def test_a_refusal_is_told_again_after_a_minute():
    told, now = [], [0.0]
    refusals = Refusals(told.append, clock=lambda: now[0])
    denied = Denied(reply=None, role="reader", what=("cost_per_kwh",))
    asked = Requested(unit=1, request=WriteRequest(start=0xB0, data=bytes(4)))
    for now[0] in (0.0, 30.0, 59.0, 120.0, 500.0):
        refusals(denied, asked, "10.0.0.7:5000")
    assert told == ["refused: 10.0.0.7:5000, role reader, function 10h, cost_per_kwh"] * 3
    for port in range(3000):
        refusals(Denied(reply=None, role=str(port), what=()), asked, "10.0.0.7:5000")
    assert len(refusals._told) == 1000


# ---------------------------------------------------------------- serial frames over TCP


def rtu(text, unit=1):
    return RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes()


def over_tcp(story, *meters):
    async def run():
        server = await serve_modbus_tcp(parse_url("modbus+rtuovertcp://127.0.0.1:0"), meters)
        try:
            return await asyncio.wait_for(story(server), 60)
        finally:
            await server.close()

    return asyncio.run(run())


def test_a_serial_server_is_answered_as_a_serial_line_is(meter):
    async def story(server):
        async with socket_to(server) as (reader, writer):
            for data in (rtu("03 0000 0002", unit=9), rtu("10 1300 0001 02 0001", unit=0), b"noise"):
                writer.write(data)
                await asyncio.sleep(0.15)
            request = rtu("03 0000 0002")
            writer.write(request[:3])
            await asyncio.sleep(0.02)
            writer.write(request[3:] + rtu("08 0000 A537"))
            return await asyncio.wait_for(reader.readexactly(17), PATIENCE_S)

    heard = over_tcp(story, meter)
    assert heard == rtu(f"03 04 {meter.shown.values['import_wh']:08X}") + rtu("08 0000 A537")
    assert len(meter.asked) == 1  # the broadcast


def test_our_reader_and_pymodbus_read_over_a_serial_server(meter):
    async def story(server):
        host, port = server.address
        ours = await read_values(parse_url(f"modbus+rtuovertcp://{host}:{port}"))
        async with AsyncModbusTcpClient(host, port=port, framer=FramerType.RTU, timeout=PATIENCE_S, retries=0) as client:
            theirs = await client.read_holding_registers(0, count=2, device_id=1)
        return ours, theirs

    ours, theirs = over_tcp(story, meter)
    assert ours.values["import_wh"] == theirs.registers[0] << 16 | theirs.registers[1] == meter.shown.values["import_wh"]
