"""The interface for programs: every value, every record, every command."""

import csv
import io
import re
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from watthour.face import HOLD_S
from watthour.parameters import Interface
from watthour.units import VALUES
from watthour.view import ClosePeriod, ResetPartial, SelectRate, SetSeal, WriteSettings

API = "/api/v1"


def test_every_value_of_the_model_is_there_and_null_is_null(page):
    told = page.client.get(f"{API}/values").json()
    view = page.port.view()
    assert told["serial"] == 7
    assert told["values"] == dict(view.values)
    assert told["exact"] == dict(view.exact)
    assert told["values"]["voltage_l1_v"] is None


@pytest.mark.parametrize("name", [value.name for value in VALUES if not value.needs][::29])
def test_a_value_is_asked_by_its_name(page, name):
    assert page.client.get(f"{API}/values/{name}").json()["name"] == name


def test_a_value_that_is_not_there_is_not_found(page, make_page):
    assert page.client.get(f"{API}/values/colour").status_code == 404
    assert page.client.get(f"{API}/values/pulse_output_count").status_code == 404
    assert make_page(model="Q23601").client.get(f"{API}/values/pulse_output_count").json()["value"] == 0


def test_the_plate_says_what_the_meter_has(page, make_page):
    told = page.client.get(f"{API}/meter").json()
    assert (told["model"], told["inputs"], told["bus"], told["zone"]) == ("Q23612", 2, "modbus", "Europe/Madrid")
    assert [each["name"] for each in told["rates"]] == ["P1", "P2", "P3", "P4", "P5", "P6"]
    bare = make_page(model="Q23601", calendar=None).client.get(f"{API}/meter").json()
    assert (bare["inputs"], bare["pulse_outputs"], bare["bus"], len(bare["rates"])) == (0, 1, "", 8)


def test_a_key_steps_the_glass_and_a_long_press_sets(page):
    def press(key, held_s=0.1):
        return page.client.post(f"{API}/keys", json={"key": key, "held_s": held_s}).json()

    assert press(1)["page"] == "partial"
    assert press(2)["place"] == 1
    while press(1)["page"] != "bus":
        pass
    assert press(2, HOLD_S)["cursor"] == "one"
    press(1)
    press(1)
    press(2)
    assert press(2, HOLD_S)["text"] == "donE"
    assert page.port.view().parameters["bus_address"] == 2
    assert page.client.get(f"{API}/live").json()["lcd"]["page"] == "bus"


COMMANDS = [
    ("reset-partial", None, ResetPartial(interface=Interface.WEB)),
    ("close-period", None, ClosePeriod(interface=Interface.WEB)),
]


@pytest.mark.parametrize(("name", "body", "command"), COMMANDS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_command_is_asked_of_the_meter(page, name, body, command):
    answer = page.client.post(f"{API}/commands/{name}", json=body)
    assert (answer.status_code, answer.json()) == (200, {"verdict": "done", "message": ""})
    assert page.port.asked == [command]


def test_a_rate_is_selected_only_where_the_bus_is_its_source(page, make_page):
    refused = page.client.post(f"{API}/commands/select-rate", json={"rate": 3})
    assert refused.status_code == 409
    assert "calendar" in refused.json()["message"]
    by_bus = make_page(rate_source="bus")
    assert by_bus.client.post(f"{API}/commands/select-rate", json={"rate": 3}).status_code == 200
    assert by_bus.port.asked == [SelectRate(rate=3, interface=Interface.WEB)]
    assert by_bus.client.post(f"{API}/commands/select-rate", json={"rate": 9}).status_code == 422


SETTINGS = [
    ({"cost_per_kwh": "0.1825"}, 200),
    ({"closing_day": 0}, 200),
    ({"bus_address": 248}, 422),
    ({"ct": "100/5"}, 423),
    ({"serial": 9}, 403),
    ({"colour": "red"}, 409),
    ({"cost_per_kwh": 1, "bus_address": 0}, 422),
]


@pytest.mark.parametrize(("wanted", "status"), SETTINGS, ids=str)
def test_a_setting_is_written_or_refused_with_the_verdict_s_status(page, wanted, status):
    before = page.port.view().parameters
    answer = page.client.patch(f"{API}/settings", json={"settings": wanted})
    assert answer.status_code == status
    assert page.port.asked == [WriteSettings(settings=wanted, interface=Interface.WEB)]
    assert (page.port.view().parameters == before) == (status != 200)


def test_a_sealed_setting_is_written_while_the_seal_is_open(page):
    page.port.meter.command(SetSeal(is_open=True, interface=Interface.CONTROL), 0)
    assert page.client.patch(f"{API}/settings", json={"settings": {"ct": "100/5"}}).status_code == 200
    assert str(page.port.view().parameters["ct"]) == "100/5"


BAD = [("keys", {"key": 3}), ("keys", {"key": 1, "held_s": -1}), ("keys", {"key": True}), ("keys", {"key": 1, "more": 2}),
       ("contacts", {"input": 0, "closed": True}), ("contacts", {"input": 1, "closed": "yes"})]  # fmt: skip


@pytest.mark.parametrize(("path", "body"), BAD, ids=str)
def test_a_body_of_another_shape_is_refused(page, path, body):
    assert page.client.post(f"{API}/{path}", json=body).status_code == 422
    assert (page.port.asked, page.switched) == ([], [])


def test_a_contact_is_closed_and_opened(page):
    for closed in (True, False):
        assert page.client.post(f"{API}/contacts", json={"input": 2, "closed": closed}).status_code == 200
    assert page.switched == [(2, True), (2, False)]


def test_the_log_comes_in_pages_the_newest_first(page):
    for _ in range(5):
        page.client.post(f"{API}/commands/reset-partial")
    told = page.client.get(f"{API}/log?limit=2").json()
    assert told == {"count": 0, "oldest": 0, "events": []}  # a meter alone keeps none: its host does


def test_tables_are_there_as_csv(page):
    for name in ("profile", "values", "log"):
        answer = page.client.get(f"{API}/{name}.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert re.fullmatch(r'attachment; filename="\w+-7\.csv"', answer.headers["content-disposition"])
        assert len(list(csv.reader(io.StringIO(answer.text)))) >= 1
    rows = dict(row[:2] for row in csv.reader(io.StringIO(page.client.get(f"{API}/values.csv").text)))
    assert rows["import_wh"] == "0"


def test_the_rates_of_a_year_cover_each_of_its_half_hours(page):
    told = page.client.get(f"{API}/rate-map?year=2026").json()
    assert len(told["days"]) == 365
    assert all(sum(run[1] for run in day) == told["cells"] for day in told["days"])
    assert sum(each["hours"] for each in told["rates"]) == 8760
    thursday = told["days"][14]  # 15 January: P6 to 8, P2 to 9, P1 to 14, P2 to 18, P1 to 22, P2
    assert thursday == [[0, 16, 6], [16, 2, 2], [18, 10, 1], [28, 8, 2], [36, 8, 1], [44, 4, 2]]


def test_without_samples_there_are_no_waves(page):
    assert page.client.get(f"{API}/waves").status_code == 404
    assert page.client.get(f"{API}/distortion").json()["channels"][0]["thd_percent"] is None


def test_prometheus_is_told_each_value_by_its_name(page):
    text = page.client.get("/metrics").text
    assert 'watthour_import_wh_total{model="Q23612",serial="7"} 0.0' in text
    assert "watthour_voltage_l1_v{" not in text  # not known yet
    assert "# HELP watthour_import_wh_total active energy, import, Wh" in text
    assert "_h5_" not in text


def test_the_interface_is_described(page):
    described = page.client.get(f"{API}/openapi.json").json()
    assert {"/values", "/keys", "/contacts", "/settings", "/commands/reset-partial", "/profile.csv"} <= set(described["paths"])


def by_its_own_name(app):
    """Have every request name this machine, whatever the tool that makes it calls its target."""

    async def named(scope, receive, send):
        if scope["type"] == "http":
            kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope = {**scope, "headers": [*kept, (b"host", b"localhost")]}
        await app(scope, receive, send)

    return named


def test_the_interface_does_what_its_description_says(page):
    """Requests drawn from the description, good and bad; every answer is one that it names."""
    schema = schemathesis.openapi.from_asgi(f"{API}/openapi.json", by_its_own_name(page.app))
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:
        for mode in GenerationMode:

            @settings(max_examples=5, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case):
                case.call_and_validate()

            with suppress(Unsatisfiable):  # nothing bad can be sent to what takes nothing
                check()
