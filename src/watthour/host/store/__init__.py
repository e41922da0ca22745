"""Where a meter's state is kept: one directory a meter, two complete files in it, owned by one process."""

from watthour.host.store.directory import DataDirectory, Found
from watthour.host.store.kept import Kept, Taken

__all__ = ["DataDirectory", "Found", "Kept", "Taken"]
