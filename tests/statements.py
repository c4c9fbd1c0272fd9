"""What is really sent to the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def sent() -> Iterator[list[str]]:
    """Gather the statements as they are sent, behind every wrapper of ours.

    Django's own capture shows some of them as they were before.
    """
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    connection.ensure_connection()
    with connection.execute_wrapper(note):
        yield statements
