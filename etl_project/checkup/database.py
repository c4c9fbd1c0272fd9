"""Checks of the database: reachable, new enough, writable, migrated."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

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
        yield problem("database", f"{path} is not there yet", "run `manage.py migrate`")
    elif not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        remedy = "give this user the right to write the file and its directory"
        yield problem("database", f"{path} cannot be written", remedy)
    else:
        yield _sqlite_mode(path, found)


def _sqlite_mode(path: Path, found: str) -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode")
            mode = str(cursor.fetchone()[0])
    except Exception as error:
        return problem("database", f"{path} cannot be opened: {first_line(error)}", _REPAIR)
    if mode != "wal":
        remedy = "put VAR_DIR on a local disk: network file systems cannot hold SQLite's WAL"
        return problem("database", f"SQLite {found} in mode {mode}: {path}", remedy)
    return ok("database", f"SQLite {found}, WAL, writable: {path}")


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
        yield problem("database", told, "start PostgreSQL, or mend DATABASE_URL")
        return
    try:
        major, minor = divmod(trial.info.server_version, 10_000)
    finally:
        trial.close()
    told = f"PostgreSQL {major}.{minor} at {place}"
    if major < OLDEST_POSTGRESQL:
        yield problem("database", f"{told} is too old", f"use {TESTED_POSTGRESQL} or newer")
    elif major < TESTED_POSTGRESQL:
        remedy = f"use {TESTED_POSTGRESQL} or newer: tests run on that"
        yield warning("database", f"{told} is older than we test", remedy)
    else:
        yield ok("database", told)


def migrations() -> Iterator[Finding]:
    """Check that the tables are those of this code."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    ahead = sorted(set(loader.applied_migrations) - set(loader.disk_migrations))
    missing = executor.migration_plan(loader.graph.leaf_nodes())
    if missing:
        names = ", ".join(f"{step.app_label}.{step.name}" for step, _ in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        told = f"not applied: {names}{more}"
        yield problem("migrations", told, "run `manage.py migrate`")
    elif ours := [f"{app}.{name}" for app, name in ahead if app in _rooms()]:
        told = f"the database knows migrations that this code does not: {', '.join(ours)}"
        yield warning("migrations", told, "run the newer code that made them")
    else:
        yield ok("migrations", f"all {len(loader.applied_migrations)} applied")


def _rooms() -> set[str]:
    return {name for name in settings.INSTALLED_APPS if (settings.BASE_DIR / name).is_dir()}
