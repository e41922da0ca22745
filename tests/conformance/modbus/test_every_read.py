"""FC 03 and 04 over every start and every quantity, against the map written once more by hand.

All 65 536 starts by 128 quantities in ``make soak``; here one start in 61, and all around every variable in ``tests/station``.
"""

import os
import runpy
from pathlib import Path

import pytest

from watthour.station.modbus import Station
from watthour.units import Ratio
from watthour.wire.modbus.message import decode_request

ORACLE = runpy.run_path(str(Path(__file__).parents[2] / "station" / "test_modbus.py"))
STEP = 1 if os.environ.get("WATTHOUR_SOAK") == "1" else 61


@pytest.mark.parametrize("function", [3, 4])
def test_every_start_and_quantity_agrees_with_an_independent_oracle(make_view, function):
    ratios = {"ct": Ratio.parse("200/5"), "vt": Ratio.parse("132000/110")}
    view = make_view(parameters=ratios, calendar="es/3.0TD/peninsula", selected_rate=3, event_count=1234, event_head="5a" * 32)
    memory, station = ORACLE["variables"](view), Station()
    head, refused = bytes([function]), [bytes([function | 0x80, 2]), bytes([function | 0x80, 3])]
    compared = agreed = 0
    for start in range(STEP // 2, 0x10000, STEP):
        whole, at = {}, start
        data = b""
        while at in memory and at - start < 128:
            data += memory[at]
            at += len(memory[at]) // 2
            whole[at - start] = data
        for count in range(128):
            reply = station.answer(
                1, decode_request(head + start.to_bytes(2, "big") + count.to_bytes(2, "big")), [view]
            ).to_bytes()
            if not 1 <= count <= 125:
                wanted = refused[1]
            elif count in whole:
                wanted = head + bytes([2 * count]) + whole[count]
            else:
                wanted = refused[0]
            agreed += reply == wanted
            compared += 1
    print(f"function {function:02X}h: {compared} reads, {agreed} agreed")  # noqa: T201 - the figure of a soak
    assert agreed == compared >= 0x10000 // STEP * 128
