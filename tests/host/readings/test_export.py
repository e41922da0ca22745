"""The load profile as CSV and Parquet: exact, in order, from one meter or several, and what is refused."""

import csv
import io
from decimal import Decimal

import pyarrow.parquet as pq
import pytest

from watthour.cli.commands import app
from watthour.errors import StoreError, UsageError
from watthour.history import ProfileRow, RowFlag
from watthour.host.readings import MeterProfile, export_csv, export_parquet, read_profiles, rows_between

QUARTER_NS = 900 * 10**9
START_NS = 1_767_225_600 * 10**9


def row(number, **changes):
    fields = {
        "start_ns": START_NS + number * QUARTER_NS, "end_ns": START_NS + (number + 1) * QUARTER_NS,
        "energies": (250_000_001 + number, 0, 3, 0, 0, 10**15), "rates": (6,), "demand_microw": 1_000_000_004,
        "metered_ns": QUARTER_NS, "flags": RowFlag(0),
    }  # fmt: skip
    return ProfileRow(**(fields | changes))


PLAIN = row(0)
ODD = row(3, rates=(6, 2), demand_microw=None, metered_ns=1_000_000_001, flags=RowFlag.INCOMPLETE | RowFlag.CLOCK_SET)
METERS = [
    MeterProfile(serial=42, rows=[PLAIN, ODD]),
    MeterProfile(serial=43, rows=[PLAIN]),
]


def written(rows):
    output = io.StringIO()
    count = export_csv(rows, output)
    table = list(csv.DictReader(io.StringIO(output.getvalue())))
    assert len(table) == count
    return table


def test_a_row_is_written_exactly():
    plain, odd, other = written(rows_between(METERS, None, None))
    assert plain == {
        "serial": "42", "start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:15:00Z", "import_wh": "250.000001",
        "export_wh": "0.000000", "q1_varh": "0.000003", "q2_varh": "0.000000", "q3_varh": "0.000000",
        "q4_varh": "1000000000.000000", "rate": "6", "rates": "6", "demand_w": "1000.000004", "metered_s": "900.000000000",
        "power_failed": "0", "clock_set": "0", "incomplete": "0", "calendar_missing": "0",
    }  # fmt: skip
    assert (odd["rates"], odd["demand_w"], odd["metered_s"]) == ("6 2", "", "1.000000001")
    assert (odd["power_failed"], odd["clock_set"], odd["incomplete"], odd["calendar_missing"]) == ("0", "1", "1", "0")
    assert other["serial"] == "43"


def test_parquet_holds_the_same_with_types(tmp_path):
    file = tmp_path / "profile.parquet"
    assert export_parquet(rows_between(METERS, None, None), file) == 3
    table = pq.read_table(file).to_pylist()
    texts = written(rows_between(METERS, None, None))
    for cells, text in zip(table, texts, strict=True):
        assert cells["start"].isoformat() == text["start"].replace("Z", "+00:00")
        assert Decimal(text["import_wh"]) == cells["import_wh"]
        assert (cells["demand_w"] is None) == (text["demand_w"] == "")
        assert cells["clock_set"] is (text["clock_set"] == "1")


def test_no_rows_are_a_header_alone(tmp_path):
    assert written(rows_between(METERS, START_NS + 10 * QUARTER_NS, None)) == []
    assert export_parquet([], tmp_path / "none.parquet") == 0
    assert pq.read_table(tmp_path / "none.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("begin", "end", "starts"), [(0, 3, [0]), (0, 4, [0, 3]), (1, None, [3]), (3, None, [3]), (4, None, []), (None, 0, [])]
)
def test_from_belongs_to_the_rows_and_to_does_not(begin, end, starts):
    limits = [None if number is None else START_NS + number * QUARTER_NS for number in (begin, end)]
    rows = [row for serial, row in rows_between(METERS[:1], *limits) if serial == 42]
    assert [(each.start_ns - START_NS) // QUARTER_NS for each in rows] == starts


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"none/p\.parquet: cannot be written \(No such file"):
        export_parquet([], tmp_path / "none" / "p.parquet")


def test_a_directory_without_a_meter_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing", tmp_path / "7"):
        with pytest.raises(StoreError, match="name the directory that --data named"):
            read_profiles(path)


CONFIG = """\
data = "state"
[meter]
serial = 42
[source]
network = "own.network.toml"
phasors = true
[tariff]
calendar = "es/2.0TD/peninsula"
"""
INSTALLATION = """\
start = 2026-01-15T09:50:00+01:00
[supply]
voltages_v = 230
[[load]]
kind = "constant"
name = "heater"
phases = ["L1"]
power_w = 2000
"""


def told(*words):
    with pytest.raises(SystemExit) as ended:
        app(words)
    return ended.value.code


def run(capsys, *words):
    app(words, result_action="return_value")
    return capsys.readouterr()


def test_what_a_run_kept_comes_out_again_and_sums_to_its_registers(tmp_path, capsys):
    (tmp_path / "own.network.toml").write_text(INSTALLATION)
    (tmp_path / "meter.toml").write_text(CONFIG)
    run(capsys, "run", str(tmp_path / "meter.toml"), "--speed", "max", "--duration", "4200", "--json")
    for directory in (tmp_path / "state", tmp_path / "state" / "42"):
        table = list(csv.DictReader(io.StringIO(run(capsys, "readings", "export", str(directory)).out)))
        assert [cells["start"] for cells in table] == [
            f"2026-01-15T{t}:00Z" for t in ("08:45", "09:00", "09:15", "09:30", "09:45")
        ]
    assert [cells["rates"] for cells in table] == ["2", "1", "1", "1", "1"]
    assert [cells["incomplete"] for cells in table] == ["1", "0", "0", "0", "0"]
    energy = sum(Decimal(cells["import_wh"]) for cells in table)
    assert energy == pytest.approx(Decimal(2000 * 4200) / 3600, rel=Decimal("1e-6"))
    words = ("readings", "export", str(tmp_path / "state"), "--from", "2026-01-15T10:15+01:00", "--to", "2026-01-15T09:45")
    assert len(run(capsys, *words).out.splitlines()) == 3
    for name in ("p.csv", "p.parquet"):
        assert "2 rows written to" in run(capsys, *words, "--output", str(tmp_path / name)).err
    assert pq.read_table(tmp_path / "p.parquet").num_rows == 2
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--format", "parquet"), "Parquet needs a file"),
        (("--from", "noon"), "--from noon: write ISO 8601"),
        (("--from", "2026-01-02", "--to", "2026-01-02"), "--to 2026-01-02: it is not after --from 2026-01-02"),
    ],
)
def test_what_cannot_be_exported_is_one_line(tmp_path, words, told):
    with pytest.raises(UsageError, match=told):
        app(["readings", "export", str(tmp_path), *words], result_action="return_value", exit_on_error=False)
