"""A recording on disk as a source: each pass over its blocks opens the file anew and closes it after.

In: a track and the way to read its rows. Out: the blocks of `watthour.waveform.source.Source`. One chunk of the
file is in memory at a time, however long it is.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from watthour.errors import RecordingError
from watthour.samples import Block
from watthour.waveform.track import Chunk, Track, blocks_of

ReadRows = Callable[[BinaryIO, int], Iterator[Chunk]]
"""Rows of an open file from the given one on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Samples of a file, from any position, any number of times.

    Parameters
    ----------
    identity : str
        SHA-256 of its header, the first bytes of its samples and its size: the same file after a restart, whatever
        its name, channels or scale.
    path : Path
        Where the samples are.
    """

    name: str
    identity: str
    start_ns: int | None
    remarks: tuple[str, ...]
    sample_type: str
    path: Path
    track: Track
    read_rows: ReadRows

    @property
    def rate_hz(self) -> float:
        """Samples per second of the first block."""
        return self.track.stretches[0].rate_hz

    @property
    def samples(self) -> int:
        """How many samples there are; those that a gap left out are not counted."""
        return self.track.rows

    def blocks(self, first_sample: int = 0) -> Iterator[Block]:
        """Yield the samples from `first_sample` on; a jump of `Block.first_sample` between blocks is a gap.

        Raises
        ------
        RecordingError, SampleError
            Naming file, place and remedy.
        """
        first_row = 0 if self.track.has_stamps else min(first_sample, self.samples)
        try:
            with self.path.open("rb") as data:
                yield from blocks_of(self.track, self.read_rows(data, first_row), first_sample)
        except OSError as error:
            raise unreadable(str(self.path), error) from None


def unreadable(file: str, error: OSError) -> RecordingError:
    """Return what a user is told when a file cannot be opened or read."""
    remedies = {
        FileNotFoundError: "there is no such file: check the path",
        IsADirectoryError: "this is a directory: name the recording in it",
        PermissionError: "it may not be read: check its permissions",
    }
    return RecordingError(file, remedies.get(type(error), f"it cannot be read ({error.strerror or error})"))
