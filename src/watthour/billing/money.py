"""Money and the one place where it is rounded; exact quantities written as decimals.

What is multiplied stays an exact fraction; a line becomes cents once, halves away from zero, and sums are sums of cents.
"""

from decimal import Decimal, localcontext
from fractions import Fraction

from watthour.units import steps_half_up

CENT = Decimal("0.01")
_PLACES = 2
_ROOT_DIGITS = 60
"""Of a square root: far below a cent for whatever a meter can count."""


def to_cents(exact: Fraction | Decimal | int) -> Decimal:
    """Return an amount in whole cents, halves away from zero: the rounding of an invoice line.

    >>> to_cents(Fraction("1.94")), to_cents(Fraction(1, 8)), to_cents(Fraction(-1, 8))
    (Decimal('1.94'), Decimal('0.13'), Decimal('-0.13'))
    """
    return Decimal(steps_half_up(exact, _PLACES)).scaleb(-_PLACES)


def rounded(exact: Fraction, places: int) -> Fraction:
    """Return a quantity rounded half up to so many decimals, as an invoice prints it.

    >>> rounded(Fraction("25.094"), 2)
    Fraction(2509, 100)
    """
    return Fraction(steps_half_up(exact, places), 10**places)


def root(exact: Fraction) -> Fraction:
    """Return a square root, good to sixty digits."""
    with localcontext(prec=_ROOT_DIGITS):
        return Fraction((Decimal(exact.numerator) / Decimal(exact.denominator)).sqrt())


def written(exact: Fraction | Decimal | int, places: int = 6) -> str:
    """Return a number in decimals, rounded half up, without zeros that say nothing.

    >>> written(Fraction("25.090000")), written(Fraction(1, 3), 4), written(1200)
    ('25.09', '0.3333', '1200')
    """
    steps = steps_half_up(exact, places)
    text = f"{Decimal(steps).scaleb(-places):f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
