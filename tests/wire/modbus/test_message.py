"""Messages: what is legal, and which exception the rest earns."""

import csv
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import BadFrameError, UsageError
from watthour.wire.modbus.message import (
    DiagnosticMessage,
    ExceptionReply,
    IdentificationReply,
    IdentificationRequest,
    IllegalRequest,
    ReadBitsReply,
    ReadBitsRequest,
    ReadReply,
    ReadRequest,
    ReadWriteRequest,
    ServerIdRequest,
    WriteBitRequest,
    WriteReply,
    WriteRequest,
    decode_reply,
    decode_request,
    exception_words,
)
from watthour.wire.modbus.pdu_size import NeedMore, reply_size

READS = st.builds(ReadRequest, function=st.sampled_from([3, 4]), start=st.integers(0, 0xFFFF), count=st.integers(1, 125))
BITS = st.builds(ReadBitsRequest, function=st.sampled_from([1, 2]), start=st.integers(0, 0xFFFF), count=st.integers(1, 2000))
COILS = st.builds(WriteBitRequest, start=st.integers(0, 0xFFFF), is_on=st.booleans())
SINGLES = st.builds(WriteRequest, function=st.just(6), start=st.integers(0, 0xFFFF), data=st.binary(min_size=2, max_size=2))
BOTH = st.builds(
    ReadWriteRequest,
    start=st.integers(0, 0xFFFF),
    count=st.integers(1, 125),
    write_start=st.integers(0, 0xFFFF),
    data=st.integers(1, 121).flatmap(lambda n: st.binary(min_size=2 * n, max_size=2 * n)),
)
ECHOES = st.builds(
    DiagnosticMessage, sub=st.just(0), data=st.integers(1, 125).flatmap(lambda n: st.binary(min_size=2 * n, max_size=2 * n))
)
COUNTS = st.builds(DiagnosticMessage, sub=st.sampled_from([0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x12]))
IDENTITIES = st.builds(IdentificationRequest, access=st.integers(1, 4), object_id=st.integers(0, 255))
WRITES = st.builds(
    WriteRequest,
    start=st.integers(0, 0xFFFF),
    data=st.integers(1, 123).flatmap(lambda n: st.binary(min_size=2 * n, max_size=2 * n)),
)


REQUESTS = st.one_of(READS, WRITES, BITS, COILS, SINGLES, BOTH, ECHOES, COUNTS, IDENTITIES, st.just(ServerIdRequest()))


def pdu(text):
    return bytes.fromhex(text)


def test_the_specifications_examples():
    assert decode_request(pdu("03 006B 0003")) == ReadRequest(function=3, start=0x6B, count=3)
    assert decode_request(pdu("04 0008 0001")) == ReadRequest(function=4, start=8, count=1)
    write = decode_request(pdu("10 0001 0002 04 000A 0102"))
    assert write == WriteRequest(start=1, data=pdu("000A 0102"))
    assert decode_reply(pdu("03 06 022B 0000 0064"), ReadRequest(start=0x6B, count=3)).data == pdu("022B 0000 0064")
    assert decode_reply(pdu("10 0001 0002"), write) == WriteReply(start=1, count=2)


@pytest.mark.parametrize("function", sorted(set(range(256)) - {1, 2, 3, 4, 5, 6, 8, 0x10, 0x11, 0x17, 0x2B}))
def test_every_other_function_earns_01_at_any_length(function):
    for size in (0, 1, 4, 252):
        assert decode_request(bytes([function]) + bytes(size)) == IllegalRequest(function=function, code=1)


@pytest.mark.parametrize("function", [3, 4])
@pytest.mark.parametrize(("count", "legal"), [(0, False), (1, True), (125, True), (126, False), (0xFFFF, False)])
def test_a_read_takes_1_to_125_registers(function, count, legal):
    decoded = decode_request(bytes([function, 0, 0]) + count.to_bytes(2, "big"))
    good, bad = (
        ReadRequest(function=function, start=0, count=count) if legal else None,
        IllegalRequest(function=function, code=3),
    )
    assert decoded == (good or bad)


@pytest.mark.parametrize("size", sorted(set(range(1, 12)) - {5}))
@pytest.mark.parametrize("function", [3, 4])
def test_a_read_of_another_length_earns_03(function, size):
    assert decode_request(bytes([function, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0])[:size]) == IllegalRequest(function=function, code=3)


@pytest.mark.parametrize(
    ("count", "size", "given", "legal"),
    [
        (1, 2, 2, True),
        (123, 246, 246, True),
        (0, 0, 0, False),
        (124, 248, 248, False),
        (1, 2, 1, False),
        (1, 2, 3, False),
        (1, 3, 3, False),
        (2, 2, 2, False),
        (1, 4, 4, False),
        (128, 0, 0, False),
    ],
)
def test_a_write_whose_quantity_byte_count_and_length_disagree_earns_03(count, size, given, legal):
    decoded = decode_request(b"\x10\0\0" + count.to_bytes(2, "big") + bytes([size]) + bytes(given))
    assert decoded == (WriteRequest(start=0, data=bytes(given)) if legal else IllegalRequest(function=16, code=3))


@pytest.mark.parametrize("size", range(1, 6))
def test_a_write_cut_in_its_head_earns_03(size):
    assert decode_request(pdu("10 0000 0001 02")[:size]) == IllegalRequest(function=16, code=3)


@given(request=REQUESTS)
def test_decoding_an_encoded_request_gives_it(request):
    assert decode_request(request.to_bytes()) == request
    assert len(request.to_bytes()) <= 253


@given(request=READS, data=st.data())
def test_decoding_an_encoded_reply_gives_it(request, data):
    size = 2 * request.count
    reply = ReadReply(function=request.function, data=data.draw(st.binary(min_size=size, max_size=size)))
    assert decode_reply(reply.to_bytes(), request) == reply


@given(request=REQUESTS, code=st.integers(0, 255))
def test_an_exception_keeps_its_code_whatever_it_is(request, code):
    reply = ExceptionReply(function=request.function, code=code)
    assert decode_reply(reply.to_bytes(), request) == reply


@given(request=WRITES)
def test_a_writes_reply_echoes_it(request):
    reply = WriteReply(start=request.start, count=request.count)
    assert decode_reply(reply.to_bytes(), request) == reply


@given(request=BITS, data=st.data())
def test_decoding_an_encoded_reply_of_bits_gives_it(request, data):
    number = data.draw(st.integers(0, 2**request.count - 1))
    reply = ReadBitsReply(function=request.function, bits=tuple(number >> n & 1 == 1 for n in range(request.count)))
    assert decode_reply(reply.to_bytes(), request) == reply


@given(request=st.one_of(COILS, SINGLES, ECHOES))
def test_a_single_write_and_a_query_are_echoed(request):
    assert decode_reply(request.to_bytes(), request).to_bytes() == request.to_bytes()
    wrong = bytes([*request.to_bytes()[:-1], request.to_bytes()[-1] ^ 1])
    with pytest.raises(BadFrameError):
        decode_reply(wrong, request)


@given(
    objects=st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=30)), max_size=7), more=st.none() | st.integers(0, 255)
)
def test_decoding_an_encoded_identification_gives_it(objects, more):
    reply = IdentificationReply(access=3, conformity=0x83, next_object=more, objects=tuple(objects))
    assert decode_reply(reply.to_bytes(), IdentificationRequest(access=3)) == reply
    sizes = [reply_size(reply.to_bytes()[:have]) for have in range(len(reply.to_bytes()) + 1)]
    assert sizes[-1] == len(reply.to_bytes())
    assert set(sizes) <= {NeedMore.BYTES, len(reply.to_bytes())}


@pytest.mark.parametrize(
    "reply",
    [
        "2B 0E 01 83 00 00",
        "2B 0E 02 83 00 00 00",
        "2B 0D 01 83 00 00 00",
        "2B 0E 01 83 00 00 01",
        "2B 0E 01 83 00 00 01 00 02 41",
        "2B 0E 01 83 00 00 00 41",
    ],
)
def test_an_identification_that_is_none_is_refused(reply):
    with pytest.raises(BadFrameError, match="no device identification"):
        decode_reply(pdu(reply), IdentificationRequest())


def test_bits_beyond_those_asked_for_are_refused():
    assert decode_reply(pdu("01 01 03"), ReadBitsRequest(start=0, count=2)).bits == (True, True)
    with pytest.raises(BadFrameError, match="beyond the 2 asked for"):
        decode_reply(pdu("01 01 07"), ReadBitsRequest(start=0, count=2))
    with pytest.raises(BadFrameError, match="which takes 3"):
        decode_reply(pdu("01 02 03 00"), ReadBitsRequest(start=0, count=2))


@pytest.mark.parametrize("reply", ["11", "11 00", "11 02 01", "11 01 01 FF"])
def test_a_server_identification_of_another_length_is_refused(reply):
    with pytest.raises(BadFrameError, match="byte count"):
        decode_reply(pdu(reply), ServerIdRequest())
    assert decode_reply(pdu("11 02 01 FF"), ServerIdRequest()).content == pdu("01 FF")


@pytest.mark.parametrize("reply", ["08 000B", "08 000B 00", "08 000C 0001", "08 000B 0001 00"])
def test_a_count_of_something_else_is_refused(reply):
    with pytest.raises(BadFrameError, match="none to diagnostic 0Bh"):
        decode_reply(pdu(reply), DiagnosticMessage(sub=0x0B))
    assert decode_reply(pdu("08 000B 0102"), DiagnosticMessage(sub=0x0B)).data == pdu("0102")


@given(data=st.binary(min_size=1, max_size=253))
def test_no_request_raises(data):
    decode_request(data)


@given(request=REQUESTS, data=st.binary(min_size=1, max_size=253))
def test_any_reply_is_legal_or_a_bad_frame(request, data):
    with suppress(BadFrameError):
        assert decode_reply(data, request).to_bytes() == data


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("04 02 0000", "function 04h to a request of function 03h"),
        ("84 02", "function 84h to a request of function 03h"),
        ("03", "1 bytes to a read of 1 registers, which takes 4"),
        ("03 02 00", "3 bytes"),
        ("03 02 000000", "5 bytes"),
        ("03 04 0000", "4 bytes"),
        ("83", "an exception of 1 bytes"),
        ("83 02 00", "an exception of 3 bytes"),
    ],
)
def test_a_reply_that_is_none_is_refused(reply, words):
    with pytest.raises(BadFrameError, match=words):
        decode_reply(pdu(reply), ReadRequest(start=0, count=1))


@pytest.mark.parametrize("reply", ["10 0001 0001", "10 0000 0002", "10 0000 00", "10 0000 0001 00"])
def test_a_writes_reply_that_is_no_echo_is_refused(reply):
    with pytest.raises(BadFrameError, match="does not echo"):
        decode_reply(pdu(reply), WriteRequest(start=0, data=b"\0\0"))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ReadRequest(start=0, count=0),
        lambda: ReadRequest(start=0, count=126),
        lambda: ReadRequest(start=-1, count=1),
        lambda: ReadRequest(start=0x10000, count=1),
        lambda: ReadRequest(function=16, start=0, count=1),
        lambda: WriteRequest(start=0, data=b""),
        lambda: WriteRequest(start=0, data=b"\0"),
        lambda: WriteRequest(start=0, data=bytes(248)),
        lambda: WriteRequest(function=6, start=0, data=bytes(4)),
        lambda: WriteRequest(function=3, start=0, data=bytes(2)),
        lambda: ReadBitsRequest(start=0, count=0),
        lambda: ReadBitsRequest(start=0, count=2001),
        lambda: ReadBitsRequest(function=5, start=0, count=1),
        lambda: WriteBitRequest(start=0x10000, is_on=True),
        lambda: ReadWriteRequest(start=0, count=126, write_start=0, data=bytes(2)),
        lambda: ReadWriteRequest(start=0, count=1, write_start=0, data=bytes(244)),
        lambda: DiagnosticMessage(sub=0x01),
        lambda: DiagnosticMessage(sub=0, data=b""),
        lambda: DiagnosticMessage(sub=0x0B, data=bytes(4)),
        lambda: IdentificationRequest(access=5),
        lambda: IdentificationRequest(object_id=256),
    ],
)
def test_no_message_holds_what_is_illegal(wrong):
    with pytest.raises(UsageError):
        wrong()


def test_the_last_address_can_be_asked_for():
    assert ReadRequest(start=0xFFFF, count=125).to_bytes() == pdu("03 FFFF 007D")


def test_an_unknown_exception_has_words_too():
    assert exception_words(0x0B) == "exception 0B, gateway target did not respond: no such unit there"
    assert exception_words(0x63) == "exception 63, a code of its own"


def test_other_peoples_frames(shared_data):
    """RTU frames of other makers' meters: what lies between address and CRC is the same PDU."""
    asked = None
    seen = set()
    with (shared_data / "modbus" / "known_frames.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            data = bytes.fromhex(row["frame_hex"])[1:-2]
            if row["direction"] == "request":
                asked = decode_request(data)
                assert asked.to_bytes() == data
            elif row["id"] == "sdm_exception":
                assert decode_reply(data, asked) == ExceptionReply(function=16, code=1)
            elif row["id"] in {"tas_1", "tas_0"}:
                assert decode_reply(data, ReadRequest(function=4, start=0, count=2)).to_bytes() == data
            else:
                assert decode_reply(data, asked).to_bytes() == data
            seen.add(row["direction"])
    assert seen == {"request", "response"}
