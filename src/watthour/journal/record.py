"""A checked record: one JSON object, and the SHA-256 of its bytes before it.

In: what a meter must keep. Out: bytes, and from bytes the object again, or the reason why they are not to be
believed. Where records are kept is not known here.
"""

import hashlib
import json
from typing import Any

from watthour.errors import DamagedRecordError

MAGIC = b"watthour-state 1 "
_DIGEST_HEX = 64
_HEADER = len(MAGIC) + _DIGEST_HEX + 1


def to_bytes(content: dict[str, Any]) -> bytes:
    """Return a record that holds `content`, which JSON can write."""
    body = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def from_bytes(record: bytes) -> dict[str, Any]:
    """Return what a record holds.

    Raises
    ------
    DamagedRecordError
        If it is no record, of another version, or a byte of it is wrong.
    """
    if not record.startswith(MAGIC) or record[_HEADER - 1 : _HEADER] != b"\n":
        msg = "this is no state of a meter that this version reads"
        raise DamagedRecordError(msg)
    body = record[_HEADER:]
    if hashlib.sha256(body).hexdigest().encode() != record[len(MAGIC) : _HEADER - 1]:
        msg = "its checksum does not agree with its content"
        raise DamagedRecordError(msg)
    content: dict[str, Any] = json.loads(body)
    return content
