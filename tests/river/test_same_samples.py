"""The same integer samples give the same registers, whatever they come in; and those that arithmetic gives."""

import json
import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from pyarrow import parquet

from watthour.host.config import read_config
from watthour.host.metering import MeteringThread, Pace, begin_work

RATE_HZ = 8000
NAMES = ("V1", "V2", "V3", "I1", "I2", "I3")
SECONDS = 7.3  # ends inside a window


def samples_of(bits: int) -> np.ndarray:
    """Return (n, 6) integers: an unbalanced load with harmonics, noise and some export, off nominal frequency."""
    random = np.random.default_rng(bits)
    time_s = np.arange(int(SECONDS * RATE_HZ))[:, None] / RATE_HZ
    angle = 2 * np.pi * 50.03 * time_s - 2 * np.pi / 3 * np.arange(3)
    volts = np.cos(angle) + 0.03 * np.cos(5 * angle)
    amperes = np.array([0.9, 0.4, -0.2]) * np.cos(angle - np.array([0.5, 1.2, 0.1])) + 0.1 * np.cos(5 * angle + 1)
    full = np.concatenate([0.9 * volts, 0.9 * amperes], axis=1) * 2.0 ** (bits - 1)
    return np.rint(full + random.normal(size=full.shape)).astype(np.int64)


def scale_of(bits: int) -> list[float]:
    return [400 / 2 ** (bits - 1)] * 3 + [7 / 2 ** (bits - 1)] * 3


def to_sound(folder: Path, table: np.ndarray, bits: int, kind: str) -> Path:
    soundfile.write(folder / f"day.{kind}", (table << (32 - bits)).astype(np.int32), RATE_HZ, subtype=f"PCM_{bits}")
    return folder / f"day.{kind}"


def to_csv(folder: Path, table: np.ndarray, *, with_time: bool, as_float: bool) -> Path:
    head = ["time_s"] * with_time
    lines = (
        ",".join([*([f"{k / RATE_HZ:.9f}"] * with_time), *(f"{x:.1f}" if as_float else str(x) for x in row)])
        for k, row in enumerate(table.tolist())
    )
    (folder / "day.csv").write_text("\n".join([",".join([*head, *NAMES]), *lines, ""]))
    return folder / "day.csv"


def to_parquet(folder: Path, table: np.ndarray, kind: str) -> Path:
    columns = {name: table[:, k].astype(kind) for k, name in enumerate(NAMES)}
    parquet.write_table(pa.table(columns), folder / "day.parquet", row_group_size=10_000)
    return folder / "day.parquet"


def to_comtrade(folder: Path, table: np.ndarray, scale: list[float], form: str) -> Path:
    channels = [f"{k},{n},,,{'V' if n[0] == 'V' else 'A'},{scale[k - 1]!r},0,0,-1,1,1,1,S" for k, n in enumerate(NAMES, 1)]
    head = ["a,b,2013", "6,6A,0D", *channels, "50", "1", f"{RATE_HZ},{len(table)}"]
    instant = "01/01/2026,00:00:00.000000"
    (folder / "day.cfg").write_text("\r\n".join([*head, instant, instant, form, "1", "0,0", "0,0", ""]))
    kind = {"BINARY": "<i2", "BINARY32": "<i4"}[form]
    rows = np.zeros(len(table), [("n", "<u4"), ("t", "<u4"), ("a", kind, (6,))])
    rows["a"] = table
    rows.tofile(folder / "day.dat")
    return folder / "day.cfg"


def metered(folder: Path, **source: object) -> dict[str, int]:
    """Meter what a configuration's [source] says to its end; return the integers behind the registers."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in source.items()]
    config = folder / "meter.toml"
    config.write_text("\n".join(['[meter]\nct = "5/5"\n[source]', *lines]))
    plan = read_config(config)
    thread = MeteringThread(begin_work(plan, plan.source, None), Pace(speed=None))
    thread.run()
    if thread.failure is not None:
        raise thread.failure
    assert thread.view.samples == int(SECONDS * RATE_HZ)
    return dict(thread.view.exact)


def metered_stream(folder: Path, table: np.ndarray, form: str, scale: list[float]) -> dict[str, int]:
    fifo = folder / "samples"
    os.mkfifo(fifo)
    content = table.astype({"int16": "<i2", "int32": "<i4", "float32": "<f4"}[form]).tobytes()
    writer = threading.Thread(target=fifo.write_bytes, args=(content,))
    writer.start()
    found = metered(folder, stream="samples", format=form, rate_hz=RATE_HZ, scale=scale)
    writer.join(10)
    return found


FORMS: dict[str, Callable[[Path, np.ndarray, int, list[float]], dict[str, int]]] = {
    "wav": lambda f, t, b, s: metered(f, recording=to_sound(f, t, b, "wav").name, scale=s),
    "flac": lambda f, t, b, s: metered(f, recording=to_sound(f, t, b, "flac").name, scale=s),
    "csv": lambda f, t, _, s: metered(
        f, recording=to_csv(f, t, with_time=False, as_float=False).name, scale=s, rate_hz=RATE_HZ
    ),
    "csv with time": lambda f, t, _, s: metered(f, recording=to_csv(f, t, with_time=True, as_float=True).name, scale=s),
    "parquet int32": lambda f, t, _, s: metered(f, recording=to_parquet(f, t, "int32").name, scale=s, rate_hz=RATE_HZ),
    "parquet int64": lambda f, t, _, s: metered(f, recording=to_parquet(f, t, "int64").name, scale=s, rate_hz=RATE_HZ),
    "stream int32": lambda f, t, _, s: metered_stream(f, t, "int32", s),
    "stream float32": lambda f, t, _, s: metered_stream(f, t, "float32", s),
    "comtrade BINARY32": lambda f, t, _, s: metered(f, recording=to_comtrade(f, t, s, "BINARY32").name),
}
SIXTEEN: dict[str, Callable[[Path, np.ndarray, int, list[float]], dict[str, int]]] = {
    "parquet int16": lambda f, t, _, s: metered(f, recording=to_parquet(f, t, "int16").name, scale=s, rate_hz=RATE_HZ),
    "stream int16": lambda f, t, _, s: metered_stream(f, t, "int16", s),
    "comtrade BINARY": lambda f, t, _, s: metered(f, recording=to_comtrade(f, t, s, "BINARY").name),
}


@pytest.mark.parametrize(("bits", "forms"), [(16, FORMS | SIXTEEN), (24, FORMS)])
def test_the_same_integers_give_the_same_registers_in_every_form(tmp_path, bits, forms):
    table, scale = samples_of(bits), scale_of(bits)
    found = {}
    for name, meter in forms.items():
        folder = tmp_path / name
        folder.mkdir()
        found[name] = meter(folder, table, bits, scale)
    assert {name: exact for name, exact in found.items() if exact != found["wav"]} == {}


@pytest.mark.parametrize("bits", [16, 24])
def test_the_registers_are_those_of_whole_numbers(tmp_path, bits):
    table, scale = samples_of(bits), scale_of(bits)
    found = metered(tmp_path, recording=to_sound(tmp_path, table, bits, "wav").name, scale=scale)
    for phase in range(3):
        products = sum(int(u) * int(i) for u, i in table[:, [phase, 3 + phase]].tolist())
        truth = products * Fraction(scale[phase]) * Fraction(scale[3 + phase]) / RATE_HZ / 3600 * 10**6
        metered_net = found[f"l{phase + 1}_import_microwh"] - found[f"l{phase + 1}_export_microwh"]
        assert abs(metered_net - truth) < 1
