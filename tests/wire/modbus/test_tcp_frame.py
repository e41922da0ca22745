"""Frames, from the specification's example and at both sides of each length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.modbus.pdu_size import NeedMore
from watthour.wire.modbus.tcp_frame import Malformed, OutOfStep, TcpFrame, parse

EXAMPLE = bytes.fromhex("1501 0000 0006 FF 03 0004 0001")
"""MODBUS Messaging on TCP/IP V1.0b, appendix A: transaction 1501h, unit FFh, read one register at 4."""


def test_the_specifications_example():
    frame = TcpFrame(transaction=0x1501, unit=0xFF, pdu=bytes.fromhex("03 0004 0001"))
    assert parse(EXAMPLE) == frame
    assert frame.to_bytes() == EXAMPLE
    assert frame.size == len(EXAMPLE)


@pytest.mark.parametrize("size", range(len(EXAMPLE)))
def test_a_beginning_asks_for_more(size):
    assert parse(EXAMPLE[:size]) is NeedMore.BYTES


def test_the_length_field_says_where_the_frame_ends():
    assert parse(EXAMPLE + b"more").pdu == bytes.fromhex("03 0004 0001")
    assert parse(b"before" + EXAMPLE, 6) == parse(EXAMPLE)


@pytest.mark.parametrize("length", [2, 254])
def test_the_longest_and_the_shortest_frame(length):
    frame = parse(b"\0\1\0\0" + length.to_bytes(2, "big") + b"\7" + bytes(length - 1))
    assert frame == TcpFrame(transaction=1, unit=7, pdu=bytes(length - 1))


@pytest.mark.parametrize("length", [0, 1])
def test_a_frame_without_a_function_code_is_dropped_by_its_length(length):
    found = parse(b"\0\1\0\0" + length.to_bytes(2, "big") + bytes(8))
    assert isinstance(found, Malformed)
    assert found.size == 6 + length


def test_a_length_of_0_is_known_before_a_unit_comes():
    assert parse(bytes(6)) == Malformed(reason="a length of 0 where 2 to 254 is possible", size=6)


@pytest.mark.parametrize("tail", [b"", bytes(20)])
@pytest.mark.parametrize("length", [255, 0xFFFF])
def test_a_length_that_cannot_be_is_out_of_step_at_once(length, tail):
    assert isinstance(parse(b"\0\1\0\0" + length.to_bytes(2, "big") + tail), OutOfStep)


@pytest.mark.parametrize("protocol", [1, 0x0100, 0xFFFF])
def test_another_protocol_is_dropped_by_its_length(protocol):
    data = EXAMPLE[:2] + protocol.to_bytes(2, "big") + EXAMPLE[4:]
    assert parse(data[:-1]) is NeedMore.BYTES
    assert parse(data) == Malformed(reason=f"protocol {protocol}, not 0", size=len(data))


@given(
    transaction=st.integers(0, 0xFFFF),
    unit=st.integers(0, 255),
    pdu=st.binary(min_size=1, max_size=253),
    tail=st.binary(max_size=9),
)
def test_parsing_what_was_built_gives_the_frame(transaction, unit, pdu, tail):
    frame = TcpFrame(transaction=transaction, unit=unit, pdu=pdu)
    assert parse(frame.to_bytes() + tail) == frame
