import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.wire.mbus.frame import Acknowledge, LongFrame, ShortFrame
from watthour.wire.mbus.link import Discarded, Heard, MBusReceiver, Timing
from watthour.wire.mbus.message import (
    Foreign,
    RequestAlarm,
    RequestData,
    ResetLink,
    SendData,
    decode_request,
    matches,
)
from watthour.wire.receiving import State

ADDRESS = st.integers(0, 255)
REQUESTS = st.one_of(
    st.builds(ResetLink, address=ADDRESS),
    st.builds(RequestData, address=ADDRESS, fcb=st.booleans(), has_fcb=st.booleans()),
    st.builds(RequestAlarm, address=ADDRESS, fcb=st.booleans(), has_fcb=st.booleans()),
    st.builds(SendData, address=ADDRESS, ci=ADDRESS, data=st.binary(max_size=20), fcb=st.booleans(), has_fcb=st.booleans()),
)


@given(REQUESTS)
def test_a_request_makes_the_round_trip(request):
    assert decode_request(request.to_frame()) == request


@pytest.mark.parametrize(
    ("frame", "control"),
    [
        (ResetLink(address=1), 0x40),
        (RequestData(address=1, fcb=False), 0x5B),
        (RequestData(address=1, fcb=True), 0x7B),
        (RequestAlarm(address=1, fcb=False), 0x5A),
        (SendData(address=1, ci=0x51, fcb=False), 0x53),
        (SendData(address=1, ci=0x51, fcb=True), 0x73),
    ],
)
def test_control_fields_are_those_of_the_standard(frame, control):
    assert frame.to_frame().control == control


@pytest.mark.parametrize(
    "frame",
    [
        Acknowledge(),
        ShortFrame(control=0x08, address=1),
        LongFrame(control=0x08, address=1, ci=0x72),
        LongFrame(control=0x40, address=1, ci=0x72),
        ShortFrame(control=0x53, address=1),
    ],
)
def test_what_no_master_sends_is_foreign(frame):
    assert isinstance(decode_request(frame), Foreign)


OWN = bytes.fromhex("78563412 320D 01 02")


@pytest.mark.parametrize(
    ("mask", "does"),
    [
        ("78563412 320D 01 02", True),
        ("FFFFFFFF FFFF FF FF", True),
        ("7856341F FFFF FF FF", True),
        ("7856342F FFFF FF FF", False),
        ("78563412 330D 01 02", False),
        ("78563412 FFFF 02 FF", False),
        ("", True),
        ("78", True),
        ("79", False),
        ("78563412 320D 01 02 00", False),
    ],
)
def test_masks_of_any_length_select_by_what_they_have(mask, does):
    assert matches(bytes.fromhex(mask), OWN) is does


def test_a_receiver_drops_a_half_frame_after_22_bit_times():
    timing = Timing(baudrate=2400)
    adu = ResetLink(address=1).to_frame().to_bytes()
    receiver = MBusReceiver(timing)
    assert receiver.receive(adu[:3], now=0.0) == []
    assert receiver.next_deadline() == pytest.approx(22 / 2400)
    assert receiver.receive(adu, now=0.05)[0] == Discarded(reason="3 bytes of a frame that does not go on")
    receiver = MBusReceiver(timing)
    receiver.receive(adu[:3], now=0.0)
    assert receiver.receive(adu[3:], now=0.009) == [Heard(frame=ShortFrame(control=0x40, address=1))]


def test_a_receiver_is_silent_about_damage_until_the_line_is_silent():
    receiver = MBusReceiver(Timing())
    good = ResetLink(address=1).to_frame().to_bytes()
    assert isinstance(receiver.receive(b"\x55" + good, now=0.0)[0], Discarded)
    assert receiver.state is State.LOST
    assert receiver.receive(good, now=0.001) == []
    assert len(receiver.receive(good, now=0.5)) == 1


def test_a_wrong_parity_drops_what_it_belongs_to():
    receiver = MBusReceiver(Timing())
    good = ResetLink(address=1).to_frame().to_bytes()
    assert receiver.receive(good, now=0.0, parity_error=True) == [Discarded(reason="wrong parity")]
    assert len(receiver.receive(good, now=0.5)) == 1


@given(st.lists(REQUESTS, min_size=1, max_size=5), st.data())
def test_however_bytes_are_cut_the_same_frames_are_heard(requests, data):
    stream = b"".join(request.to_frame().to_bytes() for request in requests)
    receiver, heard, at = MBusReceiver(Timing()), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        heard += receiver.receive(stream[at : at + size], now=0.0)
        at += size
    assert [decode_request(event.frame) for event in heard] == requests
