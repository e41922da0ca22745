"""WAV and FLAC recordings: interleaved numbers at a rate, without names, units or time.

In: an open binary object. Out: channels by number, a track and chunks of rows. Integers stay integers: a step is
one unit of the file's own 8, 16, 24 or 32 bits. libsndfile decodes; what it left-justifies is shifted back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from watthour.errors import RecordingError
from watthour.waveform.channels import Channel
from watthour.waveform.finite import require_finite
from watthour.waveform.interleaved import planar
from watthour.waveform.scaling import Scaling
from watthour.waveform.stamps import Clock
from watthour.waveform.track import Chunk, Stretch, Track, require_rate

_CHUNK_BYTES = 1 << 20
_LONGEST = 1 << 62
"""More frames are no length but libsndfile's word for an unknown one."""

_ROUNDING_HZ = 0.5
"""A header holds whole samples per second; the rate it stands for may lie this far off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How numbers are asked for, and by how many bits they are left-justified then."""

    dtype: str
    shift: int = 0


ENCODINGS: Mapping[str, Encoding] = {
    "PCM_S8": Encoding(dtype="int16", shift=8),
    "PCM_U8": Encoding(dtype="int16", shift=8),
    "PCM_16": Encoding(dtype="int16"),
    "PCM_24": Encoding(dtype="int32", shift=8),
    "PCM_32": Encoding(dtype="int32"),
    "FLOAT": Encoding(dtype="float32"),
    "DOUBLE": Encoding(dtype="float64"),
}
"""By libsndfile's names; any other encoding is lossy, and refused."""

_CONTAINERS = {"WAV", "WAVEX", "RF64", "FLAC"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundHeader:
    """What a sound file says of itself; `promised` frames, of which `frames` can be read."""

    channels: tuple[Channel, ...]
    rate_hz: float
    promised: int
    frames: int
    encoding: Encoding

    @property
    def is_integer(self) -> bool:
        """Whether its numbers are integers, and so without a physical unit."""
        return self.encoding.dtype.startswith("int")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Where the frames are and how they are read."""

    track: Track
    encoding: Encoding
    remarks: tuple[str, ...]


def read_sound_header(file: str, data: BinaryIO) -> SoundHeader:
    """Return the header of a WAV or FLAC.

    Raises
    ------
    RecordingError
        If it is neither, is lossy, or does not say how long it is.
    """
    with _opened(file, data) as sound:
        encoding = ENCODINGS.get(sound.subtype)
        if sound.format not in _CONTAINERS or encoding is None:
            what = f"{sound.format} with {sound.subtype}"
            raise RecordingError(file, f"it holds {what}, which is no WAV or FLAC of plain samples: save it as PCM or float")
        frames = sound.frames
        if frames > _LONGEST:
            raise RecordingError(file, "its header does not say how many samples there are: encode it again from a file")
        channels = tuple(Channel(number=k, name="") for k in range(1, sound.channels + 1))
        rate_hz = float(sound.samplerate)
        promised = max(frames, _promised(data, sound.channels * _bytes_of(sound.subtype)))
    return SoundHeader(
        channels=channels, rate_hz=rate_hz, promised=promised, frames=_readable(file, data, frames), encoding=encoding
    )


def open_sound(file: str, header: SoundHeader, six: Sequence[Channel], *, scaling: Scaling, rate_hz: float | None) -> Sound:
    """Return how to read the frames below a header.

    Raises
    ------
    RecordingError, SampleError
        If there is no whole frame, the rate is too low, or `rate_hz` contradicts the header.
    """
    if not header.frames:
        raise RecordingError(file, "there is not one whole sample in it: record again or name another file")
    if rate_hz is not None and abs(rate_hz - header.rate_hz) > _ROUNDING_HZ:
        raise RecordingError(file, f"its header says {header.rate_hz:g} samples/s, rate_hz says {rate_hz:g}: drop rate_hz")
    found_hz = require_rate(file, header.rate_hz if rate_hz is None else rate_hz)
    track = Track(
        file=file,
        channels=tuple(six),
        scaling=scaling,
        stretches=(Stretch(first_row=0, end_row=header.frames, rate_hz=found_hz),),
        clock=Clock(tick_s=1.0, wrap=None, is_integer=False),
    )
    remarks: tuple[str, ...] = ()
    if header.frames < header.promised:
        whole = f"{header.frames} of the {header.promised} samples that its header promises are whole"
        remarks = (f"{file}: truncated: {whole}; metered to the last of them",)
    return Sound(track=track, encoding=header.encoding, remarks=remarks)


def sound_chunks(sound: Sound, data: BinaryIO, first_row: int) -> Iterator[Chunk]:
    """Yield the frames from `first_row` on.

    Raises
    ------
    RecordingError, SampleError
        Naming the sample at which the file is damaged, or a float that is no number.
    """
    track, encoding = sound.track, sound.encoding
    columns = [channel.number - 1 for channel in track.channels]
    with _opened(track.file, data) as reader:
        at_once = max(1, _CHUNK_BYTES // (reader.channels * np.dtype(encoding.dtype).itemsize))
        _seek(track, reader, first_row)
        for row in range(first_row, track.rows, at_once):
            count = min(at_once, track.rows - row)
            samples = planar(_frames(track, reader, row, count, encoding), columns)
            if encoding.dtype.startswith("float"):
                require_finite(track, row, cast("NDArray[np.floating[Any]]", samples))
            yield Chunk(first_row=row, samples=samples)


def _opened(file: str, data: BinaryIO) -> "soundfile.SoundFile":
    data.seek(0)
    try:
        return soundfile.SoundFile(data)
    except soundfile.LibsndfileError as error:
        raise RecordingError(file, f"it cannot be decoded ({_reason(error)}): save it again as WAV or FLAC") from None


def _reason(error: "soundfile.LibsndfileError") -> str:
    return str(error.error_string).strip().rstrip(".").casefold()


def _seek(track: Track, reader: "soundfile.SoundFile", row: int) -> None:
    try:
        reader.seek(row)
    except soundfile.LibsndfileError as error:
        raise _damaged(track, row, error) from None


def _frames(track: Track, reader: "soundfile.SoundFile", row: int, count: int, encoding: Encoding) -> NDArray[np.generic]:
    """Return `count` frames, shape (count, channels), in the file's own steps."""
    try:
        frames = reader.read(count, dtype=encoding.dtype, always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _damaged(track, row, error) from None
    if len(frames) < count:
        raise RecordingError(track.file, f"{track.place(row)}: the file became shorter while it was read: run it again")
    return cast("NDArray[np.generic]", frames >> encoding.shift if encoding.shift else frames)


def _damaged(track: Track, row: int, error: "soundfile.LibsndfileError") -> RecordingError:
    return RecordingError(
        track.file, f"it is damaged at or after {track.place(row)} ({_reason(error)}): cut the recording there"
    )


def _readable(file: str, data: BinaryIO, frames: int) -> int:
    """Return how many frames can be read: all, unless the file was cut off; found by halving."""
    if not frames or _reaches(file, data, frames - 1):
        return frames
    low, high = 0, frames - 1  # low frames can be read, frame `high` cannot
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if _reaches(file, data, middle) else (low, middle)
    return low


def _reaches(file: str, data: BinaryIO, frame: int) -> bool:
    """Tell whether a frame can be decoded; each question opens anew, since a failed seek is never forgotten."""
    with _opened(file, data) as sound:
        try:
            sound.seek(frame)
            return len(sound.read(1, dtype="int32")) == 1
        except soundfile.LibsndfileError:
            return False


def _bytes_of(subtype: str) -> int:
    return {"PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}[subtype]


def _promised(data: BinaryIO, frame_bytes: int) -> int:
    """Return the frames that a WAV's ``data`` chunk promises; 0 where there is none, or it does not know."""
    data.seek(0)
    if data.read(12)[:4] != b"RIFF":
        return 0
    while len(head := data.read(8)) == 8:  # noqa: PLR2004 - name and size of a chunk
        size = int.from_bytes(head[4:], "little")
        if head[:4] == b"data":
            return 0 if size >= 0xFFFFFFFF - frame_bytes else size // frame_bytes
        data.seek(size + size % 2, 1)
    return 0
