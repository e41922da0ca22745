"""What opens the seal: never kept itself, only as a slow salted hash, and slower with each wrong attempt.

scrypt (RFC 7914) with N = 2^14, r = 8, p = 1: some 16 MB and 50 ms an attempt.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace

_SALT_BYTES = 16
_COST, _BLOCK, _PARALLEL = 2**14, 8, 1
_FREE_ATTEMPTS = 3
_LONGEST_DELAY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SealSecret:
    """A secret's hash.

    Parameters
    ----------
    salt, digest : str
        Hexadecimal.
    wrong_attempts : int
        Since the last right one.
    """

    salt: str
    digest: str
    wrong_attempts: int = 0


def secret_of(text: str) -> SealSecret:
    """Return the hash of a new secret, with a salt of its own."""
    salt = secrets.token_hex(_SALT_BYTES)
    return SealSecret(salt=salt, digest=_digest(text, salt))


def is_right(secret: SealSecret, text: str) -> bool:
    """Tell whether a text is the secret; it takes a moment on purpose."""
    return hmac.compare_digest(secret.digest, _digest(text, secret.salt))


def after_attempt(secret: SealSecret, *, right: bool) -> SealSecret:
    """Return the secret with an attempt counted."""
    return replace(secret, wrong_attempts=0 if right else secret.wrong_attempts + 1)


def delay_s(secret: SealSecret) -> float:
    """Return how long to wait before the next attempt is looked at: nothing for some, then twice as long each time.

    >>> [delay_s(SealSecret(salt="", digest="", wrong_attempts=n)) for n in (0, 2, 3, 4, 5, 99)]
    [0.0, 0.0, 1.0, 2.0, 4.0, 60.0]
    """
    beyond = secret.wrong_attempts - _FREE_ATTEMPTS
    return 0.0 if beyond < 0 else min(2.0 ** min(beyond, 32), _LONGEST_DELAY_S)


def _digest(text: str, salt: str) -> str:
    return hashlib.scrypt(text.encode(), salt=bytes.fromhex(salt), n=_COST, r=_BLOCK, p=_PARALLEL).hex()
