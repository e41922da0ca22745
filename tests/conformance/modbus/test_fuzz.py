"""Inputs from a seed: the short form of ``make fuzz``. Grown from legal frames, so that most get far."""

import runpy
from pathlib import Path
from random import Random

import pytest

FUZZING = runpy.run_path(str(Path(__file__).with_name("fuzzing.py")))
INPUTS = 6_000
SEEDS = [bytes.fromhex(text) for text in (
    "03 0000 000C", "04 1000 0062", "01 1300 000A", "02 0000 0002", "05 1300 FF00", "06 03E8 0011", "08 0000 A537", "08 000B 0000",
    "10 00B0 0004 08 00000001 00000002", "10 1702 0002 04 00000000", "11", "17 0000 0002 00B0 0002 04 00000001", "2B 0E 03 00", "2B 0E 04 80",
    "0001 0000 0006 01 03 0000 0002", "01 03 0000 0002 C40B", "41", "83 02",
)]  # fmt: skip


@pytest.fixture(scope="module")
def target(make_view):
    return FUZZING["Target"](make_view())


def grown(choose):
    """Return an input: a door, then legal frames with a few things done to them."""
    data = bytearray([choose.randrange(256)])
    for _ in range(choose.randint(1, 4)):
        frame = bytearray(choose.choice(SEEDS))
        if choose.random() < 0.7:
            frame[:0] = bytes((len(frame), 1))
        for _ in range(choose.choice((0, 0, 1, 2, 5))):
            place = choose.randrange(len(frame) + 1)
            match choose.randrange(4):
                case 0 if frame:
                    frame[place % len(frame)] = choose.choice((0, 1, 0x7F, 0x80, 0xFF, choose.randrange(256)))
                case 1:
                    frame[place:place] = choose.randbytes(choose.randint(1, 9))
                case 2:
                    del frame[place : place + choose.randint(1, 4)]
                case _:
                    frame += bytes(choose.randint(0, 250))
        data += frame
    return bytes(data)


def test_nothing_grown_from_legal_frames_raises_grows_or_changes_what_is_refused(target):
    choose = Random(7)  # noqa: S311 - inputs, no secrets
    for _ in range(INPUTS):
        data = grown(choose)
        try:
            target.one_input(data)
        except BaseException:
            print("input:", data.hex())  # noqa: T201 - to be tried again
            raise
    assert target.answered > INPUTS / 10
    assert target.asked > INPUTS / 100
    assert target.short_ways > INPUTS / 200


def test_garbage_raises_nothing_at_any_door(target):
    choose = Random(8)  # noqa: S311 - as above
    for door in range(len(FUZZING["DOORS"])):
        for size in (0, 1, 2, 7, 60, 300, 5000):
            target.one_input(bytes([door]) + choose.randbytes(size))
            target.one_input(bytes([door]) + bytes(size))
            target.one_input(bytes([door]) + b"\xff" * size)
