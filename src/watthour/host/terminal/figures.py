"""Numbers as people read them: a few digits, a prefix, a unit, and a dash for what is not known."""

from watthour.face import ranged
from watthour.view import Number

UNKNOWN = "-"


def figure(value: Number, unit: str) -> str:
    """Return a value with five digits and a prefix.

    >>> figure(63_590_000.0, "W"), figure(0.0, "A"), figure(None, "Hz"), figure(-4.2, "A")
    ('63.590 MW', '0.0000 A', '-', '-4.2000 A')
    """
    if value is None:
        return UNKNOWN
    digits, prefix = ranged(float(value))
    return f"{digits} {prefix}{unit}"


def factor(value: Number) -> str:
    """Return a power factor or cos phi.

    >>> factor(-0.9312), factor(None)
    ('-0.931', '-')
    """
    return UNKNOWN if value is None else f"{value:.3f}"


def energy(value: Number) -> str:
    """Return a register in thousands of its unit.

    >>> energy(4_294_967_295)
    '4 294 967.295'
    """
    if value is None:
        return UNKNOWN
    whole, rest = divmod(int(value), 1000)
    return f"{f'{whole:,}'.replace(',', ' ')}.{rest:03d}"


def elapsed(seconds: float) -> str:
    """Return a duration in hours, minutes and seconds.

    >>> elapsed(3725.25)
    '1:02:05.2'
    """
    tenths = int(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{tenths // 10:02d}.{tenths % 10}"
