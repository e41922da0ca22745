"""What is asked of a meter beside it: the seal, settings, resets; at rest and beside its run, with the same outcomes."""

import asyncio
import hashlib
import json
import socket
import stat
import threading

import pytest

from watthour.errors import SealedError, StoreBusyError, StoreError, UsageError, WatthourError
from watthour.host import control
from watthour.host.config import Plan, SourceWish
from watthour.host.control import (
    SOCKET,
    ControlSocket,
    Request,
    ask_meter,
    at_socket,
    done_or_raise,
    has_secret,
    meter_directory,
)
from watthour.host.evidence import entries_of, faults_of, read_meters
from watthour.host.metering import MeteringThread, Pace, begin_work
from watthour.host.metering.sealing import SHORTEST_SECRET
from watthour.host.store import DataDirectory
from watthour.host.store.secret import SealSecret
from watthour.parameters import Interface, check_setting
from watthour.view import Verdict

PASS = "correct horse"  # noqa: S105 - of a meter that lasts as long as its test


def ask(path, do, secret=None, **settings):
    return ask_meter(path, Request(do=do, settings=settings, secret=secret))


def faults(path):
    (meter,) = read_meters(path)
    return faults_of(meter)


def kinds(path):
    (meter,) = read_meters(path)
    return [entry.kind for _, entry, _ in entries_of(meter)]


def kept(path):
    with DataDirectory(path.parent, int(path.name)) as store:
        return store.load().kept


@pytest.fixture
def running(kept_path, csv_file):
    """A meter that runs and is held, with its control socket; gives its directory."""
    plan = Plan(
        settings={name: check_setting(name, value, Interface.CONFIG) for name, value in (("serial", 42), ("ct", "200/5"))}
    )
    ready, ended, failures = threading.Event(), threading.Event(), []

    async def serve():
        with DataDirectory(kept_path.parent, 42) as store:
            work = begin_work(plan, SourceWish(path=csv_file), store)
            thread = MeteringThread(work, Pace(speed=None, hold=True))
            thread.start()
            async with ControlSocket(kept_path, thread, work.keeping):
                ready.set()
                await asyncio.to_thread(ended.wait)
            thread.stop()
            await asyncio.to_thread(thread.join)
            failures.append(thread.failure)

    serving = threading.Thread(target=asyncio.run, args=(serve(),))
    serving.start()
    assert ready.wait(60)
    yield kept_path
    ended.set()
    serving.join(60)
    assert failures == [None]


@pytest.fixture(params=["at rest", "running"])
def path(request):
    return request.getfixturevalue("kept_path" if request.param == "at rest" else "running")


def test_sealed_settings_change_only_while_the_seal_is_open(path):
    assert ask(path, "set", ct="400/5").verdict is Verdict.SEALED
    assert ask(path, "unseal").verdict is Verdict.DONE
    assert ask(path, "set", ct="400/5", summation="arithmetic").verdict is Verdict.DONE
    assert ask(path, "seal", PASS).verdict is Verdict.DONE
    assert ask(path, "set", ct="200/5").verdict is Verdict.SEALED
    assert faults(path) == []
    assert [kind for kind in kinds(path) if "power" not in kind and kind != "totals"] == [
        "seal opened", "parameter changed", "parameter changed", "seal closed",
    ]  # fmt: skip


def test_the_seal_opens_to_its_secret_alone_and_a_wrong_one_is_logged(path):
    assert ask(path, "seal", PASS).verdict is Verdict.DONE
    assert has_secret(path)
    for wrong in ("", "Correct horse", PASS + " "):
        outcome = ask(path, "unseal", wrong)
        assert (outcome.verdict, outcome.message) == (Verdict.REFUSED, "wrong secret")
    assert ask(path, "unseal").message == "a secret is needed"
    assert ask(path, "set", ct="400/5").verdict is Verdict.SEALED
    assert kinds(path).count("wrong secret for the seal") == 3
    assert faults(path) == []


def test_wrong_attempts_slow_down_the_next_also_after_a_restart(kept_path, monkeypatch):
    slept = []
    monkeypatch.setattr(control.time, "sleep", slept.append)
    ask(kept_path, "seal", PASS)
    for _ in range(5):
        ask(kept_path, "unseal", "wrong one")
    assert ask(kept_path, "unseal", PASS).verdict is Verdict.DONE
    assert slept[1:] == [0.0, 0.0, 0.0, 1.0, 2.0, 4.0]
    ask(kept_path, "seal")
    assert ask(kept_path, "unseal", PASS).verdict is Verdict.DONE
    assert slept[-1] == 0.0


def test_a_secret_is_kept_as_a_salted_hash_only(kept_path):
    ask(kept_path, "seal", PASS)
    content = b"".join(file.read_bytes() for file in kept_path.iterdir() if file.is_file())
    assert PASS.encode() not in content
    secret = kept(kept_path).secret
    assert isinstance(secret, SealSecret)
    assert len(secret.salt) == 32


def test_a_secret_too_short_seals_nothing(kept_path):
    assert ask(kept_path, "seal", "x" * (SHORTEST_SECRET - 1)).verdict is Verdict.REFUSED
    assert ask(kept_path, "seal").message.startswith("a new secret is needed")
    assert not has_secret(kept_path)


def test_a_secret_that_was_taken_out_of_the_state_is_found(kept_path, edit_state):
    ask(kept_path, "seal", PASS)
    edit_state(kept_path, lambda content: content.update(secret=None))
    assert any("the secret of the seal is not the one" in line for line in faults(kept_path))


def test_partial_counters_and_periods_are_for_everybody(path):
    ask(path, "seal", PASS)
    assert ask(path, "reset-partial").verdict is Verdict.DONE
    assert ask(path, "close-period").verdict is Verdict.DONE
    assert ask(path, "set", cost_per_kwh="0.2", closing_day="0").verdict is Verdict.DONE
    assert faults(path) == []


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [("cost_per_kwh", "-1", Verdict.OUT_OF_RANGE), ("colour", "red", Verdict.REFUSED), ("serial", "7", Verdict.READ_ONLY)],
)
def test_a_setting_that_may_not_be_is_refused_and_nothing_changes(path, name, value, verdict):
    assert ask(path, "set", **{name: value, "co2_kg_per_kwh": "0.1"}).verdict is verdict
    assert "parameter changed" not in kinds(path)


def test_a_calendar_is_followed_from_the_moment_it_is_set(path):
    ask(path, "unseal")
    with pytest.raises(WatthourError):
        done_or_raise(ask(path, "set", calendar="es/none"))
    assert ask(path, "set", calendar="es/3.0TD/peninsula", rate_source="calendar").verdict is Verdict.DONE
    assert "calendar changed" in kinds(path)
    assert faults(path) == []


def test_the_socket_is_its_owners_alone_and_goes_with_the_meter(running):
    assert stat.S_IMODE((running / SOCKET).stat().st_mode) == 0o600
    with pytest.raises(StoreBusyError):
        DataDirectory(running.parent, 42).open()


def test_a_socket_that_a_killed_meter_left_behind_is_passed_over(kept_path):
    with socket.socket(socket.AF_UNIX) as left:
        at_socket(kept_path, left.bind)
    assert ask(kept_path, "reset-partial").verdict is Verdict.DONE


@pytest.mark.parametrize(
    "line", [b"\n", b"{}\n", b"[1]\n", b'{"do": "format"}\n', b'{"do": "set", "settings": {"a": 1}}\n', b"\xff\n"]
)
def test_what_is_no_request_is_answered_with_a_refusal(running, line):
    with socket.socket(socket.AF_UNIX) as client:
        at_socket(running, client.connect)
        client.sendall(line)
        assert json.loads(client.makefile().readline())["verdict"] == "refused"
    assert ask(running, "reset-partial").verdict is Verdict.DONE


def test_a_store_that_is_damaged_is_not_written_by_hand(kept_path):
    whole = (kept_path / "a.db").read_bytes()
    damaged = bytearray(whole)
    damaged[whole.index(b"watthour-state") + 300] ^= 1
    (kept_path / "a.db").write_bytes(damaged)
    with pytest.raises(StoreError, match="run the meter first"):
        ask(kept_path, "reset-partial")


def test_one_meter_is_named_by_its_data_directory_and_several_are_not(tmp_path, kept_path):
    assert meter_directory(kept_path.parent) == meter_directory(kept_path) == kept_path
    (kept_path.parent / "43").mkdir()
    (kept_path.parent / "43" / "a.db").touch()
    with pytest.raises(UsageError, match="2 meters keep their state here"):
        meter_directory(kept_path.parent)
    with pytest.raises(UsageError, match="no meter keeps its state here"):
        meter_directory(tmp_path / "nothing")


# a configuration that differs


def work_of(kept_path, csv_file, settings=(), **wish):
    given = {"serial": 42, "ct": "200/5", **dict(settings)}
    plan = Plan(settings={name: check_setting(name, value, Interface.CONFIG) for name, value in given.items()})
    with DataDirectory(kept_path.parent, 42) as store:
        work = begin_work(plan, SourceWish(path=csv_file, **wish), store)
        work.save(finished=work.finished)
        return work


SOURCES = {
    "source_channels": ({"channels": ("V2", "V1", "V3", "I1", "I2", "I3")}, "V2, V1, V3, I1, I2, I3"),
    "source_values": ({"values": "primary"}, "primary"),
    "source_scale": ({"scale": (1.0, 1.0, 1.0, 2.0, 2.0, 2.0)}, "1.0, 1.0, 1.0, 2.0, 2.0, 2.0"),
    "source_rate_hz": ({"rate_hz": 1600.0}, "1600"),
}


@pytest.mark.parametrize("is_secret", [False, True], ids=["no secret was set", "sealed with a secret"])
@pytest.mark.parametrize("name", SOURCES)
def test_how_a_source_is_read_is_under_the_seal(kept_path, csv_file, name, is_secret):
    wish, text = SOURCES[name]
    if is_secret:
        ask(kept_path, "seal", PASS)
    with pytest.raises(
        SealedError, match=f"{name}: {text} is asked for, but the meter in .* was sealed with as the source says"
    ):
        work_of(kept_path, csv_file, **wish)
    assert faults(kept_path) == []


def test_a_closed_seal_keeps_how_the_source_is_read_and_an_open_one_lets_it_change_and_logs_it(kept_path, csv_file):
    ask(kept_path, "unseal")
    work_of(kept_path, csv_file, values="secondary")
    assert kinds(kept_path).count("parameter changed") == 1
    assert faults(kept_path) == []


def test_a_source_that_is_read_otherwise_under_a_closed_seal_is_found(kept_path, edit_state):
    edit_state(kept_path, lambda content: content["sealed_source"].update(source_values="primary"))
    assert any("source_values is primary, where the events lead to as the source says" in line for line in faults(kept_path))


# a calendar whose file is edited


CALENDAR = """
title = "day and night"
zone = "Europe/Madrid"
first_day = "open"
last_day = "open"
rates = ["day", "night"]
days.all = { "00:00" = "night", "08:00" = "day" }
"""


@pytest.fixture
def own_calendar(tmp_path, csv_file, meter_run):
    """A meter that goes by a calendar file beside its configuration: the file, and a function that runs the meter again."""
    folder = tmp_path / "plant"
    folder.mkdir()
    file = folder / "mine.toml"
    file.write_text(CALENDAR)

    def run(**words):
        meter_run(tmp_path / "data", csv_file, settings={"calendar": "mine.toml"}, folder=folder, **words)

    run(duration_s=0.25)
    return file, tmp_path / "data" / "42", run


def changed_calendars(path):
    (meter,) = read_meters(path)
    return [entry.detail for _, entry, _ in entries_of(meter) if entry.kind == "calendar changed"]


def test_an_edited_calendar_file_is_refused_under_a_closed_seal_and_an_event_under_an_open_one(own_calendar):
    file, path, run = own_calendar
    run(duration_s=0.3)
    assert changed_calendars(path) == []
    file.write_text(CALENDAR.replace("08:00", "07:00"))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with pytest.raises(SealedError, match=rf"calendar mine.toml: its file was edited \(SHA-256 {digest[:16]}…\)"):
        run()
    assert ask(path, "unseal").verdict is Verdict.DONE
    run()
    (detail,) = changed_calendars(path)
    assert (detail["name"], detail["calendar"], detail["new"]) == ("calendar_sha256", "mine.toml", digest)
    assert detail["old"] == hashlib.sha256(CALENDAR.encode()).hexdigest()
    assert faults(path) == []


def test_a_calendar_file_put_back_is_no_change(own_calendar):
    file, path, run = own_calendar
    file.write_text(CALENDAR + "# looked at\n")
    with pytest.raises(SealedError):
        run()
    file.write_text(CALENDAR)
    run()
    assert changed_calendars(path) == []


def test_another_content_of_the_calendar_in_the_state_alone_is_found(own_calendar, edit_state):
    _, path, _ = own_calendar
    edit_state(path, lambda content: content["sealed_source"].update(calendar_sha256="0" * 64))
    assert any("calendar_sha256" in line for line in faults(path))


def test_a_calendar_set_at_rest_is_the_one_the_next_start_expects(own_calendar):
    file, path, run = own_calendar
    (file.parent / "other.toml").write_text(CALENDAR.replace("08:00", "09:00"))
    assert ask(path, "unseal").verdict is Verdict.DONE
    assert ask(path, "set", calendar="other.toml").verdict is Verdict.DONE
    assert ask(path, "set", calendar="mine.toml").verdict is Verdict.DONE
    assert ask(path, "seal", PASS).verdict is Verdict.DONE
    run()
    assert [detail["new"] for detail in changed_calendars(path)] == ["other.toml", "mine.toml"]
    assert faults(path) == []


def test_a_meter_at_rest_finds_its_calendar_file_from_anywhere(own_calendar, tmp_path, monkeypatch):
    _, path, _ = own_calendar
    monkeypatch.chdir(tmp_path)
    assert ask(path, "reset-partial").verdict is Verdict.DONE


def test_an_open_seal_lets_a_configuration_change_what_is_sealed_and_logs_it(kept_path, csv_file):
    with pytest.raises(SealedError, match=r"ct: 400/5 is asked for, but the meter in .* was sealed with 200/5"):
        work_of(kept_path, csv_file, {"ct": "400/5"})
    ask(kept_path, "unseal")
    work = work_of(kept_path, csv_file, {"ct": "400/5"}, values="secondary")
    assert any("ct becomes 400/5" in remark for remark in work.remarks)
    assert str(kept(kept_path).state.settings["ct"]) == "400/5"
    (meter,) = read_meters(kept_path)
    changes = [entry.detail for _, entry, _ in entries_of(meter) if entry.kind == "parameter changed"]
    assert [(detail["name"], detail["old"], detail["new"], detail["interface"]) for detail in changes] == [
        ("ct", "200/5", "400/5", "config"),
        ("source_values", "as the source says", "secondary", "config"),
    ]
    assert faults(kept_path) == []
    ask(kept_path, "seal", PASS)
    with pytest.raises(SealedError, match="source_values"):
        work_of(kept_path, csv_file, {"ct": "400/5"})
