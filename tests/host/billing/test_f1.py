"""Both F1 messages, line by line: what they print, what follows from it, and what of them is only a placeholder."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from watthour.billing import FromPrint, bill, to_cents
from watthour.billing.checking import check
from watthour.billing.invoice import Verdict, amount_of
from watthour.errors import ConfigError
from watthour.host.billing.contracts import read_contract
from watthour.host.billing.invoices import read_invoice


@pytest.fixture(scope="module")
def messages(shared_data):
    folder = shared_data / "invoices"
    return {name: read_invoice(folder / name).invoice for name in ("f1_20TD_2022-01.xml", "f1_30A_2017-04.xml")}


def wrong(result):
    return {(each.line, each.billed, each.ours) for each in result.findings if not each.passed}


def test_the_invoice_of_2_0td_is_right_but_for_its_placeholder_total(messages):
    invoice = messages["f1_20TD_2022-01.xml"]
    assert (invoice.first_day, invoice.last_day, invoice.days) == (date(2022, 1, 1), date(2022, 1, 31), 31)
    assert {line.name: str(amount_of(invoice, line)) for line in invoice.lines} == {
        "power_toll.P1": "8.98", "power_toll.P2": "0.37", "excess.P1": "0.00", "excess.P2": "0.00", "energy_toll.P1": "0.70",
        "energy_toll.P2": "0.45", "energy_toll.P3": "0.06", "power_charges.P1": "1.94", "power_charges.P2": "0.12",
        "energy_charges.P1": "1.83", "energy_charges.P2": "0.34", "energy_charges.P3": "0.31", "electricity_tax": "0.00",
        "meter_rental": "0.83", "vat": "3.35",
    }  # fmt: skip
    result = check(invoice)
    assert wrong(result) == {("total", "100", "19.28")}  # the message's own end says 19.28, and that follows
    assert any(
        each.line == "ImporteTotal of the message" and each.billed == "19.28" and each.passed for each in result.findings
    )
    assert len([each for each in result.findings if each.line.startswith("meter 32638238")]) == 12


def test_the_invoice_of_3_0a_is_right_in_every_line(messages):
    invoice = messages["f1_30A_2017-04.xml"]
    assert {f"{line.name} {line.first_day or ''}".strip(): str(amount_of(invoice, line)) for line in invoice.lines} == {
        "power_toll.P1 2017-04-01": "124.43", "power_toll.P2 2017-04-01": "81.13", "power_toll.P3 2017-04-01": "40.39",
        "energy_toll.P1 2017-04-01": "43.66", "energy_toll.P2 2017-04-01": "72.16", "energy_toll.P3 2017-04-01": "8.43",
        "reactive.P1 2017-04-01": "0.65", "reactive.P2 2017-04-01": "29.69", "electricity_tax": "0.00", "meter_rental": "4.49",
        "vat": "86.29",
    }  # fmt: skip
    assert [str(amount_of(invoice, line)) for line in invoice.lines if line.charge == "meter_rental"] == ["5.87", "4.49"]
    result = check(invoice)
    assert wrong(result) == set()
    assert result.passed_in(Verdict.ARITHMETIC) is True
    assert len([each for each in result.findings if each.line.startswith("meter ")]) == 36


def registers(invoice):
    """Return kWh and kvarh by meter and period of the invoice: registers 61 to 66 count P1, P2, P3 twice."""
    found = defaultdict(Fraction)
    for register in invoice.registers:
        _, serial, magnitude, code = register.name.replace(",", "").split()
        found[serial, magnitude, f"P{(int(code[1:]) - 1) % 3 + 1}"] += Fraction(register.consumption)
    return found


def test_the_reactive_energy_of_3_0a_follows_from_its_registers(messages, tmp_path):
    """Each meter has its own stretch of days, since one replaced the other on the 17th; 33 % of each stretch is free."""
    invoice = messages["f1_30A_2017-04.xml"]
    read = registers(invoice)
    (tmp_path / "c.toml").write_text(CONTRACT)
    contract = read_contract(tmp_path / "c.toml").contract
    found = defaultdict(Fraction)
    amounts = defaultdict(Decimal)
    for serial, span in (
        ("160502", (date(2017, 4, 1), date(2017, 4, 17))),
        ("47790667", (date(2017, 4, 18), date(2017, 4, 30))),
    ):
        kwh = {period: read[serial, "AE", period] for period in ("P1", "P2", "P3")}
        kvarh = {period: read[serial, "R1", period] for period in ("P1", "P2", "P3")}
        made = bill(contract, FromPrint(import_kwh=kwh, net_reactive=kvarh), *span)
        for line in made.lines:
            if line.charge == "reactive":
                found[line.period] += line.quantity
                amounts[line.period] += line.amount
    printed = {line.period: Fraction(line.quantity) for line in invoice.lines if line.charge == "reactive"}
    assert found == printed
    assert found == {"P1": Fraction("15.55"), "P2": Fraction("714.46")}
    assert sum(to_cents(each * Fraction("0.041554")) for each in printed.values()) == Decimal("30.34")


def test_the_powers_of_3_0a_follow_from_their_maxima(messages, tmp_path):
    invoice = messages["f1_30A_2017-04.xml"]
    (tmp_path / "c.toml").write_text(CONTRACT)
    contract = read_contract(tmp_path / "c.toml").contract
    lines = {line.period: line for line in invoice.lines if line.charge == "power_toll"}
    made = bill(
        contract,
        FromPrint(highest={p: Fraction(line.maximum_kw) for p, line in lines.items()}),
        date(2017, 4, 1),
        date(2017, 4, 30),
    )
    ours = {line.period: line for line in made.lines if line.charge == "power_toll"}
    assert {p: line.quantity for p, line in ours.items()} == {p: Fraction(line.quantity) for p, line in lines.items()}
    assert sum(line.amount for line in ours.values()) == Decimal("245.95")


CONTRACT = """\
title = "3.0A"
currency = "EUR"
first_day = 2017-01-01
last_day = 2017-12-31
tariff = "es/3.0A"
calendar = "flat"
[[contracted]]
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
kw = { P1 = 35, P2 = 35, P3 = 35 }
[[price]]
name = "power_toll"
unit = "EUR/kW.month"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
values = { P1 = 3.394074, P2 = 2.036444, P3 = 1.35763 }
[[price]]
name = "energy_toll"
unit = "EUR/kWh"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
values = { P1 = 0.018762, P2 = 0.012575, P3 = 0.00467 }
[[price]]
name = "reactive"
unit = "EUR/kvarh"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
value = 0.041554
[[price]]
name = "reactive_below_080"
unit = "EUR/kvarh"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
value = 0.062332
[[price]]
name = "meter_rental"
unit = "EUR/day"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
value = 0.345205
[[price]]
name = "vat"
unit = "%"
first_day = 2017-01-01
last_day = 2017-12-31
source = "the message"
value = 21
"""


def test_prices_and_powers_of_3_0a_are_those_of_its_contract(messages, tmp_path):
    (tmp_path / "c.toml").write_text(CONTRACT)
    (tmp_path / "d.toml").write_text(CONTRACT.replace("0.012575", "0.012576"))
    right = check(messages["f1_30A_2017-04.xml"], read_contract(tmp_path / "c.toml").contract)
    assert {each.line for each in right.findings if not each.passed} == set()
    dearer = check(messages["f1_30A_2017-04.xml"], read_contract(tmp_path / "d.toml").contract)
    assert {each.line for each in dearer.findings if not each.passed} == {"energy_toll.P2"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("<ImporteTotalTerminoPotencia>9.35", "<ImporteTotalTerminoPotencia>9.36"), ("ImporteTotalTerminoPotencia", "9.36", "9.35")),
        (("<ValorEnergiaActiva>25.09", "<ValorEnergiaActiva>26.09"), ("ImporteTotalEnergiaActiva", "1.21", "1.23")),
        (("<Importe>3.35", "<Importe>3.34"), ("vat", "3.34", "3.35")),
        (("<NumeroDias>31</NumeroDias>\n                    </Periodo>\n                    <TipoPM>", "<NumeroDias>30</NumeroDias>\n                    </Periodo>\n                    <TipoPM>"), ("days", "30", "31")),
        (("<Lectura>5499.00", "<Lectura>5498.00"), ("meter 32638238, AE 91", "28", "27")),
    ],
)  # fmt: skip
def test_a_figure_changed_in_a_message_is_found(shared_data, tmp_path, change, told):
    text = (shared_data / "invoices" / "f1_20TD_2022-01.xml").read_text("utf-8")
    assert change[0] in text
    (tmp_path / "f1.xml").write_text(text.replace(*change), "utf-8")
    assert told in wrong(check(read_invoice(tmp_path / "f1.xml").invoice))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<a>", "not valid XML"),
        ("<MensajeFacturacion/>", "0 invoices of access"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "no DOCTYPE and no entities"),
        ("<M><Facturas><FacturaATR/></Facturas></M>", "has no"),
    ],
)
def test_what_is_no_message_is_one_line(tmp_path, text, told):
    (tmp_path / "f1.xml").write_text(text)
    with pytest.raises(ConfigError, match=told) as refused:
        read_invoice(tmp_path / "f1.xml")
    assert "\n" not in str(refused.value)
