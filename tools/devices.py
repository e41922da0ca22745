"""Write the devices whose registers stand in the package's own map: ``python tools/devices.py``.

The watthour block and the CEM family are read from `watthour.maps.modbus`, so that no address is typed twice; a test holds the
files against what this makes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from watthour.maps.modbus import FAMILY, LIVE, OWN, validity_place
from watthour.maps.register import Register
from watthour.units import LATE_NAMES

FOLDER = Path(__file__).resolve().parent.parent / "src" / "watthour" / "maps" / "devices"

_IDENTITY = ("ct_primary", "ct_secondary", "vt_primary", "vt_secondary", "serial", "model")
_CEM_BLOCKS = ((0x0000, 0x000C), (0x0030, 0x003C), (0x044C, 0x0454), (0x0732, 0x0744), (0x0746, 0x075E), (0x2710, 0x2712))
_OWN_BLOCKS = (
    (0x1200, 0x1218), (0x0030, 0x003C), (0x044C, 0x0454), (0x1000, 0x1062), (0x1100, 0x1160), (0x1602, 0x1622),
    (0x2710, 0x2712), (0xF010, 0xF016)
)  # fmt: skip

HEADS = {
    "cem-family": 'title = "CIRCUTOR CEM family"\n'
    'source = "manuals of CEM M-RS485, CEM M-ETH and CEM-C31; unverified for the CEM-D311"\n',
    "watthour": 'title = "watthour, CEM-D311"\nsource = "watthour.maps.modbus, the watthour block"\nload_profile = "watthour"\n',
}


def device(name: str) -> str:
    """Return the file of a device."""
    blocks = _CEM_BLOCKS if name == "cem-family" else _OWN_BLOCKS
    rows = [row for row in LIVE if _is_in(row, blocks) and not row.needs and row.name not in LATE_NAMES]
    if name == "cem-family":
        rows = [row for row in rows if row.block == FAMILY and row.name != "model"]
    else:
        own = {row.name for row in rows if row.block == OWN}
        rows = [row for row in rows if row.block == OWN or row.name not in own]
    rows = [row for row in rows if row.name not in {"block_version", "status", "warnings"}]
    rows = [row for row in rows if not row.name.startswith("validity_") or _is_used(row.name, rows)]
    parts = [f"# Written by tools/devices.py from the package's own map.\n{HEADS[name]}function = 3\nblocks = [\n"]
    parts += [f"    [0x{begin:04X}, {end - begin}],\n" for begin, end in blocks]
    return "".join((*parts, "]\n", *(part for row in rows for part in _table(row, with_valid=name == "watthour"))))


def _is_in(row: Register, blocks: Sequence[tuple[int, int]]) -> bool:
    return any(begin <= row.address and row.end <= end for begin, end in blocks)


def _is_used(word: str, rows: Sequence[Register]) -> bool:
    return any(row.bit is not None and validity_place(row.bit)[0] == word for row in rows)


def _table(row: Register, *, with_valid: bool) -> Iterator[str]:
    yield f'\n[[register]]\nname = "{row.name}"\naddress = 0x{row.address:04X}\ntype = "{row.type}"\n'
    if row.length:
        yield f"length = {row.length}\n"
    if row.decimals:
        yield f"scale = 1e-{row.decimals}\n"
    if with_valid and row.bit is not None:
        word, place = validity_place(row.bit)
        yield f'valid = "{word}.{place}"\n'


if __name__ == "__main__":
    for each in HEADS:
        (FOLDER / f"{each}.toml").write_text(device(each), "utf-8")
