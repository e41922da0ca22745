"""Bus URLs: what is taken, and one clear line for what is not."""

from pathlib import PurePosixPath

import pytest

from watthour.errors import UsageError
from watthour.host.lines.url import SerialUrl, TcpUrl, parse_url


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
    assert parse_url(text) == TcpUrl(scheme="modbus+tcp", host=host, port=port, unit=unit)


SERIAL = "modbus+rtu:///dev/ttyUSB0?baudrate=19200&framing=8E1&unit=7&gap_ms=50"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (SERIAL, SerialUrl(scheme="modbus+rtu", device="/dev/ttyUSB0", baudrate=19200, framing="8E1", unit=7, gap_ms=50)),
        ("modbus+rtu:///dev/ttyUSB0", SerialUrl(scheme="modbus+rtu", device="/dev/ttyUSB0")),
        ("modbus+rtu:/dev/pts/3?unit=247", SerialUrl(scheme="modbus+rtu", device="/dev/pts/3", unit=247)),
        ("modbus+rtu:///dev/serial/by-id/a%20b", SerialUrl(scheme="modbus+rtu", device="/dev/serial/by-id/a b")),
    ],
)
def test_a_good_serial_url_has_its_parts(text, url):
    assert parse_url(text) == url
    assert parse_url(str(url)) == url


@pytest.mark.parametrize("text", ["modbus+tcp://127.0.0.1:1502", "modbus+tcp://[::1]:1502?unit=7", SERIAL])
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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("modbus+rtu://", "no device"),
        ("modbus+rtu:///", "no device"),
        ("modbus+rtu://dev/ttyUSB0", "'dev' is no part of a serial port"),
        ("modbus+rtu:///dev/ttyUSB0#x", "only device and query"),
        ("modbus+rtu:///dev/ttyUSB0?baudrate=299", "baudrate '299' is none of 300 to 4000000"),
        ("modbus+rtu:///dev/ttyUSB0?baudrate=4000001", "baudrate '4000001'"),
        ("modbus+rtu:///dev/ttyUSB0?baudrate=" + "9" * 5000, "baudrate '999"),
        ("modbus+rtu:///dev/ttyUSB0?framing=7E1", "framing '7E1' is none of 8N1, 8E1"),
        ("modbus+rtu:///dev/ttyUSB0?unit=256", "unit '256' is none of 0 to 255"),
        ("modbus+rtu:///dev/ttyUSB0?gap_ms=0", "gap_ms '0' is none of 1 to 1000"),
        ("modbus+rtu:///dev/ttyUSB0?gap_ms=1&gap_ms=2", "more than one gap_ms"),
        ("modbus+rtu:///dev/ttyUSB0?parity=E", "'parity' is not known in a query; known: baudrate"),
    ],
)
def test_a_wrong_serial_url_is_refused_in_one_line(text, words):
    with pytest.raises(UsageError, match=words) as refusal:
        parse_url(text)
    assert "\n" not in str(refusal.value)
    assert "modbus+rtu:///dev/ttyUSB0?baudrate=9600&framing=8N1&unit=1" in str(refusal.value)


def test_tls_listens_at_802_where_no_port_is_named_and_names_its_files():
    url = parse_url("modbus+tls://meter?unit=3&certificate=a/station.pem&key=b%20c.key&ca=/etc/ca.pem")
    assert (url.port, url.is_tls, url.is_rtu) == (802, True, False)
    assert (url.certificate, url.key, url.ca) == ("a/station.pem", "b c.key", "/etc/ca.pem")
    assert parse_url(str(url)) == url
    inside = url.within(PurePosixPath("/plant"))
    assert (inside.certificate, inside.key, inside.ca) == ("/plant/a/station.pem", "/plant/b c.key", "/etc/ca.pem")


def test_serial_frames_over_tcp_have_a_gap():
    url = parse_url("modbus+rtuovertcp://127.0.0.1:4001?unit=7&gap_ms=50")
    assert (url.unit, url.gap_ms, url.is_rtu, url.is_tls) == (7, 50, True, False)
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    "text",
    [
        "modbus+tcp://a:1?gap_ms=5",
        "modbus+tcp://a:1?ca=x",
        "modbus+tls://a?gap_ms=5",
        "modbus+rtuovertcp://a:1?key=x",
        "modbus+rtuovertcp://a",
    ],
)
def test_a_word_of_another_scheme_is_refused(text):
    with pytest.raises(UsageError, match=r"not known in a query|no port"):
        parse_url(text)
