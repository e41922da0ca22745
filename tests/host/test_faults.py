"""The fault script: what is read of it, and one clear line for what is not."""

import pytest

from watthour.errors import ConfigError
from watthour.host.faults import read_faults
from watthour.host.lines import parse_url
from watthour.wire.modbus.faults import BusFault, FaultKind

SCRIPT = """\
seed = 7

[[bus]]
kind = "delay"
at_s = 10
duration_s = 5.5
delay_s = 0.8
unit = 2

[[plant]]
kind = "ct_reversed"
anything = [1, 2]

[[bus]]
kind = "truncated"
at_s = 20
duration_s = inf
probability = 0.25
bytes = 3
listener = "modbus+tcp://127.0.0.1:1502"
"""
PORT = parse_url("modbus+tcp://127.0.0.1:1502?unit=1")
TTY = parse_url("modbus+rtu:///dev/null")


@pytest.fixture
def script(tmp_path):
    def read(text):
        path = tmp_path / "faults.toml"
        path.write_text(text)
        return read_faults(path)

    return read


def test_a_script_is_read_whole(script):
    read = script(SCRIPT)
    assert read.seed == 7
    assert read.bus == (
        BusFault(kind=FaultKind.DELAY, at_s=10.0, duration_s=5.5, delay_s=0.8, unit=2),
        BusFault(kind=FaultKind.TRUNCATED, at_s=20.0, duration_s=float("inf"), probability=0.25, size=3),
    )


def test_the_rows_of_the_plant_are_handed_over_as_they_stand(script):
    assert script(SCRIPT).plant == ({"kind": "ct_reversed", "anything": [1, 2]},)


def test_an_empty_script_is_one(script):
    read = script("")
    assert (read.seed, read.bus, read.plant) == (0, (), ())
    assert read.injector([PORT], has_crc=False) is None
    assert read.remarks([]) == []


def test_a_fault_of_one_line_strikes_there_alone(script):
    read = script(SCRIPT)
    assert len(read.injector([PORT], has_crc=False)._faults) == 2
    assert [number for number, _ in read.injector([TTY], has_crc=True)._faults] == [0]


def test_a_fault_of_a_line_that_is_not_there_is_refused_with_its_line(script):
    with pytest.raises(ConfigError, match=r"faults\.toml:20: no meter listens on modbus\+tcp://127\.0\.0\.1:1502"):
        script(SCRIPT).remarks([TTY])
    assert script(SCRIPT).remarks([TTY, PORT]) == []


def test_faults_that_strike_nothing_are_told(script):
    row = '[[bus]]\nkind = "wrong_crc"\nat_s = 0\nduration_s = 1\n'
    assert "no meter listens" in script(row).remarks([])[0]
    assert "serial lines only" in script(row).remarks([PORT])[0]
    assert script(row).remarks([PORT, TTY]) == []


@pytest.mark.parametrize(
    ("row", "line", "words"),
    [
        ('kind = "explosion"', 2, "kind = \"explosion\": must be 'delay', 'silence'"),
        ('kind = "delay"', 1, "a delay says how long: add delay_s"),
        ('kind = "delay"\ndelay_s = 0', 3, "delay_s = 0"),
        ('kind = "silence"\ndelay_s = 1', 1, "delay_s belongs to delay, not to silence"),
        ('kind = "silence"\nbytes = 1', 1, "bytes belongs to noise and truncated, not to silence"),
        ('kind = "silence"\ncode = 4', 1, "code belongs to exception"),
        ('kind = "silence"\nas_unit = 4', 1, "as_unit belongs to wrong_unit"),
        ('kind = "exception"\ncode = 0', 3, "code = 0"),
        ('kind = "silence"\nprobability = 0', 3, "probability = 0"),
        ('kind = "silence"\nprobability = 1.1', 3, "probability = 1.1"),
        ('kind = "silence"\nlistener = "tcp://x"', 3, "'tcp' is no bus that is known"),
        ('kind = "silence"\nserial = 1', 3, "unknown key serial in bus; known: kind"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line(script, row, line, words):
    with pytest.raises(ConfigError) as refusal:
        script(f"[[bus]]\n{row}\nat_s = 0\nduration_s = 1\n")
    assert words in str(refusal.value)
    assert refusal.value.line == line
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[bus]]\nkind = "silence"\nduration_s = 1', "at_s is missing"),
        ('[[bus]]\nkind = "silence"\nat_s = 0', "duration_s is missing"),
        ('[[bus]]\nkind = "silence"\nat_s = -1\nduration_s = 1', "at_s = -1"),
        ('[[bus]]\nkind = "silence"\nat_s = 0\nduration_s = 0', "duration_s = 0"),
        ("seed = -1", "seed = -1"),
        ("[[buses]]", "unknown key buses; known: seed, bus, plant"),
    ],
)
def test_a_wrong_script_is_refused(script, text, words):
    with pytest.raises(ConfigError) as refusal:
        script(text)
    assert words in str(refusal.value)


def test_a_script_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_faults(tmp_path / "none.toml")
