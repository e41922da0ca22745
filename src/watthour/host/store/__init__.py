"""Where a meter's state is kept: one directory a meter, owned by one process."""

from watthour.host.store.directory import DataDirectory, Kept, Taken

__all__ = ["DataDirectory", "Kept", "Taken"]
