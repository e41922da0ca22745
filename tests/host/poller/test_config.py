"""The configuration of a poll: what it means, and that a mistake is told with its line."""

import json

import pytest

from watthour.errors import ConfigError, UsageError
from watthour.host.poller.config import plan_poll, schema
from watthour.host.poller.devices import read_device

METER = '[[meter]]\nplace = "hall"\nurl = "modbus+tcp://127.0.0.1:1502?unit=1"\n'
TTY = '[[meter]]\nplace = "{}"\nurl = "modbus+rtu:///dev/ttyUSB0?baudrate={}"\n'


@pytest.fixture
def plan(tmp_path):
    def of(text):
        path = tmp_path / "poll.toml"
        path.write_text(text, "utf-8")
        return plan_poll(path)

    return of


def test_a_single_meter_is_enough(plan, tmp_path):
    found = plan(METER)
    assert found.grid.step_ns == 900 * 10**9
    assert found.grid.tolerance_ns == 5 * 10**9
    assert found.store == f"sqlite:///{tmp_path / 'readings.db'}"
    assert found.lines[0][0].device.name == "watthour"


def test_meters_of_one_port_share_a_line_and_others_do_not(plan):
    more = '[[meter]]\nplace = "yard"\nurl = "modbus+tcp://127.0.0.1:{}?unit=2"\n'
    found = plan(METER + more.format(1502) + more.format(1503).replace("yard", "gate"))
    assert [[meter.place for meter in line] for line in found.lines] == [["hall", "yard"], ["gate"]]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("interval_s = 7\n" + METER, 1, "a day has no whole number of such intervals"),
        ("tolerance_s = 300\n" + METER, 1, "at most a quarter of the interval"),
        ("intervall_s = 900\n" + METER, 1, "unknown key intervall_s"),
        (METER + 'device = "cem"\n', 4, "cem: no such device"),
        (METER.replace("modbus+tcp", "modbus+udp"), 3, "is no bus that is known"),
        (METER + METER, 5, "place 'hall' is named twice"),
        (METER + METER.replace("hall", "yard"), 6, "each meter stands once"),
        (METER + METER.replace("hall", "yard").replace("modbus", "mbus").replace("unit", "address"), 6, "one protocol"),
        (TTY.format("hall", "9600&unit=1") + TTY.format("yard", "19200&unit=2"), 6, "reached alike, but for unit and address"),
        (METER + "telegrams = 1\n", 4, "Modbus has no telegrams"),
        (METER.replace("modbus", "mbus").replace("unit", "address") + 'device = "watthour"\n', 4, "leave device out"),
        (METER + '[metrics]\naddress = "9311"\n', 5, "write HOST:PORT"),
        (METER.replace("hall", "ha/ll"), 2, "place"),
        ('store = "here"\n', 1, "meter is missing"),
    ],
)
def test_a_mistake_is_told_with_its_line(plan, text, line, words):
    with pytest.raises(ConfigError, match=words) as refusal:
        plan(text)
    assert refusal.value.line in {line, None if "missing" in words else line}


def test_words_that_are_secret_come_from_the_environment_or_a_file(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("READINGS", "postgresql://watthour:word@127.0.0.1/readings")
    (tmp_path / "word").write_text("open sesame\n", "utf-8")
    broker = '[mqtt]\nhost = "127.0.0.1"\nuser = "me"\npassword = { file = "word" }\n'
    found = plan('store = { env = "READINGS" }\n' + METER + broker)
    assert found.store.startswith("postgresql://watthour:word@")
    assert found.broker.password == "open sesame"  # noqa: S105 - of this test
    monkeypatch.delenv("READINGS")
    with pytest.raises(UsageError, match="READINGS is not set"):
        plan('store = { env = "READINGS" }\n' + METER)
    with pytest.raises(UsageError, match=r"nowhere: cannot be read"):
        plan('store = { file = "nowhere" }\n' + METER)
    with pytest.raises(ConfigError, match="env"):
        plan('store = { env = "A", file = "b" }\n' + METER)


def test_the_schema_names_every_key_of_the_configuration():
    found = json.loads(json.dumps(schema()))
    assert {"interval_s", "store", "meter", "mqtt", "metrics", "archive", "slot_s"} <= set(found["properties"])
    assert found["$defs"]["MeterTable"]["required"] == ["place", "url"]


def test_a_device_s_file_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mine.toml"
    row = '[[register]]\nname = "import_wh"\naddress = 0\ntype = "{}"\n'
    path.write_text('title = "mine"\nsource = "its manual"\n' + row.format("u33"), "utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml:6: type = \"u33\": must be 'u16'"):
        read_device(path)
    path.write_text('title = "mine"\nsource = "its manual"\n' + row.format("u32"), "utf-8")
    with pytest.raises(ConfigError, match=r"mine\.toml.*no register is named serial"):
        read_device(path)


def test_a_device_of_one_s_own_stands_beside_the_configuration(plan, tmp_path):
    rows = "".join(f'[[register]]\nname = "{n}"\naddress = {a}\ntype = "u32"\n' for n, a in (("serial", 0), ("import_wh", 2)))
    (tmp_path / "mine.toml").write_text('title = "mine"\nsource = "its manual"\n' + rows, "utf-8")
    found = plan(METER + 'device = "mine.toml"\n')
    assert [(read.start, read.count) for read in found.lines[0][0].device.reads()] == [(0, 4)]


def test_files_that_a_url_names_stand_beside_the_configuration(plan, tmp_path):
    url = "modbus+tls://127.0.0.1:802?unit=1&certificate=reader.pem&key=reader.key&ca=ca.pem"
    found = plan(f'[[meter]]\nplace = "hall"\nurl = "{url}"\n').lines[0][0].url
    assert (found.certificate, found.ca) == (str(tmp_path / "reader.pem"), str(tmp_path / "ca.pem"))


def test_meters_of_one_tty_share_a_line_of_one_speed(plan):
    found = plan(TTY.format("hall", "9600&unit=1") + TTY.format("yard", "9600&unit=2"))
    assert [[meter.url.unit for meter in line] for line in found.lines] == [[1, 2]]
