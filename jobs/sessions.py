"""Database sessions of processes that froze: what they have locked is released.

The connection of a process that is dead is closed by its machine. Of one that is frozen, or cut
off, it stays open, and with it a transaction that may hold what everybody waits for: the step's
own row, the counter of its tenant. PostgreSQL only; SQLite's locks end with the machine's file.
"""

import logging
from typing import Final

from django.db import connection

from jobs.models import QueueEntry

logger = logging.getLogger(__name__)

SILENCE_SECONDS: Final = 60
"""How long a session may say nothing inside a transaction; nothing of ours takes nearly as long."""

LIMIT: Final = f"SET idle_in_transaction_session_timeout = '{SILENCE_SECONDS}s'"

NAMING: Final = "set_config('application_name', 'step ' || id || ' fence ' || fence, false)"
"""SQL that names the session for the row of a step that it selects."""

_END: Final = """
SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database() AND pid <> pg_backend_pid()
    AND EXISTS (SELECT 1 FROM etl_job_queue WHERE id = %s AND fence = %s
        AND state = 'running' AND leased_until = %s)
"""


def limit_silence() -> None:
    """Let PostgreSQL end this session when it is silent for SILENCE_SECONDS in a transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(LIMIT)


def name_session(step: QueueEntry) -> None:
    """Name this session for a step that another session has claimed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {NAMING} FROM etl_job_queue WHERE id = %s", (step.pk,))


def end_session(step: QueueEntry) -> int:
    """End the sessions that have a step in hand whose lease ran out, unless it was renewed since.

    Returns how many there were; their transactions are rolled back.
    """
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        name = f"step {step.pk} fence {step.fence}"
        cursor.execute(_END, (name, step.pk, step.fence, step.leased_until))
        ended = len(cursor.fetchall())
    if ended:
        logger.warning("step %s: the database session of its worker is ended", step.pk)
    return ended
