"""Reading a meter: the whole of it, and one clear line where there is none."""

import asyncio
import re
import socket
import struct
from datetime import UTC, datetime, timedelta

import pytest

from watthour.errors import BadFrameError, ExceptionReplyError, NoAnswerError
from watthour.host.lines import connect, parse_url, read_values, serve_modbus_tcp
from watthour.units import VALUE_BY_NAME


class Meter:
    def __init__(self, view):
        self.shown = view

    def view(self):
        return self.shown

    async def ask(self, command):
        raise NotImplementedError


def url_to(address, query=""):
    return parse_url(f"modbus+tcp://{address[0]}:{address[1]}{query}")


def read_from(meter, query="", **options):
    async def run():
        server = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0"), [meter])
        try:
            return url_to(server.address, query), await read_values(url_to(server.address, query), **options)
        finally:
            await server.close()

    return asyncio.run(run())


def read_from_peer(peer, timeout_s=0.5):
    """Read from a peer that does as the test says with each connection."""

    async def run():
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        try:
            await read_values(url_to(server.sockets[0].getsockname()), timeout_s=timeout_s)
        finally:
            server.close()

    asyncio.run(run())


def answering(reply):
    """Return a peer that answers every request with a PDU."""

    async def peer(reader, writer):
        while head := await reader.read(12):
            writer.write(head[:4] + (len(reply) + 1).to_bytes(2, "big") + head[6:7] + reply)
        writer.close()

    return peer


def test_a_meter_is_read_whole(make_view):
    view = make_view(values={"frequency_hz": None, "voltage_l1_v": 76211.88})
    url, reading = read_from(Meter(view))
    assert reading.url == str(url)
    assert (reading.serial, reading.model) == (23612001, "CEM-D311-MID")
    assert abs(datetime.now(UTC) - reading.time) < timedelta(minutes=1)
    assert list(reading.values) == [name for name, value in VALUE_BY_NAME.items() if value.needs != "pulse_outputs"]
    assert reading.values["frequency_hz"] is None
    assert reading.values["voltage_l1_v"] == 76211.88
    energies = [name for name in VALUE_BY_NAME if name.endswith(("_wh", "_varh"))]
    assert {name: reading.values[name] for name in energies} == {name: view.values[name] for name in energies}


@pytest.mark.parametrize("query", ["", "?unit=1", "?unit=0"])
def test_the_meters_unit_is_found(make_view, query):
    assert read_from(Meter(make_view()), query)[1].serial == 23612001


def test_a_connection_is_read_as_often_as_one_likes(make_view):
    async def run():
        meter = Meter(make_view(values={"import_wh": 1}))
        server = await serve_modbus_tcp(parse_url("modbus+tcp://127.0.0.1:0"), [meter])
        try:
            async with connect(url_to(server.address)) as line:
                first = await line.read()
                meter.shown = make_view(values={"import_wh": 2})
                return first, await line.read()
        finally:
            await server.close()

    first, second = asyncio.run(run())
    assert (first.values["import_wh"], second.values["import_wh"]) == (1, 2)


def test_another_unit_is_explained(make_view):
    with pytest.raises(ExceptionReplyError, match=re.escape("unit 9 does not answer there (exception 0B")) as refusal:
        read_from(Meter(make_view()), "?unit=9")
    assert refusal.value.code == 0x0B


def test_an_exception_is_explained():
    with pytest.raises(ExceptionReplyError, match="refused to show 12 registers from 0030h") as refusal:
        read_from_peer(answering(b"\x83\x02"))
    assert "exception 02, illegal data address" in str(refusal.value)


def test_a_meter_without_voltage_gives_no_answer(make_view):
    with pytest.raises(NoAnswerError, match=r"no answer within 0.2 s"):
        read_from(Meter(make_view(powered=False)), timeout_s=0.2)


def test_nothing_that_listens_is_said():
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    with pytest.raises(NoAnswerError, match=f"modbus.tcp://127.0.0.1:{address[1]}: connection refused: nothing listens there"):
        asyncio.run(read_values(url_to(address)))


def test_an_unknown_host_is_said(monkeypatch):
    async def fail(*_args):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio, "open_connection", fail)
    with pytest.raises(NoAnswerError, match=r"no such host as meter\.example"):
        asyncio.run(read_values(parse_url("modbus+tcp://meter.example:502")))


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (OSError(101, "Network is unreachable"), "502: Network is unreachable$"),
        (OSError("Multiple exceptions: one address, another"), "502: Multiple exceptions: one address, another$"),
    ],
    ids=["one address", "several addresses"],
)
def test_a_network_that_is_not_there_is_said(monkeypatch, failure, told):
    async def fail(*_args):
        raise failure

    monkeypatch.setattr(asyncio, "open_connection", fail)
    with pytest.raises(NoAnswerError, match=told):
        asyncio.run(read_values(parse_url("modbus+tcp://10.0.0.1:502")))


def test_a_host_that_never_connects_is_given_up(monkeypatch):
    async def hang(*_args):
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio, "open_connection", hang)
    with pytest.raises(NoAnswerError, match=r"no answer within 0.1 s"):
        asyncio.run(read_values(parse_url("modbus+tcp://10.0.0.1:502"), timeout_s=0.1))


def test_a_peer_that_closes_is_said():
    async def peer(_reader, writer):
        writer.close()

    with pytest.raises(NoAnswerError, match=r"closed the connection|the connection broke"):
        read_from_peer(peer)


def test_a_connection_that_breaks_is_said():
    async def peer(reader, writer):
        await reader.read(12)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    with pytest.raises(NoAnswerError, match=r"the connection broke: .*[Rr]eset"):
        read_from_peer(peer)


@pytest.mark.parametrize(
    ("reply", "words"), [(b"\x03\x02\0\0", "no Modbus answer: a reply of 4 bytes"), (b"\x04\x18" + bytes(24), "function 04h")]
)
def test_an_answer_that_is_none_is_said(reply, words):
    with pytest.raises(BadFrameError, match=words):
        read_from_peer(answering(reply))


def test_a_peer_of_another_protocol_is_said():
    async def peer(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    with pytest.raises(BadFrameError, match="no Modbus answer: a length of"):
        read_from_peer(peer)


def test_a_reply_to_somebody_else_is_passed_over():
    async def peer(reader, writer):
        await reader.read(12)
        writer.write(bytes.fromhex("4242 0000 0003 FF 83 02"))
        await reader.read()
        writer.close()

    with pytest.raises(NoAnswerError, match="no answer within"):
        read_from_peer(peer, timeout_s=0.2)
