"""What Home shows of the tenant in scope."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse

from integrations.models import Integration, QuarantinedRecord
from jobs.models import JobRun, QueueEntry
from mappings.models import Status, StatusResolution, Wit, WitResolution
from mappings.rules import fold
from warehouse.models import Changelog, PullRequest, WorkItem

COUNTED: Final = 100_000
"""Cards count no further than this: a count of a million rows takes seconds."""
SHOWN_RUNS: Final = 8
SHOWN_UNMAPPED: Final = 10


@dataclass(frozen=True)
class Card:
    """A number of Home. note: what it means; link: where its rows are; tone: as of tags."""

    title: str
    icon: str
    value: str
    note: str
    link: str
    tone: str = "plain"


@dataclass(frozen=True)
class Unmapped:
    """A type or status of a source that has no rule. link: a form for one, filled in."""

    kind: str
    name: str
    integration: Integration
    link: str


def dashboard() -> dict[str, Any]:
    """Return the context of Home, for the tenant scope that holds."""
    return {
        "cards": (*_loaded_cards(), *_open_cards()),
        "runs": last_runs(),
        "unmapped": unmapped(),
        "integrations": Integration.objects.filter(is_active=True).select_related("tenant")[:50],
    }


def _loaded_cards() -> tuple[Card, ...]:
    """What is there."""
    items = reverse("admin:warehouse_workitem_changelist")
    return (
        Card(
            "Work items",
            "task_alt",
            bounded_count(WorkItem.objects.filter(deleted_at=None)),
            "loaded from the sources",
            items,
        ),
        Card(
            "Changes",
            "history",
            bounded_count(Changelog.objects.all()),
            "in the histories of work items",
            items,
        ),
        Card(
            "Pull requests",
            "merge",
            bounded_count(PullRequest.objects.filter(deleted_at=None)),
            "loaded from the sources",
            reverse("admin:warehouse_pullrequest_changelist"),
        ),
    )


def _open_cards() -> tuple[Card, ...]:
    """What somebody should look at."""
    types = WitResolution.objects.filter(mapping=None).count()
    statuses = StatusResolution.objects.filter(mapping=None).count()
    quarantined = QuarantinedRecord.objects.exclude(severity="note")
    set_aside = quarantined.exists()
    return (
        Card(
            "Unmapped types",
            "category",
            f"{types:,}",
            "occur without a rule" if types else "every type has a rule",
            reverse("admin:mappings_witmapping_changelist"),
            "warning" if types else "good",
        ),
        Card(
            "Unmapped statuses",
            "swap_horiz",
            f"{statuses:,}",
            "occur without a rule" if statuses else "every status has a rule",
            reverse("admin:mappings_statusmapping_changelist"),
            "warning" if statuses else "good",
        ),
        Card(
            "Quarantined",
            "report",
            bounded_count(quarantined),
            "records or values set aside" if set_aside else "everything could be read",
            reverse("admin:integrations_quarantinedrecord_changelist"),
            "warning" if set_aside else "good",
        ),
    )


def unmapped() -> list[Unmapped]:
    """Return the first types and statuses that occur and fall under no rule, each name once."""
    found: dict[tuple[str, int, str], Unmapped] = {}
    for title, occurring, source, column, page in (
        ("Type", WitResolution, Wit, "type_source_id", "witmapping"),
        ("Status", StatusResolution, Status, "status_source_id", "statusmapping"),
    ):
        rows = occurring.objects.filter(mapping=None).values_list("integration_id", column)
        wanted = list(rows.distinct()[:SHOWN_UNMAPPED])
        names = source.objects.filter(
            integration_id__in={integration_id for integration_id, _ in wanted},
            source_id__in={source_id for _, source_id in wanted},
        ).select_related("integration__tenant")
        by_key = {(row.integration_id, row.source_id): row for row in names}
        for row in (by_key[key] for key in wanted if key in by_key):
            query = urlencode({"from_name": row.name, "integration": row.integration_id})
            link = f"{reverse(f'admin:mappings_{page}_add')}?{query}"
            found.setdefault(
                (title, row.integration_id, fold(row.name)),
                Unmapped(title, row.name, row.integration, link),
            )
    return list(found.values())[:SHOWN_UNMAPPED]


def bounded_count(rows: Any) -> str:
    """Return how many rows there are, or that there are more than COUNTED."""
    count = rows.order_by()[: COUNTED + 1].count()
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def last_runs() -> list[tuple[JobRun, int]]:
    """Return the newest runs, each with how much of its known steps is done, in percent."""
    runs = list(JobRun.objects.select_related("integration", "tenant").order_by("-id")[:SHOWN_RUNS])
    steps = {
        row["run_id"]: row
        for row in QueueEntry.objects.filter(run__in=runs)
        .values("run_id")
        .annotate(total=Count("id"), open=Count("id", filter=Q(state__in=QueueEntry.OPEN)))
    }
    shown = []
    for run in runs:
        known = steps.get(run.pk, {"total": 0, "open": 0})
        done = known["total"] - known["open"]
        shown.append((run, round(100 * done / known["total"]) if known["total"] else 0))
    return shown
