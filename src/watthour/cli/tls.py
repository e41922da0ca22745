"""``watthour tls``: certificates for a first try of Modbus/TCP Security."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watthour.errors import UsageError

tls = App(name="tls", help="Certificates for a first try of Modbus in TLS.")


@tls.command
def init(
    directory: Path,
    /,
    *,
    host: Annotated[list[str] | None, Parameter(negative="")] = None,
    role: Annotated[list[str] | None, Parameter(negative="")] = None,
) -> None:
    """Make a CA, a station's certificate, and one for a client of each role.

    Parameters
    ----------
    directory
        Where to write them; what is there is not written over.
    host
        Name or address by which clients reach the station; may be repeated. Else 127.0.0.1, ::1 and localhost.
    role
        Role of a client; may be repeated. Else reader, operator and engineer.
    """
    from watthour.host.certificates import make_ca, make_certificate  # noqa: PLC0415 - cryptography takes a while

    hosts = host or ["127.0.0.1", "::1", "localhost"]
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        msg = f"{directory}: {problem.strerror or problem}"
        raise UsageError(msg) from None
    ca = make_ca()
    files = [ca.write(directory, "ca"), make_certificate(ca, "watthour station", hosts=hosts).write(directory, "station")]
    roles = role or ["reader", "operator", "engineer"]
    files += [make_certificate(ca, name, role=name).write(directory, _file_of(name)) for name in roles]
    sys.stdout.write("".join(f"{certificate}\n{key}\n" for certificate, key in files))


@tls.command
def client(directory: Path, name: str, /, *, role: str | None = None) -> None:
    """Make a certificate for another client, signed by the CA in a directory.

    Parameters
    ----------
    directory
        Where ca.pem and ca.key are.
    name
        What to call the client, and the files.
    role
        Its role; without one a station lets it do nothing.
    """
    from watthour.host.certificates import make_certificate, read_ca  # noqa: PLC0415 - cryptography takes a while

    certificate, key = make_certificate(read_ca(directory), name, role=role).write(directory, _file_of(name))
    sys.stdout.write(f"{certificate}\n{key}\n")


def _file_of(name: str) -> str:
    """Return the name of a file for a client."""
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or name.startswith("."):
        msg = f"{name!r}: a name that is a file's too has letters, digits, - _ . alone"
        raise UsageError(msg)
    return name
