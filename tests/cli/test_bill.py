"""``watthour bill`` as a user types it: from a data directory, CSV, Parquet and a mapping, with what it refuses."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from watthour.cli.commands import app
from watthour.cli.main import _run
from watthour.errors import UsageError
from watthour.host.billing.readings import read_intervals

CONTRACT = """\
title = "test"
currency = "EUR"
first_day = 2026-01-01
last_day = "open"
calendar = "es/2.0TD/peninsula"
[[charge]]
name = "energy"
title = "Energy"
kind = "energy"
[[charge]]
name = "rent"
title = "Rent"
kind = "fixed"
[[price]]
name = "energy"
unit = "EUR/kWh"
first_day = 2026-01-01
last_day = 2026-01-31
source = "list"
values = { P1 = 0.3, P2 = 0.2, P3 = 0.1 }
[[price]]
name = "rent"
unit = "EUR/day"
first_day = 2026-01-01
last_day = "open"
source = "list"
value = 0.02663
"""
DAYS = ("--from", "2026-01-01", "--to", "2026-02-01")


@pytest.fixture
def contract(tmp_path):
    (tmp_path / "contract.toml").write_text(CONTRACT)
    return str(tmp_path / "contract.toml")


def quarters(days=31):
    begin = datetime(2025, 12, 31, 23, tzinfo=UTC)
    return [begin + timedelta(minutes=15 * k) for k in range(96 * days)]


def run(capsys, *words):
    app([str(word) for word in words], result_action="return_value", exit_on_error=False)
    return capsys.readouterr()


def billed(capsys, contract, readings, *words):
    printed = run(capsys, "bill", contract, *DAYS, "--readings", readings, "--json", *words)
    return json.loads(printed.out), printed.err


def check(bill):
    """1 kW all January: of 744 h the 20 working days hold 8 h of P1, 8 of P2 and 8 of P3 each."""
    assert [(line["line"], line["quantity"], line["amount"]) for line in bill["lines"]] == [
        ("energy.P1", "160", "48.00"), ("energy.P2", "160", "32.00"), ("energy.P3", "424", "42.40"), ("rent", "31", "0.83"),
    ]  # fmt: skip
    assert (bill["total"], bill["currency"], bill["days"]) == ("123.23", "EUR", 31)


def test_a_bill_from_csv_parquet_and_a_mapping(tmp_path, contract, capsys):
    with (tmp_path / "r.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["serial", "start", "import_wh"])
        writer.writerows((7, at.isoformat(), "250") for at in quarters())
    check(billed(capsys, contract, tmp_path / "r.csv")[0])
    table = pa.table({
        "start": pa.array(quarters(), pa.timestamp("ns", "UTC")),
        "import_wh": pa.array([Decimal(250)] * 96 * 31, pa.decimal128(38, 6)),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "r.parquet")
    check(billed(capsys, contract, tmp_path / "r.parquet")[0])
    with (tmp_path / "other.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Fecha", "Consumo", "Estimado"])
        local = [at + timedelta(hours=1, minutes=15) for at in quarters()]
        writer.writerows((f"{at:%d/%m/%Y %H:%M}", "0.25", int(k == 5)) for k, at in enumerate(local))
    (tmp_path / "r.toml").write_text(
        'file = "other.csv"\nestimated = "Estimado"\n[time]\ncolumn = "Fecha"\nformat = "%d/%m/%Y %H:%M"\nzone = "Europe/Madrid"\n'
        'labels = "end"\n[energy]\nimport = { column = "Consumo", unit = "kWh" }\n'
    )
    bill, err = billed(capsys, contract, tmp_path / "r.toml")
    check(bill)
    assert "* P3, 2026-01-01 to 2026-01-31: of 1696 intervals 1 estimated" in err
    assert bill["lines"][2]["estimated_intervals"] == 1


def test_local_times_of_a_day_of_25_hours_are_read_in_their_order(tmp_path):
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    local = [(begin + timedelta(hours=k)).timestamp() for k in range(25)]
    rows = [datetime.fromtimestamp(at, ZoneInfo("Europe/Madrid")).replace(tzinfo=None) for at in local]
    (tmp_path / "r.csv").write_text("t,e\n" + "".join(f"{at.isoformat()},{k}\n" for k, at in enumerate(rows)))
    (tmp_path / "r.toml").write_text(
        'file = "r.csv"\n[time]\ncolumn = "t"\nzone = "Europe/Madrid"\nminutes = 60\n[energy]\nimport = { column = "e", unit = "kWh" }\n'
    )
    found = read_intervals(str(tmp_path / "r.toml")).intervals
    assert found.energies["import"].tolist() == [k * 10**9 for k in range(25)]
    assert found.begin_ns == int(begin.timestamp()) * 10**9


SPANISH = """\
file = "curve.csv"
delimiter = ";"
decimal = ","
[time]
column = "Fecha"
number = "Hora"
format = "%d/%m/%Y"
zone = "Europe/Madrid"
minutes = 60
[energy]
import = { column = "Consumo_kWh", unit = "kWh" }
"""


@pytest.mark.parametrize(("day", "hours"), [("29/03/2026", 23), ("15/07/2026", 24), ("25/10/2026", 25)])
def test_hours_are_numbered_in_sequence_as_distributors_write_them(tmp_path, day, hours):
    rows = "".join(f"{day};{hour};{hour},25\n" for hour in range(1, hours + 1))
    (tmp_path / "curve.csv").write_text("Fecha;Hora;Consumo_kWh\n" + rows)
    (tmp_path / "curve.toml").write_text(SPANISH)
    found = read_intervals(str(tmp_path / "curve.toml")).intervals
    midnight = datetime.strptime(day, "%d/%m/%Y").replace(tzinfo=ZoneInfo("Europe/Madrid"))
    assert found.begin_ns == int(midnight.timestamp()) * 10**9
    assert found.energies["import"].tolist() == [hour * 10**9 + 250_000_000 for hour in range(1, hours + 1)]
    for number in (str(hours + 1), "0", "x"):
        (tmp_path / "curve.csv").write_text(f"Fecha;Hora;Consumo_kWh\n{day};{number};1,25\n")
        with pytest.raises(UsageError, match=rf"row 1: Hora is '{number}'; .* has intervals 1 to {hours}"):
            read_intervals(str(tmp_path / "curve.toml"))


def test_a_serial_that_is_no_number_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("serial,start,import_wh\nES0031,2026-01-01T00:00Z,1\n")
    with pytest.raises(UsageError, match="serial is 'ES0031'; a serial number is a whole number"):
        read_intervals(str(tmp_path / "r.csv"))


def test_days_of_which_nothing_was_read_are_no_bill_of_nothing(tmp_path, contract, capsys):
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters()))
    told = (
        "the readings hold nothing of 2026-02-01 to 2026-02-28: they are of 2026-01-01 to 2026-01-31; name those of these days"
    )
    with pytest.raises(UsageError, match=told):
        run(capsys, "bill", contract, "--from", "2026-02-01", "--to", "2026-03-01", "--readings", tmp_path / "r.csv")
    check(billed(capsys, contract, tmp_path / "r.csv")[0])


def test_one_line_is_explained(tmp_path, contract, capsys):
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters()))
    out = run(capsys, "bill", contract, *DAYS, "--readings", tmp_path / "r.csv", "--explain", "energy.P1").out
    assert out.splitlines() == [
        "energy.P1: Energy, 2026-01-01 to 2026-01-31, 31 days",
        "  rule    kWh × price",
        "  figures 160 kWh in P1",
        "          × 0.3 EUR/kWh (energy P1, 2026-01-01 to 2026-01-31: list)",
        "          = 48 EUR, in cents 48.00",
        "  source  list",
    ]
    with pytest.raises(UsageError, match=r"--explain power: no such line; the bill has energy\.P1"):
        run(capsys, "bill", contract, *DAYS, "--readings", tmp_path / "r.csv", "--explain", "power")
    table = run(capsys, "bill", contract, *DAYS, "--readings", tmp_path / "r.csv").out
    assert "123.23" in table


def test_gaps_are_told(tmp_path, contract, capsys):
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters()[:-8]))
    _, err = billed(capsys, contract, tmp_path / "r.csv")
    assert "* P2, 2026-01-01 to 2026-01-31: of 640 intervals 8 missing" not in err
    assert "* P3, 2026-01-01 to 2026-01-31: of 1696 intervals 8 missing" in err  # the 31st is a Saturday


def test_a_bill_a_month(tmp_path, contract, capsys):
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters(59)))
    text = CONTRACT.replace("2026-01-31", "2026-12-31")
    (tmp_path / "contract.toml").write_text(text)
    words = (
        "bill",
        contract,
        "--from",
        "2026-01-01",
        "--to",
        "2026-03-01",
        "--readings",
        tmp_path / "r.csv",
        "--json",
        "--monthly",
    )
    bills = [json.loads(line) for line in run(capsys, *words).out.splitlines()]
    assert [(bill["from"], bill["last_day"]) for bill in bills] == [("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28")]


@pytest.mark.parametrize(
    ("change", "words", "status", "told"),
    [
        (
            "",
            ("--from", "2026-01-01", "--to", "2026-02-02"),
            1,
            "energy.P3: no value of energy P3 on 2026-02-01: it holds 2026-01-01 to",
        ),
        ("", ("--from", "2026-01-01", "--to", "2026-01-01"), 2, "--to 2026-01-01: it is the day after the last"),
        ("", ("--from", "January", "--to", "2026-01-01"), 2, "--from January: write a day such as 2026-01-31"),
        ('prize = "p"\n', DAYS, 2, "unknown key prize"),
        ("calendar = 7", DAYS, 2, "contract.toml"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, contract, capsys, change, words, status, told):  # noqa: PLR0917
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters(33)))
    if change:
        (tmp_path / "contract.toml").write_text(CONTRACT.replace('kind = "energy"\n', 'kind = "energy"\n' + change, 1))
    assert _run(["bill", contract, *words, "--readings", str(tmp_path / "r.csv")]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("r.csv", "start,import_kwh\n", "energy.import is to name the column"),
        ("r.csv", "begin,import_wh\n", "no column start; it has begin, import_wh"),
        ("r.csv", "start,import_wh\n2026-01-01T00:00Z\n", "r.csv:2: not as many cells"),
        ("r.csv", "start,import_wh\n2026-01-01T00:00Z,x\n", "row 1: import_wh is 'x'"),
        ("r.csv", "start,import_wh\nnoon,1\n", "row 1: 'noon' is no time"),
        (
            "r.csv",
            "serial,start,import_wh\n1,2026-01-01T00:00Z,1\n2,2026-01-01T00:00Z,1\n",
            "several meters; name one with --serial",
        ),
        ("r.parquet", "no parquet", "cannot be read"),
        ("r.txt", "", "name a meter's data directory, a .csv"),
    ],
)
def test_readings_that_cannot_be_read_are_refused(tmp_path, contract, capsys, file, text, told):  # noqa: PLR0917
    (tmp_path / file).write_text(text)
    with pytest.raises(UsageError, match=told.replace(".", r"\.")):
        billed(capsys, contract, tmp_path / file)


def test_the_calendar_of_the_example_is_whole(project_root, tmp_path, capsys):
    (tmp_path / "r.csv").write_text("start,import_wh\n" + "".join(f"{at.isoformat()},250\n" for at in quarters()))
    contract = project_root / "examples" / "billing" / "office.contract.toml"
    bill, _ = billed(capsys, str(contract), tmp_path / "r.csv")
    by_name = {line["line"]: line["amount"] for line in bill["lines"]}
    # 4.6 kW x 31 x 0.075901 = 10.82, x 0.001987 = 0.28; 160 kWh x 0.097553 = 15.61
    assert (by_name["power.P1"], by_name["power.P2"], by_name["energy_access.P1"]) == ("10.82", "0.28", "15.61")
    assert date.fromisoformat(bill["last_day"]) == date(2026, 1, 31)
