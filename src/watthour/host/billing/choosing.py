"""Which meter or place is meant, where readings are of several."""

from collections.abc import Sequence
from typing import Literal, TypeVar

from watthour.errors import ReadingsError

Name = TypeVar("Name", int, str)

_SHOWN = 10
_WORDS = {"serial": "meter", "place": "place"}


def chosen(where: str, known: Sequence[Name], wanted: Name | None, what: Literal["serial", "place"]) -> Name:
    """Return the one that is wanted, or the only one.

    Raises
    ------
    ReadingsError
        If there is none of that name, or several and none is named; it names those there are.
    """
    if wanted is None and len(known) == 1:
        return known[0]
    if wanted is None or wanted not in known:
        noun = _WORDS[what]
        told = f"no {noun} {wanted}" if wanted is not None else f"several {noun}s" if known else f"no {noun}"
        shown = ", ".join(str(each) for each in sorted(known)[:_SHOWN]) + (" …" if len(known) > _SHOWN else "") or "none yet"
        msg = f"{where}: {told}; name one with --{what}, or {what} = in the contract: {shown}"
        raise ReadingsError(msg)
    return wanted
