"""Words that every table of a network file uses: phases, spectra, powers, and how a refusal names its key.

In: values as a TOML parser gives them. Out: checked ones, or pydantic's refusal with the path of the key, which
whoever opened the file turns into a line.
"""

import math
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

PhaseName = Literal["L1", "L2", "L3"]
PHASE_NAMES: tuple[PhaseName, ...] = ("L1", "L2", "L3")

MAXIMUM_ORDER = 12_500
"""Of the slowest supply at half the fastest sampling; the sampling of a file allows fewer (ours)."""

MAXIMUM_VOLTAGE_V = 1e6
MAXIMUM_CURRENT_A = 1e6
MAXIMUM_POWER_W = 1e12
LEAST_VOLTAGE_V = 1.0
"""Below it a phase is without voltage, and no load can draw power from it (ours)."""

LEAST_COS_PHI = 0.01
"""Below it a load is written by its reactive power (ours)."""

_COS_PHI = re.compile(r"\s*(\d*\.?\d+)\s*(ind|cap)?\s*")


class Table(BaseModel):
    """A table of the file: no key that is not known, no number as text, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def refusal(path: Sequence[str | int], problem: str) -> PydanticCustomError:
    """Return the refusal of a key that lies deeper than the table whose check found it out.

    Parameters
    ----------
    path : sequence of str and int
        Of the key, from that table; it travels as the context's ``path``.
    problem : str
        What is wrong and what to do.
    """
    return PydanticCustomError("impossible", "{problem}", {"problem": problem, "path": tuple(path)})


class Harmonic(Table):
    """One row of a spectrum.

    Parameters
    ----------
    order : int
        Multiple of the fundamental frequency, from 2.
    percent : float
        Rms value, in percent of the fundamental it belongs to.
    angle_deg : float
        Phase where that fundamental crosses zero rising; 0 means that the harmonic does so too.
    """

    order: int = Field(ge=2, le=MAXIMUM_ORDER)
    percent: float = Field(ge=0, le=1000)
    angle_deg: float = Field(default=0.0, ge=-360, le=360)


def _each_order_once(rows: tuple[Harmonic, ...]) -> tuple[Harmonic, ...]:
    orders = [row.order for row in rows]
    twice = next((order for order in orders if orders.count(order) > 1), None)
    if twice is not None:
        msg = f"order {twice} stands here twice; keep one row of it"
        raise ValueError(msg)
    return rows


def as_tuple(given: Any) -> Any:
    """Return a list of the file as the tuple a frozen record holds."""
    return tuple(given) if isinstance(given, list) else given


def is_number(given: object) -> bool:
    """Say whether a value of the file is a number; true and false are none."""
    return isinstance(given, int | float) and not isinstance(given, bool)


def _each_phase_once(phases: tuple[PhaseName, ...]) -> tuple[PhaseName, ...]:
    if len(set(phases)) != len(phases):
        msg = "a phase stands here twice; name each once"
        raise ValueError(msg)
    return phases


Spectrum = Annotated[tuple[Harmonic, ...], BeforeValidator(as_tuple), AfterValidator(_each_order_once)]
Phases = Annotated[tuple[PhaseName, ...], BeforeValidator(as_tuple), Field(min_length=1), AfterValidator(_each_phase_once)]
Voltage = Annotated[float, Field(ge=0, le=MAXIMUM_VOLTAGE_V)]
Power = Annotated[float, Field(ge=-MAXIMUM_POWER_W, le=MAXIMUM_POWER_W)]


def reactive_of(power_w: float, cos_phi: str | float) -> float:
    """Return the reactive power that goes with an active one.

    Parameters
    ----------
    power_w : float
        Of either sign.
    cos_phi : str or float
        ``"0.85 ind"``, ``"0.9 cap"`` or 1. Inductive is positive reactive power, capacitive negative,
        whichever way the active power flows.

    Raises
    ------
    ValueError
        If it is written otherwise, or is outside `LEAST_COS_PHI` to 1.

    Examples
    --------
    >>> reactive_of(-800.0, "0.8 cap")
    -600.0
    """
    match = _COS_PHI.fullmatch(cos_phi if isinstance(cos_phi, str) else repr(cos_phi))
    value = float(match[1]) if match else 0.0
    if match is None or not LEAST_COS_PHI <= value <= 1 or (value < 1 and match[2] is None):
        msg = 'write it from 0.01 to 1 with its side, such as "0.85 ind" or "0.9 cap" (plain 1 needs no side)'
        raise ValueError(msg)
    reactive = abs(power_w) * math.sqrt((1 - value) * (1 + value)) / value
    return -reactive if match[2] == "cap" else reactive


def _readable_cos_phi(given: Any) -> Any:
    reactive_of(0.0, given)
    return given


CosPhi = Annotated[str | float, BeforeValidator(_readable_cos_phi)]
