"""The history as Parquet, exports, and what a database that is killed keeps."""

import csv
import io

import duckdb
import pyarrow.parquet as pq
import pytest

from watthour.errors import StoreError, UsageError
from watthour.headend.counting import Grid
from watthour.headend.reading import Counter, Quality, Reading
from watthour.host.archive.database import is_passing, open_archive
from watthour.host.archive.export import intervals_of, intervals_to_csv, intervals_to_excel, intervals_to_parquet
from watthour.host.archive.history import write_history
from watthour.host.archive.queries import gaps, intervals, places
from watthour.host.archive.recording import Observation, record
from watthour.host.archive.retention import compact, prune

S = 10**9
DAY = 86400
GRID = Grid(step_ns=900 * S, tolerance_ns=5 * S)
BEGIN_S = 1_769_817_600
"""2026-01-31T00:00:00Z: the last day of a month."""


def seen(at_s, micro, place="hall"):
    counters = {"import": Counter(micro=micro, modulus_micro=2**64)}
    return Observation(place=place, reading=Reading(time_ns=at_s * S, serial=f"of {place}", counters=counters))


def fill(archive, *names, days=2):
    batch = [
        seen(BEGIN_S + 900 * n, 1000 * n * (1 + at), name)
        for at, name in enumerate(names)
        for n in range(96 * days + 1)
        if not 20 < n < 30
    ]
    record(archive, batch, GRID)


def test_a_month_is_dense_and_duckdb_reads_it_as_it_is(archive, tmp_path):
    fill(archive, "hall", "yard")
    written = write_history(archive, tmp_path)
    assert [(str(path.relative_to(tmp_path)), count) for path, count in written] == [
        ("step_s=900/month=2026-01/intervals.parquet", 2 * 31 * 96),
        ("step_s=900/month=2026-02/intervals.parquet", 2 * 28 * 96),
    ]
    metadata = pq.ParquetFile(written[0][0]).metadata
    assert (metadata.num_row_groups, metadata.num_rows) == (1, 2 * 31 * 96)
    pattern = str(tmp_path / "**" / "*.parquet")
    columns = "place, sum(import_microwh), count(import_microwh), count(*) FILTER (quality = 3)"
    query = f"SELECT {columns} FROM read_parquet('{pattern}', hive_partitioning = true) GROUP BY place ORDER BY place"  # noqa: S608
    assert duckdb.sql(query).fetchall() == [("hall", 192_000, 192, 10), ("yard", 384_000, 192, 10)]


def test_a_history_that_is_written_again_is_the_same_and_takes_in_what_is_new(archive, tmp_path):
    fill(archive, "hall")
    ((path, _), *_) = write_history(archive, tmp_path)
    before = path.read_bytes()
    write_history(archive, tmp_path)
    assert path.read_bytes() == before
    fill(archive, "yard")
    write_history(archive, tmp_path)
    assert pq.read_table(path)["place"].to_pylist()[:: 31 * 96] == ["hall", "yard"]


def test_what_was_pruned_stays_in_the_history(archive, tmp_path):
    fill(archive, "hall")
    limit = (BEGIN_S + DAY + 3600) * S
    deleted = prune(archive, tmp_path, limit)
    assert deleted["intervals"] == 96
    assert deleted["readings"] == 96 + 4 - 9
    compact(archive)
    ((path, _), *_) = write_history(archive, tmp_path)
    assert path.parent.name == "month=2026-02"
    pattern = str(tmp_path / "**" / "*.parquet")
    assert duckdb.sql(f"SELECT sum(import_microwh) FROM read_parquet('{pattern}')").fetchall() == [(192_000,)]  # noqa: S608
    with pytest.raises(UsageError, match="everything would be deleted"):
        prune(archive, tmp_path, (BEGIN_S + 30 * DAY) * S)


def test_a_file_that_is_no_history_is_refused_in_one_line(archive, tmp_path):
    fill(archive, "hall")
    ((path, _), *_) = write_history(archive, tmp_path)
    path.write_bytes(b"PAR1 not")
    with pytest.raises(StoreError, match="no history that watthour wrote"):
        write_history(archive, tmp_path)


def test_exports_are_exact_and_leave_empty_what_is_not_known(archive, tmp_path):
    record(archive, [seen(0, 0), seen(900, 1), seen(2700, 1_000_001)], GRID)
    record(archive, [seen(3600, 5), seen(4500, 6)], GRID)
    chosen = places(archive)
    output = io.StringIO()
    assert intervals_to_csv(intervals_of(archive, chosen, None, None), output) == 5
    rows = list(csv.DictReader(io.StringIO(output.getvalue())))
    assert [row["import_wh"] for row in rows] == ["0.000001", "0.500000", "0.500000", "", "0.000001"]
    assert [row["quality"] for row in rows] == ["measured", "interpolated", "interpolated", "gap", "measured"]
    assert rows[0]["export_wh"] == ""
    assert intervals_to_parquet(intervals_of(archive, chosen, None, None), tmp_path / "a.parquet") == 5
    assert intervals_to_excel(intervals_of(archive, chosen, 900 * S, 1800 * S), tmp_path / "a.xlsx") == 1
    assert (tmp_path / "a.xlsx").read_bytes()[:2] == b"PK"
    total = duckdb.sql(f"SELECT sum(import_wh) FROM read_parquet('{tmp_path / 'a.parquet'}')").fetchall()[0][0]  # noqa: S608
    assert str(total) == "1.000002"


def test_gaps_are_listed_with_what_bounds_them_and_the_open_one_last(archive):
    fill(archive, "hall", days=1)
    (place,) = places(archive, ["hall"])
    found = list(gaps(archive, place, (BEGIN_S + DAY + 1850) * S))
    assert [(gap.quality, gap.energies, gap.is_open) for gap in found] == [
        (Quality.ESTIMATED, {"import": 10_000}, False),
        (Quality.GAP, {}, True),
    ]
    assert (found[1].end_ns - found[1].begin_ns) // GRID.step_ns == 2
    with pytest.raises(UsageError, match="roof: no such place"):
        places(archive, ["roof"])


def test_a_postgresql_that_is_killed_again_and_again_loses_and_doubles_nothing(postgres):
    url = postgres.database()
    due = [seen(900 * n, 1000 * n) for n in range(60)]
    with open_archive(url) as archive:
        at = failures = 0
        passing = []
        while at < len(due):
            if at in {12, 30, 45} and failures < at // 12:
                postgres.kill()
                failures += 1
            try:
                record(archive, due[at : at + 4], GRID)
            except StoreError as problem:
                passing.append(is_passing(problem))
                postgres.start()
                at = max(0, at - 4)
                continue
            at += 3
        assert failures >= 1
        assert all(passing)
        found = list(intervals(archive, places(archive)[0]))
        assert [i.start_ns for i in found] == [900 * S * n for n in range(59)]
        assert {i.energies["import"] for i in found} == {1000}
