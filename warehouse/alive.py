"""What of the loaded tables is alive: neither a tombstone nor a part of one."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from warehouse.models import PullRequest, Repository, WorkItem
from warehouse.repository_names import known_names
from warehouse.tables import BY_NAME, Table

_OWNER = {"tenant_id": OuterRef("tenant_id"), "integration_id": OuterRef("integration_id")}


def live_rows(table: Table) -> QuerySet[Any]:
    """Return the live rows of a table in the tenant scope.

    Left out are tombstones, all rows of a repository that is gone, what hangs on a pull request
    that is gone, and the changes of a work item that is gone.
    """
    rows: QuerySet[Any] = table.model._default_manager.all()
    if table.has_tombstone:
        rows = rows.filter(deleted_at=None)
    if table.is_in_repository:
        for integration_id, names in gone_repositories().items():
            rows = rows.exclude(integration_id=integration_id, repository__in=names)
        if "pull_request_number" in table.values:
            rows = _of_live_pull_requests(rows)
    if table is BY_NAME["work_item_changelogs"]:
        rows = _of_live_items(rows)
    return rows


def gone_repositories() -> dict[int, list[str]]:
    """Return under what names the rows of tombstoned repositories are, by integration."""
    names: dict[int, list[str]] = {}
    gone = Repository.objects.exclude(deleted_at=None).order_by("integration_id", "source_id")
    current: dict[int, dict[str, str]] = {}
    for row in gone.only("tenant_id", "integration_id", "source_id", "full_name"):
        integration_id = int(row.integration_id)
        if integration_id not in current:
            current[integration_id] = known_names(row.tenant_id, integration_id).current()
        name = current[integration_id].get(row.source_id, row.full_name)
        names.setdefault(integration_id, []).append(name)
    return names


def _of_live_pull_requests(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Leave out what hangs on tombstones; what no loaded pull request is known of stays."""
    if not PullRequest.objects.exclude(deleted_at=None).exists():
        return rows
    pulls = PullRequest._base_manager.filter(
        **_OWNER, repository=OuterRef("repository"), number=OuterRef("pull_request_number")
    )
    is_live = Q(Exists(pulls.filter(deleted_at=None)))
    return rows.filter(is_live | ~Q(Exists(pulls)))


def _of_live_items(rows: QuerySet[Any]) -> QuerySet[Any]:
    if not WorkItem.objects.exclude(deleted_at=None).exists():
        return rows
    gone = WorkItem._base_manager.filter(
        **_OWNER, source_id=OuterRef("work_item_source_id")
    ).exclude(deleted_at=None)
    return rows.exclude(Exists(gone))
