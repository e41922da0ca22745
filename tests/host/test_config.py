"""A configuration and the command line make one plan; every refusal names its line."""

from pathlib import Path

import pytest

from watthour.errors import ConfigError, UsageError
from watthour.host.config import Options, Plan, SourceWish, plan_from, require_buses
from watthour.parameters import DEFAULTS
from watthour.units import Ratio

FULL = """\
data = "state"
[meter]
model = "CEM-D311"
serial = 23612001
ct = "200/5"
vt = "132000/110"
cost_per_kwh = 0.15
[source]
recording = "days/day.cfg"
channels = [6, 7, 8, "IR", "IS", "IT"]
values = "primary"
start = "2026-01-15T00:00:00+01:00"
rate_hz = 8000
scale = [0.01, 0.01, 0.01, 0.001, 0.001, 0.001]
[[listen]]
url = "modbus+tcp://127.0.0.1:1502"
[[listen]]
url = "modbus+tcp://0.0.0.0:1503?unit=7"
"""

NETWORK = '[source]\nnetwork = "workshop.network.toml"\n'


@pytest.fixture
def plan_of(tmp_path):
    """Write a configuration and plan with it."""

    def plan(text, **options):
        file = tmp_path / "meter.toml"
        file.write_text(text)
        return plan_from(file, Options(**options))

    return plan


def test_every_key_of_the_file_arrives_in_the_plan(plan_of, tmp_path):
    plan = plan_of(FULL)
    assert {name: str(value) for name, value in plan.settings.items()} == {
        "model": "Q23611",
        "serial": "23612001",
        "ct": "200/5",
        "vt": "132000/110",
        "cost_per_kwh": "0.1500",
    }
    assert plan.source == SourceWish(
        path=tmp_path / "days" / "day.cfg",
        channels=(6, 7, 8, "IR", "IS", "IT"),
        values="primary",
        start_ns=1_768_431_600_000_000_000,
        rate_hz=8000.0,
        scale=(0.01, 0.01, 0.01, 0.001, 0.001, 0.001),
    )
    assert [str(url) for url in plan.listen] == ["modbus+tcp://127.0.0.1:1502", "modbus+tcp://0.0.0.0:1503?unit=7"]


def test_paths_in_the_file_are_relative_to_it_and_absolute_ones_stand(plan_of, tmp_path):
    assert plan_of(FULL).data == tmp_path / "state"
    assert plan_of(NETWORK).source.path == tmp_path / "workshop.network.toml"
    assert plan_of('data = "/var/meter"\n' + NETWORK).data == Path("/var/meter")


def test_settings_not_given_have_their_defaults(plan_of):
    plan = plan_of(NETWORK)
    assert plan.settings == {}
    assert plan.setting("model") == DEFAULTS["model"]
    assert plan.setting("ct") == Ratio.parse("5/5")
    assert plan.data is None
    assert plan.listen == ()


def test_the_command_line_wins_over_the_file(plan_of):
    plan = plan_of(
        FULL,
        model="Q23612",
        source=Path("other.cfg"),
        channels="1,2,3,IA,IB,IC",
        data=Path("elsewhere"),
        listen=("modbus+tcp://127.0.0.1:1600",),
    )
    assert plan.setting("model") == "Q23612"
    assert plan.source.path == Path("other.cfg")
    assert plan.source.channels == ("1", "2", "3", "IA", "IB", "IC")
    assert plan.data == Path("elsewhere")
    assert [str(url) for url in plan.listen] == ["modbus+tcp://127.0.0.1:1600"]


def test_what_the_file_says_of_a_recording_holds_for_another_recording(plan_of):
    wish = plan_of(FULL, source=Path("other.cfg")).source
    assert wish.values == "primary"
    assert wish.channels == (6, 7, 8, "IR", "IS", "IT")


def test_what_the_file_says_of_a_recording_does_not_hold_for_a_network(plan_of):
    assert plan_of(FULL, source=Path("a.network.toml")).source == SourceWish(path=Path("a.network.toml"), is_network=True)
    assert plan_of(NETWORK, source=Path("a.cfg")).source == SourceWish(path=Path("a.cfg"))


def test_the_key_and_not_the_name_says_whether_a_file_is_a_network(plan_of):
    assert plan_of('[source]\nnetwork = "hall"\n').source.is_network
    assert not plan_of('[source]\nrecording = "hall.toml"\n').source.is_network


def test_options_alone_make_a_plan():
    plan = plan_from(None, Options(source=Path("day.cfg"), channels=" 1, 2,3,4,5,6 "))
    assert plan == Plan(source=SourceWish(path=Path("day.cfg"), channels=("1", "2", "3", "4", "5", "6")))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[meter", 1, "not valid TOML"),
        ("data = 5\n" + NETWORK, 1, "data = 5"),
        ('dta = "x"\n' + NETWORK, 1, "unknown key dta; known: data, meter, source, tariff, contacts, listen"),
        ("meter = 5\n" + NETWORK, 1, "meter = 5"),
        (NETWORK + "[meter]\nserial = 7\ncolour = 1\n", 5, "colour: no such setting; there are model, serial"),
        (NETWORK + "[meter]\nserial = 0\n", 4, "0 is outside 1 to 4294967295"),
        (NETWORK + '[meter]\nserial = "abc"\n', 4, "'abc' is no whole number"),
        (NETWORK + '[meter]\nmodel = "D999"\n', 4, "'D999' is no model of the range: Q23601"),
        (NETWORK + '[meter]\nct = "200"\n', 4, 'write primary/secondary, such as "200/5"'),
        (NETWORK + '[meter]\nct = "200/2"\n', 4, ".../5 A or .../1 A"),
        (NETWORK + '[meter]\nct = "0/5"\n', 4, "both numbers must be above 0"),
        (NETWORK + '[meter]\nvt = "132000/0"\n', 4, "both numbers must be above 0"),
        (NETWORK + '[meter]\nsummation = "both"\n', 4, "none of vectorial, arithmetic"),
        (NETWORK + "[meter]\nbus_address = 248\n", 4, "248 is outside 1 to 247"),
        (NETWORK + "[meter]\ncost_per_kwh = 0.00001\n", 4, "at most 4 decimals"),
        ("[source]\n", 1, "name one source"),
        ('\n[source]\nrecording = "a.cfg"\nnetwork = "b.toml"\n', 2, "name one source"),
        (NETWORK + "colour = 1\n", 3, "unknown key colour in source"),
        (NETWORK + "channels = [1, 2, 3, 4, 5, 6]\n", 3, "channels = "),
        (NETWORK + 'values = "primary"\n', 3, "values = "),
        (NETWORK + "rate_hz = 8000\n", 3, "rate_hz = "),
        (NETWORK + "scale = [1, 1, 1, 1, 1, 1]\n", 3, "scale = "),
        ('[source]\nrecording = "a.cfg"\nchannels = [1, 2, 3]\n', 3, "channels = [1, 2, 3]"),
        ('[source]\nrecording = "a.cfg"\nvalues = "tertiary"\n', 3, "'primary' or 'secondary'"),
        ('[source]\nrecording = "a.cfg"\nrate_hz = 0\n', 3, "greater than 0"),
        ('[source]\nrecording = "a.cfg"\nscale = [1, 2]\n', 3, "scale = [1, 2]"),
        (NETWORK + "start = 2026-01-15T00:00:00\n", 3, "timezone"),
        (NETWORK + 'start = "yesterday"\n', 3, "datetime"),
        (NETWORK + '[listen]\nurl = "modbus+tcp://127.0.0.1:1502"\n', 3, "listen"),
        (NETWORK + '[[listen]]\nurl = "modbus+tcp://127.0.0.1:1502"\n\n[[listen]]\nurl = "tcp"\n', 7, "tcp: no scheme"),
        (NETWORK + '[meter]\nmodel = "Q23602"\n[[listen]]\nurl = "modbus+tcp://127.0.0.1:1502"\n', 6, "has no Modbus"),
    ],
)
def test_a_mistake_is_refused_with_file_line_and_what_is_wrong(plan_of, tmp_path, text, line, words):
    with pytest.raises(ConfigError) as refusal:
        plan_of(text)
    told = str(refusal.value)
    assert told.startswith(f"{tmp_path / 'meter.toml'}:{line}: ")
    assert words in told
    assert "\n" not in told


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"nothere\.toml: cannot be read: No such file"):
        plan_from(tmp_path / "nothere.toml", Options())


def test_a_recording_is_refused_as_a_configuration_with_what_to_write_instead():
    with pytest.raises(ConfigError, match=r"day\.cfg: .* --source FILE"):
        plan_from(Path("day.cfg"), Options())


def test_a_plan_without_a_source_is_refused(plan_of):
    with pytest.raises(UsageError, match="no source: name a configuration, or --source"):
        plan_from(None, Options())
    with pytest.raises(ConfigError, match=r"meter\.toml: no \[source\] in it: add one, or --source FILE"):
        plan_of("[meter]\nserial = 5\n")


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5,6,7", ""])
def test_channels_are_six(text):
    with pytest.raises(UsageError, match="name six"):
        plan_from(None, Options(source=Path("day.cfg"), channels=text))


def test_channels_say_nothing_without_a_recording(plan_of):
    with pytest.raises(UsageError, match="without a source"):
        plan_from(None, Options(channels="1,2,3,4,5,6"))
    with pytest.raises(UsageError, match="simulated installation"):
        plan_of(NETWORK, channels="1,2,3,4,5,6")


def test_a_bus_is_refused_on_a_model_without_it_and_the_line_says_who_has_it(plan_of):
    with pytest.raises(UsageError, match=r"CEM-D310 \(Q23601\) has no Modbus: Modbus belongs to CEM-D311 \(Q23611\)"):
        plan_of(NETWORK, model="Q23601", listen=("modbus+tcp://127.0.0.1:1502",))
    with pytest.raises(UsageError, match=r"CEM-D311-MID \(Q23612\) has no M-Bus: M-Bus belongs to CEM-D312 \(Q23621\)"):
        plan_of(NETWORK, listen=("mbus+tcp://127.0.0.1:1502",))
    require_buses("Q23612", ["modbus+tcp://127.0.0.1:1502"])
    with pytest.raises(UsageError, match="has no Modbus"):
        require_buses("Q23622", ["modbus+tcp://127.0.0.1:1502"])


def test_the_model_of_the_command_line_decides_on_the_buses_of_the_file(plan_of):
    with pytest.raises(UsageError, match="has no Modbus"):
        plan_of(FULL, model="Q23602")


def test_a_port_is_writable_and_roles_are_what_the_file_says(plan_of, tmp_path):
    plan = plan_of(
        """\
[source]
network = "x.toml"
[[listen]]
url = "modbus+tcp://0.0.0.0:1502"
writable = true
[[listen]]
url = "modbus+tls://0.0.0.0?certificate=station.pem&key=station.key&ca=ca.pem"
[[listen.role]]
name = "auditor"
read = ["*_wh"]
[[listen.role]]
name = "clerk"
write = ["cost_per_kwh", "partial_reset"]
""",
    )
    plain, tls = plan.listen
    assert plan.access[plain].rights_at(plain).write
    assert tls.ca == str(tmp_path / "ca.pem")
    auditor, clerk = plan.access[tls].rights_of("auditor"), plan.access[tls].rights_of("clerk")
    assert "import_wh" in auditor.read
    assert "power_w" not in auditor.read
    assert (auditor.write, clerk.read, clerk.write) == (frozenset(), frozenset(), frozenset({"cost_per_kwh", "partial_reset"}))
    assert not plan.access[tls].rights_of("stranger").read


@pytest.mark.parametrize(
    ("listen", "words"),
    [
        ('url = "modbus+tcp://127.0.0.1:1502"\n[[listen.role]]\nname = "a"', "modbus\\+tls alone"),
        ('url = "modbus+rtu:///dev/x"\nwritable = true', "a serial line is always writable"),
        ('url = "modbus+tls://a"\n[[listen.role]]\nname = "a"\nread = ["pover_w"]', "'pover_w' is no name"),
        ('url = "modbus+tls://a"\n[[listen.role]]\nname = "a"\nwrite = ["power_w"]', "'power_w' is no name"),
        ('url = "modbus+tls://a"\n[[listen.role]]\nname = "a"\n[[listen.role]]\nname = "a"', "stands twice"),
    ],
)
def test_wrong_rights_are_refused_with_their_line(plan_of, listen, words):
    with pytest.raises(ConfigError, match=words):
        plan_of(f'[source]\nnetwork = "x.toml"\n[[listen]]\n{listen}\n')


@pytest.mark.parametrize(
    ("model", "setting", "lacking"),
    [
        ("Q23612", "pulse_weight = 10", "pulse_weight: CEM-D311-MID .Q23612. has no pulse outputs"),
        ("Q23601", 'input1_use = "pulses"', "input1_use: CEM-D310 .Q23601. has no digital inputs"),
    ],
)
def test_a_setting_of_what_the_model_lacks_is_refused_whoever_names_the_model(tmp_path, model, setting, lacking):
    path = tmp_path / "meter.toml"
    source = '[source]\nrecording = "day.cfg"\n'
    path.write_text(f'[meter]\nmodel = "{model}"\n{setting}\n{source}', "utf-8")
    with pytest.raises(UsageError, match=lacking):
        plan_from(path, Options())
    path.write_text(f"[meter]\n{setting}\n{source}", "utf-8")
    with pytest.raises(UsageError, match=lacking):
        plan_from(path, Options(model=model))
