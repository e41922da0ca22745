"""The software identification of the program that runs: computed once, from the files of the installed package."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from watthour.errors import StoreError
from watthour.meter.identification import LEGALLY_RELEVANT, is_legally_relevant, software_identification


@cache
def own_identification() -> str:
    """Return the SHA-256 over the legally relevant sources of this installation, in hexadecimal.

    Raises
    ------
    StoreError
        If a part is missing: such an installation can identify nothing.
    """
    sources = dict(_sources(files("watthour"), ""))
    found = {path.split("/")[0].removesuffix(".py") for path in sources}
    missing = sorted(set(LEGALLY_RELEVANT) - found)
    if missing:
        msg = f"the installed package lacks the sources of {', '.join(missing)}: install watthour anew"
        raise StoreError(msg)
    return software_identification(sources)


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            yield from _sources(entry, f"{path}/") if path.split("/", maxsplit=1)[0] in LEGALLY_RELEVANT else ()
        elif is_legally_relevant(path):
            yield path, entry.read_bytes()
