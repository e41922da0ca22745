"""A short flood: the form of ``make fuzz`` that needs no coverage, grown from legal frames, so that most get far.

What the flood looks for, it finds: each fault that it is there for is planted once.
"""

import runpy
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from watthour.station.counters import LineCounters
from watthour.station.modbus import Station
from watthour.station.plain_reads import PlainReads
from watthour.view import Outcome, Verdict
from watthour.wire.modbus.registers import ReadRequest, WriteRequest
from watthour.wire.modbus.tcp_link import FrameStream

HERE = Path(__file__).parent
FUZZING = runpy.run_path(str(HERE / "fuzzing.py"))
MUTATING = runpy.run_path(str(HERE / "mutating.py"))
Target, flood, metered = FUZZING["Target"], FUZZING["flood"], FUZZING["metered"]
DOORS = FUZZING["DOORS"]
INPUTS = 20_000


def mutants(count, seed=7):
    return MUTATING["Mutants"](MUTATING["legal"](DOORS), count, seed)


def test_nothing_grown_from_legal_frames_raises_hangs_grows_or_changes_what_is_refused():
    target = Target(metered())
    assert flood(target, mutants(INPUTS)).inputs == INPUTS
    assert target.answered > INPUTS / 3
    assert target.refused > INPUTS / 6
    assert target.answered - target.refused > INPUTS / 20
    assert target.asked > INPUTS / 100
    assert target.matched > INPUTS / 100
    assert target.short_ways > INPUTS / 200


def test_garbage_raises_nothing_at_any_door():
    target, choose = Target(metered()), Random(8)  # noqa: S311 - inputs, no secrets
    for door in range(len(DOORS)):
        for size in (0, 1, 2, 7, 60, 300, 5000):
            target.one_input(bytes([door]) + choose.randbytes(size))
            target.one_input(bytes([door]) + bytes(size))
            target.one_input(bytes([door]) + b"\xff" * size)


def raise_on_odd_writes(plant):
    """A length trusted: a 10h whose PDU is of odd length is taken apart all the same."""
    right = WriteRequest.from_pdu
    plant(WriteRequest, "from_pdu", lambda pdu: (1, 2)[len(pdu)] if len(pdu) % 2 and pdu[0] == 0x10 else right(pdu))


def raise_on_short_replies(plant):
    right = ReadRequest.reply_from
    plant(ReadRequest, "reply_from", lambda request, pdu: right(request, pdu) if pdu[2] or pdu[3] else None)


def select_before_the_check(plant):
    right = Station._select

    def careless(station, writing, request, row, *of_whom):
        station._selections[0] = replace(station._selections[0], **{row.name: int(row.from_bytes(writing.data))})
        station._images[0] = None
        return right(station, writing, request, row, *of_whom)

    plant(Station, "_select", careless)


def do_before_the_check(plant):
    """The meter does as it is told, and then finds that it may not."""

    def careless(meter, command):
        done = right(meter, replace(command, rate=command.rate % 8 + 1))
        return done if 1 <= command.rate <= 8 else Outcome(verdict=Verdict.OUT_OF_RANGE)

    meter = type(metered())
    right = meter._select_rate
    plant(meter, "_select_rate", careless)


def clear_counters_with_an_exception(plant):
    plant(LineCounters, "count", lambda counters, station, _what: counters.clear(station))


def answer_another_on_the_short_way(plant):
    right = PlainReads.reply

    def hasty(reads, frame):
        reply = right(reads, frame)
        return reply and reply[:-1] + b"\0"

    plant(PlainReads, "reply", hasty)


def wait_for_a_protocol(plant):
    """An endless loop, as other stacks had for a protocol that is not 0."""
    right = FrameStream.receive

    def patient(stream, data, now):
        while data[2:3] > b"\0":
            pass
        return right(stream, data, now)

    plant(FrameStream, "receive", patient)


def keep_what_was_refused(plant):
    right, kept = Station.reply, []

    def keeping(station, ask, outcome, views):
        kept.append(ask)
        return right(station, ask, outcome, views)

    plant(Station, "reply", keeping)


@pytest.mark.parametrize(
    ("fault", "found_as"),
    [
        (raise_on_odd_writes, IndexError),
        (raise_on_short_replies, IndexError),
        (select_before_the_check, AssertionError),
        (do_before_the_check, AssertionError),
        (clear_counters_with_an_exception, AssertionError),
        (answer_another_on_the_short_way, AssertionError),
        (wait_for_a_protocol, TimeoutError),
        (keep_what_was_refused, AssertionError),
    ],
)
def test_a_flood_finds_what_it_looks_for(monkeypatch, capsys, fault, found_as):
    target = Target(metered())
    if found_as is TimeoutError:
        monkeypatch.setitem(flood.__globals__, "HANGS_S", 1.0)
    fault(monkeypatch.setattr)
    with pytest.raises(found_as):
        flood(target, mutants(INPUTS))
    is_growth = fault is keep_what_was_refused
    assert ("input: " in capsys.readouterr().out) != is_growth, "an input that escapes is named, to be tried again"
