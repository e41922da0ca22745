"""Software identification: one SHA-256 that stands for every line of the legally relevant part.

In: the sources of `LEGALLY_RELEVANT` parts, by their path below the package. Out: 64 hexadecimal digits that display,
buses, event log and type test show. Reading files is others' work.

The manifest is that of ``sha256sum``, one line ``DIGEST  PATH`` a file, sorted by the bytes of the path, ``/`` between
folders, line ends as LF; its SHA-256 is the identification. So anybody can find it without this program::

    cd src/watthour
    find errors.py ... registers -name '*.py' | LC_ALL=C sort | xargs sha256sum | sha256sum
"""

import hashlib
from collections.abc import Mapping

LEGALLY_RELEVANT = (
    "errors", "history", "journal", "meter", "metrology", "models", "parameters", "pulses", "registers", "samples", "tariff", "units", "view",
)  # fmt: skip
"""`meter`, and all that it may import: modules and folders of the package."""


def is_legally_relevant(path: str) -> bool:
    """Say whether a source belongs to it.

    >>> is_legally_relevant("meter/state.py"), is_legally_relevant("units.py"), is_legally_relevant("host/config.py")
    (True, True, False)
    """
    return path.endswith(".py") and path.split("/", maxsplit=1)[0].removesuffix(".py") in LEGALLY_RELEVANT


def software_identification(sources: Mapping[str, bytes]) -> str:
    """Return the software identification.

    Parameters
    ----------
    sources : mapping of str to bytes
        Content by path below the package, such as ``meter/state.py``; what is not legally relevant is passed over.
    """
    relevant = sorted(path.encode() for path in sources if is_legally_relevant(path))
    manifest = "".join(f"{_digest(sources[path.decode()])}  {path.decode()}\n" for path in relevant)
    return _digest(manifest.encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
