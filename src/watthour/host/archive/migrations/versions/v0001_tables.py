"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ENERGIES = ("import_microwh", "export_microwh", "q1_microvarh", "q2_microvarh", "q3_microvarh", "q4_microvarh")
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _energies() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger) for name in _ENERGIES]


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "meter",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("serial", sa.String(64), nullable=False, unique=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("first_ns", sa.BigInteger, nullable=False),
        sa.Column("last_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "place",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("name", sa.String(128), nullable=False, unique=True),
        sa.Column("step_ns", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("meter_id", sa.BigInteger, sa.ForeignKey("meter.id")),
        sa.Column("last_ns", sa.BigInteger),
    )
    op.create_table(
        "reading",
        sa.Column("place_id", sa.BigInteger, sa.ForeignKey("place.id"), primary_key=True),
        sa.Column("time_ns", sa.BigInteger, primary_key=True),
        sa.Column("meter_id", sa.BigInteger, sa.ForeignKey("meter.id"), nullable=False),
        sa.Column("quality", sa.String(16), nullable=False),
        *_energies(),
        sa.Column("named", sa.Text, nullable=False),
    )
    op.create_table(
        "interval",
        sa.Column("place_id", sa.BigInteger, sa.ForeignKey("place.id"), primary_key=True),
        sa.Column("start_ns", sa.BigInteger, primary_key=True),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        *_energies(),
    )
    op.create_table(
        "event",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("place_id", sa.BigInteger, sa.ForeignKey("place.id"), nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("counter", sa.String(32), nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.UniqueConstraint("place_id", "time_ns", "kind", "counter"),
    )
    op.create_table(
        "anchor",
        sa.Column("meter_id", sa.BigInteger, sa.ForeignKey("meter.id"), primary_key=True),
        sa.Column("head", sa.String(128), primary_key=True),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("topic", sa.String(256), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("time_ns", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("outbox", "anchor", "event", "interval", "reading", "place", "meter"):
        op.drop_table(name)
