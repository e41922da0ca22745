"""The fundamental in closed form: what a tapered window makes of a tone, and the tone back from it.

A window [p, q) with tapered edges sees a tone exp(jΔk) as

    Ŵ(Δ) = (q - p) sinc(Δ(q - p)/2) · H(Δ) · exp(jΔ(p + q)/2),    H(Δ) = sinc(Δ T/2) / (1 - (Δ T/2π)²)

with T the taper's length: a rectangle convolved with a Hann window. So the correlation of
x = 2 Re(a exp(jωk)) with exp(-jωₛk) is

    c = a Ŵ(ω - ωₛ) + a* Ŵ(-ω - ωₛ)

and two real equations give the phasor a, whether or not the window holds whole cycles of ω. Ours.
"""

import math

from watthour.metrology.compiling import kernel
from watthour.metrology.records import Edges
from watthour.metrology.sums import TAPER

_ITERATIONS = 6
_LINEAR_RAD = 1e-6
"""Below it what an advance leaves to the next iteration is a fixed part of it."""
_SETTLED_RAD = 1e-10
"""That part is at most some 0.06 of the advance times the sine of a half's angle, for halves of whole half-cycles see the same
image: so little leaves less than 1e-11, or 3e-13 of the frequency."""


@kernel
def sinc(x: float) -> float:
    """Return sin(x)/x."""
    if abs(x) < 1e-4:  # noqa: PLR2004 - the series is exact to 1e-18 here
        return 1.0 - x * x / 6.0
    return math.sin(x) / x


@kernel
def window_spectrum(delta: float, first: float, last: float) -> complex:
    """Return Ŵ(delta) of the tapered window [first, last).

    Parameters
    ----------
    delta : float
        Radians per sample.
    first, last : float
        Edges in samples.
    """
    x = delta * TAPER / (2.0 * math.pi)
    rest = 1.0 - x * x
    hann = 0.5 if abs(rest) < 1e-9 else sinc(math.pi * x) / rest  # noqa: PLR2004 - the limit at x = 1
    length = last - first
    middle = delta * (first + last) / 2.0
    size = length * sinc(delta * length / 2.0) * hann
    return complex(size * math.cos(middle), size * math.sin(middle))


@kernel
def half_spectra(delta: float, edges: Edges) -> tuple[complex, complex]:
    """Return Ŵ(delta) of the two halves of a window, tapered where they meet; they add to that of the whole.

    Parameters
    ----------
    delta : float
        Radians per sample.
    edges : three floats
        Beginning, middle and end in samples; the halves are of one length.
    """
    early = window_spectrum(delta, edges[0], edges[1])
    turn = delta * (edges[1] - edges[0])
    return early, early * complex(math.cos(turn), math.sin(turn))


@kernel
def square(z: complex) -> float:
    """Return |z|², without the root that ``abs`` takes."""
    return z.real * z.real + z.imag * z.imag


@kernel
def solve_tone(correlation: complex, direct: complex, image: complex) -> complex:
    """Return the phasor a from c = a·direct + a*·image; a tone's rms is √2·|a|."""
    determinant = square(direct) - square(image)
    if determinant == 0.0:
        return complex(0.0, 0.0)
    return (correlation * direct.conjugate() - correlation.conjugate() * image) * (1.0 / determinant)


@kernel
def advance_frequency(early: complex, late: complex, omega: float, omega_table: float, edges: Edges) -> tuple[float, complex]:
    """Return the angular frequency at which two half windows see one tone, and that tone.

    The phase advance from the first half to the second, divided by the time between their middles, corrects
    `omega`; both phasors are solved again at the new frequency until they agree.

    Parameters
    ----------
    early, late : complex
        Correlations of the two halves with the table, their mean removed.
    omega, omega_table : float
        First guess, and the table's frequency, in radians per sample.
    edges : three floats
        Beginning, middle and end of the window in samples.

    Returns
    -------
    float
        Radians per sample; right if the guess was within half a turn between the middles of the halves.
    complex
        The mean of the phasors of both halves.
    """
    between = (edges[2] - edges[0]) / 2.0
    tone = complex(0.0, 0.0)
    for _ in range(_ITERATIONS):
        direct = half_spectra(omega - omega_table, edges)
        image = half_spectra(-omega - omega_table, edges)
        before, after = solve_tone(early, direct[0], image[0]), solve_tone(late, direct[1], image[1])
        tone = 0.5 * (before + after)
        turn = after * before.conjugate()
        advance = math.atan2(turn.imag, turn.real)
        unlike = abs(math.sin(omega * between))
        omega += advance / between
        if abs(advance) < _LINEAR_RAD and abs(advance) * unlike < _SETTLED_RAD:
            break
    return omega, tone
