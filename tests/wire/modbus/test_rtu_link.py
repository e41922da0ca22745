"""Both ends of a serial line: frames in any pieces, other stations' traffic, garbage, and silence."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import UsageError
from watthour.wire.modbus.link import Answered, Discarded, Overheard, Requested, Unanswered
from watthour.wire.modbus.message import ExceptionReply, IllegalRequest, ReadReply, ReadRequest, WriteReply, WriteRequest
from watthour.wire.modbus.rtu_frame import ADU_MAXIMUM, RtuFrame, Timing, has_right_crc
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink
from watthour.wire.receiving import NEXT, Happening, State

GAP_S = 0.02
READ = ReadRequest(start=0, count=2)
REPLY = ReadReply(data=b"\1\2\3\4")


def frame(text, unit=1):
    return RtuFrame(unit=unit, pdu=bytes.fromhex(text)).to_bytes()


T35_S = 0.002005
READ12 = ReadRequest(start=0, count=12)
ASK = frame("03 0000 0002")
ASKED = Requested(unit=1, request=READ)


def heard(link, *bursts, gap_s=1.0):
    """Return what bursts with silence between them give, and what the silence behind the last one adds."""
    events, now = [], 0.0
    for burst in bursts:
        events += link.receive(burst, now)
        now += gap_s
    return events + link.receive(b"", now)


def station(**options):
    return RtuStationLink(Timing(gap_s=GAP_S, **options))


def test_the_machine_is_complete():
    assert set(NEXT) == {(state, happening) for state in State for happening in Happening}


def test_silence_leads_back_from_everywhere_and_nothing_else_leaves_lost():
    assert {NEXT[state, Happening.SILENCE] for state in State} == {State.IDLE}
    assert {NEXT[State.LOST, happening] for happening in Happening if happening is not Happening.SILENCE} == {State.LOST}


def test_a_request_is_heard_at_once_without_waiting_for_silence():
    link = station()
    assert link.receive(ASK, 5.0) == [ASKED]
    assert link.next_deadline() is None


def test_one_byte_at_a_time_gives_the_same_request():
    link = station()
    events = [link.receive(bytes([byte]), place * 0.001) for place, byte in enumerate(ASK)]
    assert events == [[]] * 7 + [[ASKED]]


def test_half_a_frame_is_dropped_by_the_gap_and_the_next_is_heard():
    link = station()
    assert link.receive(ASK[:5], 1.0) == []
    assert link.next_deadline() == 1.0 + GAP_S
    assert link.receive(ASK, 1.0 + GAP_S) == [Discarded(reason="5 bytes without a right CRC"), ASKED]


def test_a_pause_below_the_gap_does_not_cut_a_frame():
    link = station()
    assert link.receive(ASK[:5], 1.0) == []
    assert link.receive(b"", 1.0 + 0.9 * GAP_S) == []
    assert link.receive(ASK[5:], 1.0 + 0.9 * GAP_S) == [ASKED]


def test_a_wrong_crc_is_silence():
    assert heard(station(), ASK[:-1] + bytes([ASK[-1] ^ 1])) == [Discarded(reason="8 bytes without a right CRC")]


@pytest.mark.parametrize("noise", ["00", "FF", "01", "0103", "FF10", "41" * 40, "0103FA" + "00" * 100])
def test_garbage_directly_in_front_does_not_cost_the_request(noise):
    events = heard(station(), bytes.fromhex(noise) + ASK)
    assert [event for event in events if isinstance(event, Requested)] == [ASKED]


def test_garbage_of_any_length_is_not_kept():
    link = station()
    for place in range(2000):
        link.receive(b"\x41" * 100, place * 0.001)
    assert len(link._stream._rest) == ADU_MAXIMUM
    events = link.receive(ASK, 2.0)
    assert events + link.receive(b"", 3.0) == [Discarded(reason="200000 bytes without a right CRC"), ASKED]


def test_a_request_inside_what_makes_no_sense_is_not_believed():
    damaged = bytearray(frame("03 14" + ASK.hex() + "00" * 12, unit=9))
    damaged[-1] ^= 0xFF
    events = heard(station(), bytes(damaged))
    assert not any(isinstance(event, Requested) and event.unit == 1 for event in events)


def test_other_stations_talk_and_the_next_request_is_not_lost():
    ask, tell = frame("03 0000 000A", unit=9), frame("03 14" + "AB" * 20, unit=9)
    events = station().receive(ask + tell + ASK, 0.0)
    assert events[1:] == [Overheard(unit=9, function=3), ASKED]
    assert events[0].unit == 9


def test_other_stations_data_may_hold_a_whole_request_to_us():
    ask, tell = frame("03 0000 0004", unit=9), frame("03 08" + ASK.hex(), unit=9)
    events = heard(station(), ask, tell, ASK, gap_s=0.001)
    assert [event for event in events if isinstance(event, Requested) and event.unit == 1] == [ASKED]


def test_a_reply_without_its_request_costs_nothing_either():
    events = heard(station(), frame("03 14" + "AB" * 20, unit=9), ASK)
    assert events == [Overheard(unit=9, function=3), ASKED]


def test_an_exception_of_another_station_is_passed_over():
    ask = frame("03 0000 000A", unit=9)
    assert heard(station(), ask + frame("83 02", unit=9) + ASK)[1:] == [Overheard(unit=9, function=0x83), ASKED]
    assert heard(station(), frame("83 02", unit=9), ASK) == [Overheard(unit=9, function=0x83), ASKED]


def test_our_own_replies_that_an_adapter_echoes_are_no_requests():
    link = station()
    [asked] = link.receive(ASK, 0.0)
    for reply in (REPLY, ExceptionReply(function=3, code=2), WriteReply(start=0xB0, count=2)):
        events = heard(link, link.send(reply, asked))
        assert [type(event) for event in events] == [Overheard]


@pytest.mark.parametrize(
    ("asked", "cut_short", "request_"),
    [
        (
            "2F 03 6398 000F 9C2B",
            "2F 03 1E 9A D5 0B DC 18 A8 20 B0 54 84 FA E6 38 CC D0 1F F2 DF EF 83 F0 D3 A6 45 E2 36 5D C4 2D 2D 53",
            "14 03 0000 000C 470A",
        ),
        ("2B 04 0000 0008 F606", "2B 84 02 E3", "09 03 0000 000C 4487"),
    ],
)
def test_a_request_whose_first_byte_stood_in_for_the_last_of_a_reply_is_heard_when_silence_ends_it(asked, cut_short, request_):
    asked, cut_short, request_ = (bytes.fromhex(text) for text in (asked, cut_short, request_))
    assert has_right_crc(cut_short + request_[:1]), "the one byte in 256 that makes it whole"
    wanted = Requested(unit=request_[0], request=READ12)
    link = station(turnaround_s=T35_S)
    link.receive(asked, 0.0)
    link.receive(cut_short, 0.005)
    assert not any(isinstance(event, Requested) for event in link.receive(request_, 0.012))
    assert link.receive(b"", link.next_deadline()) == [wanted]
    assert link.receive(b"", 99.0) == []


def test_a_request_without_its_first_byte_is_not_believed_though_the_reply_before_it_ends_with_that():
    """The bytes are those of a reply cut short and a whole request; only the silence is elsewhere."""
    asked, whole, beheaded = (bytes.fromhex(text) for text in ("2B 04 0000 0008 F606", "2B 84 02 E3 09", "03 0000 000C 4487"))
    for told in (True, False):
        link = station(turnaround_s=T35_S if told else 0.0)
        link.receive(asked, 0.0)
        link.receive(whole, 0.005)
        link.receive(beheaded, 0.012)
        assert not any(isinstance(event, Requested) for event in link.receive(b"", 1.0))
    link = station(turnaround_s=T35_S)
    link.receive(asked, 0.0)
    link.receive(whole + beheaded, 0.005)
    assert not any(isinstance(event, Requested) for event in link.receive(b"", 1.0)), "no silence was seen"


def test_a_damaged_character_undoes_what_came_since_the_silence():
    link = station(turnaround_s=T35_S)
    link.receive(bytes.fromhex("2B 04 0000 0008 F606"), 0.0)
    link.receive(bytes.fromhex("2B 84 02 E3"), 0.005)
    link.receive(bytes.fromhex("09"), 0.012)
    link.spoil(0.013)
    link.receive(bytes.fromhex("03 0000 000C 4487"), 0.017)
    assert not any(isinstance(event, Requested) for event in link.receive(b"", 1.0))


def test_a_function_of_somebodys_own_is_heard_when_silence_ends_it():
    link = station()
    assert link.receive(frame("41 0102"), 0.0) == []
    assert link.receive(b"", GAP_S) == [Requested(unit=1, request=IllegalRequest(function=0x41, code=1))]


@pytest.mark.parametrize("text", ["03", "03 01", "03 0000 00", "03 0000 0002 00", "10 00B0", "10 00B0 0002 04 0000"])
def test_a_request_of_the_wrong_length_earns_03_when_silence_ends_it(text):
    events = heard(station(), frame(text))
    assert events == [Requested(unit=1, request=IllegalRequest(function=bytes.fromhex(text)[0], code=3))]


def test_a_broadcast_is_told_and_no_reply_to_it_is_waited_for():
    link = station()
    write = frame("10 00B0 0002 04 00000001", unit=0)
    assert link.receive(write, 0.0) == [Requested(unit=0, request=WriteRequest(start=0xB0, data=b"\0\0\0\1"))]
    assert link._asked is None


def test_a_write_of_one_unit_behind_an_unanswered_one_is_heard_whole():
    link = station()
    write = frame("10 00B0 0002 04 00000001")
    assert len(link.receive(write, 0.0)) == 1
    assert len(link.receive(write, 3.0)) == 1


def test_a_byte_count_beyond_any_frame_is_no_frame():
    link = station()
    assert link.receive(frame("10 0000 0002")[:-2] + b"\xff\0\0", 0.0) == []
    assert link._stream.state is State.LOST


def test_the_end_of_a_line_is_a_silence():
    link = station()
    link.receive(ASK[:5], 0.0)
    assert link.end() == [Discarded(reason="5 bytes without a right CRC")]
    assert link.end() == []


def test_a_reply_bears_the_unit_asked():
    link = station(turnaround_s=0.004)
    [asked] = link.receive(frame("03 0000 0002", unit=7), 0.0)
    assert link.send(REPLY, asked) == frame("03 04 01020304", unit=7)
    assert link.turnaround_s == 0.004


@given(data=st.binary(max_size=600), cuts=st.lists(st.integers(0, 600), max_size=8))
def test_any_bytes_in_any_split_give_the_same_and_never_raise(data, cuts):
    whole, split = station(), station()
    events = []
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(places):
        events += split.receive(data[begin:end], 0.0)
    assert events + split.receive(b"", 1.0) == whole.receive(data, 0.0) + whole.receive(b"", 1.0)


@given(
    noise=st.lists(st.binary(max_size=60), min_size=1, max_size=6),
    units=st.lists(st.sampled_from([1, 9, 0]), min_size=1, max_size=6),
)
def test_a_request_behind_any_noise_and_a_silence_is_never_lost(noise, units):
    link, now, found = station(), 0.0, 0
    for burst, unit in zip(noise, units, strict=False):
        link.receive(burst, now)
        now += 1.0
        events = link.receive(frame("03 0000 0002", unit=unit), now)
        found += Requested(unit=unit, request=READ) in events
        now += 1.0
    assert found == min(len(noise), len(units))


# ---------------------------------------------------------------- the client's end


def asking(timeout_s=2.0, unit=1, request=READ):
    link = RtuClientLink(answer_timeout_s=timeout_s, timing=Timing(gap_s=GAP_S))
    return link, link.send(request, unit=unit, now=0.0)


TOLD = REPLY.to_bytes().hex()


def test_a_reply_is_heard_at_once_and_in_pieces():
    link, sent = asking()
    assert sent == ASK
    assert link.receive(frame(TOLD)[:4], 0.1) == []
    assert link.receive(frame(TOLD)[4:], 0.11) == [Answered(request=READ, reply=REPLY)]
    assert link.next_deadline() is None


def test_an_exception_is_a_reply():
    link, _ = asking()
    assert link.receive(frame("83 02"), 0.1) == [Answered(request=READ, reply=ExceptionReply(function=3, code=2))]


def test_noise_in_front_of_a_reply_does_not_cost_it():
    link, _ = asking()
    assert link.receive(b"\0\xff" + frame(TOLD), 0.1) == []
    assert link.next_deadline() == 0.1 + GAP_S
    assert link.receive(b"", 0.1 + GAP_S)[-1] == Answered(request=READ, reply=REPLY)


def test_our_own_request_that_an_adapter_echoes_is_passed_over():
    link, sent = asking()
    link.receive(sent, 0.001)
    assert link.receive(frame(TOLD), 0.1)[-1] == Answered(request=READ, reply=REPLY)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (frame(TOLD)[:-1] + b"\0", "9 bytes without a right CRC"),
        (frame(TOLD)[:-3], "6 bytes without a right CRC"),
        (frame(TOLD, unit=2), "a reply from unit 2 to a request to unit 1"),
        (frame("03 02 0102"), "4 bytes to a read of 2 registers"),
        (frame("04 04 01020304"), "a reply of function 04h"),
    ],
)
def test_what_is_no_reply_is_named_when_the_time_is_over(reply, words):
    link, _ = asking()
    [dropped] = heard(link, reply, gap_s=1.0)
    assert isinstance(dropped, Discarded)
    [late] = link.receive(b"", 2.0)
    assert isinstance(late, Unanswered)
    assert words in late.heard


def test_the_right_reply_behind_a_wrong_one_is_taken():
    link, _ = asking()
    link.receive(frame(TOLD, unit=2), 0.1)
    assert link.receive(frame(TOLD), 0.2)[-1] == Answered(request=READ, reply=REPLY)


def test_silence_is_said_once():
    link, _ = asking()
    assert link.next_deadline() == 2.0
    assert link.receive(b"", 1.99) == []
    assert link.receive(b"", 2.0) == [Unanswered(request=READ)]
    assert link.receive(b"", 3.0) == []


def test_one_request_is_on_its_way_at_a_time():
    link, _ = asking()
    with pytest.raises(UsageError, match="one at a time"):
        link.send(READ, unit=1, now=0.1)
    link.receive(frame(TOLD), 0.2)
    assert link.send(READ, unit=1, now=0.3) == ASK


def test_what_nobody_asked_is_dropped():
    link = RtuClientLink(timing=Timing(gap_s=GAP_S))
    assert heard(link, frame(TOLD)) == [Discarded(reason="a frame from unit 1, which nobody asked")]
    assert link.end() == []


def test_what_came_before_the_request_is_no_part_of_the_reply():
    link = RtuClientLink(timing=Timing(gap_s=GAP_S))
    link.receive(b"\1\2\3", 0.0)
    link.send(READ, unit=1, now=0.001)
    assert link.receive(frame(TOLD), 0.002) == [Answered(request=READ, reply=REPLY)]


def test_the_end_leaves_the_request_unanswered():
    link, _ = asking()
    link.receive(frame(TOLD)[:4], 0.1)
    assert link.end() == [
        Discarded(reason="4 bytes without a right CRC"),
        Unanswered(request=READ, heard="4 bytes without a right CRC"),
    ]


@given(data=st.binary(max_size=300), cut=st.integers(0, 300))
def test_a_client_survives_any_bytes(data, cut):
    link, _ = asking()
    link.receive(data[:cut], 0.0)
    link.receive(data[cut:], 0.001)
    link.receive(b"", 1.0)
    assert link.end()[-1] == Unanswered(request=READ, heard=link._heard)
