"""The six models of the range as rows: ratings and features, from the datasheet of 02/03/2026.

Where the datasheet is silent the decision stands beside the number. Nothing here measures or answers;
others ask what a model has and may do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from watthour.errors import UnknownModelError, UsageError
from watthour.parameters import parameter
from watthour.units import Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One meter of the range.

    Parameters
    ----------
    bus : str
        ``modbus``, ``mbus`` or ``""``.
    certification : str
        ``MID`` or ``IEC``: which standard the hardware is certified to. The software is certified to none.
    """

    code: str
    name: str
    certification: str
    pulse_outputs: int
    digital_inputs: int
    bus: str


MODELS: tuple[Model, ...] = (
    Model(code="Q23601", name="CEM-D310", certification="IEC", pulse_outputs=1, digital_inputs=0, bus=""),
    Model(code="Q23602", name="CEM-D310-MID", certification="MID", pulse_outputs=1, digital_inputs=0, bus=""),
    Model(code="Q23611", name="CEM-D311", certification="IEC", pulse_outputs=0, digital_inputs=2, bus="modbus"),
    Model(code="Q23612", name="CEM-D311-MID", certification="MID", pulse_outputs=0, digital_inputs=2, bus="modbus"),
    Model(code="Q23621", name="CEM-D312", certification="IEC", pulse_outputs=0, digital_inputs=2, bus="mbus"),
    Model(code="Q23622", name="CEM-D312-MID", certification="MID", pulse_outputs=0, digital_inputs=2, bus="mbus"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentRange:
    """Currents of one range, in amperes; the .../1 A range is one fifth of the .../5 A range (decision).

    Parameters
    ----------
    cutoff_a : float
        A phase below it adds nothing: 0.0002 Iref (decision). Not the starting current.
    """

    secondary_a: int
    reference_a: float
    transition_a: float
    minimum_a: float
    maximum_a: float
    starting_a: float
    cutoff_a: float


CURRENT_RANGES: tuple[CurrentRange, ...] = (
    CurrentRange(secondary_a=5, reference_a=5.0, transition_a=0.25, minimum_a=0.05, maximum_a=6.0, starting_a=0.010, cutoff_a=0.001),
    CurrentRange(secondary_a=1, reference_a=1.0, transition_a=0.05, minimum_a=0.01, maximum_a=1.2, starting_a=0.002, cutoff_a=0.0002),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What all models share (datasheet)."""

    voltages_v: tuple[float, float] = (127.0, 230.0)
    voltage_tolerance: float = 0.2
    frequencies_hz: tuple[float, float] = (50.0, 60.0)
    pulse_constant_per_kwh: int = 4000
    active_class: str = "B (EN 50470-3), 1 (IEC 62053-21)"
    reactive_class: str = "2 (IEC 62053-23)"
    register_maximum_kwh: int = 4_294_967
    rates: int = 8


RATINGS = Ratings()

VOLTAGE_PRESENT_V = 0.1 * RATINGS.voltages_v[0]
"""A phase with less secondary voltage is out (decision: a tenth of the lowest nominal voltage)."""


@lru_cache
def model_of(code_or_name: str) -> Model:
    """Return the model with this code or name, however it is capitalised.

    Raises
    ------
    UnknownModelError
        If the range has none; the message lists the range.
    """
    wanted = code_or_name.strip().upper()
    for model in MODELS:
        if wanted in {model.code, model.name}:
            return model
    known = ", ".join(f"{m.code} ({m.name})" for m in MODELS)
    msg = f"{code_or_name!r} is no model of the range: {known}"
    raise UnknownModelError(msg)


def current_range_of(ct: Ratio) -> CurrentRange:
    """Return the current range that a current transformer's secondary chooses.

    Raises
    ------
    UsageError
        If the secondary is neither 5 A nor 1 A.
    """
    for row in CURRENT_RANGES:
        if ct.secondary == Decimal(row.secondary_a):
            return row
    msg = f'ct "{ct}": this meter takes current transformers .../5 A or .../1 A'
    raise UsageError(msg)


FEATURES: Mapping[str, str] = MappingProxyType({"digital_inputs": "digital inputs", "pulse_outputs": "pulse outputs"})
"""What some models have and others lack, as fields of `Model`, and what a message calls it."""


def has_feature(model: Model, feature: str) -> bool:
    """Say whether a model has what something needs; most needs nothing."""
    return not feature or bool(getattr(model, feature))


def require_feature(model: Model, feature: str) -> None:
    """Refuse what needs a feature that a model lacks.

    Raises
    ------
    UsageError
        Naming the models that have it.
    """
    if has_feature(model, feature):
        return
    what = FEATURES[feature]
    having = ", ".join(f"{m.name} ({m.code})" for m in MODELS if has_feature(m, feature))
    msg = f"{model.name} ({model.code}) has no {what}: {what} belong to {having}"
    raise UsageError(msg)


def require_settable(model: str, names: Iterable[str]) -> None:
    """Refuse settings of what a model lacks.

    Parameters
    ----------
    model : str
        Its code.
    names : iterable of str
        Of settings that there are.

    Raises
    ------
    UsageError
        Naming the setting, and the models that have it.
    """
    for name in names:
        try:
            require_feature(model_of(model), parameter(name).needs)
        except UsageError as problem:
            msg = f"{name}: {problem}"
            raise UsageError(msg) from None


def require_bus(model: Model, bus: str) -> None:
    """Refuse a bus that a model lacks.

    Raises
    ------
    UsageError
        Naming the models that have it.
    """
    if model.bus == bus:
        return
    label = {"modbus": "Modbus", "mbus": "M-Bus"}[bus]
    having = ", ".join(f"{m.name} ({m.code})" for m in MODELS if m.bus == bus)
    msg = f"{model.name} ({model.code}) has no {label}: {label} belongs to {having}"
    raise UsageError(msg)
