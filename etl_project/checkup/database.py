"""Checks of the database: reachable, new enough, writable, migrated."""

import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from etl_project.checkup.finding import TIMEOUT_SECONDS, Finding, first_line, ok, problem, warning

OLDEST_SQLITE: Final = (3, 38)
"""The first with unixepoch(), which the flow metrics use."""
OLDEST_POSTGRESQL: Final = 14
TESTED_POSTGRESQL: Final = 15


def is_sqlite() -> bool:
    """Say whether the database is the embedded one."""
    return str(settings.DATABASES["default"]["ENGINE"]).endswith("sqlite3")


def connects() -> Iterator[Finding]:
    """Check that the database can be reached and is one that we can work with."""
    yield from _sqlite() if is_sqlite() else _server()


def _sqlite() -> Iterator[Finding]:
    path = Path(str(connection.settings_dict["NAME"]))
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield problem("database", f"SQLite {found} is too old", "use a Python with 3.38 or newer")
    elif not path.exists():
        # Nothing connects before this: connecting would make an empty file.
        told = "is not there yet"
        yield problem(
            "database", f"{path} {told}", "run `manage.py migrate`", public=f"the file {told}"
        )
    elif not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        remedy = "give this user the right to write the file and its directory"
        told = "cannot be written"
        yield problem("database", f"{path} {told}", remedy, public=f"the file {told}")
    else:
        yield _sqlite_mode(path, found)


def _sqlite_mode(path: Path, found: str) -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0])
    except Exception as error:
        told = f"{path} cannot be opened: {first_line(error)}"
        return problem("database", told, _REPAIR, public="the file cannot be opened")
    if mode != "wal":
        remedy = "put VAR_DIR on a local disk: network file systems cannot hold SQLite's WAL"
        return problem("database", f"SQLite {found} in mode {mode}: {path}", remedy)
    return ok("database", f"SQLite {found}, WAL, writable: {path}", public="SQLite, WAL, writable")


_REPAIR: Final = "put back a copy, or remove the file and run `manage.py migrate`"


def _server() -> Iterator[Finding]:
    wanted = connection.settings_dict
    place = f"{wanted['USER']}@{wanted['HOST'] or 'localhost'}:{wanted['PORT'] or 5432}"
    place += f"/{wanted['NAME']}"
    parameters: dict[str, Any] = connection.get_connection_params()
    try:
        trial = connection.get_new_connection({**parameters, "connect_timeout": TIMEOUT_SECONDS})
    except Exception as error:
        told = f"PostgreSQL at {place} cannot be reached: {first_line(error)}"
        remedy = "start PostgreSQL, or mend DATABASE_URL"
        yield problem("database", told, remedy, public="PostgreSQL cannot be reached")
        return
    try:
        major, minor = divmod(trial.info.server_version, 10_000)
    finally:
        trial.close()
    told = f"PostgreSQL {major}.{minor} at {place}"
    if major < OLDEST_POSTGRESQL:
        remedy = f"use {TESTED_POSTGRESQL} or newer"
        yield problem("database", f"{told} is too old", remedy, public="PostgreSQL is too old")
    elif major < TESTED_POSTGRESQL:
        remedy = f"use {TESTED_POSTGRESQL} or newer: tests run on that"
        told = f"{told} is older than we test"
        yield warning("database", told, remedy, public="PostgreSQL is older than we test")
    else:
        yield ok("database", told, public="PostgreSQL answers")


def migrations() -> Iterator[Finding]:
    """Check that the tables are those of this code."""
    applied = set(MigrationRecorder(connection).applied_migrations())
    ours = _of_this_code()
    missing = [f"{app}.{name}" for app, name in sorted(ours - applied)]
    ahead = [f"{app}.{name}" for app, name in sorted(applied - ours) if app in _rooms()]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        told = f"not applied: {', '.join(missing[:3])}{more}"
        public = f"{len(missing)} not applied"
        yield problem("migrations", told, "run `manage.py migrate`", public=public)
    elif ahead:
        told = "the database knows migrations that this code does not"
        remedy = "run the newer code that made them"
        yield warning("migrations", f"{told}: {', '.join(ahead)}", remedy, public=told)
    else:
        yield ok("migrations", told := f"all {len(applied)} applied", public=told)


@cache
def _of_this_code() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _rooms() -> set[str]:
    return {name for name in settings.INSTALLED_APPS if (settings.BASE_DIR / name).is_dir()}
