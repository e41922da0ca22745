"""Many rows in one go: ``executemany`` in SQLite, ``COPY`` in PostgreSQL; no row is compiled or converted by itself.

In: rows as tuples in the order of a table's columns, without those the database numbers. Out: nothing; they are part of the transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    SmallInteger,
    Table,
    any_,
    func,
    literal,
    literal_column,
    select,
)

Rows = Sequence[tuple[Any, ...]]


def columns_of(table: Table) -> list[str]:
    """Return the columns that rows hold: all but those the database numbers."""
    return [column.name for column in table.columns if column.name != "id"]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that are not there yet."""
    if not rows:
        return
    names = columns_of(table)
    if connection.dialect.name == "postgresql":
        _copy(connection, table.name, names, rows)
        return
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({_listed(names)}) VALUES ({marks})", list(rows))  # noqa: S608 - our names


def update_rows(connection: Connection, table: Table, names: Sequence[str], rows: Rows) -> None:
    """Change columns of rows that are there.

    Parameters
    ----------
    names : sequence of str
        The columns of `rows`; the first tells which row of the table it is.
    """
    if not rows:
        return
    key, *others = names
    if connection.dialect.name == "postgresql":
        new = f"new_{table.name}"
        kinds = ", ".join(f'"{name}" {_kind(table.columns[name])}' for name in names)
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE IF NOT EXISTS {new} ({kinds}) ON COMMIT DELETE ROWS")
        _copy(connection, new, names, rows)
        changes = ", ".join(f'"{name}" = new."{name}"' for name in others)
        query = f'UPDATE {table.name} SET {changes} FROM {new} AS new WHERE {table.name}."{key}" = new."{key}"'  # noqa: S608 - our names
        connection.exec_driver_sql(query)
        return
    changes = ", ".join(f'"{name}" = ?' for name in others)
    query = f'UPDATE {table.name} SET {changes} WHERE "{key}" = ?'  # noqa: S608 - our names
    connection.exec_driver_sql(query, [(*row[1:], row[0]) for row in rows])


def among(connection: Connection, column: Column[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return whether a column is one of many values, which go to the database as one parameter."""
    listed = list(values)
    if connection.dialect.name == "postgresql":
        return column == any_(literal(listed, ARRAY(column.type)))
    return column.in_(select(literal_column("value")).select_from(func.json_each(orjson.dumps(listed).decode())))


def _copy(connection: Connection, table: str, names: Sequence[str], rows: Rows) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({_listed(names)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _kind(column: Column[Any]) -> str:
    """Return a column's type in PostgreSQL."""
    if isinstance(column.type, SmallInteger):
        return "smallint"
    return "bigint" if isinstance(column.type, BigInteger | Integer) else "text"
