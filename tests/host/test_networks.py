"""Opening network files: the example as a reader finds it, and each mistake told with its line."""

import hashlib
import math
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, model_validator

from watthour.errors import ConfigError
from watthour.host.networks import open_network
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
        ("[sampling]", "[samplings]", "26: unknown key samplings; known: start, utc_offset, supply, load, wiring, noise, sampling"),
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


def test_the_workshop_draws_what_its_file_says():
    """Active power by hand: the fundamentals, and at the 5th and 7th what converters make of a distorted voltage."""
    source = open_network(WORKSHOP, ct=CT, vt=VT)
    blocks = source.blocks()
    seconds = [next(blocks) for _ in range(50)]
    voltages = np.concatenate([block.voltages for block in seconds], axis=1)
    currents = np.concatenate([block.currents for block in seconds], axis=1)
    fundamental_w = np.array([10_000 + 8_000 - 4_600, 10_000 + 7_600 + 2_400, 10_000 + 8_300])
    converters_va = np.array([8_000, 7_600, 8_300]) / 0.98
    lag_rad = math.acos(0.98)
    harmonic_w = converters_va * (
        0.021 * 0.34 * math.cos(math.radians(175 - 180) + 5 * lag_rad)
        + 0.012 * 0.13 * math.cos(math.radians(10 - 180) + 7 * lag_rad)
    )
    noise_w = 5 * (0.05 * 100 + 0.02 * 231) / math.sqrt(voltages.shape[1])
    assert 40 * (voltages * currents).mean(axis=1) == pytest.approx(fundamental_w + harmonic_w, abs=noise_w)
    assert 40 * (voltages * currents).sum(axis=0).mean() == pytest.approx((fundamental_w + harmonic_w).sum(), abs=3 * noise_w)


def test_the_workshop_stays_within_its_meters_current_range():
    block = next(open_network(WORKSHOP, ct=CT, vt=VT).blocks())
    assert np.sqrt((block.currents**2).mean(axis=1)).max() < current_range_of(CT).maximum_a


def test_the_workshops_config_names_its_network_and_its_transformer():
    config = tomllib.loads((EXAMPLES / "workshop.toml").read_text())
    assert EXAMPLES / config["source"]["network"] == WORKSHOP
    assert Ratio.parse(config["meter"]["ct"]) == CT
    assert set(config) == {"meter", "source", "listen"}


_DIGEST = """
import hashlib, sys
from pathlib import Path
from watthour.host.networks import open_network
from watthour.units import Ratio
block = next(open_network(Path(sys.argv[1]), ct=Ratio.parse("200/5"), vt=Ratio.parse("1/1")).blocks(12_345_678_901))
print(hashlib.sha256(block.voltages.tobytes() + block.currents.tobytes()).hexdigest())
"""


def test_another_process_makes_the_same_bits():
    run = subprocess.run([sys.executable, "-c", _DIGEST, str(WORKSHOP)], capture_output=True, text=True, check=True)
    block = next(open_network(WORKSHOP, ct=CT, vt=VT).blocks(12_345_678_901))
    assert run.stdout.strip() == hashlib.sha256(block.voltages.tobytes() + block.currents.tobytes()).hexdigest()
