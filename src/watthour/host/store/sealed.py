"""What is under the seal, in words that events hold and a check compares.

In: settings and how the source is read. Out: names and values as text, the same for the same meter always.
"""

import hashlib
import json
from collections.abc import Mapping

from watthour.host.store.secret import SealSecret
from watthour.parameters import DEFAULTS, PARAMETERS, Setting

ALWAYS = frozenset({"model", "serial", "ct", "vt"})
"""Told even where they have their defaults."""
SEALED = frozenset(row.name for row in PARAMETERS if row.sealed)
SOURCE_WORDS = ("source_channels", "source_values", "source_scale", "source_rate_hz")
"""How a source is read: under the seal like a setting."""
CALENDAR_CONTENT = "calendar_sha256"
"""What the file of the calendar holds; the name of that file is a setting."""
_PRINT_DIGITS = 16


def sealed_values(settings: Mapping[str, Setting], words: Mapping[str, str]) -> dict[str, str]:
    """Return what is under the seal: each sealed setting that is not its default, `ALWAYS`, and the words beside the settings."""
    told = {name: str(settings[name]) for name in sorted(SEALED) if name in ALWAYS or settings[name] != DEFAULTS[name]}
    return {**told, **words}


def as_text(values: Mapping[str, str]) -> str:
    """Return such values as the detail of an event."""
    return json.dumps(dict(values), sort_keys=True)


def from_text(text: str) -> dict[str, str]:
    """Return the values of `as_text`; raise ValueError where it is none."""
    values = json.loads(text)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        msg = f"{text!r} are no sealed values"
        raise ValueError(msg)
    return values


def print_of(secret: SealSecret | None) -> str:
    """Return what tells one secret from another without helping to find it: of its salted hash the hash; empty for none."""
    return "" if secret is None else hashlib.sha256(f"{secret.salt} {secret.digest}".encode()).hexdigest()[:_PRINT_DIGITS]
