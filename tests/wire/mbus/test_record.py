import pytest
from hypothesis import given
from hypothesis import strategies as st

from watthour.errors import TelegramError
from watthour.wire.mbus.record import (
    EXTENDED,
    MORE_MAXIMUM,
    SIZES,
    DataField,
    Fault,
    Function,
    Record,
    Records,
    information_block,
    parse_records,
    variable_size,
)


def chained(body):
    return bytes([byte | EXTENDED for byte in body[:-1]] + [body[-1] & ~EXTENDED]) if body else b""


@st.composite
def records(draw):
    field = draw(st.sampled_from(list(DataField)))
    dif, difes = information_block(
        field,
        function=draw(st.sampled_from(list(Function))),
        storage=draw(st.integers(0, 2**41 - 1)),
        tariff=draw(st.integers(0, 2**20 - 1)),
        subunit=draw(st.integers(0, 2**10 - 1)),
    )
    vifes = chained(draw(st.binary(max_size=MORE_MAXIMUM)))
    vif = draw(st.integers(0, 127)) | (EXTENDED if vifes else 0)
    text = draw(st.binary(max_size=20)) if vif & 0x7F == 0x7C else b""
    if field is DataField.VARIABLE:
        length = draw(st.integers(0, 255).filter(lambda n: variable_size(n) is not None))
        data = bytes([length]) + draw(st.binary(min_size=variable_size(length), max_size=variable_size(length)))
    else:
        data = draw(st.binary(min_size=SIZES[field], max_size=SIZES[field]))
    return Record.of(dif=dif, difes=difes, vif=vif, vifes=vifes, text=text, data=data)


@given(st.lists(records(), max_size=8), st.one_of(st.none(), st.binary(max_size=20)), st.booleans())
def test_records_make_the_round_trip(rows, rest, more):
    content = Records(records=tuple(rows), manufacturer_data=(rest or b"") if more else rest, more_follow=more)
    assert parse_records(content.to_bytes()) == content


@given(st.sampled_from(list(Function)), st.integers(0, 2**41 - 1), st.integers(0, 2**20 - 1), st.integers(0, 2**10 - 1))
def test_function_storage_tariff_and_subunit_make_the_round_trip(function, storage, tariff, subunit):
    dif, difes = information_block(DataField.INT32, function=function, storage=storage, tariff=tariff, subunit=subunit)
    record = Record.of(dif=dif, difes=difes, vif=3, data=bytes(4))
    assert (record.function, record.storage, record.tariff, record.subunit) == (function, storage, tariff, subunit)


def test_what_eleven_extensions_would_carry_is_refused():
    information_block(DataField.INT8, tariff=2**20 - 1)
    with pytest.raises(ValueError, match="11 DIFE"):
        information_block(DataField.INT8, tariff=2**20)


def outcome_of(body):
    try:
        return parse_records(body)
    except TelegramError as problem:
        return problem


@given(st.binary(max_size=60))
def test_any_bytes_are_records_or_a_named_fault(body):
    outcome = outcome_of(body)
    if isinstance(outcome, TelegramError):
        assert outcome.fault in set(Fault)
        assert body.endswith(outcome.rest)
    else:
        assert len(outcome.to_bytes()) <= len(body)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("8B", Fault.END_IN_DIF),
        ("0B", Fault.END_IN_VIF),
        ("01 FD", Fault.END_IN_VIF),
        ("02 FC 09 48", Fault.END_IN_TEXT),
        ("04 03 00 00 00", Fault.END_IN_DATA),
        ("0D 78", Fault.END_IN_DATA),
        ("0D 78 FF", Fault.RESERVED_LENGTH),
        ("3F", Fault.RESERVED_DIF),
        ("81 " + "80 " * 10 + "00 03 00", Fault.TOO_MANY_DIFE),
        ("01 83 " + "80 " * 10 + "00 00", Fault.TOO_MANY_VIFE),
    ],
)
def test_what_is_wrong_with_records_is_named(text, fault):
    with pytest.raises(TelegramError, match=str(fault)) as told:
        parse_records(bytes.fromhex("01 FD 1B 00 " + text))
    assert len(told.value.before) == 1
    assert told.value.rest == bytes.fromhex(text)


def test_ten_extensions_are_allowed():
    assert parse_records(bytes.fromhex("81 " + "80 " * 9 + "00 03 00")).records[0].difes[-1] == 0
    assert len(parse_records(bytes.fromhex("01 83 " + "80 " * 9 + "00 00")).records[0].vifes) == 10


def test_fillers_are_passed_over_and_a_selection_of_all_is_kept():
    assert parse_records(bytes.fromhex("2F 2F 01 FD 1B 00 2F")).records[0].data == b"\x00"
    assert parse_records(bytes.fromhex("7F")) == Records(selects_all=True)
    assert Records(selects_all=True).to_bytes() == b"\x7f"
