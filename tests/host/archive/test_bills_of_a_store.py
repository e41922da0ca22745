"""A head-end's store as readings of a bill: database, config, history and exports give the same, with gaps and estimates told."""

import json
from datetime import UTC, date, datetime
from fractions import Fraction

import numpy as np
import pytest

from watthour.billing import Quality
from watthour.billing.bulk import NOT_READ
from watthour.billing.places import intervals_of_place
from watthour.cli.commands import app
from watthour.errors import ReadingsError, UsageError
from watthour.headend.counting import Grid
from watthour.headend.reading import Counter, Reading
from watthour.headend.reading import Quality as Known
from watthour.host.archive.database import open_archive
from watthour.host.archive.history import write_history
from watthour.host.archive.recording import Observation, record
from watthour.host.archive.retention import prune
from watthour.host.billing.readings import read_intervals

S = 10**9
BEGIN_S = int(datetime(2025, 12, 31, 23, tzinfo=UTC).timestamp())
"""Midnight of the first of January in Madrid, which is a holiday."""
GRID = Grid(step_ns=900 * S, tolerance_ns=5 * S)
SPAN = (date(2026, 1, 1), date(2026, 1, 31))
CONTRACT = """\
title = "1 kW"
currency = "EUR"
first_day = 2026-01-01
last_day = "open"
calendar = "es/2.0TD/peninsula"
[[charge]]
name = "energy"
title = "Energy"
kind = "energy"
[[price]]
name = "energy"
unit = "EUR/kWh"
first_day = 2026-01-01
last_day = "open"
source = "list"
values = { P1 = 0.3, P2 = 0.2, P3 = 0.1 }
"""


def seen(number, micro, place):
    counters = {"import": Counter(micro=micro, modulus_micro=2**64)}
    time_ns = (BEGIN_S + 900 * number) * S
    return Observation(place=place, reading=Reading(time_ns=time_ns, serial=f"of {place}", counters=counters))


def fill(url, *places):
    """1 kW all January: the second quarter is lost to a reset, ten are known by their sum alone."""
    with open_archive(url) as archive:
        for place in places:
            batch = [
                seen(n, 250_000_000 * n + (10**12 if n < 2 else -500_000_000), place)
                for n in range(31 * 96 + 1)
                if not 20 < n < 30
            ]
            record(archive, batch, GRID)


def billed(capsys, folder, source, *words):
    (folder / "contract.toml").write_text(CONTRACT)
    days = ("--from", "2026-01-01", "--to", "2026-02-01")
    words = ["bill", str(folder / "contract.toml"), *days, "--readings", str(source), "--json", *map(str, words)]
    app(words, result_action="return_value", exit_on_error=False)
    printed = capsys.readouterr()
    return json.loads(printed.out), printed.err


def check(bill, err):
    """P3 lacks a quarter; its other 1695 quarters are 423.75 kWh."""
    assert [(line["line"], line["quantity"], line["amount"]) for line in bill["lines"]] == [
        ("energy.P1", "160", "48.00"),
        ("energy.P2", "160", "32.00"),
        ("energy.P3", "423.75", "42.38"),
    ]
    last = bill["lines"][2]
    assert (last["missing_intervals"], last["estimated_intervals"], last["incomplete_intervals"]) == (1, 10, 0)
    assert "* P3, 2026-01-01 to 2026-01-31: of 1696 intervals 1 missing, 10 estimated" in err


def test_a_database_is_billed_by_its_url(archive_url, tmp_path, capsys):
    fill(archive_url, "hall")
    check(*billed(capsys, tmp_path, archive_url))


def test_a_database_of_several_places_asks_which(archive_url, tmp_path, capsys):
    fill(archive_url, "hall", "yard")
    with pytest.raises(ReadingsError, match="several places; name one with --place, or place = in the contract: hall, yard"):
        billed(capsys, tmp_path, archive_url)
    with pytest.raises(ReadingsError, match="no place roof; name one with --place"):
        billed(capsys, tmp_path, archive_url, "--place", "roof")
    check(*billed(capsys, tmp_path, archive_url, "--place", "yard"))


@pytest.fixture
def kept(tmp_path):
    """A SQLite file with its history and the config of the poll that made it."""
    url = f"sqlite:///{tmp_path / 'readings.db'}"
    fill(url, "hall", "yard")
    with open_archive(url) as archive:
        write_history(archive, tmp_path / "archive")
    meters = "".join(
        f'[[meter]]\nplace = "{place}"\nurl = "modbus+tcp://192.0.2.7:502?unit={unit}"\n'
        for unit, place in enumerate(("hall", "yard"), 1)
    )
    (tmp_path / "poll.toml").write_text(meters)
    return tmp_path


@pytest.mark.parametrize("source", ["readings.db", "poll.toml", "archive"])
def test_file_config_and_history_give_the_same_bill(kept, capsys, source):
    check(*billed(capsys, kept, kept / source, "--place", "hall"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_was_exported_gives_the_same_bill(kept, capsys, form):
    output = kept / f"all.{form}"
    app(["readings", "export", str(kept / "readings.db"), "--output", str(output)], result_action="return_value")
    capsys.readouterr()
    check(*billed(capsys, kept, output, "--place", "yard"))


def test_what_was_pruned_is_billed_from_the_history(kept, capsys):
    with open_archive(f"sqlite:///{kept / 'readings.db'}") as archive:
        prune(archive, kept / "archive", (BEGIN_S + 7200) * S)
    bill, err = billed(capsys, kept, kept / "poll.toml", "--place", "hall")
    check(bill, err)
    assert "hall: 3 intervals from the history in" in err  # of December by UTC: four, of which one is the gap


def test_a_contract_names_store_and_place(kept, capsys):
    text = CONTRACT.replace('title = "1 kW"', 'title = "1 kW"\nreadings = "sqlite:///readings.db"\nplace = "yard"')
    (kept / "own.toml").write_text(text)
    words = ["bill", str(kept / "own.toml"), "--from", "2026-01-01", "--to", "2026-02-01", "--json"]
    app(words, result_action="return_value", exit_on_error=False)
    printed = capsys.readouterr()
    check(json.loads(printed.out), printed.err)


def test_a_store_that_is_not_there_is_refused(tmp_path, capsys):
    with pytest.raises(UsageError, match="no archive there"):
        billed(capsys, tmp_path, f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(ReadingsError, match="no readings; name a meter's data directory"):
        billed(capsys, tmp_path, tmp_path / "none.db")
    (tmp_path / "poll.toml").write_text('[[meter]]\nplace = "hall"\nurl = "modbus+tcp://192.0.2.7:502"\n')
    open_archive(f"sqlite:///{tmp_path / 'readings.db'}").close()
    with pytest.raises(ReadingsError, match="no place; name one"):
        billed(capsys, tmp_path, tmp_path / "poll.toml")


def place_of(step_s, values, quality):
    starts = np.arange(len(values), dtype=np.int64) * step_s * S
    return intervals_of_place(starts, {"import": np.array(values)}, np.array(quality, np.uint8), step_s * S)


def test_five_minutes_make_quarters_and_a_lost_piece_a_lower_bound():
    values = [1, 2, 3, 4, NOT_READ, 6, 7, 8, 9, NOT_READ, NOT_READ, NOT_READ, 1, 1, 1]
    quality = [Known.GAP if value == NOT_READ else Known.MEASURED for value in values]
    quality[6] = Known.ESTIMATED
    found = place_of(300, values, quality)
    assert found.step_ns == 900 * S
    assert found.energies["import"].tolist() == [6, 10, 24, 0, 3]
    assert found.quality.tolist() == [0, Quality.INCOMPLETE, Quality.ESTIMATED, Quality.MISSING, 0]


@pytest.mark.parametrize(
    ("step_s", "refused"), [(600, True), (900, False), (1200, False), (3600, False), (2700, True), (7200, True)]
)
def test_lengths_that_make_no_quarters_are_refused(step_s, refused):
    if refused:
        with pytest.raises(ReadingsError, match=f"intervals of {Fraction(step_s, 60)} minutes"):
            place_of(step_s, [1, 2], [0, 0])
    else:
        assert len(place_of(step_s, [1, 2], [0, 0])) == 2


@pytest.mark.parametrize(
    ("known", "worth"),
    [
        (Known.MEASURED, 0), (Known.PROFILE, 0), (Known.INTERPOLATED, Quality.ESTIMATED), (Known.ESTIMATED, Quality.ESTIMATED),
        (Known.INCOMPLETE, Quality.INCOMPLETE),
    ],
)  # fmt: skip
def test_how_an_energy_is_known_is_carried_along(known, worth):
    assert place_of(900, [5], [known]).quality.tolist() == [worth]


def test_nothing_known_is_refused():
    with pytest.raises(ReadingsError, match="no interval whose imported energy is known"):
        place_of(900, [NOT_READ], [Known.GAP])


def test_a_quantity_that_is_known_in_part_is_a_lower_bound_and_one_never_known_is_not_there():
    found = intervals_of_place(
        np.array([0, 900 * S]),
        {"import": np.array([1, 2]), "q1": np.array([NOT_READ, 4]), "q4": np.array([NOT_READ, NOT_READ])},
        np.zeros(2, np.uint8),
        900 * S,
    )
    assert set(found.energies) == {"import", "q1"}
    assert found.quality.tolist() == [Quality.INCOMPLETE, 0]


def test_exported_rows_of_a_quality_that_is_none_are_refused(kept):
    app(["readings", "export", str(kept / "readings.db"), "--output", str(kept / "a.csv")], result_action="return_value")
    text = (kept / "a.csv").read_text().replace("measured", "guessed")
    (kept / "a.csv").write_text(text)
    with pytest.raises(ReadingsError, match="'GUESSED' is no quality; there are measured, profile"):
        read_intervals(str(kept / "a.csv"), place="hall")
