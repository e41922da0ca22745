"""The file of pulses: in order, whole, and in step with what the meter has counted, whatever it held before."""

import pytest

from watthour.errors import StoreError, UsageError
from watthour.host.metering import PulseFile
from watthour.host.metering.pulse_file import HEADER, Train

START_NS = 1_767_225_600 * 10**9


def pulses(name, first, *times):
    return Train(name=name, first=first, time_ns=[START_NS + time for time in times])


def counted(kwh, kvarh):
    return {"kWh": kwh, "kvarh": kvarh}


NOTHING = counted(0, 0)


def lines(*rows):
    return "".join(f"{row}\n" for row in (HEADER, *rows))


ONE = "2026-01-01T00:00:00.000000100Z,kWh,1"
TWO = "2026-01-01T00:00:00.000000200Z,kvarh,1"
THREE = "2026-01-01T00:00:00.000000300Z,kWh,2"


def written(path, counts, *given):
    with PulseFile(path) as file:
        remarks = file.begin(counts)
        for each in given:
            file.write(each)
        file.sync()
    return remarks


def test_a_line_a_pulse_in_order_of_time(tmp_path):
    path = tmp_path / "p.csv"
    assert written(path, NOTHING, [pulses("kWh", 1, 100, 300), pulses("kvarh", 1, 200)], []) == ()
    assert path.read_text() == lines(ONE, TWO, THREE)


def test_a_file_goes_on_after_what_the_meter_has_counted(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text(lines(ONE, TWO))
    assert written(path, counted(1, 1), [pulses("kWh", 2, 300)]) == ()
    assert path.read_text() == lines(ONE, TWO, THREE)


@pytest.mark.parametrize("torn", ["", "2026-01-01T00:00:00.000", THREE[:-1], THREE.replace("kWh", "VAh") + "\n"])
def test_what_is_beyond_what_the_meter_has_counted_comes_again_and_not_twice(tmp_path, torn):
    path = tmp_path / "p.csv"
    path.write_text(lines(ONE, TWO, THREE) + torn)
    (remark,) = written(path, counted(1, 0), [pulses("kvarh", 1, 200), pulses("kWh", 2, 300)])
    assert "lines taken out" in remark
    assert path.read_text() == lines(ONE, TWO, THREE)


def test_pulses_that_are_missing_are_told(tmp_path):
    path = tmp_path / "p.csv"
    assert written(path, counted(3, 1)) == (
        f"{path}: kWh pulses 1 to 3 came before and are not in it",
        f"{path}: kvarh pulses 1 to 1 came before and are not in it",
    )
    assert path.read_text() == lines()


def test_another_kind_of_file_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("time,value\n1,2\n")
    with pytest.raises(UsageError, match=r"notes\.csv: holds something else than pulses"):
        written(path, NOTHING)
    assert path.read_text() == "time,value\n1,2\n"


def test_a_place_that_cannot_be_written_is_told_in_one_line(tmp_path):
    with pytest.raises(StoreError, match=r"p\.csv: pulses cannot be written here \(No such file or directory\)"):
        written(tmp_path / "none" / "p.csv", NOTHING)
    with pytest.raises(StoreError, match="No space left on device"):
        written("/dev/full", NOTHING)


def test_the_output_has_lines_beside_the_leds_and_goes_on_like_them(tmp_path):
    path = tmp_path / "p.csv"
    first = "2026-01-01T00:00:00.000000150Z,output,1"
    second = "2026-01-01T00:00:00.000000300Z,output,2"
    counts = {**NOTHING, "output": 0}
    written(path, counts, [pulses("kWh", 1, 100), pulses("output", 1, 150, 300), pulses("kvarh", 1, 200)])
    assert path.read_text() == lines(ONE, first, TWO, second)
    (remark,) = written(path, {**counted(1, 1), "output": 1}, [pulses("output", 2, 300)])
    assert "lines taken out at its end: 1" in remark
    assert path.read_text() == lines(ONE, first, TWO, second)
