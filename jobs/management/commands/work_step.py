"""`manage.py work_step`: one claimed step in a process of its own; `jobs.isolation` calls it."""

import logging
import os
import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs import isolation, sessions, steps
from jobs.models import QueueEntry
from jobs.step_trace import on_behalf_of
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Work a step that a worker has claimed, for that worker, which calls this itself after "
        "the step's worker died. Exit code 0: the step was completed, put back or set aside; "
        "3: it is held by somebody else; 4: it is not known what became of it."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("step", type=int)
        parser.add_argument("--fence", type=int, required=True)
        parser.add_argument("--worker", required=True)
        parser.add_argument("--notes", type=int, required=True, help="an open file descriptor")

    def handle(self, *args: Any, **options: Any) -> None:
        threading.Thread(target=_end_with_caller, name="caller", daemon=True).start()
        with every_tenant("finds the claimed step before there is a scope"):
            step = QueueEntry.objects.filter(
                pk=options["step"],
                fence=options["fence"],
                leased_by=options["worker"],
                state=QueueEntry.State.RUNNING,
            ).first()
        if step is None:
            self.stderr.write(f"step {options['step']} is held by somebody else")
            sys.exit(isolation.HANDED_OVER)
        sessions.name_session(step)
        isolation.keep_notes(options["notes"])
        try:
            with on_behalf_of(step):
                steps.work_here(step)
        except Exception:
            logger.exception("it is not known what became of step %s", step.pk)
            sys.exit(isolation.UNSAID)


def _end_with_caller() -> None:
    """End this process when the caller's side of standard input is closed."""
    while os.read(0, 4096):  # not sys.stdin, whose lock would be held at a tidy end
        pass
    os._exit(isolation.UNSAID)
