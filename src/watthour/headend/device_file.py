"""What may stand in the file of a device, and the `Device` that it makes.

In: the tables of a TOML file. Out: a device, or a refusal that names the key. Who opens the file, and on which line the key stands,
is not known here.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from watthour.headend.device import COUNTERS, IDENTITY, REGISTERS, RESETTABLE, SERIAL, WHOLE, Device, Form, Row
from watthour.units import VALUE_BY_NAME
from watthour.wire.modbus.message import READ_MAXIMUM

LAST_ADDRESS = 0xFFFF
_VALID = re.compile(r"([a-z][a-z0-9_]*)\.(\d{1,2})")
_POWER = re.compile(r"(\d+)\^(\d+)")


def _exact(value: Any) -> Any:
    """Return a number as the file writes it: 0.1 is a tenth."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _steps(value: Any) -> Any:
    """Return a modulus: a number, or a power such as ``10^8``."""
    if isinstance(value, str):
        power = _POWER.fullmatch(value)
        if power is None:
            msg = "write a whole number, or a power such as 10^8"
            raise ValueError(msg)
        return int(power[1]) ** int(power[2])
    return value


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RegisterTable(_Table):
    """``[[register]]``: one variable."""

    name: str
    address: Annotated[int, Field(ge=0, le=LAST_ADDRESS)]
    type: Form
    scale: Annotated[Decimal, BeforeValidator(_exact), Field(gt=0)] = Decimal(1)
    scale_register: str = ""
    modulus: Annotated[int | None, BeforeValidator(_steps), Field(ge=2)] = None
    absent: int | None = None
    valid: str = ""
    length: Annotated[int, Field(ge=1, le=READ_MAXIMUM)] | None = None
    word_order: Literal["high", "low"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> "RegisterTable":
        has_length = self.type not in REGISTERS
        if has_length != (self.length is not None):
            msg = f"{self.type} needs a length in registers" if has_length else f"{self.type} has its own length; leave it out"
            raise ValueError(msg)
        if self.modulus is not None and self.name not in COUNTERS and self.name not in RESETTABLE:
            msg = f"only a counter of energy has a modulus, and {self.name} is none"
            raise ValueError(msg)
        if self.modulus is not None and self.modulus > 2 ** WHOLE.get(self.type, 64):
            msg = f"a modulus of {self.modulus} does not fit into {self.type}"
            raise ValueError(msg)
        if self.valid and not _VALID.fullmatch(self.valid):
            msg = f'valid = "{self.valid}": write register and bit, such as "validity_4.1"'
            raise ValueError(msg)
        return self

    def row(self, word_order: str) -> Row:
        """Return the record."""
        valid = _VALID.fullmatch(self.valid)
        return Row(
            name=self.name,
            address=self.address,
            form=self.type,
            scale=self.scale,
            exponent=self.scale_register,
            modulus=self.modulus,
            absent=self.absent,
            valid=None if valid is None else (valid[1], int(valid[2])),
            length=self.length or 0,
            low_first=(self.word_order or word_order) == "low",
        )


class DeviceFile(_Table):
    """A device."""

    title: str
    source: str
    function: Literal[3, 4] = 3
    word_order: Literal["high", "low"] = "high"
    blocks: list[tuple[int, int]] = []
    sunspec_models: list[int] = []
    load_profile: Literal["none", "watthour"] = "none"
    registers: list[RegisterTable] = Field(min_length=1, alias="register")

    @model_validator(mode="after")
    def _together(self) -> "DeviceFile":
        names = [row.name for row in self.registers]
        repeated = {name for name in names if names.count(name) > 1}
        if repeated:
            msg = f"two registers are named {min(repeated)}"
            raise ValueError(msg)
        if SERIAL not in names:
            msg = "no register is named serial: a meter is known by its serial number, read with every reading"
            raise ValueError(msg)
        if not any(name in COUNTERS for name in names):
            msg = f"no register counts energy: name one of {', '.join(sorted(COUNTERS))}"
            raise ValueError(msg)
        helpers = {row.scale_register for row in self.registers} | {row.valid.partition(".")[0] for row in self.registers}
        for row in self.registers:
            problem = _wrong_name(row, names, helpers)
            if problem:
                raise ValueError(problem)
        for start, count in self.blocks:
            if not (0 <= start <= LAST_ADDRESS and 1 <= count <= READ_MAXIMUM):
                msg = f"a block of {count} registers from {start}: a read has 1 to {READ_MAXIMUM} registers"
                raise ValueError(msg)
        self._check_blocks()
        return self

    def _check_blocks(self) -> None:
        for row in self.registers if self.blocks else ():
            end = row.address + (row.length or REGISTERS[row.type])
            if not any(start <= row.address and end <= start + count for start, count in self.blocks):
                msg = f"{row.name} at {row.address} lies whole in none of the blocks"
                raise ValueError(msg)

    def device(self, name: str) -> Device:
        """Return the record, its rows sorted by address."""
        rows = sorted((row.row(self.word_order) for row in self.registers), key=lambda row: row.address)
        return Device(
            name=name,
            title=self.title,
            source=self.source,
            rows=tuple(rows),
            blocks=tuple(self.blocks),
            function=self.function,
            models=tuple(self.sunspec_models),
            has_profile=self.load_profile == "watthour",
        )


def _wrong_name(row: RegisterTable, names: list[str], helpers: set[str]) -> str:
    known = row.name in VALUE_BY_NAME or row.name in COUNTERS or row.name in IDENTITY or row.name in helpers
    if not known:
        return f"{row.name} is no name of the nomenclature, and none of {', '.join(sorted(IDENTITY))}"
    for other in (row.scale_register, row.valid.partition(".")[0]):
        if other and other not in names:
            return f"{row.name} names the register {other}, which is not there"
    return ""
