"""Front ends and current transformers by name: rows, each with its source.

The rows are sound and calibrated, without gain, offset or delay error; `dataclasses.replace` puts errors on one.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

from watthour.errors import UsageError
from watthour.waveform.front_end.parts import CtPoint, CurrentTransformer, FrontEnd


def noise_for(bits: int, snr_db: float) -> float:
    """Return the rms noise in steps that gives a full-scale sine this signal-to-noise ratio.

    >>> round(noise_for(24, 100.0), 1)
    59.3
    """
    return math.ldexp(math.sqrt(0.5), bits - 1) * math.pow(10.0, -snr_db / 20.0)


_ROWS = (
    FrontEnd(name="ideal", source="float64 samples as they are"),
    FrontEnd(name="16 bit", bits=16, noise_lsb=1.0,
             source="ours: full scale 1.2 sqrt(2) Imax, and so for voltage; noise at the upper end of the usual 0.5 to 1 LSB"),
    FrontEnd(name="24 bit", bits=24, noise_lsb=noise_for(24, 100.0),
             source="ours: full scale 1.2 sqrt(2) Imax, and so for voltage; SNR 100 dB; a TI ADS131M08 has a dynamic range of 102 dB at 4 kSPS (SBAS950B)"),
)  # fmt: skip

FRONT_ENDS: Mapping[str, FrontEnd] = MappingProxyType({row.name: row for row in _ROWS})

_CT_POINTS: Mapping[str, tuple[tuple[float, float, float], ...]] = MappingProxyType({
    # current in percent of rated, ratio error in percent, phase displacement in minutes
    "0.1": ((5, 0.4, 15), (20, 0.2, 8), (100, 0.1, 5), (120, 0.1, 5)),
    "0.2": ((5, 0.75, 30), (20, 0.35, 15), (100, 0.2, 10), (120, 0.2, 10)),
    "0.2S": ((1, 0.75, 30), (5, 0.35, 15), (20, 0.2, 10), (100, 0.2, 10), (120, 0.2, 10)),
    "0.5": ((5, 1.5, 90), (20, 0.75, 45), (100, 0.5, 30), (120, 0.5, 30)),
    "0.5S": ((1, 1.5, 90), (5, 0.75, 45), (20, 0.5, 30), (100, 0.5, 30), (120, 0.5, 30)),
    "1": ((5, 3.0, 180), (20, 1.5, 90), (100, 1.0, 60), (120, 1.0, 60)),
})  # fmt: skip

CT_CLASSES: tuple[str, ...] = tuple(_CT_POINTS)
"""Accuracy classes of IEC 61869-2, tables 201 and 202, as makers print them (not checked against the standard's text)."""


def ct_class(name: str) -> CurrentTransformer:
    """Return the worst current transformer that its accuracy class admits.

    A real one magnetises its core from the primary current: the secondary is too small and leads. So the ratio error
    is the class limit with a minus, the phase displacement the limit with a plus.

    Raises
    ------
    UsageError
        If there is no such class; the message lists those there are.
    """
    if name not in _CT_POINTS:
        msg = f"no current transformer of class {name!r}: there are {', '.join(CT_CLASSES)}"
        raise UsageError(msg)
    points = (CtPoint(current_percent=i, ratio_percent=-r, phase_minutes=m) for i, r, m in _CT_POINTS[name])
    return CurrentTransformer(name=f"class {name}", points=tuple(points))


def front_end(name: str) -> FrontEnd:
    """Return the front end of this name.

    Raises
    ------
    UsageError
        If there is none; the message lists those there are.
    """
    if name not in FRONT_ENDS:
        msg = f"no front end {name!r}: there are {', '.join(FRONT_ENDS)}"
        raise UsageError(msg)
    return FRONT_ENDS[name]
