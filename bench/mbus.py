"""M-Bus telegrams to values: our decoder beside pyMeterBus, on the same telegrams in the same run.

The telegrams are those of eight real meters (the shared data), each from its frame to value, unit, function, storage number,
tariff and sub-unit of every record; ours gives exact numbers. The two take turns, and the best turn of each counts. Run it with
``make bench``.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import meterbus

from watthour.wire.mbus.frame import LongFrame, parse
from watthour.wire.mbus.telegram import Telegram, decode_response, read_records

SHARED = Path(os.environ.get("WATTHOUR_SHARED") or Path(__file__).resolve().parents[2] / "shared")
BAR = 20.0
TURNS = 40
ROUNDS = 10


def ours(frames: Sequence[bytes]) -> int:
    """Decode with ours; return how many records there are."""
    count = 0
    for adu in frames:
        frame = parse(adu)
        assert isinstance(frame, LongFrame)  # noqa: S101 - for the types
        response = decode_response(frame)
        assert isinstance(response, Telegram)  # noqa: S101
        for quantity in read_records(response.content.records):
            parts = quantity.parts
            _ = quantity.value, quantity.meaning.unit, parts.function, parts.storage, parts.tariff, parts.subunit
            count += 1
    return count


def theirs(frames: Sequence[bytes]) -> int:
    """Decode with pyMeterBus; return how many records there are."""
    count = 0
    for adu in frames:
        for record in meterbus.TelegramLong.parse(list(adu)).records:
            _ = record.interpreted
            count += 1
    return count


def turn_s(decode: Callable[[Sequence[bytes]], int], frames: Sequence[bytes]) -> float:
    """Return the processor time of one pass."""
    begun_s = time.process_time()
    for _ in range(ROUNDS):
        decode(frames)
    return (time.process_time() - begun_s) / ROUNDS


def main() -> int:
    files = sorted((SHARED / "data" / "mbus").glob("*.hex"))
    if not files:
        print(f"no telegrams in {SHARED}/data/mbus: WATTHOUR_SHARED names the folder that holds data/")
        return 1
    frames = [bytes.fromhex(path.read_text()) for path in files]
    records = ours(frames)
    turns = [(turn_s(theirs, frames), turn_s(ours, frames)) for _ in range(TURNS)]
    their_s, our_s = (min(column) for column in zip(*turns, strict=True))
    print(f"{len(frames)} telegrams, {records} records (pyMeterBus finds {theirs(frames)})")
    print(f"pyMeterBus {their_s / records * 1e6:7.2f} us a record")
    print(f"watthour   {our_s / records * 1e6:7.2f} us a record: {their_s / our_s:.1f} times as fast (bar {BAR:g})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
