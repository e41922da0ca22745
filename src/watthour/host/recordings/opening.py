"""Opening a recording: the file a user named, and those that belong to it.

In: a path and what the user says of its numbers. Out: a `Recording`, or one line naming file, place and remedy.
What the bytes mean is decided in `watthour.waveform`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from watthour.errors import RecordingError
from watthour.host.recordings.recording import Recording, unreadable
from watthour.units import Ratio
from watthour.waveform.channels import TERMINALS, Channel, Side, choose_channels
from watthour.waveform.comtrade import Configuration, chunks_of, open_data, read_configuration, read_sections
from watthour.waveform.scaling import Scaling, require_scale, scaling_of
from watthour.waveform.table import open_table, read_header, table_chunks

_LARGEST_HEADER = 1 << 24
_HASHED_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What the user says of a recording."""

    channels: Sequence[str | int] | None
    values: Side | None
    ct: Ratio
    vt: Ratio
    scale: Sequence[float] | None
    rate_hz: float | None

    def six(self, file: str, channels: Sequence[Channel]) -> tuple[tuple[Channel, ...], Scaling, tuple[str, ...]]:
        """Return the six channels, their factors, and remarks."""
        six = choose_channels(file, channels, self.channels)
        scaling, remarks = scaling_of(file, six, values=self.values, ct=self.ct, vt=self.vt, scale=self.scale)
        return six, scaling, remarks


def open_recording(
    path: Path,
    *,
    channels: Sequence[str | int] | None,
    values: Side | None,
    ct: Ratio,
    vt: Ratio,
    scale: Sequence[float] | None = None,
    rate_hz: float | None = None,
) -> Recording:
    """Open a recording as a source of samples at the meter's terminals.

    Parameters
    ----------
    path : Path
        A ``.cfg`` with its ``.dat`` beside it, a ``.cff``, ``.csv``, ``.wav``, ``.flac`` or ``.parquet``; the case of
        the extension does not matter.
    channels : sequence of str or int, optional
        V1, V2, V3, I1, I2, I3 by name or by number from 1 (digits are a number). Without it the six must be plain
        from their names or units.
    values : ``primary``, ``secondary`` or None
        What the numbers of the file are; None: what the file says, else secondary.
    ct, vt : Ratio
        The transformers before the meter, by which primary values are divided.
    scale : six floats, optional
        Volts or amperes per step, instead of the file's own; WAV, FLAC and Parquet with integers need it.
    rate_hz : float, optional
        Samples per second where the file does not say.

    Raises
    ------
    RecordingError, SampleError
        One line naming file, place and remedy.
    """
    wish = _Wish(channels=channels, values=values, ct=ct, vt=vt, scale=scale, rate_hz=rate_hz)
    openers = {
        ".cfg": _open_pair,
        ".cff": _open_single,
        ".csv": _open_csv,
        ".wav": _open_sound,
        ".flac": _open_sound,
        ".parquet": _open_parquet,
    }
    try:
        if path.is_dir():
            raise IsADirectoryError
        opener = openers.get(path.suffix.lower())
        if opener is None:
            path.open("rb").close()
            known = "a .cfg with its .dat, a .cff, .csv, .wav, .flac or .parquet"
            raise RecordingError(
                str(path), f"{path.suffix or 'a name without extension'} is no recording known here: name {known}"
            )
        return opener(path, wish)
    except OSError as error:
        raise unreadable(str(error.filename or path), error) from None


def _open_pair(path: Path, wish: _Wish) -> Recording:
    header = _header(path)
    data_path = _data_of(path)
    configuration = read_configuration(str(path), header)
    return _open_comtrade(path, wish, configuration, header=header, data_path=data_path, offset=0, length=None)


def _open_single(path: Path, wish: _Wish) -> Recording:
    with path.open("rb") as data:
        sections = read_sections(str(path), data)
    configuration = read_configuration(str(path), sections.header)
    if sections.is_text != (configuration.format == "ASCII"):
        raise RecordingError(
            str(path), f"its header says {configuration.format}, the title of its samples does not: mend either"
        )
    return _open_comtrade(
        path, wish, configuration, header=sections.header, data_path=path, offset=sections.offset, length=sections.length
    )


def _open_comtrade(
    path: Path, wish: _Wish, configuration: Configuration, *, header: bytes, data_path: Path, offset: int, length: int | None
) -> Recording:
    six, scaling, remarks = wish.six(str(path), configuration.channels)
    there = data_path.stat().st_size - offset
    with data_path.open("rb") as file:
        data = open_data(
            str(data_path),
            file,
            configuration,
            six,
            scaling=scaling,
            offset=offset,
            length=there if length is None else min(length, there),
            rate_hz=wish.rate_hz,
        )
    return Recording(
        name=str(path),
        identity=_identity(data_path, offset, header),
        start_ns=configuration.start_ns,
        remarks=(*configuration.remarks, *remarks, *data.remarks),
        sample_type=data.sample_type,
        path=data_path,
        track=data.track,
        read_rows=partial(chunks_of, data),
    )


def _open_csv(path: Path, wish: _Wish) -> Recording:
    with path.open("rb") as file:
        header = read_header(str(path), file)
        six, scaling, _ = wish.six(str(path), header.channels)
        table = open_table(str(path), file, header, six, scaling=scaling, rate_hz=wish.rate_hz)
    return Recording(
        name=str(path),
        identity=_identity(path, 0, b""),
        start_ns=None,
        remarks=table.remarks,
        sample_type="float64",
        path=path,
        track=table.track,
        read_rows=partial(table_chunks, table),
    )


def _open_sound(path: Path, wish: _Wish) -> Recording:
    from watthour.waveform.sound import open_sound, read_sound_header, sound_chunks  # noqa: PLC0415 - slow to load

    file = str(path)
    with path.open("rb") as data:
        header = read_sound_header(file, data)
    six, scaling, _ = wish.six(file, header.channels)
    remarks = [] if wish.channels else [f"{file}: its six channels are taken as {', '.join(TERMINALS)}, in this order"]
    if header.is_integer:
        require_scale(file, wish.scale)
    elif wish.scale is None:
        remarks.append(f"{file}: its numbers are taken as volts and amperes; scale in [source] says otherwise")
    sound = open_sound(file, header, six, scaling=scaling, rate_hz=wish.rate_hz)
    return Recording(
        name=file,
        identity=_identity(path, 0, b""),
        start_ns=None,
        remarks=(*remarks, *sound.remarks),
        sample_type=header.encoding.dtype,
        path=path,
        track=sound.track,
        read_rows=partial(sound_chunks, sound),
    )


def _open_parquet(path: Path, wish: _Wish) -> Recording:
    from watthour.waveform.parquet import column_chunks, has_integers, open_columns, read_schema, sample_type  # noqa: PLC0415

    file = str(path)
    with path.open("rb") as data:
        schema = read_schema(file, data)
        six, scaling, _ = wish.six(file, schema.channels)
        sample_type(file, schema, six)
        if has_integers(schema, six):
            require_scale(file, wish.scale)
        columns = open_columns(file, data, schema, six, scaling=scaling, rate_hz=wish.rate_hz)
    return Recording(
        name=file,
        identity=_identity(path, 0, _footer(path)),
        start_ns=None,
        remarks=(),
        sample_type=columns.dtype.name,
        path=path,
        track=columns.track,
        read_rows=partial(column_chunks, columns),
    )


def _footer(path: Path) -> bytes:
    """Return the last bytes of a file, where Parquet says what it holds."""
    with path.open("rb") as file:
        file.seek(-min(_HASHED_BYTES, path.stat().st_size), 2)
        return file.read()


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        header = file.read(_LARGEST_HEADER + 1)
    if len(header) > _LARGEST_HEADER:
        raise RecordingError(str(path), f"it is larger than {_LARGEST_HEADER} bytes: this is no COMTRADE header")
    if not header.strip():
        raise RecordingError(str(path), "it is empty: record again or name another file")
    return header


def _data_of(path: Path) -> Path:
    """Return the ``.dat`` beside a ``.cfg``, in whatever case it is written."""
    wanted = path.with_suffix(".DAT" if path.suffix.isupper() else ".dat")
    if wanted.exists():
        return wanted
    for candidate in sorted(path.parent.iterdir()):
        if candidate.stem == path.stem and candidate.suffix.lower() == ".dat":
            return candidate
    raise RecordingError(str(wanted), f"there is no such file: {path.name} needs its samples beside it")


def _identity(path: Path, offset: int, header: bytes) -> str:
    """Return the hash of a header, the first samples and the size."""
    with path.open("rb") as file:
        file.seek(offset)
        first = file.read(_HASHED_BYTES)
    parts = (str(path.stat().st_size).encode(), header, first)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
