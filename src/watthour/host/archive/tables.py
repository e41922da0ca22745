"""The tables of the archive, the same in SQLite and in PostgreSQL.

Energies are whole micro-units in 64 bits, instants nanoseconds UTC since 1970; nothing is a float. ``interval`` and ``reading`` have
the place first in their keys, so that the history of a place lies together.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, SmallInteger, String, Table, Text, UniqueConstraint

from watthour.units import ENERGIES, exact_name

METADATA = MetaData()

ENERGY_COLUMNS = tuple(exact_name(energy) for energy in ENERGIES)
"""``import_microwh`` … ``q4_microvarh``."""

_Id = BigInteger().with_variant(Integer, "sqlite")
"""What SQLite numbers by itself."""


def _energies() -> list[Column[int]]:
    return [Column(name, BigInteger) for name in ENERGY_COLUMNS]


METER = Table(
    "meter",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("serial", String(64), nullable=False, unique=True),
    Column("model", String(64), nullable=False),
    Column("first_ns", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
)
"""Every meter that ever answered, by its serial number."""

PLACE = Table(
    "place",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("name", String(128), nullable=False, unique=True),
    Column("step_ns", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("meter_id", BigInteger, ForeignKey("meter.id")),
    Column("last_ns", BigInteger),
)
"""What is metered, whichever meter does it; ``state`` is where its counters stand (`watthour.headend.kept`)."""

READING = Table(
    "reading",
    METADATA,
    Column("place_id", BigInteger, ForeignKey("place.id"), primary_key=True),
    Column("time_ns", BigInteger, primary_key=True),
    Column("meter_id", BigInteger, ForeignKey("meter.id"), nullable=False),
    Column("quality", String(16), nullable=False),
    *_energies(),
    Column("named", Text, nullable=False),
)
"""What was read: counters as the meter showed them; ``named`` is a JSON object of the other values by name."""

INTERVAL = Table(
    "interval",
    METADATA,
    Column("place_id", BigInteger, ForeignKey("place.id"), primary_key=True),
    Column("start_ns", BigInteger, primary_key=True),
    Column("quality", SmallInteger, nullable=False),
    *_energies(),
)
"""The energy of each interval; of a gap it is null."""

EVENT = Table(
    "event",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("place_id", BigInteger, ForeignKey("place.id"), nullable=False),
    Column("time_ns", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("counter", String(32), nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    UniqueConstraint("place_id", "time_ns", "kind", "counter"),
)
"""What happened to the counters of a place."""

ANCHOR = Table(
    "anchor",
    METADATA,
    Column("meter_id", BigInteger, ForeignKey("meter.id"), primary_key=True),
    Column("head", String(128), primary_key=True),
    Column("time_ns", BigInteger, nullable=False),
)
"""Heads of the meters' event chains, and when each was first read."""

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("topic", String(256), nullable=False),
    Column("payload", Text, nullable=False),
    Column("time_ns", BigInteger, nullable=False),
)
"""What is to be delivered and was not yet."""
