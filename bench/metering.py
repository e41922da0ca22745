"""How fast samples become registers, against what the machine can read and against a Python peer.

Every figure is a ratio of two things timed in this run, in turn, several times; the median of the ratios is
what counts. Bars are those of the design. Run it with ``make bench``.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numba
import numpy as np
from daqopen.channelbuffer import AcqBuffer
from pqopen.powersystem import PowerSystem

from watthour.host.recordings import open_recording
from watthour.meter import Meter, first_state
from watthour.metrology import Thresholds, measure, open_window
from watthour.metrology.harmonics import subgroups_of_windows
from watthour.metrology.sums import FRINGE, SUMS, add_samples, fill_oscillator
from watthour.samples import Block
from watthour.units import Ratio

RATE_HZ = 10_000
FREQUENCY_HZ = 50.02
LARGE_S = 1200
"""A recording of 288 MB in float32: larger than any cache."""
RECORDING_S = 300
"""What both programs read from a file, and find harmonics in: 72 MB in float32, larger than the caches too; 96 MB as a file."""
WINDOW = 2000
REPEATS = 3
HALF_S = 0.5
"""What a repeated call is timed for, before and after the one that it is compared with."""


def three_phases(seconds: int) -> np.ndarray:
    """Return V1 V2 V3 I1 I2 I3 in float32, shape (6, n): unbalanced, with a fifth harmonic."""
    angle = 2 * np.pi * FREQUENCY_HZ / RATE_HZ * np.arange(seconds * RATE_HZ)
    rows = []
    for size, lag, fifth in ((325.0, 0.0, 0.02), (7.0, 0.6, 0.2)):
        for phase in range(3):
            turned = angle - 2 * np.pi * phase / 3 - lag
            rows.append((size * (np.cos(turned) + fifth * np.cos(5 * turned))).astype(np.float32))
    return np.stack(rows)


@numba.njit(fastmath=True, nogil=True)
def read_all(samples: np.ndarray) -> float:
    """Add every sample: what it costs to read them at all."""
    total = 0.0
    for row in range(samples.shape[0]):
        for k in range(samples.shape[1]):
            total += samples[row, k]
    return total


@numba.njit(nogil=True)
def sum_all(samples: np.ndarray, table: np.ndarray) -> float:
    """Run the sums kernel over both halves of every window, as the meter does; every sum is used, none optimised away."""
    sums = np.zeros((3, SUMS))
    six = (samples[0], samples[1], samples[2], samples[3], samples[4], samples[5])
    for first in range(0, samples.shape[1] - WINDOW + 1, WINDOW):
        add_samples(six, first, 0, WINDOW // 2, table, sums)
        add_samples(six, first, WINDOW // 2, WINDOW, table, sums)
    return sums.sum()


def step_all(samples: np.ndarray) -> Meter:
    """Step a meter through all samples in one block."""
    meter = Meter(first_state({}))
    meter.step(Block(voltages=samples[:3], currents=samples[3:], rate_hz=RATE_HZ, first_sample=0), 0)
    meter.end()
    return meter


def write_recording(folder: Path, samples: np.ndarray) -> Path:
    """Write the samples as COMTRADE 2013 FLOAT32 and return the header's path."""
    count = samples.shape[1]
    names = ("V1", "V2", "V3", "I1", "I2", "I3")
    channels = [f"{k},{name},,,{name[0].replace('I', 'A')},1,0,0,-1e4,1e4,1,1,S" for k, name in enumerate(names, 1)]
    head = ["bench,watthour,2013", "6,6A,0D", *channels, "50", "1", f"{RATE_HZ},{count}"]
    tail = ["01/01/2026,00:00:00.000000", "01/01/2026,00:00:00.000000", "FLOAT32", "1", "0,0", "0,0"]
    path = folder / "bench.cfg"
    path.write_text("\r\n".join([*head, *tail, ""]))
    rows = np.zeros(count, [("number", "<u4"), ("stamp", "<u4"), ("values", "<f4", (6,))])
    rows["number"] = np.arange(1, count + 1)
    rows["values"] = samples.T
    rows.tofile(folder / "bench.dat")
    return path


def meter_recording(path: Path) -> Meter:
    """Meter a recording on disk to its end."""
    one = Ratio(Decimal(1), Decimal(1))
    source = open_recording(path, channels=None, values="secondary", ct=one, vt=one)
    meter = Meter(first_state({}))
    for block in source.blocks():
        meter.step(block, 0)
    meter.end()
    return meter


def windows_with_harmonics(samples: np.ndarray) -> int:
    """Measure every window, and its harmonics to order 50; return how many windows have them all."""
    block = Block(voltages=samples[:3], currents=samples[3:], rate_hz=RATE_HZ, first_sample=0)
    _, rows = measure(open_window(block), block, Thresholds(present_v=12.7, cutoff_a=0.001))
    return int(np.isfinite(subgroups_of_windows(rows, block)).all(axis=(1, 2)).sum())


def peer(samples: np.ndarray, prepare: Callable[[PowerSystem], None]) -> PowerSystem:
    """Meter the same samples with pqopen-lib, prepared by the caller, in blocks of half a second."""
    buffers = [AcqBuffer(size=4 * RATE_HZ) for _ in samples]
    system = PowerSystem(zcd_channel=buffers[0], input_samplerate=RATE_HZ, zcd_threshold=0.1)
    for p in range(3):
        system.add_phase(u_channel=buffers[p], i_channel=buffers[3 + p])
    prepare(system)
    block = RATE_HZ // 2
    for first in range(0, samples.shape[1], block):
        for buffer, row in zip(buffers, samples, strict=True):
            buffer.put_data(row[first : first + block])
        system.process()
    return system


def peer_energy_wh(samples: np.ndarray, folder: Path) -> float:
    """Return the energy that pqopen-lib counts, its energy counters on and nothing else."""
    system = peer(samples, lambda system: system.enable_energy_channels(folder / "energy.json", ignore_value=True))
    return float(system.output_channels["W_pos"].last_sample_value)


def peer_with_reactive(samples: np.ndarray) -> PowerSystem:
    """Meter with pqopen-lib what a step of ours gives too: its reactive power of the fundamental comes with its harmonics alone."""
    return peer(samples, lambda system: system.enable_harmonic_calculation(1))


def peer_with_harmonics(samples: np.ndarray) -> PowerSystem:
    """Meter with pqopen-lib, harmonics to 50."""
    return peer(samples, lambda system: system.enable_harmonic_calculation(50))


TRUTH = {"U": 230.0, "I": 5.0, "P": 230.0 * 5.0 * 0.5, "Q1": 230.0 * 5.0 * np.sqrt(0.75)}


def one_phase(seconds: int) -> np.ndarray:
    """Return six channels of one phase alone, 60 degrees inductive, off nominal, float64."""
    angle = 2 * np.pi * FREQUENCY_HZ / RATE_HZ * np.arange(seconds * RATE_HZ)
    samples = np.zeros((6, len(angle)))
    samples[0] = TRUTH["U"] * np.sqrt(2) * np.cos(angle)
    samples[3] = TRUTH["I"] * np.sqrt(2) * np.cos(angle - np.pi / 3)
    return samples


def worst_windows(samples: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    """Return the worst error of any whole window in percent, of watthour and of pqopen-lib, the first two left out."""
    block = Block(voltages=samples[:3], currents=samples[3:], rate_hz=RATE_HZ, first_sample=0)
    _, rows = measure(open_window(block), block, Thresholds(present_v=12.7, cutoff_a=0.001))
    names = {"U": "voltage_v", "I": "current_a", "P": "power_w", "Q1": "reactive_var"}
    ours = {name: _worst(rows[field][2:, 0], TRUTH[name]) for name, field in names.items()}
    channels = peer_with_harmonics(samples).output_channels
    names = {"U": "U1_rms", "I": "I1_rms", "P": "P1", "Q1": "Q1_H1"}
    last = samples.shape[1]
    theirs = {
        name: _worst(np.asarray(channels[channel].read_data_by_acq_sidx(0, last)[0])[2:], TRUTH[name])
        for name, channel in names.items()
    }
    return ours, theirs


def _worst(values: np.ndarray, truth: float) -> float:
    return float(np.abs(values / truth - 1.0).max() * 100.0)


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def median_ratio(reference: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float, float]:
    """Return the median of reference/ours over paired runs, and the fastest time of each.

    Ours runs for half a second before and half a second after the other, and counts with its median: else a moment of
    one would stand beside half a minute of the other.
    """
    pairs = [_pair(reference, ours) for _ in range(REPEATS)]
    ratio = statistics.median(a / b for a, b in pairs)
    return ratio, min(a for a, _ in pairs), min(b for _, b in pairs)


def _pair(reference: Callable[[], object], ours: Callable[[], object]) -> tuple[float, float]:
    before, reference_s, after = _runs(ours), seconds_of(reference), _runs(ours)
    return reference_s, statistics.median([*before, *after])


def _runs(work: Callable[[], object]) -> list[float]:
    """Return how long a call takes, as often as half a second holds it, at least once."""
    found = [seconds_of(work)]
    while sum(found) < HALF_S:
        found.append(seconds_of(work))
    return found


def report(name: str, ratio: float, bar: float, detail: str) -> None:
    """Print one line of the result."""
    print(f"{name:<48} {ratio:9.3g}   bar {bar:<6.3g} {'met' if ratio >= bar else 'MISSED':<7} {detail}", flush=True)


def main() -> None:
    """Print the ratios."""
    large = three_phases(LARGE_S)
    table = np.zeros((2, WINDOW + 2 * FRINGE))
    fill_oscillator(2 * np.pi * FREQUENCY_HZ / RATE_HZ, table)
    step_all(large[:, : 2 * RATE_HZ])
    read_all(large[:, :WINDOW].copy())
    sum_all(large[:, :WINDOW].copy(), table)
    gigabytes = large.nbytes / 1e9

    ratio, reading, summing = median_ratio(lambda: read_all(large), lambda: sum_all(large, table))
    report(
        "sums kernel / memory read, one core, float32",
        ratio,
        0.5,
        f"{gigabytes / summing:.1f} of {gigabytes / reading:.1f} GB/s",
    )
    ratio, reading, stepping = median_ratio(lambda: read_all(large), lambda: step_all(large))
    report(
        "Meter.step / memory read, one core, float32",
        ratio,
        1 / 3,
        f"{gigabytes / stepping:.1f} of {gigabytes / reading:.1f} GB/s",
    )

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = np.ascontiguousarray(large[:, : RECORDING_S * RATE_HZ])
        path = write_recording(folder, samples)
        meter_recording(path)
        ours_wh = meter_recording(path).state.registers.total[0] / 1e6
        theirs_wh = peer_energy_wh(samples, folder)
        ratio, peer_s, ours = median_ratio(lambda: peer_energy_wh(samples, folder), lambda: meter_recording(path))
        detail = f"{RECORDING_S / ours:.0f} and {RECORDING_S / peer_s:.0f} times real time"
        report("recording -> registers / pqopen-lib", ratio, 50, detail)
        ratio, peer_s, ours = median_ratio(lambda: peer_energy_wh(large, folder), lambda: step_all(large))
        report("Meter.step / pqopen-lib", ratio, 800, f"{LARGE_S / ours:.0f} and {LARGE_S / peer_s:.0f} times real time")
        print(
            f"  reading these samples once is {peer_s / reading:.0f} times pqopen-lib here: 800 times are {800 * reading / peer_s:.2f} of the"
            f" bandwidth, and a third of it is {peer_s / reading / 3:.0f} times (decision 24)"
        )
        like_s = seconds_of(lambda: peer_with_reactive(samples)) * LARGE_S / RECORDING_S
        print(f"  beside pqopen-lib with the fundamental's reactive power, which a step gives too: {like_s / ours:.0f} times")
        windows = windows_with_harmonics(samples)
        ratio, peer_s, ours = median_ratio(lambda: peer_with_harmonics(samples), lambda: windows_with_harmonics(samples))
        detail = f"{RECORDING_S / ours:.0f} and {RECORDING_S / peer_s:.0f} times real time, {windows} windows"
        report("windows with harmonics to 50 / pqopen-lib", ratio, 50, detail)
        for program, errors in zip(("watthour", "pqopen-lib"), worst_windows(one_phase(10)), strict=True):
            print(f"worst window, {program:<11}", *(f"{quantity} {error:.2g} %" for quantity, error in errors.items()))
        print(f"energy of {RECORDING_S} s: watthour {ours_wh:.6f} Wh, pqopen-lib {theirs_wh:.6f} Wh")


if __name__ == "__main__":
    main()
