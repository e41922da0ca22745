"""Opening network files: the example as a reader finds it, and each mistake told with its line."""

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, model_validator

from watthour.errors import ConfigError
from watthour.host.networks import open_network, open_phasors
from watthour.host.toml_files import check_toml
from watthour.models import current_range_of
from watthour.units import Ratio

EXAMPLES = Path(__file__).parents[2] / "examples"
WORKSHOP = EXAMPLES / "workshop.network.toml"
CT, VT = Ratio.parse("200/5"), Ratio.parse("1/1")

GOOD = """\
[supply]
voltages_v = [231, 229, 230]
frequency_hz = 50.02
harmonics = [
    { order = 5, percent = 2 },
    { order = 7, percent = 1 },
]

[[load]]
name = "Motor"
kind = "constant"
phases = ["L1", "L2", "L3"]
power_w = 9000
cos_phi = "0.8 ind"

[[load]]
name = "Lamp"
kind = "constant"
phases = ["L2"]
power_w = 60

[noise]
seed = 1
voltage_v = 0.1

[sampling]
rate_hz = 8000
"""


def opened(folder, text):
    path = folder / "a.network.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_network(path, ct=CT, vt=VT)


def refusal_of(folder, text):
    """Return what a user reads, without the folder."""
    with pytest.raises(ConfigError) as caught:
        opened(folder, text)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{folder}/")


def test_a_good_file_is_a_source_known_by_the_hash_of_its_bytes(tmp_path):
    source = opened(tmp_path, GOOD)
    assert source.name == str(tmp_path / "a.network.toml")
    assert source.identity == hashlib.sha256(GOOD.encode()).hexdigest()
    assert (source.rate_hz, source.samples, source.start_ns) == (8000.0, None, None)
    assert opened(tmp_path, GOOD + "# a word\n").identity != source.identity


def test_a_start_in_the_file_is_the_instant_of_its_first_sample(tmp_path):
    assert opened(tmp_path, "start = 2026-01-15T01:00:00+01:00\n" + GOOD).start_ns == 1_768_435_200_000_000_000


@pytest.mark.parametrize(
    ("good", "bad", "refusal"),
    [
        ("frequency_hz = 50.02", "frequency = 50.02", ("3: unknown key frequency in supply; known: voltages_v, frequency_hz, sequence, harmonics, "
         "frequency_drift_hz, frequency_drift_s, voltage_drift_percent, voltage_drift_s, voltage_profile, unbalance_percent, "
         "unbalance_angle_deg, flicker, event")),
        ("frequency_hz = 50.02", "frequency_hz = -50", "3: frequency_hz = -50: must be greater than or equal to 40"),
        ("frequency_hz = 50.02", "sequence = 'L2-L1-L3'", "3: sequence = \"L2-L1-L3\": must be 'L1-L2-L3' or 'L1-L3-L2'"),
        ("[231, 229, 230]", "[231, 229]", "2: voltages_v = [231, 229]: give one voltage for all phases, or a list of three for L1, L2, L3"),
        ("[231, 229, 230]", "[231, -229, 230]", "2: voltages_v = -229: must be greater than or equal to 0"),
        ("voltages_v = [231, 229, 230]\n", "", "1: voltages_v is missing in supply; add it"),
        ("order = 7", "order = 80", "6: order = 80: 4001.6 Hz is not below half of 8000 samples/s; leave it out, or raise rate_hz"),
        ("order = 7", "order = 5", "4: harmonics = [{...}, {...}]: order 5 stands here twice; keep one row of it"),
        ("order = 7, ", "", "6: order is missing in harmonics; add it"),
        ("order = 7", "ordre = 7", "6: unknown key ordre in harmonics; known: order, percent, angle_deg"),
        ('phases = ["L2"]', 'phases = ["L4"]', "19: phases = \"L4\": must be 'L1', 'L2' or 'L3'"),
        ('phases = ["L2"]', 'phases = "L2"', '19: phases = "L2": must be a list'),
        ("power_w = 60", "power_w = [60, 60]", "20: power_w = [60, 60]: give one number, the total, or a list with one for each phase of this load (1)"),
        ("power_w = 60", "power_kw = 0.06", "20: unknown key power_kw in load; known: name, kind, phases, power_w, cos_phi, reactive_var, harmonics, response"),
        ("power_w = 60\n", "", "16: power_w is missing in load; add it"),
        ("power_w = 60", "power_w = 60\npower = 1", "21: unknown key power in load; known: name, kind, phases, power_w, cos_phi, reactive_var, harmonics, response"),
        ('"0.8 ind"', '"0.8"', '14: cos_phi = "0.8": write it from 0.01 to 1 with its side, such as "0.85 ind" or "0.9 cap" (plain 1 needs no side)'),
        ('cos_phi = "0.8 ind"', "cos_phi = 1\nreactive_var = 5", "15: reactive_var = 5: cos_phi is given too; keep one of them"),
        ('kind = "constant"', 'kind = "motors"', ("11: kind = \"motors\": must be 'constant', 'scheduled', 'profile', 'motor', "
         "'rectifier', 'heater', 'welder', 'capacitor' or 'photovoltaics'")),
        ('kind = "constant"\n', "", "9: kind is missing in load; add it"),
        ('kind = "constant"', 'kind = "motor"\nstarting = 5', ("12: unknown key starting in load; known: name, kind, phases, power_w, cos_phi, "
         "reactive_var, harmonics, on, profile, varies_percent, run_s, rest_s, starting_current, starting_cos_phi, starting_s")),
        ('kind = "constant"', 'kind = "motor"\nrun_s = 5', "12: run_s = 5: run_s and rest_s go together; give both or neither"),
        ('kind = "constant"', 'kind = "scheduled"\non = "6-14"', ('12: on = "6-14": write it such as "mon-fri 06:00-14:00", '
         '"sat,sun 22:00-06:00" or "06:00-24:00"')),
        ('kind = "constant"', 'kind = "scheduled"', "9: on is missing in load; add it"),
        ('kind = "constant"', 'kind = "profile"\nprofile = { day = [1, 2] }',
         "12: day = [1, 2]: give 24 values, one an hour, or 96, one a quarter-hour, not 2"),
        ("229, 230]", "0, 230]", '12: phases = ["L1", "L2", "L3"]: L2 has no voltage to draw power from; take it out, or give it at least 1 V'),
        ("seed = 1", "seed = true", "23: seed = true: must be a valid integer"),
        ("voltage_v = 0.1", "voltage_v = inf", "24: voltage_v = inf: must be a finite number"),
        ("rate_hz = 8000", "rate_hz = 799", "27: rate_hz = 799: must be greater than or equal to 800"),
        ("[sampling]", "[samplings]", "26: unknown key samplings; known: start, utc_offset, supply, load, wiring, contact, noise, front_end, sampling"),
        ("[231, 229, 230]", '"a\\nb"', '2: voltages_v = "a\\nb": give one voltage for all phases, or a list of three for L1, L2, L3'),
        ("seed = 1", '"se\\ned" = 1', '23: unknown key "se\\ned" in noise; known: seed, voltage_v, current_a'),
        ("power_w = 60", f"power_w = 1{'0' * 400}", f"20: power_w = 1{'0' * 59}...: must be a valid number"),
        ("[supply]", "start = 2026-01-15T00:00:00\n[supply]",
         "1: start = 2026-01-15 00:00:00: an instant needs its zone, such as 2026-01-15T00:00:00Z"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_file_line_and_remedy(tmp_path, good, bad, refusal):
    assert good in GOOD
    assert refusal_of(tmp_path, GOOD.replace(good, bad, 1)) == f"a.network.toml:{refusal}"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("[supply]\nvoltages_v 230\n", ":2: not valid TOML at column 12: Expected '=' after a key in a key/value pair"),
        ("[supply]\nvoltages_v =", ":2: not valid TOML at the end: Invalid value"),
        ("[supply]\nvoltages_v = [1,\n\n", ":2: not valid TOML at the end: Invalid value"),
        ("a = 1\na = 2\n", ":2: not valid TOML at column 6: Cannot overwrite a value"),
        (b"[supply]\n# \xff\n", ":2: not UTF-8 text; save the file as UTF-8"),
        ("", ": supply is missing; add it"),
        ("supply = 230", ":1: supply = 230: must be a table, with a header in brackets"),
    ],
)
def test_a_file_that_is_no_toml_is_told_with_its_line(tmp_path, text, refusal):
    assert refusal_of(tmp_path, text) == f"a.network.toml{refusal}"


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file or directory"):
        open_network(tmp_path / "none.toml", ct=CT, vt=VT)


def test_a_long_value_is_told_short(tmp_path):
    message = refusal_of(tmp_path, GOOD.replace('"L2"]', f'"{"L" * 500}"]'))
    assert len(message) < 200


class Whole(BaseModel):
    either: int | str = 0

    @model_validator(mode="after")
    def _never(self):
        msg = "write something else"
        raise ValueError(msg)


def test_a_refusal_of_the_whole_file_needs_no_key():
    with pytest.raises(ConfigError, match=r"^a\.toml: write something else$"):
        check_toml("a.toml", b"", Whole)


def test_a_refusal_by_a_union_names_the_key_and_not_its_member():
    with pytest.raises(ConfigError, match=r"^a\.toml:2: either = 1\.5: must be a valid integer"):
        check_toml("a.toml", b"\neither = 1.5", Whole)


NAMES = sorted(path.name.removesuffix(".network.toml") for path in EXAMPLES.glob("*.network.toml"))


def example(name):
    """Return the network file of an example and the transformers of its meter."""
    config = tomllib.loads((EXAMPLES / f"{name}.toml").read_text())
    network = EXAMPLES / config["source"]["network"]
    assert network.name == f"{name}.network.toml"
    return network, Ratio.parse(config["meter"]["ct"]), Ratio.parse(config["meter"].get("vt", "1/1"))


def test_there_are_five_examples_with_serials_and_ports_of_their_own():
    configs = [tomllib.loads((EXAMPLES / f"{name}.toml").read_text()) for name in NAMES]
    assert NAMES == ["miswired", "office", "solar-farm", "substation", "workshop"]
    assert (
        len({config["meter"]["serial"] for config in configs}) == len({config["listen"][0]["url"] for config in configs}) == 5
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_examples_samples_and_rows_have_the_same_energy(name):
    """Ten seconds of samples, noise apart, against the rows of the same seconds."""
    path, ct, vt = example(name)
    blocks = open_network(path, ct=ct, vt=vt).blocks()
    samples_ws = sum((block.voltages * block.currents).mean(axis=1) for block in (next(blocks) for _ in range(10)))
    row = next(open_phasors(path, ct=ct, vt=vt).blocks()).part(0, 10)
    rows_ws = (row.voltages * row.currents.conj()).real.sum(axis=(0, 2))
    assert samples_ws == pytest.approx(rows_ws, rel=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_an_example_stays_within_its_meters_ranges_all_day(name):
    path, ct, vt = example(name)
    source = open_phasors(path, ct=ct, vt=vt)
    for hour in range(24):
        row = source.hour(hour)
        current_a = np.sqrt((np.abs(row.currents) ** 2).sum(axis=2))
        voltage_v = np.sqrt((np.abs(row.voltages) ** 2).sum(axis=2))
        assert current_a.max() < current_range_of(ct).maximum_a
        assert voltage_v.max() < 230 * 1.2
        assert np.median(voltage_v) > 127 * 0.8


def test_the_start_of_a_config_moves_the_hours_of_the_loads(tmp_path):
    text = "[supply]\nvoltages_v = 230\n[[load]]\nname = 'A'\nkind = 'scheduled'\nphases = ['L1']\npower_w = 100\non = '06:00-07:00'\n"
    path = tmp_path / "a.network.toml"
    path.write_text(text)
    six = 6 * 3600 * 10**9 + 1_767_225_600 * 10**9
    on, off = (open_phasors(path, ct=CT, vt=VT, start_ns=start) for start in (six, None))
    assert next(on.blocks()).currents[:, 0].all()
    assert not next(off.blocks()).currents.any()
    assert (on.start_ns, off.start_ns) == (six, None)


SCRIPT = """\
seed = 1
[[plant]]
kind = "ct_reversed"
phases = ["L1"]
at_s = 5
duration_s = 5

[[bus]]
kind = "silence"
at_s = 3
duration_s = 1
"""


def test_the_faults_of_a_script_are_another_source_and_are_told(tmp_path):
    path, script = tmp_path / "a.network.toml", tmp_path / "faults.toml"
    path.write_text(GOOD)
    script.write_text(SCRIPT)
    plain, faulty = open_network(path, ct=CT, vt=VT), open_network(path, ct=CT, vt=VT, faults=script)
    assert plain.identity != faulty.identity
    assert [(each.begin_s, each.end_s, each.what) for each in faulty.happenings(0, 3600)] == [(5, 10, "CT reversed on L1")]
    assert open_phasors(path, ct=CT, vt=VT, faults=script).happenings(0, 5) == []
    assert plain.happenings(0, 3600) == []


@pytest.mark.parametrize(
    ("good", "bad", "refusal"),
    [
        ("at_s = 5", "at = 5", "5: unknown key at in plant; known: at_s, daily_at, duration_s, kind, phases"),
        ("ct_reversed", "ct_inverted", "3: kind = \"ct_inverted\": must be 'dip', 'swell', 'interruption'"),
        ("duration_s = 5", "duration_s = 0", "6: duration_s = 0: must be greater than 0"),
        ("seed = 1", "sede = 1", "1: unknown key sede; known: seed, plant, bus"),
    ],
)
def test_a_mistake_in_a_script_is_told_with_its_line(tmp_path, good, bad, refusal):
    script = tmp_path / "faults.toml"
    script.write_text(SCRIPT.replace(good, bad, 1))
    with pytest.raises(ConfigError) as caught:
        open_network(WORKSHOP, ct=CT, vt=VT, faults=script)
    assert str(caught.value).removeprefix(f"{script}:").startswith(refusal)


def test_the_workshops_config_names_its_network_and_its_transformer():
    config = tomllib.loads((EXAMPLES / "workshop.toml").read_text())
    assert EXAMPLES / config["source"]["network"] == WORKSHOP
    assert Ratio.parse(config["meter"]["ct"]) == CT
    assert set(config) == {"meter", "source", "tariff", "listen", "web"}


_DIGEST = """
import hashlib, sys
from pathlib import Path
from watthour.host.networks import open_network, open_phasors
from watthour.units import Ratio
block = next(open_network(Path(sys.argv[1]), ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1")).blocks(12_345_678_901))
print(hashlib.sha256(block.voltages.tobytes() + block.currents.tobytes()).hexdigest())
"""


def test_another_process_makes_the_same_bits():
    run = subprocess.run([sys.executable, "-c", _DIGEST, str(WORKSHOP)], capture_output=True, text=True, check=True)
    block = next(open_network(WORKSHOP, ct=CT, vt=VT).blocks(12_345_678_901))
    assert run.stdout.strip() == hashlib.sha256(block.voltages.tobytes() + block.currents.tobytes()).hexdigest()
