"""Checked records: bytes that say for themselves whether they are still what was written.

In: what a meter must keep. Out: bytes, and from bytes the content again, or the reason why they are not to be
believed. A state is one record; what only grows (events, profile) is rows, each a record of its own that knows its
series and its number, so that one cannot stand in for another. Where records are kept is not known here.
"""

import hashlib
import json
from typing import Any

import orjson

from watthour.errors import DamagedRecordError

MAGIC = b"watthour-state 1 "
_DIGEST_HEX = 64
_HEADER = len(MAGIC) + _DIGEST_HEX + 1
_DIGEST = hashlib.sha256().digest_size


def to_bytes(content: dict[str, Any]) -> bytes:
    """Return a record that holds `content`, which JSON can write."""
    body = _body(content)
    return MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _body(content: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # it holds an integer of more than 64 bits
        return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()


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


def row_to_bytes(series: str, number: int, body: bytes) -> bytes:
    """Return row `number` of a series: SHA-256 over series, number and body, then the body."""
    return _row_digest(series, number, body) + body


def row_from_bytes(series: str, number: int, row: bytes) -> bytes:
    """Return the body of row `number` of a series.

    Raises
    ------
    DamagedRecordError
        If a byte of it is wrong, or it is the row of another place.
    """
    digest, body = row[:_DIGEST], row[_DIGEST:]
    if digest != _row_digest(series, number, body):
        msg = f"row {number} of {series}: its checksum does not agree with its content"
        raise DamagedRecordError(msg)
    return body


def _row_digest(series: str, number: int, body: bytes) -> bytes:
    return hashlib.sha256(f"{series} {number}\n".encode() + body).digest()
