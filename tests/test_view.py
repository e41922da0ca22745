"""What the world sees of a meter, and may ask of it."""

import dataclasses

import pytest

from watthour.parameters import DEFAULTS, Interface
from watthour.view import (
    ClosePeriod,
    Event,
    EventKind,
    Finding,
    FindingKind,
    LateValues,
    NamedRow,
    Outcome,
    ResetPartial,
    SelectRate,
    SetClock,
    Verdict,
    View,
    WriteSettings,
    findings_word,
    picked,
)

VIEW = View(
    model="Q23612",
    serial=1,
    time_ns=0,
    samples=0,
    duration_s=0.0,
    powered=True,
    values={"power_w": None},
    exact={"import_microwh": 0},
    parameters=DEFAULTS,
)
RECORDS = [
    VIEW,
    Event(time_ns=0, kind=EventKind.POWER_UP),
    WriteSettings(settings={"ct": "200/5"}, interface=Interface.BUS),
    ResetPartial(interface=Interface.KEYS),
    ClosePeriod(interface=Interface.CONTROL),
    SelectRate(rate=2, interface=Interface.BUS),
    SetClock(time_ns=0, interface=Interface.BUS),
    Outcome(verdict=Verdict.DONE),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_does_not_change_and_takes_no_new_fields(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)
    assert not hasattr(record, "__dict__")


@pytest.mark.parametrize("kind", [type(record) for record in RECORDS])
def test_a_record_is_made_by_keyword_only(kind):
    assert all(field.kw_only for field in dataclasses.fields(kind))


def test_a_meter_makes_a_view_without_diagnosis():
    assert (VIEW.diagnosis, VIEW.warnings) == ((), ())


def test_an_outcome_is_one_of_six_verdicts():
    assert {str(verdict) for verdict in Verdict} == {"done", "out of range", "read-only", "sealed", "refused", "not kept"}


def test_two_events_do_not_share_their_detail():
    one, other = (Event(time_ns=n, kind=EventKind.SOURCE_GAP) for n in (1, 2))
    assert one.detail == {}
    assert one.detail is not other.detail


def test_each_kind_of_finding_has_a_bit_of_its_own_however_often_it_is_found():
    found = [Finding(kind=kind, phases=("L1",), confidence=1.0, evidence="") for kind in FindingKind]
    assert findings_word(found) == findings_word([*found, *found]) == 2 ** len(FindingKind) - 1
    assert [kind.bit for kind in FindingKind] == list(range(len(FindingKind)))
    assert findings_word([]) == 0


def test_values_put_over_others_leave_what_is_late_to_be_found_once():
    asked = []

    def find():
        asked.append(1)
        return {"thd": 3.0}

    values = LateValues({"power_w": 1.0, "storage_fault": 0}, ("thd",), find)
    more = values.with_ready({"storage_fault": 7})
    assert (more["storage_fault"], values["storage_fault"], list(more)) == (7, 0, ["power_w", "storage_fault", "thd"])
    assert not asked
    assert (more["thd"], values["thd"], more["thd"]) == (3.0, 3.0, 3.0)
    assert len(asked) == 1


def test_a_row_is_a_mapping_of_its_names():
    row = NamedRow(("import_wh", "power_w"), (7, None))
    assert dict(row) == {"import_wh": 7, "power_w": None}
    assert (len(row), row.get("power_w"), row.get("co2"), "co2" in row) == (2, None, None, False)
    with pytest.raises(KeyError):
        row["co2"]


@pytest.mark.parametrize("kind", [dict, lambda values: NamedRow(tuple(values), tuple(values.values()))])
def test_values_are_picked_in_the_order_of_the_names_asked_for_and_none_where_there_is_none(kind):
    values = kind({"import_wh": 7, "export_wh": 9})
    assert list(picked(values, ("export_wh", "co2", "import_wh"))) == [9, None, 7]
