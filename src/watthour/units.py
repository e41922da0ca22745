"""Names of quantities, their units, exact factors, and the one place where numbers are rounded.

The same names stand in ``--json``, on the maps, on pages and in CSV headers. `VALUES` is the nomenclature:
every name a meter may show, with symbol, unit, sign convention and source; ``docs/nomenclature.md`` is
printed from it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from types import MappingProxyType

MICRO = 10**6
"""Micro-units in a unit: one watt-hour is 10^6 microwatt-hours."""

REGISTER_MODULUS = 2**32
"""A shown energy register rolls over from 4 294 967 295 Wh to 0 (datasheet: 4 294 967 kWh)."""

SECONDS_PER_HOUR = 3600
NANOSECONDS = 10**9

PHASES = ("l1", "l2", "l3")
RATES = tuple(f"t{n}" for n in range(1, 9))
ENERGIES = ("import", "export", "q1", "q2", "q3", "q4")
"""The six energies of every register set, in the order of the family map."""


def energy_unit(energy: str) -> str:
    """Return ``wh`` for an active energy and ``varh`` for a reactive one."""
    return "wh" if energy in {"import", "export"} else "varh"


@cache
def energy_name(energy: str, prefix: str = "") -> str:
    """Return the shown name of an energy.

    >>> energy_name("q1", "t2_")
    't2_q1_varh'
    """
    return f"{prefix}{energy}_{energy_unit(energy)}"


@cache
def exact_name(energy: str, prefix: str = "") -> str:
    """Return the name of the exact integer behind a shown energy.

    >>> exact_name("import", "secondary_")
    'secondary_import_microwh'
    """
    return f"{prefix}{energy}_micro{energy_unit(energy)}"


def shown_register(exact_micro: int) -> int:
    """Return what a register shows: whole units, modulo 2^32.

    ::

        0 ───────────── 4 294 967 295 ┐   exact / 10^6, floored
        ▲                             │
        └──────── rolls over ─────────┘

    >>> shown_register(2**32 * MICRO + 1_999_999)
    1
    """
    return (exact_micro // MICRO) % REGISTER_MODULUS


def shown_registers(exact_micro: Iterable[int]) -> list[int]:
    """Return what registers show, as `shown_register` of each: a view has a hundred of them five times a second."""
    return [(amount // MICRO) % REGISTER_MODULUS for amount in exact_micro]


def round_half_up(value: float | Fraction | Decimal) -> int:
    """Return the nearest integer, halves away from zero, as instruments show it.

    >>> round_half_up(2.5), round_half_up(-2.5)
    (3, -3)
    """
    if isinstance(value, Decimal):
        value = Fraction(value)  # its arithmetic rounds to 28 digits
    magnitude = value if value >= 0 else -value
    whole = int(magnitude)
    nearest = whole + int(2 * (magnitude - whole) >= 1)  # exact in binary too: the difference loses no bit
    return nearest if value >= 0 else -nearest


def steps_half_up(value: float | Fraction | Decimal, decimals: int) -> int:
    """Return a value in steps of its last decimal, rounded once as `round_half_up` does; exact, and by integers alone.

    >>> steps_half_up(0.25, 1), steps_half_up(-0.25, 1), steps_half_up(2.675, 2)
    (3, -3, 267)
    """
    numerator, denominator = value.as_integer_ratio()
    nearest = int((2 * abs(numerator) * 10**decimals + denominator) // (2 * denominator))
    return nearest if numerator >= 0 else -nearest


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(time_ns: int) -> str:
    """Return an instant, nanoseconds UTC since 1970, in ISO 8601, UTC, with as many decimals as it needs.

    >>> iso(1_767_225_600_500_000_000)
    '2026-01-01T00:00:00.500Z'
    """
    seconds, rest = divmod(time_ns, NANOSECONDS)
    whole = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".removesuffix("000").removesuffix("000").removesuffix("000").removesuffix(".")
    return f"{whole:%Y-%m-%dT%H:%M:%S}{fraction}Z"


@cache
def _quotient(primary: Decimal, secondary: Decimal) -> Fraction:
    """Return a ratio in lowest terms; asked at every window."""
    return Fraction(primary) / Fraction(secondary)


_RATIO = re.compile(r"\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A transformer's ratio as its plate prints it, primary over secondary; both above 0, else ValueError.

    >>> Ratio.parse("200/5").fraction
    Fraction(40, 1)
    """

    primary: Decimal
    secondary: Decimal

    def __post_init__(self) -> None:
        if not (self.primary > 0 and self.secondary > 0):
            msg = f"{self} is no ratio: both numbers must be above 0"
            raise ValueError(msg)

    @classmethod
    def parse(cls, text: str) -> "Ratio":
        """Return the ratio written ``PRIMARY/SECONDARY``; raise ValueError if it is not one."""
        match = _RATIO.fullmatch(text)
        if match is None:
            msg = f'{text!r} is no ratio: write primary/secondary, such as "200/5"'
            raise ValueError(msg)
        return cls(Decimal(match[1]), Decimal(match[2]))

    @property
    def fraction(self) -> Fraction:
        """Primary per secondary, exact."""
        return _quotient(self.primary, self.secondary)

    def __str__(self) -> str:
        return f"{self.primary}/{self.secondary}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One row of the nomenclature: a quantity that a meter shows.

    Parameters
    ----------
    needs : str
        Feature of `watthour.models.Model` without which a meter does not show it.
    """

    name: str
    symbol: str
    unit: str
    meaning: str
    source: str
    needs: str = ""


def _per_phase(name: str, symbol: str, unit: str, meaning: str, source: str) -> tuple[Value, ...]:
    """Return rows for L1, L2, L3; ``{}`` in name and meaning is the phase."""
    return tuple(
        Value(name=name.format(p), symbol=f"{symbol}{n}", unit=unit, meaning=meaning.format(p.upper()), source=source)
        for n, p in enumerate(PHASES, 1)
    )


def _with_total(stem: str, symbol: str, unit_end: str, unit: str, *, meaning: str, total: str, source: str) -> tuple[Value, ...]:
    """Return rows for the three phases and their total."""
    rows = _per_phase(f"{stem}_{{}}{unit_end}", symbol, unit, meaning, source)
    return (*rows, Value(name=f"{stem}{unit_end}", symbol=symbol, unit=unit, meaning=total, source=source))


_IEC_30 = "IEC 61000-4-30, 10/12-cycle window"
_IEEE = "IEEE 1459"
_OURS = "ours"
_DATASHEET = "datasheet"

_MEASURED: tuple[Value, ...] = (
    *_per_phase("voltage_{}_v", "U", "V", "voltage {} to neutral, rms", _IEC_30),
    Value(name="voltage_l12_v", symbol="U12", unit="V", meaning="voltage L1 to L2, rms", source=_IEC_30),
    Value(name="voltage_l23_v", symbol="U23", unit="V", meaning="voltage L2 to L3, rms", source=_IEC_30),
    Value(name="voltage_l31_v", symbol="U31", unit="V", meaning="voltage L3 to L1, rms", source=_IEC_30),
    *_per_phase("current_{}_a", "I", "A", "current {}, rms; 0 below cut-off", _IEC_30),
    Value(name="current_n_a", symbol="In", unit="A", meaning="neutral current, rms of iL1+iL2+iL3", source=_OURS),
    *_with_total("power", "P", "_w", "W", meaning="active power {}, + is import",
                 total="active power, sum of phases", source=_IEEE),
    *_with_total("reactive", "Q", "_var", "var", meaning="reactive power {} of the fundamental, + is inductive import",
                 total="reactive power of the fundamental, sum of phases", source="IEC 62053-24"),
    *_with_total("apparent", "S", "_va", "VA", meaning="apparent power {}, U times I",
                 total="apparent power, S1+S2+S3 (arithmetic)", source=_IEEE),
    *_with_total("power_factor", "PF", "", "1", meaning="power factor {}, P/S with the sign of P",
                 total="power factor, P/S with the sign of P", source=_IEEE),
    *_with_total("cos_phi", "cosφ", "", "1", meaning="displacement factor {} of the fundamental, sign of P",
                 total="displacement factor of the fundamental, sign of P", source=_IEEE),
    Value(name="frequency_hz", symbol="f", unit="Hz", meaning="frequency of the fundamental, 45 to 65 Hz", source=_IEC_30),
    *_per_phase("voltage_angle_{}_deg", "φU", "°", "angle of the fundamental voltage {} against the reference phase", _OURS),
    *_per_phase("current_angle_{}_deg", "φI", "°", "angle of the fundamental current {} against the reference phase", _OURS),
)

_STATE: tuple[Value, ...] = (
    Value(name="active_rate", symbol="T", unit="1", meaning="the rate that counts now, 1 to 8", source=_OURS),
    Value(name="wiring_findings", symbol="W", unit="1", meaning="bits of what the wiring diagnosis finds; 0: nothing", source=_OURS),
    Value(name="seal_open", symbol="L", unit="1", meaning="1 while sealed settings may be changed, else 0", source=_OURS),
    Value(name="storage_fault", symbol="F", unit="1", meaning="1 while the state is not kept as it should be, else 0", source=_OURS),
    Value(name="registers_fresh", symbol="N", unit="1", meaning="1 where the registers began anew because those before were lost, else 0",
          source=_OURS),
    Value(name="calendar_missing", symbol="M", unit="1", meaning="1 while the calendar has no rate for this day, else 0", source=_OURS),
    Value(name="power_fail_count", symbol="Nf", unit="1", meaning="times that the meter went off because all voltages were out", source=_OURS),
    Value(name="operating_time_h", symbol="t", unit="h", meaning="time with voltage on", source="CEM family map"),
    Value(name="partial_operating_time_h", symbol="tp", unit="h", meaning="time with voltage on since the last partial reset",
          source="CEM family map"),
    Value(name="cost_per_kwh", symbol="c", unit="1/kWh", meaning="cost of one kWh, in the owner's currency", source="CEM family map"),
    Value(name="co2_kg_per_kwh", symbol="k", unit="kg/kWh", meaning="CO2 of one kWh", source="CEM family map"),
    Value(name="partial_cost", symbol="C", unit="1", meaning="cost of the partial import", source="CEM family map"),
    Value(name="partial_co2_kg", symbol="K", unit="kg", meaning="CO2 of the partial import", source="CEM family map"),
)



def _demand() -> tuple[Value, ...]:
    """Return the rows of demand: the last, and the highest with its time over all rates and at each."""
    rows = [Value(name="demand_w", symbol="Pd", unit="W", meaning="demand of the last period, mean import power",
                  source="OBIS 1-0:1.5.0")]
    for number, rate in enumerate(("", *RATES)):
        prefix, remark = (f"{rate}_", f", at rate {rate.upper()}") if rate else ("", "")
        rows.append(Value(name=f"{prefix}max_demand_w", symbol="Pmax", unit="W", source=f"OBIS 1-0:1.6.{number}",
                          meaning=f"highest demand since the last closing{remark}"))
        rows.append(Value(name=f"{prefix}max_demand_unix_s", symbol="t", unit="s", source=f"OBIS 1-0:1.6.{number}",
                          meaning=f"end of the period of the highest demand{remark}, seconds since 1970 UTC"))
    return tuple(rows)


_INPUTS: tuple[Value, ...] = tuple(
    Value(name=f"input{n}_{end}", symbol=f"{symbol}{n}", unit="1", meaning=meaning.format(n), source=source, needs="digital_inputs")
    for end, symbol, meaning, source in (
        ("closed", "IN", "contact of input {}, debounced: 1 closed, 0 open", _DATASHEET),
        ("count", "N", "pulses counted at input {}", _DATASHEET),
        ("quantity", "X", "pulses of input {} times their weight, in the unit of its setting", _OURS),
    )
    for n in (1, 2)
)

_OUTPUT: tuple[Value, ...] = (
    Value(name="pulse_output_count", symbol="Np", unit="1", meaning="pulses given by the pulse output", source=_OURS, needs="pulse_outputs"),
    Value(name="pulse_output_pending", symbol="Nq", unit="1", meaning="pulses that the pulse output owes", source=_OURS, needs="pulse_outputs"),
)

_ENERGY_MEANING = {
    "import": ("A+", "active energy, import", "OBIS 1-0:1.8.0"),
    "export": ("A-", "active energy, export", "OBIS 1-0:2.8.0"),
    "q1": ("R1", "reactive energy, quadrant 1 (P+ Q+)", "OBIS 1-0:5.8.0"),
    "q2": ("R2", "reactive energy, quadrant 2 (P- Q+)", "OBIS 1-0:6.8.0"),
    "q3": ("R3", "reactive energy, quadrant 3 (P- Q-)", "OBIS 1-0:7.8.0"),
    "q4": ("R4", "reactive energy, quadrant 4 (P+ Q-)", "OBIS 1-0:8.8.0"),
}

REGISTER_SETS: Mapping[str, str] = MappingProxyType({
    "": "",
    "partial_": "since the last partial reset",
    **{f"{rate}_": f"at rate {rate.upper()}" for rate in RATES},
    **{f"{phase}_": f"of phase {phase.upper()}" for phase in PHASES},
})
"""Prefixes of the register sets of six energies, and what each counts."""


def _energies() -> tuple[Value, ...]:
    rows = []
    for prefix, remark in REGISTER_SETS.items():
        for energy in ENERGIES:
            symbol, meaning, source = _ENERGY_MEANING[energy]
            unit = "Wh" if energy_unit(energy) == "wh" else "varh"
            text = f"{meaning}, {remark}" if remark else meaning
            rows.append(Value(name=energy_name(energy, prefix), symbol=symbol, unit=unit, meaning=text, source=source))
    return tuple(rows)


HIGHEST_ORDER = 50
"""Highest order of a harmonic that is named."""

HARMONIC_ORDERS = range(2, HIGHEST_ORDER + 1)

_IEC_7 = "IEC 61000-4-7, subgroups"
_SEQUENCES = (("positive", "1"), ("negative", "2"), ("zero", "0"))


def _sequences(stem: str, symbol: str, end: str, unit: str) -> tuple[Value, ...]:
    """Return rows for the symmetrical components of a fundamental, and its unbalance."""
    parts = tuple(
        Value(name=f"{stem}_{name}_{end}", symbol=f"{symbol}{n}", unit=unit, source="Fortescue",
              meaning=f"{name} sequence of the fundamental {stem}, rms")
        for name, n in _SEQUENCES
    )
    return (
        *parts,
        Value(name=f"{stem}_unbalance_percent", symbol=f"{symbol.lower()}2", unit="%", source="IEC 61000-4-30",
              meaning=f"unbalance of {stem}: negative over positive sequence"),
        Value(name=f"{stem}_zero_unbalance_percent", symbol=f"{symbol.lower()}0", unit="%", source="IEC 61000-4-30",
              meaning=f"zero sequence unbalance of {stem}: zero over positive sequence"),
    )


_QUALITY: tuple[Value, ...] = (
    *_per_phase("thd_voltage_{}_percent", "THDSU", "%", "subgroup total harmonic distortion of voltage {}, orders 2 to 50", _IEC_7),
    *_per_phase("thd_current_{}_percent", "THDSI", "%", "subgroup total harmonic distortion of current {}, orders 2 to 50", _IEC_7),
    *_per_phase("crest_factor_voltage_{}", "CFU", "1", "crest factor of voltage {}, largest sample over rms", _OURS),
    *_per_phase("crest_factor_current_{}", "CFI", "1", "crest factor of current {}, largest sample over rms", _OURS),
    *_sequences("voltage", "U", "v", "V"),
    *_sequences("current", "I", "a", "A"),
    *_per_phase("undervoltage_{}", "U<", "1", "1 while voltage {} is below 80 % of the nominal voltage, else 0", _OURS),
    *_per_phase("overvoltage_{}", "U>", "1", "1 while voltage {} is above 120 % of the nominal voltage, else 0", _OURS),
    *(row for h in HARMONIC_ORDERS
      for row in _per_phase(f"voltage_{{}}_h{h}_percent", f"U.h{h}.", "%",
                            f"harmonic of order {h} of voltage {{}}, of the fundamental", _IEC_7)),
    *(row for h in HARMONIC_ORDERS
      for row in _per_phase(f"current_{{}}_h{h}_percent", f"I.h{h}.", "%",
                            f"harmonic of order {h} of current {{}}, of the fundamental", _IEC_7)),
)

LATE_NAMES: tuple[str, ...] = tuple(value.name for value in _QUALITY)
"""Values that are found only when somebody asks for one of them."""

VALUES: tuple[Value, ...] = (*_MEASURED, *_STATE, *_demand(), *_INPUTS, *_OUTPUT, *_energies(), *_QUALITY)
"""The nomenclature: every value a meter shows, in the order it is shown, where the model has what it needs."""


VALUE_BY_NAME: Mapping[str, Value] = MappingProxyType({value.name: value for value in VALUES})
"""The same rows by name."""
