"""The trace of a line, taken apart by tshark: every frame, its direction, its CRC."""

import asyncio
import subprocess

import pytest

from watthour.errors import UsageError
from watthour.host.lines.modbus_server import TcpOptions, serve_modbus_tcp
from watthour.host.lines.trace import TraceFile
from watthour.host.lines.url import parse_url
from watthour.wire.modbus.rtu_frame import RtuFrame

FIELDS = ("_ws.col.Protocol", "_ws.col.Info", "mbrtu.crc16.status", "_ws.malformed", "ip.src", "_ws.expert")


class Meter:
    def __init__(self, view):
        self.shown = view

    def view(self):
        return self.shown


@pytest.fixture
def packets(require_program):
    def read(path):
        command = [require_program("tshark"), "-r", path, "-o", "mbrtu.crc_verification:TRUE", "-T", "fields"]
        done = subprocess.run(
            [*command, *(f"-e{name}" for name in FIELDS)], capture_output=True, text=True, check=True, timeout=120
        )
        return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]

    return read


def carry(url, path, view, pieces, replies):
    async def run():
        with TraceFile(path) as trace:
            server = await serve_modbus_tcp(parse_url(url), [Meter(view)], options=TcpOptions(trace=trace))
            reader, writer = await asyncio.open_connection(*server.address)
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.15)
            heard = await asyncio.wait_for(reader.readexactly(replies), 10)
            writer.close()
            await server.close()
            return heard

    return asyncio.run(run())


def test_tshark_reads_what_a_tcp_connection_carried_without_being_told_anything(tmp_path, make_view, packets):
    path = tmp_path / "line.pcap"
    asked = [
        bytes.fromhex(text)
        for text in ("0001 0000 0006 01 03 0000 0002", "0002 0000 0002 01 41", "0003 0000 0006 01 02 0000 0002")
    ]
    carry("modbus+tcp://127.0.0.1:0", path, make_view(), [asked[0][:5], asked[0][5:] + asked[1], asked[2]], 13 + 9 + 10)
    found = packets(path)
    assert {packet["_ws.col.Protocol"] for packet in found} == {"Modbus/TCP"}
    assert [packet["_ws.col.Info"].split(":")[0].strip() for packet in found] == [
        "Query",
        "Query",
        "Response",
        "Response",
        "Query",
        "Response",
    ]
    assert not any(packet["_ws.malformed"] for packet in found)
    assert {packet["ip.src"] for packet in found} == {"127.0.0.1"}


def test_tshark_finds_the_crc_of_every_serial_frame_and_the_noise_between_them(tmp_path, make_view, packets):
    path = tmp_path / "line.pcap"
    good = [RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes() for unit, text in (
        (9, "03 0000 0002"), (9, "03 04 00000001"), (1, "04 1000 0062"), (1, "02 0000 0002"))]  # fmt: skip
    noise = bytes.fromhex("01 03 00 00 00 02 FF FF")
    carry("modbus+rtuovertcp://127.0.0.1:0", path, make_view(), [*good[:2], noise, *good[2:]], 5 + 196 + 6)
    found = packets(path)
    assert {packet["_ws.col.Protocol"] for packet in found} == {"Modbus RTU"}
    kinds = [packet["_ws.col.Info"].split(":")[0].strip() for packet in found]
    assert kinds == ["Query", "Response", "Query", "Query", "Response", "Query", "Response"]
    assert [packet["mbrtu.crc16.status"] for packet in found] == ["1", "1", "0", "1", "1", "1", "1"]


def test_a_trace_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere/x\.pcap: No such file"):
        TraceFile(tmp_path / "nowhere" / "x.pcap")
