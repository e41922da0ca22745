"""Sizes of PDUs by their first bytes: against whole PDUs of every function, and the examples of the specification."""

import pytest

from watthour.wire.modbus.pdu_size import NeedMore, reply_size, request_size

EXAMPLES = [  # Application Protocol V1.1b3, clause 6: request and reply of each function
    ("01 0013 0013", "01 03 CD6B05"),
    ("02 00C4 0016", "02 03 ACDB35"),
    ("03 006B 0003", "03 06 022B00000064"),
    ("04 0008 0001", "04 02 000A"),
    ("05 00AC FF00", "05 00AC FF00"),
    ("06 0001 0003", "06 0001 0003"),
    ("07", "07 6D"),
    ("08 0000 A537", "08 0000 A537"),
    ("0B", "0B FFFF 0108"),
    ("0C", "0C 08 0000 0108 0121 2000"),
    ("0F 0013 000A 02 CD01", "0F 0013 000A"),
    ("10 0001 0002 04 000A0102", "10 0001 0002"),
    ("11", "11 03 01 FF 00"),
    ("14 0E 06000400010002 06000300090002", "14 0C 05060DFE0020 050633CD0040"),
    ("15 0D 06000400070003 06AF04BE100D", "15 0D 06000400070003 06AF04BE100D"),
    ("16 0004 00F2 0025", "16 0004 00F2 0025"),
    ("17 0003 0006 000E 0003 06 00FF00FF00FF", "17 0C 00FE0ACD00010003000D00FF"),
]


@pytest.mark.parametrize(("request_hex", "reply_hex"), EXAMPLES)
@pytest.mark.parametrize("which", ["request", "reply"])
def test_every_beginning_of_an_example_gives_its_size_or_asks_for_more(request_hex, reply_hex, which):
    pdu = bytes.fromhex(request_hex if which == "request" else reply_hex)
    size_of = request_size if which == "request" else reply_size
    sizes = [size_of(pdu[:have]) for have in range(len(pdu) + 1)]
    assert sizes[0] is NeedMore.BYTES
    assert set(sizes) <= {NeedMore.BYTES, len(pdu)}
    assert sizes[-1] == len(pdu)


def test_an_exception_has_two_bytes_and_is_no_request():
    assert [reply_size(bytes([function])) for function in (0x80, 0x83, 0xFF)] == [2, 2, 2]
    assert [request_size(bytes([function])) for function in (0x80, 0x83, 0xFF)] == [None, None, None]


@pytest.mark.parametrize("function", [0x00, 0x09, 0x41, 0x64, 0x7F])
def test_a_function_of_somebodys_own_has_no_size(function):
    assert request_size(bytes([function, 1, 2])) is None
    assert reply_size(bytes([function, 1, 2])) is None


def test_what_its_first_bytes_do_not_tell_has_no_size():
    assert reply_size(bytes.fromhex("18 0006")) is None
    assert request_size(bytes.fromhex("2B 0E 01 00")) == 4
    assert request_size(bytes.fromhex("18 04DE")) == 3
