"""Both ends of a connection: bytes in any pieces, and everything that can go wrong with them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import UsageError
from watthour.wire.modbus import tcp_link as links
from watthour.wire.modbus.link import Answered, Broken, Damaged, Discarded, Requested, Unanswered
from watthour.wire.modbus.message import ExceptionReply, IllegalRequest, ReadReply, ReadRequest
from watthour.wire.modbus.tcp_frame import TcpFrame
from watthour.wire.modbus.tcp_link import NEXT, FrameStream, Happening, State, TcpClientLink, TcpStationLink

READ = ReadRequest(start=0, count=2)
REPLY = ReadReply(data=b"\1\2\3\4")


READ_PDU = READ.to_bytes()


def frame(number=1, unit=1, pdu=READ_PDU):
    return TcpFrame(transaction=number, unit=unit, pdu=pdu).to_bytes()


def requested(number=1, unit=1, request=READ):
    return Requested(transaction=number, unit=unit, request=request)


def test_the_machine_is_complete():
    assert set(NEXT) == {(state, happening) for state in State for happening in Happening}


def test_nothing_leaves_closed():
    assert {after for (before, _), after in NEXT.items() if before is State.CLOSED} == {State.CLOSED}


def test_pipelined_requests_come_in_order():
    link = TcpStationLink()
    assert link.receive(frame(1) + frame(2, unit=9) + frame(3), 0.0) == [requested(1), requested(2, unit=9), requested(3)]
    assert link.next_deadline() is None


def test_one_byte_at_a_time_gives_the_same_request():
    link = TcpStationLink()
    heard = [link.receive(bytes([byte]), now) for now, byte in enumerate(frame(7))]
    assert heard == [[]] * 11 + [[requested(7)]]


def test_a_bare_function_code_is_an_illegal_request():
    assert TcpStationLink().receive(frame(pdu=b"\3"), 0.0) == [requested(request=IllegalRequest(function=3, code=3))]


def test_a_frame_of_another_protocol_is_dropped_and_the_next_is_heard():
    other = bytearray(frame())
    other[3] = 1
    heard = TcpStationLink().receive(bytes(other) + frame(2), 0.0)
    assert heard == [Discarded(reason="protocol 1, not 0"), requested(2)]


@pytest.mark.parametrize("length", [0, 1])
def test_a_frame_without_a_pdu_is_dropped_and_the_next_is_heard(length):
    empty = b"\0\1\0\0" + length.to_bytes(2, "big") + bytes(length)
    heard = TcpStationLink().receive(empty + frame(2), 0.0)
    assert isinstance(heard[0], Discarded)
    assert heard[1:] == [requested(2)]


@pytest.mark.parametrize("length", [0x00FF, 0xFFFF])
def test_an_impossible_length_breaks_the_connection_behind_what_was_whole(length):
    link = TcpStationLink()
    heard = link.receive(frame(1) + b"\0\1\0\0" + length.to_bytes(2, "big") + frame(2), 0.0)
    assert heard == [requested(1), Broken(reason=f"a length of {length} where 2 to 254 is possible")]
    assert link.receive(frame(3), 0.0) == []
    assert link.next_deadline() is None


def test_a_length_longer_than_the_bytes_waits_and_then_takes_them_from_what_follows():
    longer = bytearray(frame(1))
    longer[5] += 2
    link = TcpStationLink()
    assert link.receive(bytes(longer), 0.0) == []
    heard = link.receive(frame(2)[:2], 1.0)
    assert heard == [requested(1, request=IllegalRequest(function=3, code=3))]


def test_a_length_shorter_than_the_bytes_is_believed():
    shorter = bytearray(frame(1))
    shorter[5] -= 2
    heard = TcpStationLink().receive(bytes(shorter), 0.0)
    assert heard == [requested(1, request=IllegalRequest(function=3, code=3))]


def test_half_a_frame_has_its_time_from_its_first_byte():
    link = TcpStationLink(frame_timeout_s=5.0)
    assert link.receive(frame()[:3], 10.0) == []
    assert link.receive(frame()[3:6], 14.0) == []
    assert link.next_deadline() == 15.0
    assert link.receive(b"", 14.99) == []
    assert link.receive(b"", 15.0) == [Broken(reason="a frame did not end within 5 s")]
    assert link.next_deadline() is None


def test_a_frame_whose_last_byte_comes_late_is_still_a_frame():
    link = TcpStationLink(frame_timeout_s=5.0)
    link.receive(frame()[:3], 10.0)
    assert link.receive(frame()[3:], 99.0) == [requested()]


def test_the_next_frame_has_a_time_of_its_own():
    link = TcpStationLink(frame_timeout_s=5.0)
    link.receive(frame()[:3], 10.0)
    link.receive(frame()[3:] + frame(2)[:1], 14.0)
    assert link.next_deadline() == 19.0


def test_silence_between_frames_has_no_end():
    link = TcpStationLink()
    link.receive(frame(), 0.0)
    assert link.receive(b"", 1e9) == []
    assert link.receive(frame(2), 1e9) == [requested(2)]


def test_the_end_of_sending_cuts_off_half_a_frame_and_replies_still_go_out():
    link = TcpStationLink()
    [asked, *_] = link.receive(frame() + frame()[:4], 0.0)
    assert link.end() == [Discarded(reason="closed after 4 bytes of a frame")]
    assert link.receive(frame(), 0.0) == []
    assert link.send(REPLY, asked) == frame(pdu=REPLY.to_bytes())


def test_the_end_between_frames_cuts_off_nothing():
    link = TcpStationLink()
    link.receive(frame(), 0.0)
    assert link.end() == []


@given(data=st.binary(max_size=600), cuts=st.lists(st.integers(0, 600), max_size=8))
def test_any_bytes_in_any_split_give_the_same_and_never_raise(data, cuts):
    whole, split = TcpStationLink(), TcpStationLink()
    heard = []
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        heard += split.receive(data[begin:end], 0.0)
    assert heard == whole.receive(data, 0.0)


@given(pdus=st.lists(st.binary(min_size=1, max_size=253), max_size=6), size=st.integers(1, 40))
def test_frames_survive_any_split(pdus, size):
    data = b"".join(frame(number, pdu=pdu) for number, pdu in enumerate(pdus))
    stream = FrameStream()
    heard = [found for at in range(0, len(data), size) for found in stream.receive(data[at : at + size], 0.0)]
    assert [found.pdu for found in heard] == pdus
    assert stream.state is State.IDLE


def test_endless_garbage_is_not_kept():
    stream = FrameStream()
    for _ in range(1000):
        stream.receive(b"\0\0\0\1\0\2\3", 0.0)
    assert len(stream._rest) < 260


def ask(link, *, now=0.0, unit=1, request=READ):
    sent = link.send(request, unit=unit, now=now)
    return int.from_bytes(sent[:2], "big"), sent


def test_replies_find_their_requests_in_any_order():
    link = TcpClientLink()
    first, _ = ask(link)
    second, _ = ask(link)
    heard = link.receive(frame(second, pdu=REPLY.to_bytes()) + frame(first, pdu=b"\x83\2"), 0.0)
    assert heard == [
        Answered(transaction=second, request=READ, reply=REPLY),
        Answered(transaction=first, request=READ, reply=ExceptionReply(function=3, code=2)),
    ]
    assert link.next_deadline() is None


def test_a_reply_that_nobody_waits_for_is_dropped():
    link = TcpClientLink()
    number, _ = ask(link)
    [dropped, answered, again] = link.receive(
        frame(number + 1, pdu=REPLY.to_bytes()) + 2 * frame(number, pdu=REPLY.to_bytes()), 0.0
    )
    assert isinstance(dropped, Discarded)
    assert isinstance(answered, Answered)
    assert isinstance(again, Discarded)


def test_a_reply_from_another_unit_is_dropped_and_the_right_one_still_awaited():
    link = TcpClientLink()
    number, _ = ask(link, unit=5)
    assert link.receive(frame(number, unit=6, pdu=REPLY.to_bytes()), 0.0) == [
        Discarded(reason="a reply from unit 6 to a request to unit 5")
    ]
    assert isinstance(link.receive(frame(number, unit=5, pdu=REPLY.to_bytes()), 0.0)[0], Answered)


def test_a_reply_that_does_not_fit_is_damaged():
    link = TcpClientLink()
    number, _ = ask(link)
    [event] = link.receive(frame(number, pdu=b"\3\2\0\0"), 0.0)
    assert isinstance(event, Damaged)
    assert "4 bytes to a read of 2 registers" in event.reason


def test_no_reply_in_time_is_said_once_and_a_late_one_dropped():
    link = TcpClientLink(answer_timeout_s=2.0)
    number, _ = ask(link, now=10.0)
    assert link.next_deadline() == 12.0
    assert link.receive(b"", 11.9) == []
    assert link.receive(b"", 12.0) == [Unanswered(transaction=number, request=READ)]
    assert link.next_deadline() is None
    assert isinstance(link.receive(frame(number, pdu=REPLY.to_bytes()), 12.1)[0], Discarded)


def test_half_a_reply_has_its_time_too():
    link = TcpClientLink(answer_timeout_s=9.0, frame_timeout_s=1.0)
    ask(link, now=0.0)
    link.receive(b"\0", 1.0)
    assert link.next_deadline() == 2.0
    assert isinstance(link.receive(b"", 2.0)[0], Broken)


def test_the_end_leaves_requests_unanswered():
    link = TcpClientLink()
    number, _ = ask(link)
    link.receive(b"\0", 0.0)
    assert link.end() == [
        Discarded(reason="closed after 1 bytes of a frame"),
        Unanswered(transaction=number, request=READ),
    ]


def test_transaction_numbers_come_round_and_pass_over_those_on_their_way(monkeypatch):
    monkeypatch.setattr(links, "TRANSACTIONS", 3)
    link = TcpClientLink()
    numbers = [ask(link)[0] for _ in range(3)]
    assert numbers == [1, 2, 0]
    with pytest.raises(UsageError, match="no transaction is free"):
        ask(link)
    link.receive(frame(2, pdu=REPLY.to_bytes()), 0.0)
    assert ask(link)[0] == 2


@given(data=st.binary(max_size=300), cut=st.integers(0, 300))
def test_a_client_survives_any_bytes(data, cut):
    link = TcpClientLink()
    ask(link)
    link.receive(data[:cut], 0.0)
    link.receive(data[cut:], 0.0)
    link.end()
