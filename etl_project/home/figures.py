"""The numbers of Home."""

from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from etl_project.home.links import inbox
from integrations.models import QuarantinedRecord
from mappings.models import StatusResolution, WitResolution
from warehouse.models import Changelog, PullRequest, WorkItem

COUNTED: Final = 100_000
"""Numbers go no further than this: a count of a million rows takes seconds."""


@dataclass(frozen=True)
class Figure:
    """A number of Home. note: what it means; link: where its rows are; tone: as of tags."""

    title: str
    icon: str
    value: str
    note: str
    link: str
    tone: str = "plain"


def figures() -> tuple[Figure, ...]:
    """Return what is loaded, and what somebody should look at, in the scope that holds."""
    return (*_loaded(), *_open())


def _loaded() -> tuple[Figure, ...]:
    items = reverse("admin:warehouse_workitem_changelist")
    pulls = reverse("admin:warehouse_pullrequest_changelist")
    return (
        Figure(
            "Work items",
            "task_alt",
            bounded_count(WorkItem.objects.filter(deleted_at=None)),
            "loaded from the sources",
            items,
        ),
        Figure(
            "Changes",
            "history",
            bounded_count(Changelog.objects.all()),
            "in the histories of work items",
            items,
        ),
        Figure(
            "Pull requests",
            "merge",
            bounded_count(PullRequest.objects.filter(deleted_at=None)),
            "loaded from the sources",
            pulls,
        ),
    )


def _open() -> tuple[Figure, ...]:
    # A name that occurs in several projects is one value to map.
    types = WitResolution.objects.filter(mapping=None).values("integration", "type_source_id")
    statuses = StatusResolution.objects.filter(mapping=None)
    return (
        _unmapped("Unmapped types", "category", "type", types.distinct().count()),
        _unmapped(
            "Unmapped statuses",
            "swap_horiz",
            "status",
            statuses.values("integration", "status_source_id").distinct().count(),
        ),
        _quarantined(),
    )


def _unmapped(title: str, icon: str, what: str, count: int) -> Figure:
    note = "occur without a rule: open the inbox" if count else f"every {what} has a rule"
    return Figure(title, icon, f"{count:,}", note, inbox(), "warning" if count else "good")


def _quarantined() -> Figure:
    rows = QuarantinedRecord.objects.exclude(severity="note")
    count = bounded_count(rows)
    is_clean = count == "0"
    return Figure(
        "Quarantined",
        "report",
        count,
        "everything could be read" if is_clean else "records or values set aside",
        reverse("admin:integrations_quarantinedrecord_changelist"),
        "good" if is_clean else "warning",
    )


def bounded_count(rows: Any) -> str:
    """Return how many rows there are, or that there are more than COUNTED."""
    count = rows.order_by()[: COUNTED + 1].count()
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"
