"""Bus URLs: what is taken, and one clear line for what is not."""

import pytest

from watthour.errors import UsageError
from watthour.host.lines.url import PLANNED, BusUrl, parse_url


@pytest.mark.parametrize(
    ("text", "host", "port", "unit"),
    [
        ("modbus+tcp://127.0.0.1:1502", "127.0.0.1", 1502, None),
        ("modbus+tcp://127.0.0.1:1502/", "127.0.0.1", 1502, None),
        ("modbus+tcp://meter.example:502?unit=0", "meter.example", 502, 0),
        ("modbus+tcp://meter.example:65535?unit=255", "meter.example", 65535, 255),
        ("MODBUS+TCP://[::1]:0?unit=1", "::1", 0, 1),
    ],
)
def test_a_good_url_has_its_parts(text, host, port, unit):
    assert parse_url(text) == BusUrl(scheme="modbus+tcp", host=host, port=port, unit=unit)


@pytest.mark.parametrize("text", ["modbus+tcp://127.0.0.1:1502", "modbus+tcp://[::1]:1502?unit=7"])
def test_a_url_prints_as_it_was_written(text):
    assert str(parse_url(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no scheme"),
        ("127.0.0.1:1502", "no scheme|is no bus"),
        ("http://127.0.0.1:1502", "'http' is no bus"),
        ("modbus+tcp://", "no host"),
        ("modbus+tcp://:1502", "no host"),
        ("modbus+tcp://127.0.0.1", "no port"),
        ("modbus+tcp://127.0.0.1:", "no port"),
        ("modbus+tcp://127.0.0.1:65536", "[Pp]ort"),
        ("modbus+tcp://127.0.0.1:-1", "[Pp]ort"),
        ("modbus+tcp://127.0.0.1:modbus", "[Pp]ort"),
        ("modbus+tcp://[::1:1502", "IPv6"),
        ("modbus+tcp://a:1502/path", "only host, port"),
        ("modbus+tcp://me@a:1502", "only host, port"),
        ("modbus+tcp://a:1502#x", "only host, port"),
        ("modbus+tcp://a:1502?unit=256", "unit '256' is none of 0 to 255"),
        ("modbus+tcp://a:1502?unit=-1", "unit '-1'"),
        ("modbus+tcp://a:1502?unit=", "unit ''"),
        ("modbus+tcp://a:1502?unit=²", "unit '²'"),
        ("modbus+tcp://a:1502?unit=1&unit=2", "more than one unit"),
        ("modbus+tcp://a:1502?slave=1", "'slave' is not known in a query"),
    ],
)
def test_a_wrong_url_is_refused_in_one_line(text, words):
    with pytest.raises(UsageError, match=words) as refusal:
        parse_url(text)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith(text)
    assert "modbus+tcp://127.0.0.1:1502?unit=1" in str(refusal.value)


@pytest.mark.parametrize("scheme", PLANNED)
def test_a_scheme_that_is_planned_is_said_to_be(scheme):
    with pytest.raises(UsageError, match="planned and not there yet"):
        parse_url(f"{scheme}://127.0.0.1:1502")
