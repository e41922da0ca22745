"""Opening a network file as a source, with the faults of a script laid over it.

In: paths and the transformers of the meter. Out: a source of samples or of seconds; or one line that names the file,
the line and what to write instead.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watthour.host.toml_files import check_toml, read_toml
from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource, PhasorSource, PlantScript, with_plant_faults


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFile:
    """A network file, read.

    Parameters
    ----------
    network : Network
        With the faults of the script, if there is one.
    name : str
        The file as the user named it.
    identity : str
        SHA-256 of its bytes; with a script, of both files' bytes.
    """

    network: Network
    name: str
    identity: str


def read_network(path: Path, *, faults: Path | None = None) -> NetworkFile:
    """Return what a network file describes.

    Parameters
    ----------
    path : Path
        Of a ``network.toml``; messages call it as given.
    faults : Path, optional
        Of a fault script, whose ``[[plant]]`` rows are added.

    Raises
    ------
    ConfigError
        If a file cannot be read, or describes no possible installation.
    """
    content = read_toml(path)
    network = check_toml(str(path), content, Network)
    if faults is None:
        return NetworkFile(network=network, name=str(path), identity=hashlib.sha256(content).hexdigest())
    script = read_toml(faults)
    network = with_plant_faults(network, check_toml(str(faults), script, PlantScript).plant)
    both = b"".join(len(part).to_bytes(8, "big") + part for part in (content, script))
    return NetworkFile(network=network, name=str(path), identity=hashlib.sha256(both).hexdigest())


def open_network(path: Path, *, ct: Ratio, vt: Ratio, start_ns: int | None = None, faults: Path | None = None) -> NetworkSource:
    """Return a simulated installation as a source of samples.

    Parameters
    ----------
    path, faults
        As `read_network` takes them.
    ct, vt : Ratio
        Between the installation and the meter's terminals.
    start_ns : int, optional
        Instant of sample 0, where the meter's config says it.

    Raises
    ------
    ConfigError
        If a file cannot be read, or describes no possible installation.
    """
    return NetworkSource(**_arguments(read_network(path, faults=faults)), ct=ct, vt=vt, start_ns=start_ns)


def open_phasors(path: Path, *, ct: Ratio, vt: Ratio, start_ns: int | None = None, faults: Path | None = None) -> PhasorSource:
    """Return a simulated installation as a source of seconds; all else is as with `open_network`.

    Its identity is another one: a place in it is a second, not a sample.
    """
    arguments = _arguments(read_network(path, faults=faults))
    by_the_second = hashlib.sha256(f"by the second: {arguments['identity']}".encode()).hexdigest()
    return PhasorSource(**{**arguments, "identity": by_the_second}, ct=ct, vt=vt, start_ns=start_ns)


def _arguments(file: NetworkFile) -> dict[str, Any]:
    return {"network": file.network, "name": file.name, "identity": file.identity}
