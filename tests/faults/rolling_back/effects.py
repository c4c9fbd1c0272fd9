"""An effect of each step, in the transaction of its work; and a note of each that must not stay."""

import os
import random
import secrets
import sys
from pathlib import Path
from typing import Any, Final

from django.db import connection

from jobs import queue
from jobs.models import QueueEntry

SHARE: Final = 0.05
"""Of the transactions that are rolled back after their last statement."""

TABLE: Final = "CREATE TABLE effects (step_id bigint NOT NULL, token text NOT NULL)"
NOTES: Final = "FAULTS_NOTES"
"""The environment variable that names the file of the tokens that were rolled back."""


class RolledBackError(Exception):
    """This attempt was not meant to succeed."""


def install() -> None:
    """Let steps leave effects from now on."""
    assert "jobs.actors.load" not in sys.modules, "the actors have the other `complete`"
    notes = Path(os.environ[NOTES])
    inner = queue.complete

    def complete(step: QueueEntry, *args: Any, **named: Any) -> None:
        token = secrets.token_hex(8)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO effects VALUES (%s, %s)", (step.pk, token))
        inner(step, *args, **named)
        if random.random() < SHARE:
            with notes.open("a") as lines:
                lines.write(f"{token}\n")
            raise RolledBackError(f"attempt {token} is rolled back")

    queue.complete = complete
