"""The secret of the seal from whoever has it: a file, the environment, a terminal without echo, or standard input.

It is never an argument: those are seen by every user of the machine.
"""

import getpass
import os
import sys
from pathlib import Path

from watthour.errors import UsageError

VARIABLE = "WATTHOUR_SEAL_SECRET"


def known_secret(file: Path | None = None) -> str:
    """Return the secret that somebody says he knows.

    Raises
    ------
    UsageError
        If there is none, or the file cannot be read.
    """
    given = _given(file)
    return getpass.getpass("secret of the seal: ") if given is None else given


def new_secret(file: Path | None = None) -> str:
    """Return a new secret; from a terminal asked for twice.

    Raises
    ------
    UsageError
        If there is none, the file cannot be read, or it was typed differently the second time.
    """
    given = _given(file)
    if given is not None:
        return given
    first = getpass.getpass("new secret for the seal: ")
    if getpass.getpass("the same again: ") != first:
        msg = "the two secrets differ: nothing was sealed"
        raise UsageError(msg)
    return first


def _given(file: Path | None) -> str | None:
    """Return the secret of a file, the environment or standard input; None where a terminal is to be asked."""
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeError) as problem:
            msg = f"{file}: no secret can be read from it ({getattr(problem, 'strerror', None) or problem})"
            raise UsageError(msg) from None
        return _required(lines[0] if lines else "", str(file))
    if VARIABLE in os.environ:
        return _required(os.environ[VARIABLE], VARIABLE)
    if sys.stdin is not None and sys.stdin.isatty():
        return None
    return _required("" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n"), "standard input")


def _required(secret: str, place: str) -> str:
    if not secret:
        msg = f"{place}: no secret there: give it on a terminal, in --secret-file, in {VARIABLE}, or on standard input"
        raise UsageError(msg)
    return secret
