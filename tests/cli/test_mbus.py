import json

import pytest

BUSY = "68 04 04 68 08 01 70 08 81 16"


def test_an_application_error_is_told(ask):
    assert ask("mbus", "decode", BUSY)[:2] == (0, ["error: application busy"])
    status, out, _ = ask("mbus", "decode", BUSY.replace(" ", ""), "--json")
    assert (status, json.loads(out[-1])) == (0, {"error": "application busy"})


def test_a_telegram_in_a_file_is_decoded(ask, shared_data):
    status, out, _ = ask("mbus", "decode", str(shared_data / "mbus" / "emh_diz.hex"), "--json")
    told = json.loads(out[-1])
    assert status == 0
    assert told["header"]["manufacturer"] == "EMH"
    assert told["records"][0] == {
        "quantity": "energy",
        "unit": "Wh",
        "value": 4090,
        "tariff": 1,
        "storage": 0,
        "subunit": 0,
        "function": "inst",
    }


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        ("zz", 2, "no hexadecimal digits"),
        ("", 2, "no hexadecimal digits"),
        ("/dev/null", 2, "no hexadecimal digits"),
        ("10 7B 01 7C 16", 1, "a short frame, which a master sends"),
        ("E5", 1, "an acknowledgement"),
        ("68 04 04 68 08 01 70", 1, "cut off after 7 bytes"),
        (BUSY.replace("81", "82"), 1, "checksum 82 where 81 is right"),
        ("68 08 08 68 08 02 72 78 56 34 12 24 B4 16", 1, "premature end of header"),
    ],
)
def test_what_is_no_telegram_is_one_clear_line(ask, given, status, told):
    found, out, err = ask("mbus", "decode", given)
    assert (found, out, len(err)) == (status, [], 1)
    assert told in err[0]


def test_a_scan_of_nothing_says_so(ask):
    status, _, err = ask("mbus", "scan", "mbus+tcp://127.0.0.1:1")
    assert status == 1
    assert "refused" in err[-1]
    assert ask("mbus", "scan", "modbus+tcp://127.0.0.1:1")[0] == 2
