"""Telegrams of eight real meters, and damaged ones, against what another decoder says of them (libmbus)."""

import re
from xml.etree import ElementTree as ET

import pytest

from watthour.errors import TelegramError
from watthour.wire.mbus.frame import LongFrame, parse
from watthour.wire.mbus.record import Function
from watthour.wire.mbus.telegram import ApplicationError, Telegram, decode_response, manufacturer_letters, read_record

METERS = (
    "EMU_EMU-Professional-375-M-Bus",
    "SBC_Saia-Burgess-ALE3",
    "abb_delta",
    "berg_dz_plus",
    "eastron_sdm630",
    "emh_diz",
    "gmc_emmod206",
    "kamstrup_382_005",
)
FUNCTIONS = {
    "Instantaneous value": Function.INSTANTANEOUS,
    "Maximum value": Function.MAXIMUM,
    "Minimum value": Function.MINIMUM,
}


def frame_of(path):
    return parse(bytes.fromhex(path.read_text()))


def text_of(element, name):
    found = element.find(name)
    return "" if found is None or found.text is None else found.text


@pytest.mark.parametrize("name", METERS)
def test_a_real_meter_says_what_the_other_decoder_reads(shared_data, name):
    telegram = decode_response(frame_of(shared_data / "mbus" / f"{name}.hex"))
    tree = ET.fromstring((shared_data / "mbus" / f"{name}.norm.xml").read_bytes())  # noqa: S314 - a file of the test data
    head = tree.find("SlaveInformation")
    assert telegram.header.serial == text_of(head, "Id").zfill(8)
    assert manufacturer_letters(telegram.header.manufacturer) == text_of(head, "Manufacturer")
    assert telegram.header.access_number == int(text_of(head, "AccessNumber"))
    theirs = [row for row in tree.findall("DataRecord") if text_of(row, "Function") in FUNCTIONS]
    assert len(theirs) == len(telegram.content.records)
    for row, record in zip(theirs, telegram.content.records, strict=True):
        ours = read_record(record)
        assert record.function is FUNCTIONS[text_of(row, "Function")]
        assert (record.storage, record.tariff, record.subunit) == tuple(
            int(text_of(row, part) or 0) for part in ("StorageNumber", "Tariff", "Device")
        )
        assert (ours.meaning.unit or "") == text_of(row, "Unit")
        assert f"{float(ours.value):.6f}" == text_of(row, "Value")


@pytest.mark.parametrize("name", METERS)
def test_a_real_telegram_is_encoded_back_to_the_same_bytes(shared_data, name):
    frame = frame_of(shared_data / "mbus" / f"{name}.hex")
    response = decode_response(frame)
    assert isinstance(response, Telegram)
    assert response.to_frame().to_bytes() == frame.to_bytes()


ERRORS = {
    "application_busy": "application busy",
    "buffer_too_long": "buffer too long, truncated",
    "error": "unspecified error",
    "premature_end_of_record": "premature end of record",
    "too_many_difes": "more than 10 DIFE",
    "too_many_readouts": "too many readouts",
    "too_many_records": "too many records",
    "too_many_vifes": "more than 10 VIFE",
    "unimplemented_ci": "unknown CI field",
    "unspecified_error": "unspecified error",
}
FAULTS = {
    "premature_end_of_data1": "premature end of data",
    "premature_end_of_data2": "premature end of data",
    "premature_end_of_dif1": "premature end of DIF",
    "premature_end_of_dif2": "premature end of DIF",
    "premature_end_of_var_vif1": "premature end of the plain text of a VIF",
    "premature_end_of_vif1": "premature end of VIF",
    "too_long_var_vif": "premature end of the plain text of a VIF",
    "too_many_dife": "more than 10 DIFE",
    "too_many_vife": "more than 10 VIFE",
    "too_short_header": "premature end of header",
}


def test_every_damaged_telegram_is_looked_at(shared_data):
    assert {path.stem for path in (shared_data / "mbus" / "errors").glob("*.hex")} == set(ERRORS) | set(FAULTS)


@pytest.mark.parametrize(("name", "text"), ERRORS.items())
def test_an_application_error_has_its_name(shared_data, name, text):
    frame = frame_of(shared_data / "mbus" / "errors" / f"{name}.hex")
    response = decode_response(frame)
    assert isinstance(response, ApplicationError)
    assert response.text == text
    assert response.to_frame() == frame


@pytest.mark.parametrize(("name", "fault"), FAULTS.items())
def test_a_damaged_telegram_gives_a_named_fault(shared_data, name, fault):
    frame = frame_of(shared_data / "mbus" / "errors" / f"{name}.hex")
    assert isinstance(frame, LongFrame)
    with pytest.raises(TelegramError, match=re.escape(fault)) as told:
        decode_response(frame)
    assert told.value.fault == fault
