"""The quality of supply under the names that everyone uses, primary, made when somebody first asks.

In: the last window's quality and rms voltages. Out: the values of `watthour.units.LATE_NAMES`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain

from watthour.meter.state import MeterState, ratio_setting
from watthour.meter.watching import OVERVOLTAGE, UNDERVOLTAGE
from watthour.metrology import NO_QUALITY, Quality
from watthour.units import HARMONIC_ORDERS, PHASES
from watthour.view import Number

_SEQUENCES = ("positive", "negative", "zero")


def late_values(state: MeterState) -> Mapping[str, Number]:
    """Return the values that nobody had asked for yet."""
    quality = NO_QUALITY if state.quality is None else state.quality()
    vt, ct = (float(ratio_setting(state.settings, name).fraction) for name in ("vt", "ct"))
    return {
        **_phases("thd_voltage_{}_percent", quality.thd_voltage_percent),
        **_phases("thd_current_{}_percent", quality.thd_current_percent),
        **_phases("crest_factor_voltage_{}", quality.crest_factor_voltage),
        **_phases("crest_factor_current_{}", quality.crest_factor_current),
        **_named("voltage_{}_v", _SEQUENCES, quality.voltage_sequence_v, vt),
        **_named("voltage_{}_percent", ("unbalance", "zero_unbalance"), quality.voltage_unbalance_percent),
        **_named("current_{}_a", _SEQUENCES, quality.current_sequence_a, ct),
        **_named("current_{}_percent", ("unbalance", "zero_unbalance"), quality.current_unbalance_percent),
        **_flags(state),
        **_harmonics(quality),
    }


def _phases(name: str, values: Sequence[Number]) -> dict[str, Number]:
    return _named(name, PHASES, values)


def _named(name: str, parts: Sequence[str], values: Sequence[Number], scale: float = 1.0) -> dict[str, Number]:
    """Return values times `scale` by the name with each part in it."""
    return {name.format(part): None if value is None else value * scale for part, value in zip(parts, values, strict=True)}


def _flags(state: MeterState) -> dict[str, Number]:
    """Return whether each voltage is below or above what the meter is made for; nothing before the first window."""
    if not len(state.last):
        return {**_phases("undervoltage_{}", (None,) * 3), **_phases("overvoltage_{}", (None,) * 3)}
    nominal_v = float(Decimal(str(state.settings["nominal_voltage_v"])))
    voltages = [float(voltage) for voltage in state.last[0]["voltage_v"]]
    return {
        **_phases("undervoltage_{}", [int(voltage < UNDERVOLTAGE * nominal_v) for voltage in voltages]),
        **_phases("overvoltage_{}", [int(voltage > OVERVOLTAGE * nominal_v) for voltage in voltages]),
    }


def _harmonics(quality: Quality) -> dict[str, Number]:
    both = (("voltage", quality.voltage_harmonics_percent), ("current", quality.current_harmonics_percent))
    return dict(
        chain.from_iterable(
            _phases(f"{stem}_{{}}_h{h}_percent", [orders[place] for orders in phases]).items()
            for stem, phases in both
            for place, h in enumerate(HARMONIC_ORDERS)
        )
    )
