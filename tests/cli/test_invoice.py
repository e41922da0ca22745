"""``watthour invoice check`` as a user types it: table, JSON, HTML and PDF, exit status, and what it refuses."""

import json
import re
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.billing.supplier import APRIL, EXAMPLES, PLANT, metered, plant, received

from watthour.cli.main import _run

TRUTH = plant(APRIL, 1)


def written(invoice, path):
    """Write an invoice as a user types it."""
    lines = [
        f'number = "{invoice.number}"',
        f'supplier = "{invoice.supplier}"',
        f'contract = "{EXAMPLES / "plant.contract.toml"}"',
    ]
    lines += [
        f"reading_from = {invoice.first_day - timedelta(days=1)}",
        f"reading_to = {invoice.last_day}",
        f"days = {invoice.days}",
    ]
    lines += [f"total = {invoice.total}"]
    for line in invoice.lines:
        lines += ["[[line]]", f'charge = "{line.charge}"', f'period = "{line.period}"', f'unit = "{line.price_unit}"']
        fields = {"quantity": line.quantity, "price": line.price, "days": line.days, "amount": line.amount}
        lines += [f"{key} = {value}" for key, value in fields.items() if value is not None]
    path.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("invoice")
    ours = metered(TRUTH, gain=0.4, seed=2)
    columns = {"start": pa.array(ours.starts_ns, pa.timestamp("ns", "UTC"))}
    for name, column in (("import", "import_wh"), ("q1", "q1_varh"), ("q4", "q4_varh")):
        columns[column] = pa.array([f"{micro // 10**6}.{micro % 10**6:06}" for micro in ours.energies[name].tolist()])
    pq.write_table(pa.table(columns), folder / "ours.parquet")
    theirs = metered(TRUTH, gain=-0.3, seed=3)
    written(received(PLANT, theirs, APRIL), folder / "honest.toml")
    late = type(theirs)(
        begin_ns=theirs.begin_ns + 3600 * 10**9,
        step_ns=theirs.step_ns,
        energies=theirs.energies,
        quality=np.zeros(len(theirs), np.uint8),
    )
    written(received(PLANT, late, APRIL), folder / "shifted.toml")
    return folder


def run(capsys, folder, name, *words):
    status = _run(["invoice", "check", str(folder / name), "--readings", str(folder / "ours.parquet"), *map(str, words)])
    return status, capsys.readouterr()


def test_an_honest_invoice_ends_with_0(folder, capsys):
    status, printed = run(capsys, folder, "honest.toml")
    assert (status, printed.err) == (0, "")
    assert "quantities: within tolerance" in printed.out


def test_a_shifted_clock_ends_with_1_and_is_named_in_the_object(folder, capsys):
    status, printed = run(capsys, folder, "shifted.toml", "--json")
    assert status == 1
    result = json.loads(printed.out)
    assert result["verdicts"] == {"arithmetic": True, "prices": True, "quantities": False}
    assert [each["cause"] for each in result["causes"] if each["likelihood"] == "likely"] == ["shifted clock"]
    parts = {part["part"] for each in result["quantities"] for part in each["parts"]}
    assert {"our meter", "their meter", "our transformers", "their transformers", "clocks", "printed digit"} <= parts
    assert all(set(each) >= {"billed", "ours", "difference", "tolerance", "passed"} for each in result["quantities"])
    assert "shifted clock" in run(capsys, folder, "shifted.toml")[1].out


def test_the_page_says_what_the_object_says(folder, capsys, tmp_path):
    words = ("--html", tmp_path / "page.html", "--pdf", tmp_path / "page.pdf", "--json")
    status, printed = run(capsys, folder, "shifted.toml", *words)
    assert status == 1
    result = json.loads(printed.out)
    page = (tmp_path / "page.html").read_text("utf-8")
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for line in result["lines"]:
        assert line["title"] in text
        assert line["billed"] is None or line["billed"] in text
    for each in result["quantities"]:
        assert f"± {each['tolerance']}" in text
    assert "Likely cause: shifted clock" in text
    assert result["money_in_question"] in text
    assert "http" not in page
    pdf = (tmp_path / "page.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page") >= 2 or len(pdf) > 20_000


def test_the_page_of_a_right_invoice_asks_for_nothing(folder, capsys, tmp_path):
    run(capsys, folder, "honest.toml", "--html", tmp_path / "page.html", "--pdf", tmp_path / "page.pdf")
    text = " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / "page.html").read_text("utf-8")).split())
    assert "found nothing to correct" in text
    assert "Likely cause" not in text


def test_a_distributor_s_message_alone_is_judged_by_its_arithmetic(shared_data, capsys):
    status = _run(["invoice", "check", str(shared_data / "invoices" / "f1_30A_2017-04.xml"), "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (status, result["verdicts"]) == (0, {"arithmetic": True, "prices": None, "quantities": None})
    assert _run(["invoice", "check", str(shared_data / "invoices" / "f1_20TD_2022-01.xml")]) == 1


def test_names_in_an_invoice_do_not_break_the_page(folder, capsys, tmp_path):
    text = (folder / "shifted.toml").read_text("utf-8").replace("Energía del Valle", "<b>#panic() & \\\\*Sons*</b>")
    (folder / "odd.toml").write_text(text, "utf-8")
    assert run(capsys, folder, "odd.toml", "--html", tmp_path / "p.html", "--pdf", tmp_path / "p.pdf")[0] == 1
    assert "<b>#panic" not in (tmp_path / "p.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("reading_from = 2026-03-31\n", ""), "write first_day (billed) or reading_from"),
        (("days = 30", "days = x"), "not valid TOML"),
        (("days = 30", "day = 30"), "unknown key day"),
        (("reading_to = 2026-04-30", "reading_to = 2026-03-30"), "it ends on 2026-03-30, before it begins"),
    ],
)
def test_an_invoice_that_cannot_be_read_is_one_line(folder, capsys, change, told):
    text = (folder / "honest.toml").read_text("utf-8")
    assert change[0] in text
    (folder / "bad.toml").write_text(text.replace(*change, 1), "utf-8")
    status, printed = run(capsys, folder, "bad.toml")
    assert (status, printed.out) == (2, "")
    assert told in printed.err
    assert len(printed.err.splitlines()) == 1


def test_the_example_is_an_invoice(capsys):
    assert _run(["invoice", "check", str(EXAMPLES / "plant.invoice.toml"), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    wrong = [each for each in result["findings"] if not each["passed"]]
    assert {each["line"] for each in wrong} == {"vat"}  # 21 % of 864.49 is 181.54
