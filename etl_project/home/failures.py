"""What failed lately: runs, and steps that were given up."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from integrations.models import Integration
from jobs.models import JobRun, QueueEntry

SHOWN: Final = 8
LOOKED_AT: Final = 50
"""How many of the newest runs are looked at."""


@dataclass(frozen=True)
class Failure:
    """A run that failed, or a step that was given up. reason: the first line of its error."""

    what: str
    link: str
    integration: Integration
    reason: str
    at: datetime


def failures() -> list[Failure]:
    """Return the newest failures in the scope that holds, the newest first. Two queries."""
    runs = list(
        JobRun.objects.select_related("integration__tenant")
        .defer("params")
        .order_by("-id")[:LOOKED_AT]
    )
    found = [
        Failure(
            f"Run {run.pk}",
            reverse("admin:jobs_jobrun_change", args=(run.pk,)),
            run.integration,
            _first_line(run.error) or "It failed without a reason.",
            run.finished_at or run.started_at,
        )
        for run in runs
        if run.state == JobRun.State.FAILED
    ]
    dead = (
        QueueEntry.objects.filter(run__in=runs, state=QueueEntry.State.DEAD)
        .select_related("integration__tenant")
        .defer("params")
        .order_by("-id")[:SHOWN]
    )
    found += [
        Failure(
            f"Step {step.pk}: {step.stage} {step.stream}",
            reverse("admin:jobs_queueentry_change", args=(step.pk,)),
            step.integration,
            _first_line(step.error) or "It was given up without a reason.",
            step.finished_at or step.created_at,
        )
        for step in dead
    ]
    return sorted(found, key=lambda failure: failure.at, reverse=True)[:SHOWN]


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0]
    return line if len(line) <= 200 else line[:199] + "…"
