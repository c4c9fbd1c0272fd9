"""Integrations at a glance: their last run and next one, and whether anything is loaded."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from django.db.models import Exists, OuterRef, Q, Subquery

from integrations.glances import Glance
from integrations.models import Integration
from jobs.models import Job, JobRun
from warehouse.models import PullRequest, WorkItem

RUN_TONES: Final[Mapping[str, str]] = {
    "running": "busy",
    "completed": "good",
    "completed_with_errors": "warning",
    "failed": "bad",
    "cancelled": "plain",
}


COUNTED: Final = 100_000
"""Counts go no further than this: one of a million rows takes seconds."""


def glances(integration_ids: Collection[int], *, is_counted: bool = False) -> dict[int, Glance]:
    """Return a glance by integration id, in three queries; see `integrations.glances`."""
    of_row = {"integration_id": OuterRef("pk")}
    small = (JobRun.Mode.REMAP, JobRun.Mode.REFETCH)
    runs = JobRun.objects.filter(**of_row).exclude(mode__in=small).order_by("-id")
    loaded = Q(Exists(WorkItem.objects.filter(**of_row))) | Q(
        Exists(PullRequest.objects.filter(**of_row))
    )
    rows = (
        Integration.objects.filter(pk__in=integration_ids)
        .annotate(last=Subquery(runs.values("pk")[:1]), is_loaded=loaded)
        .values_list("pk", "last", "is_loaded")
    )
    known = list(rows)
    by_id = JobRun.objects.in_bulk([last for _, last, _ in known if last is not None])
    due = dict(
        Job.objects.filter(integration_id__in=integration_ids, is_active=True)
        .exclude(next_run_at=None)
        .values_list("integration_id", "next_run_at")
    )
    return {
        key: _glance(
            by_id.get(last),
            Glance(
                is_loaded=bool(is_loaded),
                loaded=_loaded(key) if is_counted else "",
                next_run_at=due.get(key),
            ),
        )
        for key, last, is_loaded in known
    }


def _glance(run: JobRun | None, rest: Glance) -> Glance:
    if run is None:
        return rest
    return replace(
        rest,
        run_id=run.pk,
        state=run.get_state_display(),
        tone=RUN_TONES.get(run.state, "plain"),
        at=run.finished_at or run.started_at,
        is_running=run.state == JobRun.State.RUNNING,
    )


def _loaded(integration_id: int) -> str:
    """Return how much is loaded, in words; empty for nothing."""
    told = []
    for one, many, model in (
        ("work item", "work items", WorkItem),
        ("pull request", "pull requests", PullRequest),
    ):
        rows = model.objects.filter(integration_id=integration_id, deleted_at=None).order_by()
        count = rows[: COUNTED + 1].count()
        if count:
            more = "more than " if count > COUNTED else ""
            told.append(f"{more}{min(count, COUNTED):,} {one if count == 1 else many}")
    return " and ".join(told)
