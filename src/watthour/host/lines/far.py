"""What a view of a meter is made of behind any bus: its secondary energy, and the bits of its diagnosis in words."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from watthour.units import ENERGIES, Ratio, exact_name
from watthour.view import FindingKind, Number


def secondary_of(exact: Mapping[str, int], ratio: Fraction) -> dict[str, int]:
    """Return the six secondary energies in micro-units, cut off, of a meter that shows the primary ones.

    Parameters
    ----------
    ratio : Fraction
        Of current times voltage transformers, as it is now; energy counted at another one makes the number wrong, never its growth.

    >>> secondary_of({exact_name(energy): 100 for energy in ENERGIES}, Fraction(40))["secondary_import_microwh"]
    2
    """
    return {exact_name(energy, "secondary_"): int(exact[exact_name(energy)] / ratio) for energy in ENERGIES}


def ratio_of(primary: int | Decimal, secondary: int | Decimal) -> Ratio:
    """Return a ratio as its plate prints it, without the decimals that a bus adds.

    >>> str(ratio_of(Decimal("200.0"), Decimal("5.0"))), str(ratio_of(Decimal("62.5"), 5))
    ('200/5', '62.5/5')
    """
    return Ratio(*(Decimal(int(end)) if end == int(end) else Decimal(end).normalize() for end in (primary, secondary)))


def kinds_of(values: Mapping[str, Number]) -> tuple[str, ...]:
    """Return what the meter's own diagnosis found, kind by kind.

    >>> kinds_of({"wiring_findings": 3})
    ('ct reversed: found by the meter itself', 'cts swapped: found by the meter itself')
    """
    word = int(values.get("wiring_findings") or 0)
    return tuple(f"{kind.replace('_', ' ')}: found by the meter itself" for kind in FindingKind if word >> kind.bit & 1)
