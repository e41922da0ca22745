"""The spectrum of windows at their own frequency: harmonic subgroups of voltage and current.

In: the raw samples of windows, their `WINDOW` rows. Out: the rms value of each subgroup, orders 1 to 50. IEC 61000-4-7
takes a window of N = 10 or 12 cycles, so that its lines lie 1/N of the frequency apart; subgroup h is the line N·h with
its two neighbours::

    ...|.....|||.....|||.....|||...        G(h)² = C(Nh - 1)² + C(Nh)² + C(Nh + 1)²
            N·h-N    N·h    N·h+N

The window's edges fall between samples and are tapered, so it sees nothing of one line at another, whatever the sampling
rate. The fundamental, which the row knows, is taken from the samples first: while the frequency moves it would be on
every line. Lines are sought at the window's frequency, not at that of a transform: a transform somewhat longer than the
window, of samples divided by a kernel's own spectrum, is interpolated there with twelve lines of that kernel (a
"non-uniform" FFT, type 2; Barnett, Magland and af Klinteberg, SIAM J. Sci. Comput. 41(5), 2019, DOI 10.1137/18M120885X).
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from watthour.metrology.compiling import kernel, sum_kernel
from watthour.metrology.records import WINDOW, Floats, Record, Rows, Six, six_of
from watthour.metrology.sums import FRINGE, TAPER, fill_oscillator
from watthour.metrology.tone import window_spectrum
from watthour.samples import Block, Phasors

ORDERS = 50
"""Highest order."""

USABLE = 0.45
"""Part of the sampling rate up to which a subgroup is known: above it the front end's filter rules."""

NEAR_IMAGE = 2.5
"""Radians per sample from which on the taper lets less than 1e-5 of an image through."""

Subgroups = NDArray[np.float64]
"""Shape (6, 50): V1 V2 V3 I1 I2 I3 by order - 1, rms in volts and amperes; NaN where not known."""

_WIDTH = 12
_SHARPNESS = 22.0
"""Kernel exp(b(sqrt(1 - z²) - 1)) over twelve lines: 1e-7 at five quarters of the window's length."""
_NODES = 80
_GRID = 4096
_BATCH = 8
"""Windows that are transformed together: what they need lies in the processor's second cache."""


def samples_of_window(row: Record) -> tuple[int, int]:
    """Return the first sample in the stream that a window touches with its tapers, and the one after the last."""
    begin = int(row["first_sample"]) + float(row["begin"])
    return math.floor(begin) - FRINGE + 1, math.floor(begin + float(row["length"])) + FRINGE + 1


def highest_order(frequency_hz: float, rate_hz: float) -> int:
    """Return the highest order whose subgroup is known at a sampling rate: at most 50.

    >>> highest_order(50.0, 1200.0), highest_order(50.0, 8000.0)
    (10, 50)
    """
    return highest_order_of(2.0 * math.pi * frequency_hz / rate_hz)


def highest_order_of(step: float) -> int:
    """Return the same of a fundamental in radians per sample."""
    return min(ORDERS, math.floor(2.0 * math.pi * USABLE / step))


def subgroups_of_windows(rows: Rows, block: Block) -> Subgroups:
    """Return the subgroups of whole windows with a known frequency, shape (windows, 6, 50).

    Parameters
    ----------
    rows : ndarray of `WINDOW`
    block : Block
        Holds the samples of all of them, as `samples_of_window` says.
    """
    groups = np.full((len(rows), 6, ORDERS), np.nan)
    sum_subgroups(spectral_lines(rows, block), rows, block.rate_hz, groups)
    return groups


def subgroups_of_phasors(second: Phasors) -> Subgroups:
    """Return the subgroups of one second given as phasors: those orders that it has, the rest 0."""
    groups = np.zeros((6, ORDERS))
    for place, order in enumerate(second.orders):
        if order <= ORDERS:
            groups[:3, order - 1] = np.abs(second.voltages[0, :, place])
            groups[3:, order - 1] = np.abs(second.currents[0, :, place])
    return groups


def warm_harmonics(sample_type: str) -> None:
    """Compile the loops for a type of sample, or load them, before anybody waits for them."""
    row = np.zeros(1, WINDOW)
    row["begin"], row["length"], row["cycles"], row["frequency_hz"] = 3.5, 800.0, 10, 50.0
    samples = np.zeros((3, 808), sample_type)
    subgroups_of_windows(row, Block(voltages=samples, currents=samples, rate_hz=4000.0, first_sample=0))


def spectral_lines(rows: Rows, block: Block) -> NDArray[np.complex128]:
    """Return the lines of each order's subgroup: rms phasors, shape (windows, 6, 50, 3).

    Phases are relative to the sample nearest to each window's beginning, as those of the row's phasors are.
    """
    size = transform_size(math.ceil(rows["length"].max()) + 2 * FRINGE)
    six, correction, table = six_of(block), deconvolution(size), kernel_table()
    gain = np.array([*block.voltage_scale, *block.current_scale])
    oscillator = np.zeros((2, size + FRINGE))
    shaped = np.zeros((min(len(rows), _BATCH), 6, size))
    transforms = np.zeros((len(shaped), 6, size // 2 + 1), np.complex128)
    lines = np.zeros((len(rows), 6, ORDERS, 3), np.complex128)
    weights, tones = np.zeros(2 * _WIDTH), np.zeros((6, ORDERS), np.complex128)
    for first in range(0, len(rows), _BATCH):
        part = rows[first : first + _BATCH]
        used = slice(len(part))
        shape_windows(six, block.first_sample, part, block.rate_hz, gain, correction, oscillator, shaped[used])
        np.fft.rfft(shaped[used], out=transforms[used])
        read = lines[first : first + _BATCH]
        read_windows(transforms.view(np.float64), size, part, block.rate_hz, gain, table, weights, tones, read)
    return lines


def transform_size(samples: int) -> int:
    """Return the length of the transform: 4 or 2.5 times a power of two, at least five quarters of the samples.

    >>> transform_size(2008), transform_size(1608), transform_size(250)
    (2560, 2048, 320)
    """
    least = -(-5 * samples // 4)
    power = 1 << max(2, (least - 1).bit_length() - 2)
    return 5 * power // 2 if 5 * power // 2 >= least else 4 * power


@cache
def deconvolution(size: int) -> Floats:
    """Return one over the kernel's spectrum at samples -size/2 ... size/2 - 1 of a transform of that size."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    values = weights * _kernel(nodes) * (_WIDTH / 2.0)
    turns = (2.0 * math.pi / size) * np.arange(size // 2 + 1)
    half = np.cos(np.outer(turns, nodes * (_WIDTH / 2.0))) @ values
    both = np.concatenate([half[:0:-1], half[:-1]])
    return _kept(1.0 / both)


@cache
def kernel_table() -> Floats:
    """Return the kernel's weights of twelve lines, each twice, by where the sought one lies, shape (4097, 24).

    Rows go from one line to the next; between rows, straight lines are exact to 1e-7.
    """
    places = np.arange(_GRID + 1) / _GRID + _WIDTH / 2.0 - 1.0
    return _kept(np.repeat(_kernel((places[:, None] - np.arange(_WIDTH)) * (2.0 / _WIDTH)), 2, axis=1))


def _kernel(z: Floats) -> Floats:
    return np.asarray(np.exp(_SHARPNESS * (np.sqrt(np.maximum(1.0 - z**2, 0.0)) - 1.0)))


def _kept(numbers: Floats) -> Floats:
    """Return numbers that are kept, side by side and not to be written."""
    kept = np.ascontiguousarray(numbers)
    kept.flags.writeable = False
    return kept


@sum_kernel
def shape_window(
    six: Six,
    base: int,
    row: Record,
    rate_hz: float,
    gain: Floats,
    correction: Floats,
    oscillator: Floats,
    shaped: Floats,
) -> None:
    """Fill what is to be transformed: raw samples without mean and fundamental, tapered, over the kernel's spectrum.

    Parameters
    ----------
    base : int
        Index in the stream of the first of the samples given.
    gain : ndarray, shape (6,)
        Volts and amperes a step.
    correction : ndarray, shape (size,)
        From `deconvolution`.
    oscillator : ndarray, shape (2, n)
        Overwritten.
    shaped : ndarray, shape (6, size)
        Overwritten: the window from its middle sample on, zeros, and what lies before the middle at the end.
    """
    shift = row["first_sample"] - base  # whole: where a window lies changes no bit of it
    begin = row["begin"]
    length = row["length"]
    origin = math.floor(begin + 0.5)
    first, end = math.floor(begin) - FRINGE + 1, math.floor(begin + length) + FRINGE + 1
    size = correction.shape[0]
    middle = (first + end) // 2
    outside = end - TAPER
    fill_oscillator(2.0 * math.pi * row["frequency_hz"] / rate_hz, oscillator[:, : end - origin + FRINGE])
    for channel in range(6):
        samples = six[channel]
        tone = row["voltage_phasor_v"][channel] if channel < 3 else row["current_phasor_a"][channel - 3]  # noqa: PLR2004
        in_phase = math.sqrt(2.0) * tone.real / gain[channel]
        quadrature = math.sqrt(2.0) * tone.imag / gain[channel]
        part, cosine, sine = samples[shift + first : shift + end], oscillator[0], oscillator[1]
        ahead = first - origin + FRINGE  # of the oscillator's sample 0 at index FRINGE
        cosine, sine = cosine[ahead : ahead + end - first], sine[ahead : ahead + end - first]
        total = 0.0
        for k in range(part.shape[0]):
            total += np.float64(part[k])
        for k in range(TAPER):
            total -= (1.0 - rise(first + k - begin)) * np.float64(part[k])
            total -= (1.0 - rise(begin + length - outside - k)) * np.float64(part[outside - first + k])
        mean = total / length
        late, early = shaped[channel, : end - middle], shaped[channel, size - (middle - first) :]
        right, left = correction[size // 2 :], correction[size // 2 - (middle - first) :]
        turn = middle - first
        shaped[channel, end - middle : size - turn] = 0.0
        for k in range(turn):
            early[k] = left[k] * (np.float64(part[k]) - in_phase * cosine[k] + quadrature * sine[k] - mean)
        part, cosine, sine = part[turn:], cosine[turn:], sine[turn:]
        for k in range(part.shape[0]):
            late[k] = right[k] * (np.float64(part[k]) - in_phase * cosine[k] + quadrature * sine[k] - mean)
        for k in range(TAPER):
            early[k] *= rise(first + k - begin)
            late[outside - middle + k] *= rise(begin + length - outside - k)


@kernel
def shape_windows(
    six: Six,
    base: int,
    rows: Rows,
    rate_hz: float,
    gain: Floats,
    correction: Floats,
    oscillator: Floats,
    shaped: Floats,
) -> None:
    """Shape several windows, as `shape_window`; `shaped` is of shape (windows, 6, size)."""
    for k in range(rows.shape[0]):
        shape_window(six, base, rows[k], rate_hz, gain, correction, oscillator, shaped[k])


@kernel
def rise(distance: float) -> float:
    """Return the taper's weight of a sample at a distance inside an edge: from 0 to 1 over eight samples."""
    x = min(max(distance / TAPER, -0.5), 0.5)
    return max(0.0, 0.5 + x + math.sin(2.0 * math.pi * x) / (2.0 * math.pi))


@sum_kernel
def read_lines(
    transform: Floats,
    size: int,
    row: Record,
    rate_hz: float,
    gain: Floats,
    table: Floats,
    weights: Floats,
    tones: NDArray[np.complex128],
    lines: NDArray[np.complex128],
) -> None:
    """Interpolate a transform at the lines of each subgroup, and put the fundamental back.

    Parameters
    ----------
    transform : ndarray, shape (6, size + 2)
        Of what `shape_window` made, real and imaginary parts in turn.
    table : ndarray, shape (4097, 24)
        From `kernel_table`.
    weights, tones : ndarrays, shape (24,) and (6, 50)
        Overwritten: of the places about a line, and the tone of each order.
    lines : ndarray, shape (6, 50, 3)
        Overwritten up to the highest order known.
    """
    step = 2.0 * math.pi * row["frequency_hz"] / rate_hz
    cycles = row["cycles"]
    length = row["length"]
    begin = row["begin"]
    origin = math.floor(begin + 0.5)
    first, end = math.floor(begin) - FRINGE + 1, math.floor(begin + length) + FRINGE + 1
    middle = (first + end) // 2 - origin
    highest = min(lines.shape[1], math.floor(2.0 * math.pi * USABLE / step))
    for h in range(highest):
        for side in range(3):
            omega = step * ((h + 1) * cycles + side - 1) / cycles
            place = omega * size / (2.0 * math.pi)
            whole = math.floor(place)
            lowest = 2 * (whole - _WIDTH // 2 + 1)
            fine = (place - whole) * _GRID
            above = math.floor(fine)
            part = fine - above
            low, high = table[above], table[above + 1]
            for j in range(2 * _WIDTH):
                weights[j] = low[j] + part * (high[j] - low[j])
            turn = complex(math.cos(omega * middle), -math.sin(omega * middle)) * math.sqrt(2.0) / length
            for channel in range(6):
                near = transform[channel, lowest : lowest + 2 * _WIDTH]
                a = 0.0
                b = 0.0
                c = 0.0
                d = 0.0
                for j in range(0, 2 * _WIDTH, 4):
                    a += weights[j] * near[j]
                    b += weights[j + 1] * near[j + 1]
                    c += weights[j + 2] * near[j + 2]
                    d += weights[j + 3] * near[j + 3]
                lines[channel, h, side] = complex(a + c, b + d) * turn * gain[channel]
    remove_images(step, cycles, begin - origin, begin - origin + length, tones[:, :highest], lines[:, :highest])
    for p in range(3):
        lines[p, 0, 1] += row["voltage_phasor_v"][p]
        lines[3 + p, 0, 1] += row["current_phasor_a"][p]


@kernel
def read_windows(
    transforms: Floats,
    size: int,
    rows: Rows,
    rate_hz: float,
    gain: Floats,
    table: Floats,
    weights: Floats,
    tones: NDArray[np.complex128],
    lines: NDArray[np.complex128],
) -> None:
    """Read the lines of several windows, as `read_lines`; arrays have one more axis, of windows, first."""
    for k in range(rows.shape[0]):
        read_lines(transforms[k], size, rows[k], rate_hz, gain, table, weights, tones, lines[k])


@kernel
def remove_images(
    step: float, cycles: int, first: float, last: float, tones: NDArray[np.complex128], lines: NDArray[np.complex128]
) -> None:
    """Take from all lines what they see of each order's image about the sampling rate, where it is near."""
    highest = lines.shape[1]
    for channel in range(6):
        for h in range(highest):  # a tone of size a gives a line of size a where the spectrum is `last - first`
            tones[channel, h] = lines[channel, h, 1] / (last - first)
    for h in range(highest):
        nearest = (2.0 * math.pi - NEAR_IMAGE) / step - h - 2.0  # orders from here on may be near
        for g in range(max(0, math.floor(nearest)), highest):
            for side in range(3):
                gap = 2.0 * math.pi - step * (h + 1) - step * ((g + 1) * cycles + side - 1) / cycles
                if gap < NEAR_IMAGE:
                    seen = window_spectrum(gap, first, last)
                    for channel in range(6):
                        lines[channel, g, side] -= tones[channel, h].conjugate() * seen


@kernel
def sum_subgroups(lines: NDArray[np.complex128], rows: Rows, rate_hz: float, groups: Subgroups) -> None:
    """Fill the rms values of the subgroups of each window up to the highest order known."""
    for k in range(rows.shape[0]):
        highest = min(ORDERS, math.floor(USABLE * rate_hz / rows[k]["frequency_hz"]))
        for channel in range(6):
            for h in range(highest):
                total = 0.0
                for side in range(3):
                    line = lines[k, channel, h, side]
                    total += line.real * line.real + line.imag * line.imag
                groups[k, channel, h] = math.sqrt(total)
