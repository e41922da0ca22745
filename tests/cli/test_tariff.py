"""The tariff commands: lines in order, exit statuses, one line for each mistake, files that come back."""

import json

import pytest

VECTORS = ["2026-04-03T11:00:00+02:00", "2026-04-03T11:00", "2026-10-25T02:30:00+01:00", "2026-01-06T09:00:00Z"]


def test_at_prints_each_time_with_the_calendars_own_name_in_order(ask, tmp_path):
    times = tmp_path / "times.txt"
    times.write_text("\ufeff2026-07-01 12:00\r\n\n2026-08-15T12:00\n", "utf-8")
    status, out, err = ask("tariff", "at", "es/3.0TD/peninsula", *VECTORS, "--file", times)
    assert (status, err) == (0, [])
    assert out == [
        "2026-04-03T11:00:00+02:00 P4",
        "2026-04-03T11:00 P4",
        "2026-10-25T02:30:00+01:00 P6",
        "2026-01-06T09:00:00Z P6",
        "2026-07-01T12:00 P1",
        "2026-08-15T12:00 P6",
    ]


def test_a_naive_time_is_that_of_the_place_though_the_calendar_switches_by_utc(ask):
    assert ask("tariff", "at", "gb/economy7", "2026-07-01T08:29", "2026-07-01T08:30")[1] == [
        "2026-07-01T08:29 night",
        "2026-07-01T08:30 day",
    ]
    assert ask("tariff", "at", "es/2.0TD/canarias", "2026-07-01T10:00", "2026-07-01T10:00+02:00")[1] == [
        "2026-07-01T10:00 P1",
        "2026-07-01T10:00+02:00 P2",
    ]


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["es/2.0TD/ceuta", "2021-05-31T23:00"], 1, "2021-05-31"),
        (["es/2.0TD/ceuta", "2026-01-01T00:00", "2020-02-29"], 1, "2020-02-29"),
        (["es/2.0TD/ceuta", "2021-05-31T22:30:00Z"], 0, None),
        (["es/2.0TD/ceuta", "2026-10-25T02:30"], 2, "twice"),
        (["es/2.0TD/ceuta", "2026-03-29T02:30"], 2, "no clock in Europe/Madrid shows it"),
        (["es/2.0TD/ceuta", "noon"], 2, "noon: no time; write it such as 2026-01-15T10:00"),
        (["es/2.0TD/ceuta", "1026-01-01T00:00"], 2, "no time"),
        (["es/2.0TD/ceuta"], 2, "no time: write one or several"),
        (["es/2.0TD/Ceuta", "2026-01-15"], 2, "close to it: es/2.0TD/ceuta"),
        (["none.toml", "2026-01-15"], 2, "none.toml: cannot be read"),
    ],
)
def test_what_has_no_rate_is_refused_in_one_line(ask, words, status, told):
    got, out, err = ask("tariff", "at", *words)
    assert got == status
    if told is not None:
        assert out == []
        assert len(err) == 1
        assert told in err[0]


def test_a_file_of_times_is_refused_with_its_line(ask, tmp_path):
    times = tmp_path / "times.txt"
    times.write_text("2026-01-15T10:00\n2026-10-25T02:00\n", "utf-8")
    status, out, err = ask("tariff", "at", "es/2.0TD/ceuta", "--file", times)
    assert (status, out) == (2, [])
    assert f"{times}:2: 2026-10-25T02:00:00: a clock in Europe/Madrid shows it twice" in err[0]
    assert "cannot be read" in ask("tariff", "at", "es/2.0TD/ceuta", "--file", tmp_path)[2][0]
    times.write_bytes(b"\xff")
    assert "not UTF-8" in ask("tariff", "at", "es/2.0TD/ceuta", "--file", times)[2][0]


def test_a_calendar_of_ones_own_is_named_by_its_path(ask, tmp_path):
    status, out, _ = ask("tariff", "convert", "it/F123", tmp_path / "mine.toml")
    assert (status, out) == (0, [])
    assert ask("tariff", "at", tmp_path / "mine.toml", "2026-04-06T12:00")[1] == ["2026-04-06T12:00 F3"]


def test_convert_writes_the_dlms_shape_and_reads_it(ask, tmp_path):
    assert ask("tariff", "convert", "it/F123", tmp_path / "f.json")[0] == 2
    assert ask("tariff", "convert", "it/F123", tmp_path / "f.json", "--years", "2026-2028")[0] == 0
    entries = json.loads((tmp_path / "f.json").read_text("utf-8"))["special_days_table"]["entries"]
    assert len(entries) == 10 + 3
    assert ask("tariff", "at", tmp_path / "f.json", "2027-03-29T12:00")[1] == ["2027-03-29T12:00 F3"]
    for wrong in ("2026-2025", "26", "2026-", "1000-3000"):
        assert (
            "write them such as 2026-2035" in ask("tariff", "convert", "it/F123", tmp_path / "f.json", "--years", wrong)[2][0]
        )


def test_list_names_every_calendar(ask):
    _, out, _ = ask("tariff", "list")
    names = [line.split()[0] for line in out[2:]]
    assert len(names) == 24
    assert {"es/3.0TD/peninsula", "es/2.0TD-power/melilla", "fr/HPHC/HH:MM-HH:MM", "flat"} < set(names)


def test_show_draws_here_or_into_files(ask, tmp_path):
    _, out, _ = ask("tariff", "show", "es/2.0TD/peninsula", "--year", "2026")
    assert any(line.split() == ["3", "P3", "4680", "h", "53.4", "%"] for line in out)
    status, out, _ = ask("tariff", "show", "flat", "--html", tmp_path / "a.html", "--svg", tmp_path / "a.svg")
    assert (status, out) == (0, [])
    assert (tmp_path / "a.svg").read_text("utf-8") in (tmp_path / "a.html").read_text("utf-8")
    assert "--year 1" in ask("tariff", "show", "flat", "--year", "1")[2][0]
    assert "cannot be written" in ask("tariff", "show", "flat", "--svg", tmp_path / "none" / "a.svg")[2][0]


def test_a_year_in_which_a_calendar_has_no_rate_is_refused_and_one_with_some_is_drawn(ask):
    assert ask("tariff", "show", "es/3.0TD/ceuta", "--year", "2020") == (
        1,
        [],
        [
            "watthour: es/3.0TD/ceuta: no rate on 2020-01-01: the calendar holds 2021-06-01 to open; name one that covers that day"
        ],
    )
    status, out, err = ask("tariff", "show", "es/3.0TD/ceuta", "--year", "2021")
    assert (status, err) == (0, [])
    assert any("no rate" in line for line in out)
