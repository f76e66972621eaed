"""What the store in a file says to SQLite, and what SQLite says to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from . import stored
from .store import Scope

APPLICATION = 0x43464F4C
"""What SQLite's `application_id` says in our files."""

_SCHEMA = """
CREATE TABLE records (
    born INTEGER PRIMARY KEY AUTOINCREMENT,
    scope BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, used INTEGER NOT NULL,
    UNIQUE (scope, key));
CREATE INDEX records_by_use ON records (used);
CREATE TABLE counters (
    scope BLOB NOT NULL, key BLOB NOT NULL, calls INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE INDEX counters_by_use ON counters (used);
CREATE TABLE totals (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO totals VALUES ('records', 0), ('counters', 0);
CREATE TRIGGER record_more AFTER INSERT ON records
    BEGIN UPDATE totals SET number = number + 1 WHERE name = 'records'; END;
CREATE TRIGGER record_less AFTER DELETE ON records
    BEGIN UPDATE totals SET number = number - 1 WHERE name = 'records'; END;
CREATE TRIGGER counter_more AFTER INSERT ON counters
    BEGIN UPDATE totals SET number = number + 1 WHERE name = 'counters'; END;
CREATE TRIGGER counter_less AFTER DELETE ON counters
    BEGIN UPDATE totals SET number = number - 1 WHERE name = 'counters'; END;
"""
# Totals are kept by triggers because SQLite counts the rows of a table one by one.


def schema() -> Iterator[str]:
    """Yield the statements that make the tables of a new file."""
    statement = ""
    for line in _SCHEMA.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


FIND = "SELECT value FROM records WHERE scope = ? AND key = ?"
LIST = "SELECT value FROM records WHERE scope = ? ORDER BY born"
KEEP = """
INSERT INTO records (scope, key, value, used)
VALUES (?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM records))
ON CONFLICT DO UPDATE SET value = excluded.value, used = excluded.used
"""
TOUCH = """
UPDATE records SET used = (SELECT max(used) + 1 FROM records) WHERE scope = ? AND key = ?
"""
COUNT = """
INSERT INTO counters (scope, key, calls, used)
VALUES (?, ?, 1, (SELECT coalesce(max(used), 0) + 1 FROM counters))
ON CONFLICT DO UPDATE SET calls = calls + 1, used = excluded.used
RETURNING calls
"""
PUT_RECORD = "INSERT INTO records (scope, key, value, used) VALUES (?, ?, ?, ?)"
PUT_COUNTER = "INSERT INTO counters (scope, key, calls, used) VALUES (?, ?, ?, ?)"
TOTAL = "SELECT number FROM totals WHERE name = ?"
EVICT = {
    "records": """
DELETE FROM records WHERE born IN (SELECT born FROM records ORDER BY used LIMIT ?) RETURNING scope
""",
    "counters": """
DELETE FROM counters WHERE (scope, key) IN (SELECT scope, key FROM counters ORDER BY used LIMIT ?)
""",
}
WITHIN = "WHERE scope = ? OR (scope >= ? AND scope < ?)"
LATEST_OF_ALL = "SELECT scope, key, value FROM records ORDER BY used DESC LIMIT ?"
LATEST = f"SELECT scope, key, value FROM records {WITHIN} ORDER BY used DESC LIMIT ?"


def ends(within: Scope) -> tuple[bytes, bytes, bytes]:
    """Return what WITHIN asks for: the scope itself, and all that go on with a comma.

    What follows a comma in the order of bytes is a minus sign.
    """
    beginning = stored.under(within)
    return beginning + b"]", beginning + b",", beginning + b"-"


FAILURES = {
    "file is not a database": "is no SQLite database. Name another file, or a new one",
    "database is locked": "is held by another process for too long. End that process",
    "attempt to write a readonly database": "cannot be written. Mend its permissions",
    "unable to open database file": "cannot be opened. Mend its permissions",
}
"""What SQLite says where it fails, and what a store says of its file then."""
