"""Thirty-two meters, each with a port of its own, on one bad line: every port hears the others' requests and replies, with its own damage.

One request in forty of those of ``test_shared_line``, since each is heard thirty-two times.
"""

import os
import runpy
import struct
from pathlib import Path
from random import Random

from watthour.station.modbus import SERIAL_LINE, Station
from watthour.wire.modbus.link import Answered, Requested
from watthour.wire.modbus.message import ReadReply, ReadRequest
from watthour.wire.modbus.rtu_frame import RtuFrame, Timing
from watthour.wire.modbus.rtu_link import RtuClientLink, RtuStationLink

MODEL = runpy.run_path(str(Path(__file__).with_name("line_model.py")))
Line, Noise = MODEL["Line"], MODEL["Noise"]
REQUESTS = 25_000 if os.environ.get("WATTHOUR_SOAK") == "1" else 500
OURS = range(1, 33)
FOREIGN = range(40, 48)
READ = ReadRequest(start=0x2710, count=2)


class Port:
    """A meter's own end: what reaches it, and how many of the requests to it were whole."""

    def __init__(self, unit, view):
        self.unit, self.view = unit, view
        self.line = Line(100 + unit, Noise())
        self.link = RtuStationLink(Timing(gap_s=0.02, turnaround_s=self.line.silence_s))
        self.station = Station([unit], SERIAL_LINE)

    def hear(self, frame, now):
        """Return what the meter says to a frame, the asking event with it, and how the frame arrived."""
        idle, received = self.line.idle(), self.line.carry(frame)
        events = [*deliver(self.link, (*idle, *received.characters), now), *self.link.receive(b"", now + 0.021)]
        answers = []
        for event in events:
            if isinstance(event, Requested):
                reply = self.station.answer(event.unit, event.request, [self.view])
                answers += [] if reply is None else [self.link.send(reply, event)]
        return answers, received


def deliver(link, characters, now):
    """Hand characters over as one burst, cut where one came damaged."""
    events, piece = [], bytearray()
    for character in characters:
        if character is None:
            events += [*link.receive(bytes(piece), now), *link.spoil(now)]
            piece.clear()
        else:
            piece.append(character)
    return [*events, *link.receive(bytes(piece), now)]


def test_each_meter_on_its_own_port_answers_what_is_its_own_and_whole_and_nothing_else(make_view):
    ports = {unit: Port(unit, make_view(serial=777000 + unit, parameters={"bus_address": unit})) for unit in OURS}
    choose, back, now = Random(5), Line(99, Noise()), 0.0  # noqa: S311 - noise, no secrets
    clean = hit = beside = right = others = 0
    for _ in range(REQUESTS):
        now += 0.2
        is_ours = choose.random() < 0.7
        unit = choose.choice(OURS if is_ours else FOREIGN)
        client = RtuClientLink()
        frame = client.send(READ, unit=unit, now=now)
        heard = {number: port.hear(frame, now) for number, port in ports.items()}
        assert not any(answers for number, (answers, _) in heard.items() if number != unit)
        foreign = RtuFrame(unit=unit, pdu=b"\3\4" + choose.randbytes(4)).to_bytes()
        answers, received = heard.get(unit, ([foreign], None))
        others += received is None
        if received is not None:
            clean, hit = clean + received.is_clean, hit + received.is_hit
            beside += not (received.is_clean or received.is_hit)
            assert not (received.is_hit and answers), "nothing damaged is answered"
            assert not received.is_clean or len(answers) == 1, "nothing whole is lost"
        for reply in answers:
            now += 0.05
            told = [
                event.reply
                for event in [*deliver(client, back.carry(reply).characters, now), *client.receive(b"", now + 0.021)]
                if isinstance(event, Answered)
            ]
            wanted = ReadReply(data=struct.pack(">I", 777000 + unit) if received is not None else foreign[3:7])
            assert told in ([], [wanted]), "nothing wrong is believed"
            right += bool(told)
            assert not any(port.hear(reply, now)[0] for number, port in ports.items() if number != unit)
    told = f"{clean} arrived clean, {hit} hit, {beside} with a stray character beside, {others} were to other makers' stations"
    print(f"{REQUESTS} requests, each heard by {len(ports)} ports: {told}; {right} right replies")  # noqa: T201 - the figures of a soak
    assert clean > REQUESTS * 0.5
    assert hit > REQUESTS * 0.03
    assert right > REQUESTS * 0.5
