"""Every line of other people's worked invoices, through contracts as a user writes them.

Where a printed figure cannot follow from the printed inputs, `NOT_FROM_WHAT_IS_PRINTED` names the row, the reason, and what our figure
is held to instead. No row is left out: the last test counts them.
"""

import csv
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from watthour.billing import FromPrint, bill, to_cents
from watthour.billing.charges import BilledPower
from watthour.billing.pricing import billed_power
from watthour.host.billing.contracts import read_contract

KWH_ROUNDED = "the regulator's own table was made from kWh with decimals and shows whole ones"
NOT_FROM_WHAT_IS_PRINTED = {
    ("C7a1", "energy", "P2"): (KWH_ROUNDED, "1.42"),
    ("C7a1", "energy_total", ""): ("sum of the lines of the row's own table, " + KWH_ROUNDED, "3.64"),
    ("C7a2", "energy", "P2"): (KWH_ROUNDED, "1.42"),
    ("C7a2", "energy_total", ""): ("sum of the lines of the row's own table, " + KWH_ROUNDED, "3.75"),
    ("C7b", "energy", "P2"): (KWH_ROUNDED, "18.31"),
    ("C7b", "energy_total", ""): ("sum of the lines of the row's own table, " + KWH_ROUNDED, "43.78"),
    ("C7c", "energy", "P1"): (KWH_ROUNDED, "397.91"),
    ("C7c", "energy", "P6"): (KWH_ROUNDED, "4.20"),
    ("C12", "excess_total", ""): (
        "the regulator rounds this sum after adding, the lines printed above it add to 42.44",
        "42.44",
    ),
}
"""Row to reason and our figure: the recomputed column, rounded to cents line by line."""

ROUNDED_AFTER_THE_SUM = {("C12", "excess_total", "")}
"""Rows whose recomputed column is a sum that was not rounded by line; ours is the sum of the lines, as on a real invoice."""

QUARTER_ROOTS = {"P1": "4.2296", "P2": "6.7454", "P6": "0.5446"}
"""Of C13: kW to four decimals that yield the printed euros (the recomputed column); the page shows whole kW."""

DAYS = {"C": (date(2021, 7, 1), date(2021, 7, 31)), "F1-20TD": (date(2022, 1, 1), date(2022, 1, 31)),
        "F1-30A": (date(2017, 4, 1), date(2017, 4, 30)), "CNMC-0kWh": (date(2025, 12, 30), date(2026, 1, 29))}  # fmt: skip

CALENDAR = {"2.0TD": "es/2.0TD/peninsula", "3.0TD": "es/3.0TD/peninsula", "6.1TD": "es/6.1TD/peninsula", "3.0A": "flat"}


@pytest.fixture(scope="session")
def rows(shared_data):
    with (shared_data / "invoices" / "worked_examples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def key(row):
    return (row["id"], row["kind"], row["period"])


def days_of(row):
    return DAYS.get(row["id"], DAYS["C"])


def priced(name, unit, values):
    written = values if isinstance(values, str) else "{ " + ", ".join(f"{k} = {v}" for k, v in values.items()) + " }"
    word = "value" if isinstance(values, str) else "values"
    return (
        f'[[price]]\nname = "{name}"\nunit = "{unit}"\nfirst_day = 2010-01-01\nlast_day = "open"\nsource = "the row"\n'
        f"{word} = {written}\n"
    )


def contract(tmp_path, tariff, *prices, contracted=None, **words):
    """Return a contract written as a user writes it."""
    text = f'title = "worked example"\ncurrency = "EUR"\nfirst_day = 2010-01-01\nlast_day = "open"\ntariff = "es/{tariff}"\n'
    text += f'calendar = "{CALENDAR[tariff]}"\n' + "".join(f"{k} = {v}\n" for k, v in words.items())
    if contracted:
        kw = ", ".join(f"{k} = {v}" for k, v in contracted.items())
        text += f'[[contracted]]\nfirst_day = 2010-01-01\nlast_day = "open"\nsource = "the row"\nkw = {{ {kw} }}\n'
    if tariff != "2.0TD":
        prices = (priced("reactive", "EUR/kvarh", "0.041554"), priced("reactive_below_080", "EUR/kvarh", "0.062332"), *prices)
    file = tmp_path / "contract.toml"
    file.write_text(text + "".join(prices), "utf-8")
    return read_contract(file).contract


def number(text):
    return Fraction(re.search(r"-?\d*\.?\d+", text)[0])


def held(row, amount):
    """Hold a figure to the printed one, or to that of the table above."""
    reason, ours = NOT_FROM_WHAT_IS_PRINTED.get(key(row), ("", row["expected_eur"]))
    assert amount == Decimal(ours), reason
    if reason:
        assert amount != Decimal(row["expected_eur"]), "the printed figure does follow: take the row out of the table"
        if key(row) not in ROUNDED_AFTER_THE_SUM:
            recomputed = Decimal(row["recomputed_from_displayed"])
            assert abs(amount - recomputed) <= Decimal("0.005"), "not the recomputed figure either"
    return key(row)


def energies(tmp_path, rows):
    """Return the bill of the energy lines of one example."""
    kwh = {row["period"]: number(row["inputs"]) for row in rows}
    prices = {row["period"]: row["unit_price"] for row in rows}
    made = contract(tmp_path, rows[0]["tariff"], priced("energy_toll", "EUR/kWh", prices))
    return bill(made, FromPrint(import_kwh=kwh), *DAYS["C"])


def of(rows, identity, *kinds):
    return [row for row in rows if row["id"] == identity and row["kind"] in kinds]


def amount(made, name):
    return next(line.amount for line in made.lines if line.name == name)


@pytest.mark.parametrize("identity", ["C7a1", "C7a2", "C7b", "C7c"])
def test_worked_examples_of_energy_tolls(rows, tmp_path, identity):
    lines = of(rows, identity, "energy")
    made = energies(tmp_path, lines)
    for row in lines:
        held(row, amount(made, f"energy_toll.{row['period']}"))
    (total,) = of(rows, identity, "energy_total")
    held(total, made.amount_of("energy_toll"))


def test_worked_examples_of_excess_by_maximum(rows, tmp_path):
    lines = of(rows, "C12", "excess_type4_5_2021")
    contracted = {row["period"]: str(number(row["inputs"])) for row in lines}
    highest = {row["period"]: Fraction(re.search(r"result: ([\d.]+) kW", row["inputs"])[1]) for row in lines}
    made = bill(
        contract(tmp_path, "6.1TD", priced("excess", "EUR/kW", lines[0]["unit_price"]), contracted=contracted, meter_type=4),
        FromPrint(highest=highest),
        *DAYS["C"],
    )
    for row in lines:
        held(row, amount(made, f"excess_2021.{row['period']}"))
    (total,) = of(rows, "C12", "excess_total")
    held(total, made.amount_of("excess_2021"))
    added_first = to_cents(sum(line.exact for line in made.lines if line.charge == "excess_2021"))
    assert added_first == Decimal(total["expected_eur"]), "the regulator's figure is that of adding before rounding"


def test_worked_examples_of_excess_by_quarter_hours(rows, tmp_path):
    lines = of(rows, "C13", "excess_type1_2_3_2021")
    factors = {row["period"]: re.search(r"Kp=([\d.]+)", row["inputs"])[1] for row in lines}
    roots = {row["period"]: Fraction(row["recomputed_from_displayed"]) for row in lines}
    assert roots == {period: Fraction(text) for period, text in QUARTER_ROOTS.items()}
    for row in lines:  # the page's whole kW are those roots, cut to their integers or rounded
        shown = int(re.search(r"shown as (\d+) kW", row["inputs"])[1])
        assert abs(roots[row["period"]] - shown) < 1
    made = bill(
        contract(
            tmp_path,
            "6.1TD",
            priced("excess", "EUR/kW", lines[0]["unit_price"]),
            priced("excess_kp", "1", factors),
            contracted=dict.fromkeys(factors, 1),
            meter_type=3,
        ),
        FromPrint(excess_root=roots),
        *DAYS["C"],
    )
    for row in lines:
        held(row, amount(made, f"excess_quarters_2021.{row['period']}"))
    (total,) = of(rows, "C13", "excess_total")
    held(total, made.amount_of("excess_quarters_2021"))


def test_worked_examples_of_reactive_energy(rows, tmp_path):
    lines = {row["period"]: row for row in of(rows, "C14", "reactive")}
    found = {period: [Fraction(n) for n in re.findall(r"E[ar]=(\d+)", row["inputs"])] for period, row in lines.items()}
    net = {
        period: -reactive if "capacitive" in lines[period]["inputs"] else reactive for period, (_, reactive) in found.items()
    }
    active = {period: each for period, (each, _) in found.items()}
    made = bill(
        contract(tmp_path, "6.1TD", priced("reactive_capacitive", "EUR/kvarh", lines["P6"]["unit_price"])),
        FromPrint(import_kwh=active, net_reactive=net),
        *DAYS["C"],
    )
    by_name = {line.name: line for line in made.lines}
    held(lines["P1"], by_name["reactive.P1"].amount)
    held(lines["P2"], by_name["reactive.P2"].amount)
    capacitive = by_name["reactive_capacitive.P6"]
    held(lines["P6"], capacitive.amount)
    assert capacitive.quantity == Fraction(lines["P6"]["recomputed_from_displayed"])
    for period, name in (("P1", "reactive.P1"), ("P2", "reactive.P2"), ("P6", "reactive_capacitive.P6")):
        printed = Decimal(re.search(r"cosphi ([\d.]+)", lines[period]["inputs"])[1]).quantize(Decimal("0.01"))
        assert f"cos φ {printed}" in by_name[name].rule


def test_worked_examples_of_the_surcharge_on_short_contracts(rows, tmp_path):
    (row,) = of(rows, "C15", "short_contract_surcharge")
    rule = dict(re.findall(r"(<=\d|>6) (?:months )?(\d+) ?%", row["inputs"].replace("D", "")))
    assert rule == {"<=3": "135", "<=4": "90", "<=5": "63", "<=6": "45", ">6": "32"}
    expected = {
        months: int(next(p for limit, p in rule.items() if limit == ">6" or months <= int(limit[2:])))
        for months in range(1, 13)
    }
    for months, percent in expected.items():
        made = bill(
            contract(
                tmp_path,
                "2.0TD",
                priced("power_toll", "EUR/kW.day", "1"),
                contracted={"P1": 1},
                duration_months=months,
                prices='["es/short-contract"]',
            ),
            FromPrint(),
            *DAYS["C"],
        )
        assert amount(made, "short_contract") == made.amount_of("power_toll") * percent / 100


def test_worked_examples_of_a_distributor_s_invoice_of_2_0td(rows, tmp_path):
    one = {row["kind"]: row for row in rows if row["id"] == "F1-20TD" and not row["period"]}
    power = of(rows, "F1-20TD", "power_toll")
    kw, days = (re.search(r"(\d+) W x (\d+) d", power[0]["inputs"])[n] for n in (1, 2))
    span = DAYS["F1-20TD"]
    assert (span[1] - span[0]).days + 1 == int(days)
    kwh = dict(zip(("P1", "P2", "P3"), map(Fraction, one["energy_toll_total"]["inputs"].split()[0].split("/")), strict=True))

    def by_period(text, times=1):
        return {f"P{n}": Decimal(each) * times for n, each in enumerate(text.split("/"), 1)}

    made = bill(
        contract(
            tmp_path,
            "2.0TD",
            priced("power_toll", "EUR/kW.day", {row["period"]: f"{Decimal(row['unit_price']) * 1000:f}" for row in power}),
            priced(
                "power_charges",
                "EUR/kW.day",
                by_period(one["charges_power_total"]["unit_price"] or one["charges_power_total"]["inputs"], 1000),
            ),
            priced("energy_toll", "EUR/kWh", by_period(one["energy_toll_total"]["unit_price"])),
            priced("energy_charges", "EUR/kWh", by_period(one["charges_energy_total"]["unit_price"])),
            priced("meter_rental", "EUR/day", one["meter_rental"]["unit_price"]),
            priced("vat", "%", str(int(number(one["vat"]["inputs"])))),
            contracted={"P1": Decimal(kw) / 1000, "P2": Decimal(kw) / 1000},
        ),
        FromPrint(import_kwh=kwh),
        *span,
    )
    for row in power:
        line = next(line for line in made.lines if line.name == f"power_toll.{row['period']}")
        assert abs(line.exact - Fraction(row["recomputed_from_displayed"])) <= Fraction("0.00005")
    for kind, charge in (
        ("power_toll_total", "power_toll"), ("energy_toll_total", "energy_toll"), ("charges_power_total", "power_charges"),
        ("charges_energy_total", "energy_charges"), ("meter_rental", "meter_rental"), ("vat", "vat"),
    ):  # fmt: skip
        held(one[kind], made.amount_of(charge))
    held(one["vat_base"], made.total - made.amount_of("vat"))


def test_worked_examples_of_a_distributor_s_invoice_of_3_0a(rows, tmp_path):
    one = {row["kind"]: row for row in rows if row["id"] == "F1-30A" and not row["period"]}
    rules = of(rows, "F1-30A", "billed_power_rule")
    powers = {row["period"]: [Fraction(n) for n in re.findall(r"\d+\.\d+", row["inputs"])] for row in rules}
    rule = BilledPower(name="power_toll", title="Power", price="power_toll")
    for row in rules:
        held(row, Decimal(str(float(billed_power(rule, *powers[row["period"]])))))

    def by_period(text, times=1):
        return {f"P{n}": f"{Decimal(each) * times:f}" for n, each in enumerate(text.split()[0].split("/"), 1)}

    watts = by_period(one["power_total"]["inputs"])
    assert {p: Fraction(w) / 1000 for p, w in watts.items()} == {p: billed_power(rule, *each) for p, each in powers.items()}
    kvarh = [Fraction(each) for each in one["reactive_total"]["inputs"].split()[0].split("+")]
    kwh = {p: Fraction(n) for p, n in by_period(one["energy_total"]["inputs"]).items()}
    made = bill(
        contract(
            tmp_path,
            "3.0A",
            priced("power_toll", "EUR/kW.month", by_period(one["power_total"]["unit_price"], 1000)),
            priced("energy_toll", "EUR/kWh", by_period(one["energy_total"]["unit_price"])),
            contracted={p: float(each[0]) for p, each in powers.items()},
        ),
        # what is printed is the reactive energy above 33 %: the whole of it is put back beneath
        FromPrint(
            import_kwh=kwh,
            highest={p: each[1] for p, each in powers.items()},
            net_reactive={p: x + kwh[p] * Fraction(33, 100) for p, x in zip(("P1", "P2"), kvarh, strict=True)},
        ),
        *DAYS["F1-30A"],
    )
    held(one["power_total"], made.amount_of("power_toll"))
    held(one["energy_total"], made.amount_of("energy_toll"))
    held(one["reactive_total"], made.amount_of("reactive"))
    parts = [int(n) for n in re.findall(r"\d+", one["rental"]["inputs"])]
    rents = [rental(tmp_path, one["rental"]["unit_price"], days) for days in parts]
    held(one["rental"], sum(rents))
    base = made.total + sum(rents)
    held(one["vat_base"], base)
    held(one["vat"], tax(tmp_path, base, number(one["vat"]["inputs"])))


def rental(tmp_path, price, days):
    made = bill(
        contract(tmp_path, "2.0TD", priced("meter_rental", "EUR/day", price)),
        FromPrint(),
        date(2017, 4, 1),
        date(2017, 4, days),
    )
    return made.total


def tax(tmp_path, base, percent):
    made = bill(
        contract(tmp_path, "2.0TD", priced("meter_rental", "EUR/day", str(base)), priced("vat", "%", str(int(percent)))),
        FromPrint(),
        date(2017, 4, 1),
        date(2017, 4, 1),
    )
    return made.amount_of("vat")


def test_worked_examples_of_a_bill_without_energy(rows, tmp_path):
    """The simulator prints the fixed term, the tax and the total; what lies between is rental and social bond, 1.41 together.

    The rental is the one that the distributor's invoice prints, 0.02663 a day; the bond is what then remains.
    """
    (row,) = of(rows, "CNMC-0kWh", "pvpc_zero")
    fixed, iee, total = (Decimal(re.search(word + r" ([\d.]+\d)", row["note"])[1]) for word in ("fixed term", "IEE", "total"))
    assert str(total) == row["expected_eur"]
    begin, end = (date.fromisoformat("-".join(reversed(d.split("/")))) for d in re.findall(r"\d\d/\d\d/\d{4}", row["inputs"]))
    days = (end - begin).days
    assert days == 31
    base = fixed / days  # the printed term, by the day
    bond = Decimal("0.58")
    made = bill(
        contract(
            tmp_path,
            "2.0TD",
            priced("power", "EUR/kW.day", str(base.quantize(Decimal("1e-12")) / Decimal("3.5"))),
            priced("social_bond", "EUR", str(bond)),
            priced("meter_rental", "EUR/day", "0.02663"),
            contracted={"P1": 3.5},
            prices='["es/electricity-tax-2026", "es/vat-2026"]',
        ),
        FromPrint(import_kwh={"P1": Fraction(0), "P2": Fraction(0), "P3": Fraction(0)}),
        *DAYS["CNMC-0kWh"],
    )
    assert made.amount_of("power") == fixed
    assert made.amount_of("electricity_tax") == iee
    held(row, made.total)
    assert made.total - made.amount_of("vat") - fixed - iee == Decimal("1.41")


def test_no_row_of_the_worked_examples_is_left_out(rows):
    kinds = {
        "energy", "energy_total", "excess_type4_5_2021", "excess_type1_2_3_2021", "excess_total", "reactive",
        "short_contract_surcharge", "power_toll", "power_toll_total", "energy_toll_total", "charges_power_total",
        "charges_energy_total", "meter_rental", "vat_base", "vat", "billed_power_rule", "power_total", "reactive_total", "rental",
        "pvpc_zero",
    }  # fmt: skip
    assert len(rows) == 47
    assert {row["kind"] for row in rows} == kinds
    assert set(NOT_FROM_WHAT_IS_PRINTED) <= {key(row) for row in rows}
