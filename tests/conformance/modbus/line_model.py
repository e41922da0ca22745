"""A two-wire line: characters of start, data, parity and stop bits, and what happens to them on the way.

Bits flip by themselves and in bursts, characters are lost and doubled, stations talk at once, noise makes characters of its own.
A receiver takes a character apart as a UART does: no start bit, no character; a wrong parity or no stop bit, a marked one; an even
number of flips passes. Everything is drawn from one seed.
"""

from dataclasses import dataclass
from math import log
from random import Random


@dataclass(frozen=True, kw_only=True)
class Noise:
    """How bad a line is: rates a bit, a character or a frame."""

    bit_error_rate: float = 1e-3
    burst_rate: float = 2e-3
    loss_rate: float = 2e-4
    double_rate: float = 2e-4
    collision_rate: float = 3e-3
    idle_rate: float = 1e-2


@dataclass(frozen=True, kw_only=True)
class Received:
    """What a receiver makes of a frame: characters, None where one is marked damaged.

    It is clean where it arrived as it was sent, and hit where it did not arrive whole. Between them lies a frame that is whole with
    a stray character beside it, such as its own last one doubled: a station may answer it or not.
    """

    characters: tuple
    is_hit: bool
    is_clean: bool


def _holds(characters, frame):
    """Say whether a frame arrived whole, though perhaps with a stray character beside it."""
    return any(tuple(characters[at : at + len(frame)]) == tuple(frame) for at in range(len(characters) - len(frame) + 1))


class Gaps:
    """How far it is to the next of what comes at a rate, drawn once for each that comes."""

    def __init__(self, random, rate):
        self._random, self._scale = random.random, log(1.0 - rate) if rate else 0.0
        self._left = self.draw()

    def draw(self):
        """Return how many pass before the next one."""
        return int(log(1.0 - self._random()) / self._scale) if self._scale else 1 << 62

    def among(self, count):
        """Return which of so many come, by their places."""
        places = []
        while self._left < count:
            places.append(self._left)
            self._left += 1 + self.draw()
        self._left -= count
        return places


class Line:
    """One direction of a line at a speed, with or without parity."""

    def __init__(self, seed, noise, *, baudrate=19200, has_parity=True):
        self.random = Random(seed)  # noqa: S311 - noise, no secrets
        self.noise = noise
        self.has_parity = has_parity
        self.bits = 11 if has_parity else 10
        self.character_s = self.bits / baudrate
        self.silence_s = 3.5 * 11 / baudrate if baudrate <= 19200 else 0.00175
        self.hits = 0
        self._flips = Gaps(self.random, noise.bit_error_rate)

    def carry(self, frame):
        """Return what arrives of a frame."""
        flips = dict.fromkeys(self._flips.among(len(frame) * self.bits), True)
        draw, noise = self.random.random, self.noise
        if draw() < noise.burst_rate:
            begin = self.random.randrange(len(frame) * self.bits)
            for bit in range(begin, min(len(frame) * self.bits, begin + self.random.randint(5, 60))):
                if draw() < 0.5:
                    flips[bit] = not flips.get(bit)
        extra = ()
        if draw() < noise.collision_rate:
            begin = self.random.randrange(len(frame))
            talk = self.random.randint(1, 20)
            for bit in range(begin * self.bits, min(len(frame), begin + talk) * self.bits):
                if draw() < 0.5:
                    flips[bit] = not flips.get(bit)
            extra = tuple(self.random.randrange(256) for _ in range(max(0, begin + talk - len(frame))))
        lose = draw() < len(frame) * noise.loss_rate
        double = draw() < len(frame) * noise.double_rate
        flips = {bit for bit, is_flipped in flips.items() if is_flipped}
        if not (flips or lose or double):
            return Received(characters=(*frame, *extra), is_hit=False, is_clean=not extra)
        characters = self._characters(frame, flips)
        if lose and characters:
            characters.pop(self.random.randrange(len(characters)))
        if double and characters:
            place = self.random.randrange(len(characters))
            characters.insert(place, characters[place])
        is_hit = not _holds([*characters, *extra], frame)
        self.hits += is_hit
        return Received(characters=(*characters, *extra), is_hit=is_hit, is_clean=False)

    def idle(self):
        """Return characters that noise makes between two frames; mostly none."""
        if self.random.random() >= self.noise.idle_rate:
            return ()
        return tuple(self.random.choice((None, self.random.randrange(256))) for _ in range(self.random.randint(1, 6)))

    def _characters(self, frame, flips):
        """Take each character apart: bit 0 is the start bit, 1 to 8 the data, then parity, then stop."""
        found = []
        for place, byte in enumerate(frame):
            mask = [bit - place * self.bits for bit in flips if place * self.bits <= bit < (place + 1) * self.bits]
            if 0 in mask:
                continue
            data = byte
            for bit in mask:
                if 1 <= bit <= 8:
                    data ^= 1 << bit - 1
            is_stopless = self.bits - 1 in mask
            is_odd = self.has_parity and len([bit for bit in mask if 1 <= bit <= 9]) % 2 == 1
            found.append(None if is_stopless or is_odd else data)
        return found
