"""Whether the database has all the tables: asked before a command reads or writes any."""

from django.core.management import call_command
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from common.errors import UsageError


def ensure_migrated() -> None:
    """Bring an embedded database up to date; raise UsageError if one of a server is not.

    Raises UsageError too if the database cannot be reached.
    """
    try:
        executor = MigrationExecutor(connection)
        is_behind = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Error as error:
        reason = str(error).strip().partition("\n")[0]
        raise UsageError(f"the database cannot be used (DATABASE_URL): {reason}") from None
    if is_behind and connection.vendor != "sqlite":
        raise UsageError("the database is not migrated: run manage.py migrate")
    if is_behind:
        call_command("migrate", verbosity=0, interactive=False)
