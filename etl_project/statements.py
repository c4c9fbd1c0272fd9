"""Every SQL statement says on whose behalf it is sent, and slow ones are logged."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from common.tracing import sql_comment

logger = logging.getLogger(__name__)

SHOWN_CHARS: Final = 500


def install() -> None:
    """Wrap the statements of each connection from when it is made."""
    # The only word that Django gives of a new connection, each thread having its own, is a signal.
    connection_created.connect(_wrap, dispatch_uid="statements")


def _wrap(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if traced not in connection.execute_wrappers:
        connection.execute_wrappers.append(traced)


def traced(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """Send a statement with a comment that names the bound trace; log it if it took long."""
    began = time.monotonic()
    try:
        return execute(sql_comment() + sql, params, many, context)
    finally:
        seconds = time.monotonic() - began
        if seconds >= settings.SLOW_SQL_SECONDS and not sql.startswith("BEGIN"):
            # BEGIN only waits for its turn, on SQLite.
            words = " ".join(sql.split())
            logger.info("a query took %.1f s: %s", seconds, words[:SHOWN_CHARS])
