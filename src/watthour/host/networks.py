"""Opening a network file as a source of samples.

In: a path and the transformers of the meter. Out: a source; or one line that names the file, the line and what
to write instead.
"""

import hashlib
from pathlib import Path

from watthour.host.toml_files import check_toml, read_toml
from watthour.units import Ratio
from watthour.waveform.network import Network, NetworkSource
from watthour.waveform.source import Source


def open_network(path: Path, *, ct: Ratio, vt: Ratio) -> Source:
    """Return a simulated installation as a source of samples.

    Parameters
    ----------
    path : Path
        Of a ``network.toml``; messages call it as given.
    ct, vt : Ratio
        Between the installation and the meter's terminals.

    Raises
    ------
    ConfigError
        If the file cannot be read, or describes no possible installation.
    """
    content = read_toml(path)
    network = check_toml(str(path), content, Network)
    identity = hashlib.sha256(content).hexdigest()
    return NetworkSource(network, name=str(path), identity=identity, ct=ct, vt=vt)
