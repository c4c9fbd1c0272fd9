"""What the steps of tests do in worker processes."""

import os
import signal
from pathlib import Path

from django.db import transaction

from jobs import queue
from jobs.models import QueueEntry, RunLog


def leave_an_effect(step: QueueEntry) -> None:
    """Log an effect and complete, but kill the process before in an attempt that is deadly.

    deadly: the number of attempts that are, from the first on.
    """
    with transaction.atomic():
        RunLog.objects.create(tenant_id=step.tenant_id, run_id=step.run_id, message="effect")
        if step.attempts <= step.params.get("deadly", 0):
            os.kill(os.getpid(), signal.SIGKILL)
        queue.complete(step)


def take_long(step: QueueEntry) -> None:
    """Say that the work has begun, and do not end before the test says so."""
    begun, end = Path(step.params["begun"]), Path(step.params["end"])
    begun.touch()
    end.read_bytes()  # a pipe: blocks until the other side is closed
    with transaction.atomic():
        queue.complete(step)
