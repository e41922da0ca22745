"""Faults on purpose: each kind by what it does to the bytes, when it strikes, and that it strikes again the same."""

import pytest

from watthour.wire.modbus.faults import BusFault, FaultInjector, FaultKind, Outgoing
from watthour.wire.modbus.link import Requested
from watthour.wire.modbus.message import ReadReply, ReadRequest
from watthour.wire.modbus.rtu_frame import RtuFrame, has_right_crc
from watthour.wire.modbus.rtu_link import RtuStationLink
from watthour.wire.modbus.tcp_link import TcpStationLink

REPLY = ReadReply(data=bytes(range(24)))
PLAIN = RtuFrame(unit=1, pdu=REPLY.to_bytes()).to_bytes()


def asked(unit=1):
    return Requested(transaction=7, unit=unit, request=ReadRequest(start=0, count=12))


def fault(kind, **changes):
    return BusFault(**({"kind": FaultKind(kind), "at_s": 0.0, "duration_s": 1.0} | changes))


def distorted(*faults, now_s=0.0, unit=1, seed=1, link=None):
    injector = FaultInjector(faults, seed, has_crc=link is None)
    return injector.distort(REPLY, asked(unit), link or RtuStationLink(), now_s)


def test_without_faults_the_reply_leaves_as_it_is():
    assert distorted() == Outgoing(data=PLAIN)


def test_a_fault_strikes_from_its_beginning_to_just_before_its_end():
    struck = [bool(distorted(fault("silence", at_s=2.0, duration_s=3.0), now_s=now_s).struck) for now_s in (1.999, 2, 4.999, 5)]
    assert struck == [False, True, True, False]


def test_a_fault_of_one_unit_leaves_the_others_alone():
    assert distorted(fault("silence", unit=2), unit=2).data == b""
    assert distorted(fault("silence", unit=2)) == Outgoing(data=PLAIN)


def test_a_delay_leaves_the_bytes_alone():
    late = fault("delay", delay_s=1.5)
    assert distorted(late) == Outgoing(data=PLAIN, delay_s=1.5, struck=(late,))


def test_silence_and_a_cut_leave_nothing():
    quiet, cut = fault("silence"), fault("disconnect")
    assert distorted(quiet) == Outgoing(data=b"", struck=(quiet,))
    assert distorted(cut) == Outgoing(data=b"", is_cut=True, struck=(cut,))


def test_a_wrong_crc_differs_in_one_bit_and_nothing_else():
    data = distorted(fault("wrong_crc")).data
    assert data[:-2] == PLAIN[:-2]
    assert not has_right_crc(data)
    assert (int.from_bytes(data[-2:], "big") ^ int.from_bytes(PLAIN[-2:], "big")).bit_count() == 1


def test_a_wrong_crc_never_strikes_where_there_is_none():
    plain = TcpStationLink().send(REPLY, asked())
    assert distorted(fault("wrong_crc"), link=TcpStationLink()) == Outgoing(data=plain)


def test_a_wrong_unit_has_a_right_crc():
    assert distorted(fault("wrong_unit")).data == RtuFrame(unit=2, pdu=REPLY.to_bytes()).to_bytes()
    assert distorted(fault("wrong_unit"), unit=247).data[0] == 1
    assert distorted(fault("wrong_unit", as_unit=99)).data[0] == 99
    assert distorted(fault("wrong_unit"), link=TcpStationLink()).data[6] == 2


def test_an_exception_is_one_of_the_function_asked():
    assert distorted(fault("exception")).data == RtuFrame(unit=1, pdu=b"\x83\4").to_bytes()
    assert distorted(fault("exception", code=6), link=TcpStationLink()).data == bytes.fromhex("0007 0000 0003 01 83 06")


def test_a_frame_cut_short_lacks_its_end_and_never_all():
    assert distorted(fault("truncated")).data == PLAIN[:-1]
    assert distorted(fault("truncated", size=10)).data == PLAIN[:-10]
    assert distorted(fault("truncated", size=1000)).data == PLAIN[:1]


def test_a_doubled_frame_is_there_twice():
    assert distorted(fault("doubled")).data == PLAIN + PLAIN


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_noise_changes_as_many_bytes_as_it_says(size):
    data = distorted(fault("noise", size=size)).data
    assert len(data) == len(PLAIN)
    assert sum(one != other for one, other in zip(data, PLAIN, strict=True)) == min(size, len(PLAIN))


def test_faults_of_one_moment_come_together():
    data = distorted(
        fault("doubled"),
        fault("delay", delay_s=1.0),
        fault("wrong_unit"),
        fault("exception", code=2),
        fault("delay", delay_s=0.5),
    )
    assert data.data == 2 * RtuFrame(unit=2, pdu=b"\x83\2").to_bytes()
    assert data.delay_s == 1.5
    assert len(data.struck) == 5


def series(seed, *faults, replies=400):
    injector = FaultInjector(faults, seed, has_crc=True)
    return [injector.distort(REPLY, asked(), RtuStationLink(), 0.5).data for _ in range(replies)]


def test_the_same_seed_gives_the_same_faults_and_another_others():
    half = fault("noise", probability=0.5)
    assert series(1, half) == series(1, half)
    assert series(1, half) != series(2, half)


def test_a_fault_strikes_as_often_as_its_probability_says():
    hits = sum(data != PLAIN for data in series(1, fault("noise", probability=0.25), replies=4000))
    assert 850 < hits < 1150


def test_what_one_fault_draws_does_not_depend_on_the_others():
    noise = fault("noise", probability=0.5)
    alone = [data != PLAIN for data in series(1, None, noise)]
    assert [data != PLAIN for data in series(1, fault("delay", probability=0.5), noise)] == alone
    assert [data != PLAIN for data in series(1, noise, None)] != alone
