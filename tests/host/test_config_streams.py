"""What [source] may say, and the line that is named where it says something impossible."""

from pathlib import Path

import pytest

from watthour.errors import ConfigError, UsageError
from watthour.host.config import Options, plan_from
from watthour.host.streams import STANDARD_INPUT

STREAM = {"stream": '"-"', "format": '"int16"', "rate_hz": "8000", "scale": "[1, 1, 1, 1, 1, 1]"}
SEVEN = '["I1", "I2", "I3", "neutral", "V1", "V2", "V3"]'


def plan(folder, source, options=None):
    path = folder / "meter.toml"
    path.write_text("\n".join(["[source]", *(f"{key} = {value}" for key, value in source.items())]))
    return plan_from(path, options or Options())


def test_a_stream_is_standard_input_or_a_path_beside_the_file(tmp_path):
    wish = plan(tmp_path, STREAM).source
    assert (wish.path, wish.format, wish.rate_hz, wish.is_network) == (STANDARD_INPUT, "int16", 8000, False)
    assert plan(tmp_path, STREAM | {"stream": '"samples.toml"'}).source.path == tmp_path / "samples.toml"
    assert not plan(tmp_path, STREAM | {"stream": '"samples.toml"'}).source.is_network


def test_columns_of_a_stream_may_be_more_than_six(tmp_path):
    assert plan(tmp_path, STREAM | {"channels": SEVEN}).source.channels == ("I1", "I2", "I3", "neutral", "V1", "V2", "V3")
    given = plan(tmp_path, STREAM, Options(channels="V1,V2,V3,spare,I1,I2,I3")).source.channels
    assert given == ("V1", "V2", "V3", "spare", "I1", "I2", "I3")


@pytest.mark.parametrize(("change", "line", "problem"), [
    ({"recording": '"day.wav"'}, 1, "name one source"),
    ({"format": None}, 2, 'say what its numbers are: format = "int16", "int32" or "float32"'),
    ({"format": '"int24"'}, 3, 'format = "int24": must be'),
    ({"rate_hz": None}, 2, "say how many rows a second it has"),
    ({"rate_hz": "0"}, 4, "rate_hz = 0"),
    ({"scale": None}, 2, "say scale, six numbers"),
    ({"channels": '["V1", "V2", "V3", "I1", "I2", "IN"]'}, 6, "name what each column of the stream is"),
    ({"channels": '["V1", "V2", "V3", "I1", "I2", "I3", "I3"]'}, 6, "once each"),
    ({"stream": None, "recording": '"day.wav"'}, 2, 'format = "int16": belongs to a stream; leave it out'),
    ({"stream": None, "format": None, "recording": '"day.wav"', "channels": SEVEN}, 5, "name six, V1,V2,V3,I1,I2,I3, not 7"),
    ({"stream": '""'}, 2, "stream"),
])  # fmt: skip
def test_what_is_impossible_is_refused_with_its_line(tmp_path, change, line, problem):
    source = {key: value for key, value in (STREAM | change).items() if value is not None}
    with pytest.raises(ConfigError) as refusal:
        plan(tmp_path, source)
    assert "\n" not in str(refusal.value)
    assert problem in str(refusal.value)
    assert refusal.value.line == line


def test_floats_need_no_scale(tmp_path):
    source = {key: value for key, value in STREAM.items() if key != "scale"} | {"format": '"float32"'}
    assert plan(tmp_path, source).source.scale is None


def test_the_command_line_asks_for_streams_by_a_configuration(tmp_path):
    with pytest.raises(UsageError, match=r'--source -: a stream needs its format and rate: say stream = "-" in \[source\]'):
        plan_from(None, Options(source=Path("-")))
    with pytest.raises(UsageError, match="--channels V1,V2,V3: name what each column"):
        plan(tmp_path, STREAM, Options(channels="V1,V2,V3"))
    with pytest.raises(UsageError, match=r"--channels V1,V2,V3: name six, V1,V2,V3,I1,I2,I3, not 3"):
        plan_from(None, Options(source=Path("day.wav"), channels="V1,V2,V3"))
