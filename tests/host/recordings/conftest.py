"""Recordings written for tests by a writer of their own, straight from the tables of C37.111."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from watthour.host.recordings import Recording, open_recording
from watthour.units import Ratio

TYPES = {"BINARY": "<i2", "BINARY32": "<i4", "FLOAT32": "<f4"}
NAMES = ("VA", "VB", "VC", "IA", "IB", "IC")
UNITS = ("V", "V", "V", "A", "A", "A")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A COMTRADE recording as a test describes it; `rows` are raw numbers, (n, channels)."""

    rows: np.ndarray
    revision: str = "1999"
    format: str = "BINARY"
    names: Sequence[str] = NAMES
    units: Sequence[str] = UNITS
    gains: Sequence[str] = ("0.01", "0.01", "0.01", "0.001", "0.001", "0.001")
    offsets: Sequence[str] = ("0", "0", "0", "0", "0", "0")
    phases: Sequence[str] = ("", "", "", "", "", "")
    side: str = "S"
    skews: Sequence[str] = ("0", "0", "0", "0", "0", "0")
    maximum: str = "32767"
    digital: int = 0
    rates: Sequence[tuple[str, int]] | None = None
    nrates: int | None = None
    stamps: Sequence[int] | None = None
    start: str | None = None
    multiplier: str = "1"
    time_code: str = "0"
    newline: str = "\r\n"

    @property
    def count(self) -> int:
        return len(self.rows)

    def header(self) -> str:
        year = "" if self.revision == "1991" else f",{self.revision}"
        lines = [f"Station,Recorder{year}", f"{self.analog + self.digital},{self.analog}A,{self.digital}D"]
        lines += [self._channel(k) for k in range(self.analog)]
        lines += [f"{k},D{k},,,0" for k in range(1, self.digital + 1)]
        rates = self.rates or (("8000", self.count),)
        lines += ["50", str(len(rates) if self.nrates is None else self.nrates), *(f"{rate},{end}" for rate, end in rates)]
        start = self.start or ("01/15/2026" if self.revision == "1991" else "15/01/2026") + ",10:00:00.000000"
        lines += [start, start, self.format]
        if self.revision != "1991":
            lines.append(self.multiplier)
        if self.revision == "2013":
            lines += [f"{self.time_code},{self.time_code}", "0,0"]
        return self.newline.join(lines) + self.newline

    @property
    def analog(self) -> int:
        return self.rows.shape[1]

    def _channel(self, k: int) -> str:
        line = f"{k + 1},{self.names[k]},{self.phases[k]},,{self.units[k]},{self.gains[k]},{self.offsets[k]},{self.skews[k]}"
        line += f",-32767,{self.maximum}"
        return line if self.revision == "1991" else f"{line},1,1,{self.side}"

    def samples(self) -> bytes:
        stamps = [125 * k for k in range(self.count)] if self.stamps is None else self.stamps
        if self.format == "ASCII":
            bits = ["1"] * self.digital
            lines = (
                ",".join([str(k + 1), str(stamp), *(f"{x:g}" if x % 1 else str(int(x)) for x in row), *bits])
                for k, (row, stamp) in enumerate(zip(self.rows.tolist(), stamps, strict=True))
            )
            return (self.newline.join(lines) + self.newline).encode()
        table = np.zeros(
            self.count,
            dtype=[
                ("n", "<u4"),
                ("t", "<u4"),
                ("a", TYPES[self.format], (self.analog,)),
                ("d", "<u2", ((self.digital + 15) // 16,)),
            ],
        )
        table["n"] = np.arange(1, self.count + 1)
        table["t"] = np.array(stamps, dtype=np.uint64) % 2**32
        table["a"] = self.rows
        table["d"] = 0xAAAA
        return table.tobytes()

    def to_pair(self, folder: Path, name: str = "day.cfg") -> Path:
        path = folder / name
        path.write_bytes(self.header().encode())
        path.with_suffix(".DAT" if path.suffix.isupper() else ".dat").write_bytes(self.samples())
        return path

    def to_single(self, folder: Path) -> Path:
        path = folder / "day.cff"
        samples = self.samples()
        title = "DAT ASCII" if self.format == "ASCII" else f"DAT {self.format}: {len(samples)}"
        lines = [
            "--- file type: CFG ---",
            self.header().rstrip(),
            "--- file type: INF ---",
            "note",
            "--- file type: HDR ---",
            "",
        ]
        text = self.newline.join([*lines, f"--- file type: {title} ---", ""])
        path.write_bytes(text.encode() + samples)
        return path

    def but(self, **changes: object) -> "Written":
        return replace(self, **changes)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`open_recording` with what most tests want of it."""

    settings: dict[str, object] = field(default_factory=dict)

    def __call__(self, path: Path, **settings: object) -> Recording:
        wish = {"channels": None, "values": None, "ct": Ratio.parse("5/5"), "vt": Ratio.parse("1/1"), **settings}
        return open_recording(path, **wish)


@pytest.fixture(scope="session")
def open_() -> Wanted:
    """Open a recording behind no transformers, with its own idea of channels."""
    return Wanted()


@pytest.fixture(scope="session")
def three_phase() -> Callable[..., Written]:
    """Describe a recording of a balanced 50 Hz load at 8000/s, as raw steps of 10 mV and 1 mA."""

    def describe(samples: int = 800, **changes: object) -> Written:
        angle = 2 * np.pi * 50 * np.arange(samples)[:, None] / 8000 - 2 * np.pi / 3 * np.arange(3)
        steps = np.concatenate([23000 * np.sqrt(2) * np.cos(angle), 5000 * np.sqrt(2) * np.cos(angle - 0.5)], axis=1)
        return Written(rows=np.rint(steps / 2).astype(np.int64)).but(**changes)

    return describe


def volts_and_amperes(recording: Recording, first_sample: int = 0) -> np.ndarray:
    """Return (6, n): all blocks scaled, joined."""
    parts = [np.zeros((6, 0))]
    for block in recording.blocks(first_sample):
        scale = np.array([*block.voltage_scale, *block.current_scale])[:, None]
        offset = np.array([*block.voltage_offset, *block.current_offset])[:, None]
        parts.append(np.concatenate([block.voltages, block.currents]).astype(np.float64) * scale + offset)
    return np.concatenate(parts, axis=1)


@pytest.fixture(scope="session")
def values_of() -> Callable[..., np.ndarray]:
    """All samples of a recording, scaled: (6, n)."""
    return volts_and_amperes
