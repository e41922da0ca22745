"""The stream cut into windows: 10 cycles of 50 Hz or 12 of 60 Hz, by the meter's own tracking.

In: six rows of raw samples, their conditions, and where the tracker stands. Out: one `WINDOW` row for each whole
window, and the tracker moved on. A window is evaluated only when all its samples, and those its taper
touches, are there; so how a source cuts its blocks changes nothing. Ratios, registers and the time of day are
unknown here.

::

    samples  ...|k|k|k|k|k|k|k|k|k|k|k|k|k|k|k|...
    energy      [ first ............ ) [ next ...      whole samples, each in one window
    displayed      edge <-- L = cycles·rate/f --> edge  tapered, weights of neighbours add to one
"""

import math

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Conditions, Edges, Record, Rows, Scratch, Six
from watthour.metrology.sums import FRINGE
from watthour.metrology.tracking import LOWEST_HZ, fit_window, search_frequency
from watthour.metrology.window import describe_fragment, describe_window, plain_sums, power_sum, voltage_square

HYSTERESIS = 0.8
"""A phase that counts goes on counting down to this part of the cut-off."""


@kernel
def decide_counting(row: Record, cutoff_a: float, tracker: Record) -> None:
    """Apply the cut-off with its hysteresis; a phase below it has no current, power or energy.

    Less than a cycle stops no phase: near its zero crossing any current looks small. Energy that is no number
    stays none, so that it is found.
    """
    for p in range(3):
        limit = cutoff_a * HYSTERESIS if tracker["counting"][p] else cutoff_a
        held = row["cycles"] == 0 and tracker["counting"][p]
        tracker["counting"][p] = 0 if row["current_a"][p] < limit and not held else 1
        row["counting"][p] = tracker["counting"][p]
        if not tracker["counting"][p]:
            row["current_a"][p] = 0.0
            row["power_w"][p] = 0.0
            row["reactive_var"][p] = 0.0
            row["active_ws"][p] *= 0.0
            row["reactive_vars"][p] = 0.0


@kernel
def begin_row(row: Record, samples: int, cycles: int, found_hz: float, conditions: Conditions, tracker: Record) -> None:
    """Fill what a row says of itself, and keep its reactive power for a rest that follows."""
    row["first_sample"] = tracker["first_sample"]
    row["samples"] = samples
    row["cycles"] = cycles
    row["frequency_hz"] = found_hz
    row["powered"] = 0
    for p in range(3):
        if row["voltage_v"][p] >= conditions.present_v:
            row["powered"] = 1
        tracker["reactive_var"][p] = row["reactive_var"][p]
        row["reactive_vars"][p] = row["reactive_var"][p] * samples / conditions.rate_hz


@kernel
def describe_tone(
    row: Record, found_hz: float, edges: Edges, conditions: Conditions, tracker: Record, scratch: Scratch
) -> None:
    """Fill a row's quantities at the frequency found, or at the held one where none was."""
    per_hz = 2.0 * math.pi / conditions.rate_hz
    frequency_hz = tracker["frequency_hz"] if math.isnan(found_hz) else found_hz
    describe_window(row, frequency_hz * per_hz, tracker["table_hz"] * per_hz, edges, conditions, scratch)


@kernel
def energy_ws(six: Six, p: int, begin: int, end: int, conditions: Conditions, scratch: Scratch) -> float:
    """Return the active energy of samples [begin, end) of phase p in watt-seconds."""
    sums = scratch.early[p]
    plain_sums(six[p][begin:end], six[3 + p][begin:end], sums)
    return power_sum(sums, p, end - begin, conditions) / conditions.rate_hz


@kernel
def follow(found_hz: float, tracker: Record) -> None:
    """Cut the next window with the frequency found, if one was."""
    if found_hz > 0.0:
        tracker["frequency_hz"] = found_hz
        tracker["known"] = 1


@kernel
def measure_windows(six: Six, base: int, conditions: Conditions, tracker: Record, scratch: Scratch, rows: Rows) -> int:
    """Measure every window that lies wholly in the samples given, as far as there are rows for them.

    Parameters
    ----------
    six : six ndarrays, shape (n,), C-contiguous
        Raw samples V1 V2 V3 I1 I2 I3.
    base : int
        Index in the stream of their first sample; the tracker's ``start`` lies at least `FRINGE` after it.
    tracker : record of `TRACKER`
        Changed in place.
    rows : ndarray of `WINDOW`
        Filled from the first on.

    Returns
    -------
    int
        Rows filled.
    """
    for count in range(rows.shape[0]):
        at = tracker["start"] - base
        found_hz, edges = fit_window(six, at, 0, conditions, tracker, scratch)
        if found_hz < 0.0:
            return count
        row = rows[count]
        describe_tone(row, found_hz, edges, conditions, tracker, scratch)
        whole = math.floor(edges[2] + 0.5)
        begin = tracker["first_sample"] - base
        cycles = round((edges[2] - edges[0]) * tracker["table_hz"] / conditions.rate_hz)
        begin_row(row, at + whole - begin, cycles, found_hz, conditions, tracker)
        row["begin"] = at - begin + edges[0]
        row["length"] = edges[2] - edges[0]
        for p in range(3):
            row["active_ws"][p] = power_sum(scratch.hard[p], p, whole, conditions) / conditions.rate_hz
            if begin < at:
                row["active_ws"][p] += energy_ws(six, p, begin, at, conditions, scratch)
        decide_counting(row, conditions.cutoff_a, tracker)
        tracker["start"] += whole
        tracker["first_sample"] = tracker["start"]
        tracker["edge"] = edges[2] - whole
        follow(found_hz, tracker)
    return len(rows)


@kernel
def search_rest(six: Six, begin: int, conditions: Conditions, scratch: Scratch) -> float:
    """Return the frequency of a short stream that never had a whole window."""
    n = six[0].shape[0] - begin
    p = 0
    for phase in range(2, -1, -1):
        plain_sums(six[phase][begin:], six[3 + phase][begin:], scratch.hard[phase])
        if voltage_square(scratch.hard[phase], phase, n, conditions) >= conditions.present_v**2 * n:
            p = phase
    return search_frequency(six[p][begin:], conditions.rate_hz)


@kernel
def measure_rest(six: Six, base: int, conditions: Conditions, tracker: Record, scratch: Scratch, rows: Rows) -> int:
    """Measure what is left where a stream ends or breaks, less than a window, into one row.

    Active energy is that of all its samples; reactive energy is Q of its whole cycles held over the rest, below
    one cycle that of the window before. The next window begins anew after it.

    Parameters
    ----------
    six, base, conditions, tracker, scratch, rows
        As `measure_windows`; the samples end where the stream does.

    Returns
    -------
    int
        Rows filled: 1, or 0 if nothing was left.
    """
    rate_hz = conditions.rate_hz
    available = six[0].shape[0]
    begin = tracker["first_sample"] - base
    samples = available - begin
    if samples <= 0:
        return 0
    row = rows[0]
    at = tracker["start"] - base
    if tracker["known"] == 0 and samples >= rate_hz / LOWEST_HZ:
        tracker["frequency_hz"] = search_rest(six, begin, conditions, scratch)
    cycles = math.floor((available - at - FRINGE) * tracker["frequency_hz"] / rate_hz)
    found_hz, edges = -1.0, (0.0, 0.0, 0.0)
    while cycles > 0 and found_hz < 0.0:
        found_hz, edges = fit_window(six, at, cycles, conditions, tracker, scratch)
        cycles -= 1 if found_hz < 0.0 else 0
    if found_hz < 0.0:
        describe_fragment(row, six, begin, tracker["reactive_var"], conditions, scratch)
        begin_row(row, samples, 0, math.nan, conditions, tracker)
    else:
        describe_tone(row, found_hz, edges, conditions, tracker, scratch)
        begin_row(row, samples, cycles, found_hz, conditions, tracker)
    for p in range(3):
        row["active_ws"][p] = energy_ws(six, p, begin, available, conditions, scratch)
    decide_counting(row, conditions.cutoff_a, tracker)
    tracker["first_sample"] += samples
    follow(found_hz, tracker)
    return 1
