"""What was read is kept whole or not at all, once, on either database."""

import json

import pytest
from sqlalchemy import func, select

from watthour.errors import StoreError
from watthour.headend.counting import Count, Grid
from watthour.headend.reading import Counter, Kind, Quality, Reading
from watthour.host.archive.database import open_archive
from watthour.host.archive.recording import Letter, Observation, counts, record
from watthour.host.archive.tables import ANCHOR, EVENT, INTERVAL, METER, OUTBOX, PLACE, READING

S = 10**9
GRID = Grid(step_ns=900 * S, tolerance_ns=5 * S)
TABLES = (METER, PLACE, READING, INTERVAL, EVENT, ANCHOR, OUTBOX)


def seen(at_s, micro, place="hall", serial="23612001", **more):
    counters = {"import": Counter(micro=micro, modulus_micro=2**64), "q1": Counter(micro=micro // 2, modulus_micro=2**64)}
    return Observation(place=place, reading=Reading(time_ns=at_s * S, serial=serial, counters=counters, **more))


def content(archive):
    """Return every row of every table, numbers of rows left out."""
    with archive.reading() as connection:
        return {
            table.name: sorted(
                tuple(value for column, value in row._mapping.items() if column != "id" or table is METER)
                for row in connection.execute(select(table))
            )
            for table in TABLES
        }


def test_intervals_stand_with_their_energies_and_lack_what_the_meter_lacks(archive):
    record(archive, [seen(0, 10**6), seen(900, 3 * 10**6), seen(1800, 2**62)], GRID)
    with archive.reading() as connection:
        rows = connection.execute(
            select(INTERVAL.c.start_ns, INTERVAL.c.quality, INTERVAL.c.import_microwh, INTERVAL.c.export_microwh)
        )
        assert list(rows) == [(0, Quality.MEASURED, 2 * 10**6, None)]
        assert connection.scalar(select(READING.c.quality).order_by(READING.c.time_ns.desc())) == "held"


def test_the_same_reading_twice_changes_nothing(archive):
    batch = [seen(0, 0, head="aa"), seen(900, 1000), seen(900, 50, "yard", "7"), seen(2700, 4000)]
    letters = lambda told: (Letter(topic=told.place, payload="x"),)  # noqa: E731
    first = record(archive, batch, GRID, letters)
    before = content(archive)
    again = record(archive, batch, GRID, letters)
    assert content(archive) == before
    assert [each.is_new for each in first] == [True] * 4
    assert [each.is_new for each in again] == [False] * 4


def test_one_batch_and_one_by_one_end_alike(archive, tmp_path):
    batch = [seen(at, at * 1000) for at in (0, 901, 1804, 5400, 6300)]
    record(archive, batch, GRID)
    with open_archive(f"sqlite:///{tmp_path / 'other.db'}") as other:
        for each in batch:
            record(other, [each], GRID)
        assert content(other) == content(archive)


def test_intervals_that_are_told_again_are_those_that_hold(archive):
    ahead = 200 * 900
    days = range(0, 86400 + 4 * 900, 900)
    record(archive, [seen(ahead, 0), seen(ahead + 900, 5), seen(ahead + 1800, 9)], GRID)
    record(archive, [seen(at, 9 + at) for at in days], GRID)
    assert counts(archive, ["hall"])["hall"].good.time_ns == days[-1] * S
    record(archive, [seen(ahead + 900, 10**6), seen(ahead + 1800, 10**6 + 77)], GRID)
    record(archive, [seen(at * 900 + ahead, 10**6 + 100 * at) for at in (3, 4)], GRID)
    with archive.reading() as connection:
        query = select(INTERVAL.c.start_ns, INTERVAL.c.import_microwh).where(INTERVAL.c.start_ns >= ahead * S)
        found = dict(connection.execute(query).all())
    assert found[(ahead + 2700) * S] == 100


def test_a_transaction_that_breaks_leaves_nothing(archive):
    record(archive, [seen(0, 0)], GRID)
    before = content(archive)

    def breaks(told):
        raise RuntimeError(told.place)

    with pytest.raises(RuntimeError, match="hall"):
        record(archive, [seen(900, 1000)], GRID, breaks)
    assert content(archive) == before
    assert counts(archive, ["hall"])["hall"].good.time_ns == 0


def test_a_place_goes_on_over_a_swapped_meter_and_both_histories_stay(archive):
    record(archive, [seen(0, 5000), seen(900, 6000), seen(1800, 10, serial="2"), seen(2700, 40, serial="2")], GRID)
    with archive.reading() as connection:
        assert connection.execute(select(METER.c.serial).order_by(METER.c.serial)).scalars().all() == ["2", "23612001"]
        assert connection.execute(select(EVENT.c.kind).order_by(EVENT.c.time_ns)).scalars().all() == [Kind.FIRST, Kind.SWAPPED]
        energies = connection.execute(select(INTERVAL.c.import_microwh).order_by(INTERVAL.c.start_ns)).scalars().all()
        assert energies == [1000, None, 30]
        by_meter = connection.execute(select(READING.c.meter_id, func.count()).group_by(READING.c.meter_id))
        assert sorted(number for _, number in by_meter) == [2, 2]


def test_another_interval_for_the_same_place_is_refused_in_one_line(archive):
    record(archive, [seen(0, 0)], GRID)
    with pytest.raises(StoreError, match="hall is kept by intervals of 900 s, not of 60 s"):
        record(archive, [seen(60, 0)], Grid(step_ns=60 * S, tolerance_ns=S))


def test_the_heads_of_event_chains_are_anchors_with_their_first_instant(archive):
    record(archive, [seen(0, 0, head="aa"), seen(900, 1, head="aa"), seen(1800, 2, head="bb")], GRID)
    with archive.reading() as connection:
        assert list(connection.execute(select(ANCHOR.c.head, ANCHOR.c.time_ns).order_by(ANCHOR.c.head))) == [
            ("aa", 0),
            ("bb", 1800 * S),
        ]


def test_other_values_are_kept_by_name_with_their_nulls(archive):
    record(archive, [seen(0, 0, values={"power_w": 12, "power_factor": None, "voltage_l1_v": 230.25})], GRID)
    with archive.reading() as connection:
        named = json.loads(connection.scalar(select(READING.c.named)))
    assert named == {"power_w": 12, "power_factor": None, "voltage_l1_v": 230.25}


def test_an_archive_that_is_opened_again_goes_on(archive_url):
    for at in (0, 900, 1800):
        with open_archive(archive_url) as archive:
            record(archive, [seen(at, at)], GRID)
    with open_archive(archive_url) as archive:
        assert counts(archive, ["hall", "yard"])["hall"].total["import"] == 1800
        assert counts(archive, ["yard"]) == {"yard": Count()}
        with archive.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(INTERVAL)) == 2


def test_an_archive_of_a_newer_version_is_refused(archive):
    with archive.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    url = archive.engine.url.render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="newer watthour"):
        open_archive(url)


def test_the_migrations_make_the_tables_that_the_program_uses(archive):
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from watthour.host.archive.tables import METADATA  # noqa: PLC0415

    with archive.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
