"""A year of a real steel plant on the Spanish 6.1TD: every line of every month against plain SQL that knows nothing of this program.

The SQL has its own hours, seasons and holidays as the regulator prints them, its own summer time, sums, roots and roundings. The prices are
this test's own, with a new list in the middle of the year. The readings reach the bill as a user would bring them: a CSV file
with a mapping of its columns.
"""

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from watthour.billing import bill_intervals
from watthour.host.billing.contracts import read_contract
from watthour.host.billing.readings import read_intervals

MOVED = timedelta(weeks=209)
CONTRACTED = {"P1": 380, "P2": 400, "P3": 400, "P4": 410, "P5": 420, "P6": 451}
LISTS = {  # from the first day on
    date(2022, 1, 1): {
        "power_toll": (22.5, 21.9, 11.4, 9.1, 0.77, 0.77), "energy_toll": (0.0213, 0.0186, 0.0101, 0.0072, 0.0004, 0.0004),
        "energy": (0.2431, 0.2199, 0.1987, 0.1801, 0.1755, 0.1502), "excess": (3.4779,) * 6, "excess_kp": (1, 0.7, 0.5, 0.4, 0.05, 0.0264),
    },
    date(2022, 6, 1): {
        "power_toll": (23.1, 22.4, 11.9, 9.4, 0.81, 0.81), "energy_toll": (0.0221, 0.0190, 0.0108, 0.0077, 0.0005, 0.0005),
        "energy": (0.2977, 0.2711, 0.2405, 0.2213, 0.2099, 0.1788), "excess": (3.5122,) * 6, "excess_kp": (1, 0.7, 0.5, 0.4, 0.05, 0.0264),
    },
}  # fmt: skip
UNITS = {"power_toll": "EUR/kW.year", "energy_toll": "EUR/kWh", "energy": "EUR/kWh", "excess": "EUR/kW", "excess_kp": "1"}
MONTHS = [(date(2022, 1, 3), date(2022, 1, 31)), *(
    (date(2022, month, 1), date(2022 + month // 12, month % 12 + 1, 1) - timedelta(days=1)) for month in range(2, 13)
)]  # fmt: skip


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    """The profile moved to 2022 with its time as the end of each interval, the mapping, and the contract."""
    folder = tmp_path_factory.mktemp("steel")
    with (shared_data / "profiles" / "Steel_industry_data.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 365 * 96
    with (folder / "steel.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ends", "kWh", "inductive", "capacitive"])
        for row in rows:
            ends = datetime.strptime(row["date"], "%d/%m/%Y %H:%M") + MOVED  # noqa: DTZ007 - +01:00, says the mapping
            if (ends.hour, ends.minute) == (0, 0):
                ends += timedelta(days=1)  # the row labelled 00:00 closes the day, and has the same date
            reactive = (row["Lagging_Current_Reactive.Power_kVarh"], row["Leading_Current_Reactive_Power_kVarh"])
            writer.writerow([f"{ends:%Y-%m-%d %H:%M}", row["Usage_kWh"], *reactive])
    (folder / "steel.toml").write_text(
        'file = "steel.csv"\n[time]\ncolumn = "ends"\nformat = "%Y-%m-%d %H:%M"\nzone = "+01:00"\nlabels = "end"\n[energy]\n'
        'import = { column = "kWh", unit = "kWh" }\nq1 = { column = "inductive", unit = "kvarh" }\nq4 = { column = "capacitive", unit = "kvarh" }\n'
    )
    (folder / "contract.toml").write_text(contract_text())
    return folder


def contract_text():
    kw = ", ".join(f"{period} = {power}" for period, power in CONTRACTED.items())
    parts = [
        'title = "Steel plant"\ncurrency = "EUR"\nfirst_day = 2022-01-01\nlast_day = 2022-12-31\ntariff = "es/6.1TD"',
        'calendar = "es/6.1TD/peninsula"\nprices = ["es/reactive-2021"]\nmeter_type = 2',
        f'[[contracted]]\nfirst_day = 2022-01-01\nlast_day = 2022-12-31\nsource = "contract"\nkw = {{ {kw} }}',
    ]
    for (first, prices), last in zip(LISTS.items(), (date(2022, 5, 31), date(2022, 12, 31)), strict=True):
        for name, values in prices.items():
            written = ", ".join(f"P{n} = {value}" for n, value in enumerate(values, 1))
            parts.append(priced(name, UNITS[name], f"values = {{ {written} }}", first, last))
    year = (date(2022, 1, 1), date(2022, 12, 31))
    parts += [
        priced("electricity_tax", "%", "value = 5.11269632", *year),
        priced("electricity_tax_floor", "EUR/MWh", "value = 0.5", *year),
        priced("meter_rental", "EUR/month", "value = 14.17", *year),
        priced("vat", "%", "value = 21", *year),
    ]
    return "\n".join(parts) + "\n"


def priced(name, unit, value, first, last):
    return f'[[price]]\nname = "{name}"\nunit = "{unit}"\nfirst_day = {first}\nlast_day = {last}\nsource = "the test"\n{value}'


SQL = """
WITH quarters AS (  -- labels are ends, UTC+1; Spain is an hour later from the last Sunday of March to that of October
    SELECT ends::TIMESTAMP - INTERVAL 15 MINUTE + CASE
               WHEN ends::TIMESTAMP - INTERVAL 15 MINUTE >= TIMESTAMP '2022-03-27 02:00'
                AND ends::TIMESTAMP - INTERVAL 15 MINUTE <  TIMESTAMP '2022-10-30 02:00' THEN INTERVAL 1 HOUR ELSE INTERVAL 0 HOUR END AS local,
           kWh::DECIMAL(18, 3) AS kwh, inductive::DECIMAL(18, 3) - capacitive::DECIMAL(18, 3) AS kvarh
    FROM read_csv('{file}', header = true, all_varchar = true)
), periods AS (
    SELECT month(local) AS month, kwh, kvarh, CASE
        WHEN dayofweek(local) IN (0, 6) OR hour(local) < 8 OR strftime(local, '%m-%d') IN
            ('01-01', '01-06', '05-01', '08-15', '10-12', '11-01', '12-06', '12-08', '12-25') THEN 6
        ELSE CASE WHEN month(local) IN (1, 2, 7, 12) THEN 1 WHEN month(local) IN (3, 11) THEN 2 WHEN month(local) IN (6, 8, 9) THEN 3 ELSE 4 END
           + CASE WHEN hour(local) BETWEEN 9 AND 13 OR hour(local) BETWEEN 18 AND 21 THEN 0 ELSE 1 END
        END AS period
    FROM quarters WHERE local >= TIMESTAMP '2022-01-03' AND local < TIMESTAMP '2023-01-01'
), quantities AS (
    SELECT month, period, sum(kwh) AS kwh, sum(kvarh) AS kvarh, count(*) AS quarters,
           sqrt(sum(CASE WHEN 4 * kwh > contracted THEN (4 * kwh - contracted) * (4 * kwh - contracted) ELSE 0 END)) AS root
    FROM periods JOIN powers USING (period) GROUP BY month, period
), dated AS (SELECT * FROM prices), lines AS (
    SELECT month, 'energy' AS charge, period, round(kwh * energy, 2) AS amount FROM quantities JOIN dated USING (month, period)
    UNION ALL SELECT month, 'energy_toll', period, round(kwh * energy_toll, 2) FROM quantities JOIN dated USING (month, period)
    UNION ALL SELECT month, 'power_toll', period, round(contracted * power_toll * days / 365, 2) FROM dated JOIN powers USING (period) JOIN months USING (month)
    UNION ALL SELECT month, 'excess_quarters_2021', period, round((root * excess * excess_kp)::DECIMAL(18, 6), 2) FROM quantities JOIN dated USING (month, period)
    UNION ALL SELECT month, 'reactive', period, round(greatest(kvarh - 0.33 * kwh, 0) * CASE
        WHEN floor(100 * kwh::DOUBLE / sqrt(kwh::DOUBLE * kwh::DOUBLE + kvarh::DOUBLE * kvarh::DOUBLE) + 0.5) < 80 THEN 0.062332 ELSE 0.041554 END, 2)
        FROM quantities WHERE period < 6
), tax AS (
    SELECT month, 'electricity_tax' AS charge, 0 AS period,
           round(greatest(sum(amount) * 0.0511269632, (SELECT sum(kwh) / 1000 * 0.5 FROM quantities q WHERE q.month = lines.month)), 2) AS amount
    FROM lines GROUP BY month
), rent AS (SELECT month, 'meter_rental' AS charge, 0 AS period, round(14.17 * days / length, 2) AS amount FROM months),
net AS (SELECT * FROM lines UNION ALL SELECT * FROM tax UNION ALL SELECT * FROM rent),
vat AS (SELECT month, 'vat' AS charge, 0 AS period, round(sum(amount) * 0.21, 2) AS amount FROM net GROUP BY month)
SELECT month, charge, period, amount FROM net UNION ALL SELECT * FROM vat
"""


@pytest.fixture(scope="module")
def by_sql(folder):
    """Amounts by month, charge and period, of the query above."""
    with duckdb.connect() as base:
        base.execute("CREATE TABLE powers (period INTEGER, contracted DECIMAL(9, 3))")
        base.executemany("INSERT INTO powers VALUES (?, ?)", [(int(name[1]), power) for name, power in CONTRACTED.items()])
        base.execute("CREATE TABLE months (month INTEGER, days INTEGER, length INTEGER)")
        lengths = [(31, 29), *(((last - first).days + 1,) * 2 for first, last in MONTHS[1:])]
        base.executemany(
            "INSERT INTO months VALUES (?, ?, ?)", [(n, days, length) for n, (length, days) in enumerate(lengths, 1)]
        )
        names = list(LISTS[date(2022, 1, 1)])
        base.execute(
            f"CREATE TABLE prices (month INTEGER, period INTEGER, {', '.join(f'{name} DECIMAL(12, 6)' for name in names)})"
        )
        for month in range(1, 13):
            prices = LISTS[date(2022, 6, 1) if month >= 6 else date(2022, 1, 1)]
            rows = [(month, n + 1, *(prices[name][n] for name in names)) for n in range(6)]
            base.executemany("INSERT INTO prices VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        rows = base.execute(SQL.format(file=folder / "steel.csv")).fetchall()
    found = {}
    for month, charge, period, amount in rows:
        found[month, f"{charge}.P{period}" if period else charge] = Decimal(str(amount)).quantize(Decimal("0.01"))
    return found


@pytest.fixture(scope="module")
def bills(folder):
    contract = read_contract(folder / "contract.toml").contract
    intervals = read_intervals(str(folder / "steel.toml")).intervals
    assert not intervals.quality.any()
    return {first.month: bill_intervals(contract, intervals, first, last) for first, last in MONTHS}


def test_every_line_of_every_month_is_that_of_plain_sql(bills, by_sql):
    ours = {(month, line.name): line.amount for month, bill in bills.items() for line in bill.lines}
    assert ours == by_sql
    assert len(ours) > 12 * 15


def test_the_year_s_total_is_that_of_plain_sql(bills, by_sql):
    assert sum(bill.total for bill in bills.values()) == sum(by_sql.values())


def test_the_plant_pays_for_excess_and_reactive_energy(bills):
    for charge in ("excess_quarters_2021", "reactive", "electricity_tax"):
        assert sum(bill.amount_of(charge) for bill in bills.values()) > 100, charge


def test_the_sql_sees_a_holiday_put_on_good_friday(folder, bills, by_sql):
    """15 April 2022 is Good Friday: counted as a holiday the lines of April would differ."""
    with_feast = SQL.replace("'05-01'", "'04-15', '05-01'")
    assert with_feast != SQL
    april = {name: amount for (month, name), amount in by_sql.items() if month == 4}
    assert {line.name: line.amount for line in bills[4].lines} == april
    plain, feast = (quarters_of_p6(text, folder / "steel.csv") for text in (SQL, with_feast))
    assert feast == plain + 64


def quarters_of_p6(sql, file):
    periods = sql.partition(", quantities AS")[0].format(file=file)
    with duckdb.connect() as base:
        return base.execute(periods + "SELECT count(*) FROM periods WHERE month = 4 AND period = 6").fetchone()[0]  # noqa: S608 - own text
