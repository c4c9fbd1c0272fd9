"""The rows of a part of a table, as a connector names it: those of one project or repository."""

from typing import Any

from django.db.models import Q, QuerySet

from common.errors import PermanentError
from mappings.models import WitResolution
from warehouse.models import Repository
from warehouse.repository_names import known_names
from warehouse.tables import BY_NAME


def rows_of_part(tenant_id: int, integration_id: int, table: str, part: str) -> QuerySet[Any]:
    """Return the rows of a part, dead or alive, in the tenant's scope; "" is all of the table.

    part: the source id of the project for `work_items`, of the repository for `pull_requests`;
    those that know only the name of their repository count as well. Raises PermanentError for
    a part of another table.
    """
    owner = {"tenant_id": tenant_id, "integration_id": integration_id}
    rows: QuerySet[Any] = BY_NAME[table].model._default_manager.filter(**owner)
    if not part:
        return rows
    if table == "work_items":
        # By the few resolutions of the project: they have an index among the items.
        resolutions = WitResolution.objects.filter(**owner, project_source_id=part)
        return rows.filter(wit_resolution_id__in=list(resolutions.values_list("pk", flat=True)))
    if table == "pull_requests":
        name = name_of_repository(tenant_id, integration_id, part)
        by_name = Q(repository_source_id=None, repository=name)
        return rows.filter(Q(repository_source_id=part) | by_name)
    raise PermanentError(f"{table} has no parts")


def name_of_repository(tenant_id: int, integration_id: int, source_id: str) -> str | None:
    """Return under what name the rows of a repository are; None if nothing is known of it."""
    current = known_names(tenant_id, integration_id).current()
    if source_id in current:
        return current[source_id]
    rows = Repository.objects.filter(
        tenant_id=tenant_id, integration_id=integration_id, source_id=source_id
    )
    name: str | None = rows.values_list("full_name", flat=True).first()
    return name
