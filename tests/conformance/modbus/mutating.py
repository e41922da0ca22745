"""Inputs without end, grown from those that got far: what a coverage-guided run found, or legal frames.

Each input is one of them with a few things done to it: a byte set, a word of two bytes set to a border, bytes put in, taken out or
written twice, zeros behind, the head of one before the tail of another, another door. Everything is drawn from a seed.
"""

from random import Random

from watthour.wire.modbus.rtu_frame import RtuFrame
from watthour.wire.modbus.tcp_frame import TcpFrame

REQUESTS = [bytes.fromhex(text) for text in (
    "03 0000 000C", "04 1000 0062", "01 1300 000A", "02 0000 0002", "05 1300 FF00", "06 03E8 0011", "08 0000 A537", "08 000B 0000",
    "10 00B0 0004 08 00000001 00000002", "10 1702 0002 04 00000000", "11", "17 0000 0002 00B0 0002 04 00000001", "2B 0E 03 00", "2B 0E 04 80",
    "06 1302 0003", "05 1303 FF00", "08 000A 0000", "10 1702 0002 04 00000001", "05 1301 FF00", "2B 0E 01 00",
    "17 1702 0001 1702 0001 02 0002", "08 000D 0000", "41",
)]  # fmt: skip
REPLIES = [bytes.fromhex(text) for text in ("01 02 FF01", "81 02", "03 04 00010203", "83 0B")]

WORDS = [number.to_bytes(2, "big") for number in (
    0, 1, 2, 0x7B, 0x7C, 0x7D, 0x7E, 0x7F, 0x80, 0xFF, 0x100, 0x7B0, 0x7D0, 0x7D1, 0x7FFF, 0x8000, 0xFF00, 0xFFFE, 0xFFFF,
    0x00B0, 0x03E8, 0x0732, 0x1000, 0x1300, 0x1302, 0x1400, 0x1700, 0x1702, 0x2710, 0xF010,
)]  # fmt: skip
"""Borders of quantities, lengths and addresses."""

BYTES = bytes((0, 1, 2, 3, 4, 5, 6, 8, 0x0A, 0x0E, 0x10, 0x11, 0x17, 0x2B, 0x7F, 0x80, 0xFE, 0xFF))
LONGEST = 300


def legal(doors):
    """Return inputs that are one legal frame, for each of the doors of a target, to be cut up and to come whole."""
    found = []
    for door, name in enumerate(doors):
        frames = REPLIES if name.endswith("client") else REQUESTS
        bare = [body for frame in frames for body in FORMS[name](frame)]
        found += [bytes((door + len(doors) * way,)) + body for body in bare for way in (0, 3)]
    return found


def _piece(frame):
    return bytes((len(frame), 1)) + frame


def _tcp(frame):
    return TcpFrame(transaction=1, unit=1, pdu=frame).to_bytes()


def _rtu(frame):
    return RtuFrame(unit=1, pdu=frame).to_bytes()


FORMS = {
    "tcp": lambda frame: [_tcp(frame)],
    "rtu": lambda frame: [_rtu(frame)],
    "repaired_tcp": lambda frame: [_piece(frame)],
    "repaired_rtu": lambda frame: [_piece(frame)],
    "tcp_client": lambda frame: [b"\0" + _tcp(frame), b"\x40" + _tcp(frame)],
    "rtu_client": lambda frame: [head + form(frame) for head in (b"\0", b"\x40") for form in (_rtu, _piece)],
    "pdu": lambda frame: [b"\0" + frame, b"\x80" + frame],
    "short_tcp": lambda frame: [bytes((frame[0] & 2 | 1, 3)) + frame[1:5]] if len(frame) == 5 else [],
}
"""What each door takes a frame as."""


class Mutants:
    """A number of inputs, each drawn when its turn comes.

    Parameters
    ----------
    grown_from : sequence of bytes
        Short ones are taken more often than long ones, which take longer and hold more of the same.
    """

    def __init__(self, grown_from, count, seed):
        self.grown_from, self.count, self.seed = sorted(grown_from, key=len), count, seed

    def __len__(self):
        return self.count

    def __iter__(self):
        draw, bits = (source := Random(self.seed)).random, source.getrandbits  # noqa: S311 - inputs, no secrets
        those, steps = self.grown_from, STEPS
        for _ in range(self.count):
            data = bytearray(those[int(draw() ** 3 * len(those))])
            for _ in range(1 + int(4 * draw() ** 3)):
                steps[int(draw() * len(steps))](data, draw, bits, those)
            yield bytes(data[:LONGEST])


def any_byte(data, draw, bits, _those):
    if data:
        data[int(draw() * len(data))] = bits(8)


def known_byte(data, draw, _bits, _those):
    if data:
        data[int(draw() * len(data))] = BYTES[int(draw() * len(BYTES))]


def border(data, draw, _bits, _those):
    place = int(draw() * len(data))
    data[place : place + 2] = WORDS[int(draw() * len(WORDS))]


def flip(data, draw, bits, _those):
    if data:
        data[int(draw() * len(data))] ^= 1 << bits(3)


def put_in(data, draw, bits, _those):
    place, size = int(draw() * len(data)), 1 + bits(3)
    data[place:place] = bits(8 * size).to_bytes(size, "big")


def take_out(data, draw, bits, _those):
    place = int(draw() * len(data))
    del data[place : place + 1 + bits(2)]


def twice(data, draw, bits, _those):
    place = int(draw() * len(data))
    data[place:place] = data[place : place + 1 + bits(4)]


def cut_off(data, draw, _bits, _those):
    del data[1 + int(draw() * len(data)) :]


def zeros_behind(data, draw, _bits, _those):
    data += bytes(int(250 * draw() ** 4))


def another_tail(data, draw, _bits, those):
    other = those[int(draw() ** 3 * len(those))]
    data[int(draw() * len(data)) :] = other[int(draw() * len(other)) :]


def another_behind(data, draw, _bits, those):
    data += those[int(draw() ** 3 * len(those))][1:]


def another_door(data, _draw, bits, _those):
    data[:1] = bytes((bits(8),))


STEPS = (
    any_byte, any_byte, known_byte, known_byte, border, border, border, flip, put_in, take_out, twice, cut_off, zeros_behind,
    another_tail, another_behind, another_door,
)  # fmt: skip
