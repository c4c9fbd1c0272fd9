"""Commands that see runs through wait while the database is away; their runs need no command."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 60.0
_LOOK_EVERY_SECONDS: Final = 0.5

Result = TypeVar("Result")


@contextmanager
def beginning() -> Iterator[None]:
    """Begin something in one transaction; CommandError (exit code 1) if the database goes away."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise CommandError(f"the database went away, so nothing was begun: {reason}") from error


def patiently(do: Callable[[], Result]) -> Result:
    """Do something that may be done again, again and again while the database cannot be had.

    Raises CommandError (exit code 1) when it could not be had for PATIENCE_SECONDS.
    """
    deadline: float | None = None
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            now = time.monotonic()
            if deadline is None:
                deadline = now + PATIENCE_SECONDS
                logger.warning("the database is away, waiting for it: %s", error)
            elif now > deadline:
                raise CommandError(
                    f"the database has been away for {PATIENCE_SECONDS:.0f} s, so nobody knows "
                    f"here what becomes of the run: {str(error).strip()}\n"
                    "Workers go on with it when the database is back."
                ) from error
            time.sleep(_LOOK_EVERY_SECONDS)
