"""Our slave and our master on one M-Bus line that is modelled bit by bit: `make soak`, some minutes.

The line carries characters of start, eight data, even parity and stop at 2400 baud; every bit, those of the idle line before and
after a frame too, is wrong with a chance of one in ten thousand. At each end stands a receiver that drops characters with a wrong
parity or stop bit, as a driver told to check parity does. The ends are the program's own, `MBusConversation` and `MBusMaster`,
on an event loop whose time is counted and not waited for. Two meters share the line and are read, selected, written and reset;
every value that is accepted is held against what was sent, every command that reaches a meter against what was written.
"""

import argparse
import asyncio
import math
import random
import selectors
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from watthour.errors import BadFrameError, NoAnswerError
from watthour.host.lines.mbus_client import MBusMaster, mask_of
from watthour.host.lines.mbus_server import MBusConversation, MBusLine
from watthour.maps.mbus import SETS, Set
from watthour.meter import Meter, first_state
from watthour.parameters import Interface
from watthour.station.mbus import MBusStation
from watthour.station.mbus_telegrams import telegrams_of
from watthour.view import Command, Outcome, ResetPartial, SelectRate, Verdict, View, WriteSettings
from watthour.wire.mbus.frame import Acknowledge, Frame
from watthour.wire.mbus.link import BITS_PER_CHARACTER, Timing
from watthour.wire.mbus.message import SELECTED, Ci, RequestAlarm, ResetLink, SendData
from watthour.wire.mbus.telegram import ApplicationError, Telegram

BAUDRATE = 2400
BIT_ERRORS = 1e-4
EXCHANGES = 100_000
SERIALS = (23_622_001, 23_622_002)
ADAPTER_S = 0.016
"""An adapter hands characters over in batches, and holds none back longer than this."""
BATCH_MAXIMUM = int(ADAPTER_S * BAUDRATE / BITS_PER_CHARACTER)
IDLE_BITS = 11
"""Of the line before and after a frame: an error there looks like a start bit."""
TIMING = Timing(baudrate=BAUDRATE, slack_s=0.02)
FIRST_TELEGRAM, WHOLE, SECONDARY, WRITE, ALARM = "first telegram", "whole readout", "by secondary address", "write", "alarm"
SHOWN = (*(row.name for rows in SETS[Set.ALL] for row in rows), "input1_closed", "input2_closed")
_ROUNDING_S = 1e-9


class CountedSelector(selectors.SelectSelector):
    """A selector that does not wait: it lets its loop's time pass."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass until which nothing is due."""
        if timeout is None:
            message = "nothing is due any more: somebody waits for ever"
            raise RuntimeError(message)
        self.now_s += max(timeout, 0.0)
        return []


class CountedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is counted."""

    def __init__(self) -> None:
        self._counted = CountedSelector()
        super().__init__(self._counted)

    def time(self) -> float:
        """Return the seconds since it began."""
        return self._counted.now_s


def bits_of(data: bytes) -> list[int]:
    """Return the bits of characters in the order of the wire, a quiet line before and after them."""
    bits = [1] * IDLE_BITS
    for byte in data:
        eight = [byte >> place & 1 for place in range(8)]
        bits += [0, *eight, sum(eight) & 1, 1]
    return bits + [1] * IDLE_BITS


def heard_of(bits: Sequence[int], *, checks_parity: bool) -> list[tuple[int, int]]:
    """Return the characters that a receiver makes of bits, each with the bit behind it; damaged ones are dropped."""
    heard, at = [], 0
    padded = [*bits, *[1] * BITS_PER_CHARACTER]
    while at < len(bits):
        if padded[at]:
            at += 1
            continue
        eight, parity, stop = padded[at + 1 : at + 9], padded[at + 9], padded[at + 10]
        at += BITS_PER_CHARACTER
        if stop and (not checks_parity or sum(eight) & 1 == parity):
            heard.append((sum(bit << place for place, bit in enumerate(eight)), at))
        while not stop and at < len(bits) and not padded[at]:
            at += 1
    return heard


class Wire:
    """One direction of the line.

    Parameters
    ----------
    deliver : callable
        Given what the receiver hears, when it hears it.
    """

    def __init__(
        self,
        loop: CountedLoop,
        noise: random.Random,
        deliver: Callable[[bytes], None],
        *,
        bit_errors: float,
        checks_parity: bool,
    ) -> None:
        self._loop = loop
        self._noise = noise
        self._deliver = deliver
        self._bit_errors = bit_errors
        self._checks_parity = checks_parity
        self._next_error = self._gap()
        self._free_s = 0.0
        self.errors = 0
        self.begun_s = 0.0
        self.ended_s = 0.0

    def send(self, data: bytes) -> None:
        """Send characters, one behind the other, from now on or from when the line is free."""
        begin_s = max(self._loop.time(), self._free_s)
        self.begun_s = begin_s
        self.ended_s = self._free_s = begin_s + TIMING.duration_s(len(data))
        bits = len(data) * BITS_PER_CHARACTER + 2 * IDLE_BITS
        if self._next_error >= bits:
            self._next_error -= bits
            ends = range(BITS_PER_CHARACTER, bits - 2 * IDLE_BITS + 1, BITS_PER_CHARACTER)
            self._hand_over(begin_s, data, ends, 0)
            return
        heard = heard_of(self._damaged(bits_of(data)), checks_parity=self._checks_parity)
        self._hand_over(begin_s, bytes(byte for byte, _ in heard), [end - IDLE_BITS for _, end in heard], 0)

    def _hand_over(self, begin_s: float, data: bytes, ends: Sequence[int], at: int) -> None:
        """Have the next batch delivered when its last character is there, and then the one after it."""
        if at >= len(data):
            return
        stop = min(at + self._noise.randint(1, BATCH_MAXIMUM), len(data))

        def arrive() -> None:
            self._hand_over(begin_s, data, ends, stop)
            self._deliver(data[at:stop])

        self._loop.call_at(begin_s + ends[stop - 1] / BAUDRATE, arrive)

    def _damaged(self, bits: list[int]) -> list[int]:
        while self._next_error < len(bits):
            bits[self._next_error] ^= 1
            self.errors += 1
            self._next_error += 1 + self._gap()
        self._next_error -= len(bits)
        return bits

    def _gap(self) -> int:
        """Return how many bits are right before the next wrong one."""
        if not self._bit_errors:
            return sys.maxsize
        return int(math.log(1.0 - self._noise.random()) / math.log1p(-self._bit_errors))


class WireTransport(asyncio.Transport):
    """A transport that is one direction of the line; `told` hears when something is sent."""

    def __init__(self, wire: Wire, told: Callable[[], None]) -> None:
        super().__init__()
        self._wire = wire
        self._told = told

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._wire.send(bytes(data))
        self._told()

    def is_closing(self) -> bool:
        """Tell that it is open."""
        return False

    async def drain(self) -> None:
        """Do as a stream that holds nothing back."""


class Port:
    """A meter that shows what it is told to, and remembers what is asked of it."""

    def __init__(self, serial: int, address: int) -> None:
        settings = {"model": "Q23622", "serial": serial, "ct": "200/5", "mbus_address": address, "rate_source": "bus"}
        self._view = Meter(first_state(settings)).view()
        self.asked: list[Command] = []
        self.show(0)

    def show(self, number: int) -> None:
        """Show values that belong to a number and to this meter alone."""
        seed = random.Random(number * 10_007 + self._view.serial)  # noqa: S311 - values, no secret
        values = {name: seed.randrange(30_000) for name in SHOWN}
        times = {name: 1_767_225_600 + 60 * seed.randrange(500_000) for name in values if name.endswith("unix_s")}
        factors = {name: seed.randrange(-1000, 1001) / 1000 for name in values if "factor" in name or "cos_phi" in name}
        few = {"active_rate": seed.randint(1, 8), "input1_closed": seed.randint(0, 1), "input2_closed": seed.randint(0, 1)}
        identity = f"{seed.getrandbits(256):064x}"
        self._view = replace(
            self._view,
            values=MappingProxyType({**values, "operating_time_h": number / 64, **times, **factors, **few}),
            time_ns=(1_767_225_600 + 60 * number) * 10**9,
            software_id=identity,
            event_head=identity[::-1],
        )

    def view(self) -> View:
        """Return what it shows."""
        return self._view

    def sample_time_s(self) -> float:
        """Return nothing of interest."""
        return 0.0

    async def ask(self, command: Command) -> Outcome:
        """Do what is asked."""
        self.asked.append(command)
        if isinstance(command, WriteSettings):
            self._view = replace(self._view, parameters=MappingProxyType({**self._view.parameters, **command.settings}))  # type: ignore[dict-item]
        return Outcome(verdict=Verdict.DONE)


@dataclass(slots=True, kw_only=True)
class Count:
    """What came of it.

    Parameters
    ----------
    exchanges : int
        Frames that the master sent.
    given_up : int
        What it got no answer to, asked as often as it asks.
    wrong_values : int
        Telegrams accepted whose records are not those that were sent.
    wrong_writes : int
        Commands that nobody wrote, that were done twice, or that were acknowledged and not done.
    late_replies : int
        Replies outside 11 bit times to 330 bit times + 50 ms.
    """

    exchanges: int = 0
    replies: int = 0
    bit_errors: int = 0
    given_up: int = 0
    wrong_values: int = 0
    wrong_writes: int = 0
    late_replies: int = 0
    earliest_s: float = math.inf
    latest_s: float = 0.0
    done: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        """Whether nothing went wrong that must not."""
        return not (self.wrong_values or self.wrong_writes or self.late_replies)

    def told(self) -> str:
        """Return it in words."""
        done = ", ".join(f"{number} x {what}" for what, number in sorted(self.done.items()))
        return (
            f"{self.exchanges} exchanges, {self.replies} replies, {self.bit_errors} bits wrong; {done}; {self.given_up} given up\n"
            f"wrong values accepted {self.wrong_values}, wrong writes {self.wrong_writes}, replies out of time {self.late_replies}\n"
            f"replies began {1000 * self.earliest_s:.2f} to {1000 * self.latest_s:.2f} ms after the request, allowed"
            f" {1000 * TIMING.reply_earliest_s:.2f} to {1000 * TIMING.reply_latest_s:.2f} ms"
        )


class Soak:
    """Both ends on a line.

    Parameters
    ----------
    seed : int
        Of the noise, and of what the master does.
    """

    def __init__(self, loop: CountedLoop, *, seed: int, bit_errors: float, checks_parity: bool) -> None:
        self.count = Count()
        self._loop = loop
        self._dice = random.Random(seed)  # noqa: S311 - noise, no secret
        self._fcb: dict[int, bool] = {}
        self.ports = [Port(serial, address) for address, serial in enumerate(SERIALS, 1)]
        station = MBusConversation(
            MBusLine(self.ports, MBusStation([None] * len(self.ports))),
            TIMING,
            delays=True,
            is_paced=True,
            made=lambda _: None,
            lost=lambda *_: None,
        )
        reader = asyncio.StreamReader(loop=loop)
        noise = random.Random(seed + 1)  # noqa: S311
        options = {"bit_errors": bit_errors, "checks_parity": checks_parity}
        self._down = Wire(loop, noise, station.data_received, **options)  # type: ignore[arg-type]
        self._up = Wire(loop, noise, reader.feed_data, **options)  # type: ignore[arg-type]
        station.connection_made(WireTransport(self._up, self._judge_time))
        writer = WireTransport(self._down, self._count_exchange)
        streams = (reader, writer)
        self.master = MBusMaster("line", streams, TIMING, TIMING.reply_latest_s + 0.02)  # type: ignore[arg-type]

    def _count_exchange(self) -> None:
        self.count.exchanges += 1

    def _judge_time(self) -> None:
        after_s = self._up.begun_s - self._down.ended_s
        self.count.replies += 1
        self.count.earliest_s = min(self.count.earliest_s, after_s)
        self.count.latest_s = max(self.count.latest_s, after_s)
        in_time = TIMING.reply_earliest_s - _ROUNDING_S <= after_s <= TIMING.reply_latest_s + _ROUNDING_S
        self.count.late_replies += not in_time

    async def run(self, exchanges: int) -> Count:
        """Read, write, select and reset until so many frames were sent."""
        number = 0
        while self.count.exchanges < exchanges:
            number += 1
            for port in self.ports:
                port.show(number)
                port.asked.clear()
            what = self._dice.choices((FIRST_TELEGRAM, WHOLE, SECONDARY, WRITE, ALARM), (30, 20, 15, 30, 5))[0]
            meter = self._dice.randrange(len(self.ports))
            self.count.done[what] += 1
            try:
                await self._do(what, meter)
            except (NoAnswerError, BadFrameError):
                self.count.given_up += 1
            if what != WRITE:
                self.count.wrong_writes += sum(len(port.asked) for port in self.ports)
        self.count.bit_errors = self._down.errors + self._up.errors
        return self.count

    async def _do(self, what: str, meter: int) -> None:
        address = self._address(meter)
        if what == ALARM:
            await self._acknowledged(RequestAlarm(address=address).to_frame())
        elif what == WRITE:
            await self._write(meter, address)
        elif what == SECONDARY:
            await self.master.exchange(ResetLink(address=SELECTED).to_frame())  # nobody answers where nobody is selected
            identification = str(self.ports[meter].view().parameters["mbus_identification"] or SERIALS[meter])
            mask = mask_of(identification.zfill(8))
            await self._acknowledged(SendData(address=SELECTED, ci=Ci.SELECT, data=mask).to_frame())
            self._judge(meter, await self.master.telegrams(SELECTED))
        else:
            await self._acknowledged(ResetLink(address=address).to_frame())
            self._fcb.pop(meter, None)
            if what == WHOLE:
                self._judge(meter, await self.master.telegrams(address))
            else:
                self._judge(meter, [await self.master.telegram(address, fcb=True)])

    def _address(self, meter: int) -> int:
        return int(str(self.ports[meter].view().parameters["mbus_address"]))

    def _judge(self, meter: int, telegrams: Sequence[Telegram | ApplicationError]) -> None:
        truth = telegrams_of(self.ports[meter].view(), Set.ALL)
        contents = [each.content.records if isinstance(each, Telegram) else None for each in telegrams]
        self.count.wrong_values += sum(each != right.records for each, right in zip(contents, truth, strict=False))
        self.count.wrong_values += len(contents) not in {1, len(truth)}

    async def _acknowledged(self, frame: Frame) -> None:
        for _ in range(3):
            if isinstance(await self.master.exchange(frame), Acknowledge):
                return
        message = "not acknowledged"
        raise NoAnswerError(message)

    async def _write(self, meter: int, address: int) -> None:
        """Write something, with the frame count bit turned for each; after silence the link begins anew."""
        data, command = self._something_to_write(meter)
        if meter not in self._fcb:
            await self._acknowledged(ResetLink(address=address).to_frame())
            self._fcb[meter] = False
        self._fcb[meter] = not self._fcb[meter]
        is_done = False
        try:
            await self._acknowledged(SendData(address=address, ci=Ci.DATA_SEND, data=data, fcb=self._fcb[meter]).to_frame())
            is_done = True
        finally:
            if not is_done:
                self._fcb.pop(meter)
            asked = self.ports[meter].asked
            self.count.wrong_writes += asked != [command] if is_done else asked not in ([], [command])
            self.count.wrong_writes += sum(len(port.asked) for port in self.ports if port is not self.ports[meter])

    def _something_to_write(self, meter: int) -> tuple[bytes, Command]:
        choice = self._dice.randrange(4)
        if choice == 0:
            return bytes.fromhex("40 83 07"), ResetPartial(interface=Interface.BUS)
        if choice == 1:
            rate = self._dice.randint(1, 8)
            return bytes.fromhex(f"01 FF 01 {rate:02X}"), SelectRate(rate=rate, interface=Interface.BUS)
        if choice == 2:  # noqa: PLR2004 - one of four
            free = [n for n in range(251) if all(self._address(other) != n for other in range(len(self.ports)))]
            to = self._dice.choice(free)
            self._fcb.pop(meter, None)
            return bytes.fromhex(f"01 7A {to:02X}"), WriteSettings(settings={"mbus_address": to}, interface=Interface.BUS)
        to = self._dice.randrange(10**7) * 10 + meter
        data = bytes.fromhex("0C 79") + bytes.fromhex(f"{to:08d}")[::-1]
        return data, WriteSettings(settings={"mbus_identification": to}, interface=Interface.BUS)


def soak(exchanges: int, *, seed: int = 1, bit_errors: float = BIT_ERRORS, checks_parity: bool = True) -> Count:
    """Return what comes of so many exchanges; the same for the same seed."""
    loop = CountedLoop()

    async def scenario() -> Count:
        return await Soak(loop, seed=seed, bit_errors=bit_errors, checks_parity=checks_parity).run(exchanges)

    try:
        return loop.run_until_complete(scenario())
    finally:
        loop.close()


def main() -> int:
    """Soak, and tell."""
    arguments = argparse.ArgumentParser(description="An M-Bus line with bit errors.")
    arguments.add_argument("--exchanges", type=int, default=EXCHANGES)
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args()
    begun_s = time.monotonic()
    count = soak(given.exchanges, seed=given.seed)
    sys.stdout.write(
        f"M-Bus line: {BAUDRATE} Bd 8E1, {BIT_ERRORS:g} bit errors, seed {given.seed}\n{count.told()}\n{time.monotonic() - begun_s:.0f} s\n"
    )
    return 0 if count.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
