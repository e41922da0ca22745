"""Words that do not belong into a configuration: from the environment, or from a file of their own."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from watthour.errors import UsageError


class SecretTable(BaseModel):
    """``{ env = "NAME" }`` or ``{ file = "PATH" }``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: Annotated[str, Field(min_length=1)] | None = None
    file: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> "SecretTable":
        if (self.env is None) == (self.file is None):
            msg = 'write { env = "NAME" } or { file = "PATH" }'
            raise ValueError(msg)
        return self


Word = SecretTable | str
"""A word as it is, or where it is."""


def plain(word: Word, folder: Path) -> str:
    """Return a word itself.

    Raises
    ------
    UsageError
        If it is not where the configuration says.
    """
    if isinstance(word, str):
        return word
    if word.env is not None:
        found = os.environ.get(word.env)
        if found is None:
            msg = f"the environment variable {word.env} is not set; the configuration takes a word from it"
            raise UsageError(msg)
        return found
    path = folder / str(word.file)
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as problem:
        msg = f"{path}: cannot be read ({getattr(problem, 'strerror', None) or 'no UTF-8'}); the configuration takes a word from it"
        raise UsageError(msg) from None
