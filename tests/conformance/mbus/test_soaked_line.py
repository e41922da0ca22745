"""Both our ends on a modelled line with bit errors, the short form of ``make soak``; and that what it watches for is seen."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from watthour.host.lines.mbus_server import MBusConversation, MBusLine
from watthour.station.mbus_telegrams import content_of

SOAK = runpy.run_path(str(Path(__file__).resolve().parents[3] / "tools" / "mbus_soak.py"))
bits_of, heard_of, soak = SOAK["bits_of"], SOAK["heard_of"], SOAK["soak"]
IDLE = SOAK["IDLE_BITS"]
EXCHANGES = 1000


def test_no_wrong_value_is_accepted_no_wrong_write_done_and_every_reply_is_in_time():
    count = soak(EXCHANGES, seed=11)
    assert count.exchanges >= EXCHANGES
    assert count.bit_errors > 60
    assert (count.wrong_values, count.wrong_writes, count.late_replies) == (0, 0, 0)
    assert len(count.done) == 5


def test_ten_times_the_noise_costs_answers_and_not_truth():
    calm, noisy = soak(300, seed=12, bit_errors=0.0), soak(300, seed=12, bit_errors=1e-3)
    assert (calm.given_up, calm.bit_errors) == (0, 0)
    assert noisy.given_up > 0
    assert noisy.is_clean


def test_the_line_carries_what_is_sent_and_a_receiver_drops_a_character_with_one_wrong_bit():
    data = bytes(range(256))
    bits = bits_of(data)
    assert bytes(byte for byte, _ in heard_of(bits, checks_parity=True)) == data
    for bit in range(1, 10):  # behind the start bit: eight of data, and the parity
        wrong = bits_of(b"\xa5\x0f")
        wrong[IDLE + bit] ^= 1
        assert bytes(byte for byte, _ in heard_of(wrong, checks_parity=True)) == b"\x0f"
        assert len(heard_of(wrong, checks_parity=False)) == 2


def test_a_value_that_is_not_the_one_sent_is_seen(monkeypatch):
    def other(view, chosen, number):
        return content_of(replace(view, values=MappingProxyType({**view.values, "t8_import_wh": 1})), chosen, number)

    monkeypatch.setattr("watthour.station.mbus.content_of", other)
    assert soak(60, bit_errors=0.0).wrong_values > 0


def test_a_command_done_twice_or_unasked_is_seen(monkeypatch):
    carry = MBusLine._carry

    async def twice(line, ask):
        await line._ports[ask.meter].ask(ask.command)
        await carry(line, ask)

    monkeypatch.setattr(MBusLine, "_carry", twice)
    assert soak(200, bit_errors=0.0).wrong_writes > 0


@pytest.mark.parametrize("bits", [10, 480])
def test_a_reply_too_early_or_too_late_is_seen(monkeypatch, bits):
    send = MBusConversation._send

    def at(conversation, answer):
        shift_s = bits / 2400 - conversation._receiver.timing.reply_earliest_s
        if shift_s > 0:
            conversation._loop.call_later(shift_s, send, conversation, answer)
        else:
            send(conversation, answer)

    monkeypatch.setattr(MBusConversation, "_send", at)
    if bits < 11:
        monkeypatch.setattr(MBusConversation, "_answer", lambda self, frame: send(self, self._line.answer(frame)))
    assert soak(60, bit_errors=0.0).late_replies > 0
