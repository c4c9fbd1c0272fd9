"""The first types and statuses that occur and fall under no rule."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from integrations.models import Integration
from mappings.models import Status, StatusResolution, Wit, WitResolution
from mappings.rules import fold

SHOWN: Final = 10


@dataclass(frozen=True)
class Unmapped:
    """A type or status of a source that has no rule. link: a form for one, filled in."""

    kind: str
    name: str
    integration: Integration
    link: str


def unmapped() -> list[Unmapped]:
    """Return the first types and statuses without a rule, each name once."""
    found: dict[tuple[str, int, str], Unmapped] = {}
    for title, occurring, source, column, page in (
        ("Type", WitResolution, Wit, "type_source_id", "witmapping"),
        ("Status", StatusResolution, Status, "status_source_id", "statusmapping"),
    ):
        rows = occurring.objects.filter(mapping=None).values_list("integration_id", column)
        wanted = list(rows.distinct()[:SHOWN])
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
    return list(found.values())[:SHOWN]
