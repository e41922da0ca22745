"""Numbers as an instrument shows them: a register of seven digits, a quantity of five with the prefix that fits."""

from watthour.units import REGISTER_MODULUS

COUNTER_DIGITS = 7
"""Of an energy register: the largest is 4 294 967 kWh (datasheet)."""

OVERFLOW = "OF"
"""Shown where a number has more digits than there are places."""

_MOST_DECIMALS = 3
"""A register counts whole watt-hours."""
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_DIGITS = 5


def counter(energy: int) -> str:
    """Return a register in thousands of its unit, with as many decimals as seven digits leave room for.

    It is cut off, not rounded: a counter shows what has passed. It rolls over as the register does.

    >>> counter(12_345), counter(12_345_678), counter(4_294_967_295), counter(2**32)
    ('0012.345', '12345.67', '4294967', '0000.000')
    """
    shown = energy % REGISTER_MODULUS
    whole = str(shown // 1000)
    decimals = min(_MOST_DECIMALS, COUNTER_DIGITS - len(whole))
    rest = f"{shown % 1000:03d}"[:decimals]
    return f"{whole.zfill(COUNTER_DIGITS - decimals)}{'.' if rest else ''}{rest}"


def ranged(value: float) -> tuple[str, str]:
    """Return a quantity with five digits, and the prefix of its unit.

    >>> ranged(63_590_000.0), ranged(0.0), ranged(-4.2), ranged(999.9999)
    (('63.590', 'M'), ('0.0000', ''), ('-4.2000', ''), ('1.0000', 'k'))
    """
    value = float(f"{value:.{_DIGITS - 1}e}")  # rounded first: 999.9999 V is 1.0000 kV
    factor, prefix = next(((f, p) for f, p in _PREFIXES if abs(value) >= f), (1.0, ""))
    scaled = value / factor
    whole = len(str(int(abs(scaled))))
    return f"{scaled:.{max(0, _DIGITS - whole)}f}", prefix


def fitted(value: float, decimals: int, places: int) -> str:
    """Return a number with so many decimals, or as many as the places leave room for; `OVERFLOW` where even the whole does not fit.

    >>> fitted(49.98765, 3, 8), fitted(-123456.78, 3, 8), fitted(1e9, 1, 8)
    ('49.988', '-123456.8', 'OF')
    """
    for kept in range(decimals, -1, -1):
        text = f"{value:.{kept}f}"
        if len(text.replace(".", "")) <= places:
            return text
    return OVERFLOW
