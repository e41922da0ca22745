"""RTU frames against other people's: published frames, pymodbus' CRC, tshark's."""

import csv
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from watthour.errors import BadFrameError
from watthour.wire.modbus.rtu_frame import GAP_S, RtuFrame, Timing, crc_of, has_right_crc, silent_interval_s


def published(shared_data):
    with (shared_data / "modbus" / "known_frames.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_published_frames_have_the_crc_that_is_printed_except_where_it_is_wrong(shared_data):
    rows = published(shared_data)
    wrong = ["PRINTED CRC IS WRONG" in row["meaning"] for row in rows]
    assert wrong.count(True) == 1
    assert [not has_right_crc(bytes.fromhex(row["frame_hex"])) for row in rows] == wrong


def test_published_frames_come_back_as_they_were(shared_data):
    for row in published(shared_data):
        data = bytes.fromhex(row["frame_hex"])
        if has_right_crc(data):
            assert RtuFrame.from_bytes(data).to_bytes() == data


@given(st.binary(min_size=1, max_size=256))
def test_the_crc_is_that_of_pymodbus(data):
    assert struct.pack("<H", crc_of(data)) == struct.pack(">H", FramerRTU.compute_CRC(data))


@given(unit=st.integers(0, 255), pdu=st.binary(min_size=1, max_size=253))
def test_a_frame_comes_back(unit, pdu):
    frame = RtuFrame(unit=unit, pdu=pdu)
    assert RtuFrame.from_bytes(frame.to_bytes()) == frame


@given(pdu=st.binary(min_size=1, max_size=253), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_wrong_bit_is_always_seen(pdu, place, bit):
    data = bytearray(RtuFrame(unit=1, pdu=pdu).to_bytes())
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(BadFrameError, match=r"where .* is right"):
        RtuFrame.from_bytes(bytes(data))


def with_crc(content):
    return content + struct.pack("<H", crc_of(content))


@pytest.mark.parametrize("size", [4, 256])
def test_the_shortest_and_the_longest_frame_are_taken(size):
    assert len(RtuFrame.from_bytes(with_crc(bytes(size - 2))).pdu) == size - 3


@pytest.mark.parametrize("size", [2, 3, 257])
def test_shorter_and_longer_ones_are_not(size):
    with pytest.raises(BadFrameError, match=f"{size} bytes where a frame has 4 to 256"):
        RtuFrame.from_bytes(with_crc(bytes(size - 2)))


@pytest.mark.parametrize(
    ("baudrate", "silence_s"), [(9600, 0.0040104), (19200, 0.0020052), (38400, 0.00175), (115200, 0.00175)]
)
def test_the_silence_follows_the_speed_up_to_19200(baudrate, silence_s):
    assert silent_interval_s(baudrate) == pytest.approx(silence_s, abs=1e-6)


def test_the_gap_is_settable_and_never_below_the_silence_of_the_line():
    assert Timing.at(9600).gap_s == GAP_S
    assert Timing.at(9600, gap_s=0.05).gap_s == 0.05
    assert Timing.at(9600, gap_s=0.001) == Timing(gap_s=silent_interval_s(9600), turnaround_s=silent_interval_s(9600))


def test_tshark_finds_every_crc_right(tmp_path, require_program):
    """Frames in UDP datagrams, read as RTU by somebody else's decoder; one with a flipped bit, to see it refuse."""
    pdus = ["03 0000 000C", "04 0732 0012", "10 00B0 0002 04 00000001", "83 02", "03 18" + "5A" * 24, "41 01 02 03"]
    frames = [RtuFrame(unit=unit, pdu=bytes.fromhex(pdu)).to_bytes() for unit, pdu in enumerate(pdus, 1)]
    damaged = frames[0][:-1] + bytes([frames[0][-1] ^ 1])
    capture = tmp_path / "frames.pcap"
    capture.write_bytes(pcap_of([*frames, damaged]))
    shown = subprocess.run(
        [
            require_program("tshark"),
            "-r",
            str(capture),
            "-d",
            "udp.port==5020,mbrtu",
            "-o",
            "mbrtu.crc_verification:TRUE",
            "-V",
        ],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert shown.count("CRC-16 Status: Good") == len(frames)
    assert shown.count("CRC-16 Status: Bad") == 1


def pcap_of(payloads):
    """Return a capture file of UDP datagrams over raw IPv4, as libpcap writes it."""
    packets = []
    for payload in payloads:
        udp = struct.pack(">HHHH", 40000, 5020, 8 + len(payload), 0) + payload
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
        packets.append(struct.pack("<IIII", 0, 0, len(ip + udp), len(ip + udp)) + ip + udp)
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101) + b"".join(packets)
