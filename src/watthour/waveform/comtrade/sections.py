"""The single-file form ``.cff``: where its header is and where its samples begin.

In: an open binary object. Out: the header's bytes and the place of the samples (C37.111-2013, clause 9). The
samples are the last section, as the standard orders them.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

from watthour.errors import RecordingError

_TITLE = re.compile(rb"(?:\xef\xbb\xbf)?\s*-+\s*file type:\s*(\w+)(?:\s+(\w+))?\s*(?::\s*(\d+))?\s*-+\s*", re.IGNORECASE)
_LONGEST_LINE = 1 << 16
_LONGEST_HEADER = 1 << 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Sections:
    """What a ``.cff`` holds.

    Parameters
    ----------
    is_text : bool
        The samples' title says ASCII.
    offset : int
        First byte of the samples.
    length : int or None
        How many bytes the title promises, where it says so.
    """

    header: bytes
    is_text: bool
    offset: int
    length: int | None


def read_sections(file: str, data: BinaryIO) -> Sections:
    """Return the sections of a ``.cff``.

    Raises
    ------
    RecordingError
        If there is no header followed by samples.
    """
    sections: dict[str, list[bytes]] = {}
    name = ""
    while (line := data.readline(_LONGEST_LINE)) and data.tell() < _LONGEST_HEADER:
        title = _TITLE.fullmatch(line)
        if title is None:
            sections.setdefault(name, []).append(line)
            continue
        name = title.group(1).decode().upper()
        if name == "DAT" and "CFG" in sections:
            return Sections(
                header=b"".join(sections["CFG"]),
                is_text=(title.group(2) or b"").upper() == b"ASCII",
                offset=data.tell(),
                length=int(title.group(3)) if title.group(3) else None,
            )
    missing = "--- file type: DAT" if "CFG" in sections else "--- file type: CFG ---"
    raise RecordingError(file, f"there is no line {missing!r}: this is no whole .cff recording")
