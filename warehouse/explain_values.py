"""Where each value of a loaded row comes from: the raw page, the record, the place in it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from integrations.models import Integration, RawPage
from integrations.origins import origins


@dataclass(frozen=True)
class Lineage:
    """Where one row comes from. urls: of the places of its columns. record: of the whole record.

    Where the page is no longer kept there are none, and is_kept is false.
    """

    page_id: int
    position: int
    is_kept: bool
    record: str
    urls: Mapping[str, str]


class Lineages:
    """Makes the lineages of rows of an integration that are shown together, in one query."""

    def __init__(self, integration: Integration, rows: Iterable[Any]) -> None:
        self._integration = integration
        pages = {row.raw_page_id for row in rows if row is not None}
        found = RawPage.objects.filter(pk__in=pages).values_list("pk", flat=True)
        self._kept = set(found)

    def of(self, row: Any, entity: str = "") -> Lineage:
        """Return the lineage of a row; entity: the source id of its record, if not its own."""
        if row.raw_page_id not in self._kept:
            return Lineage(row.raw_page_id, row.raw_position, False, "", {})
        address = reverse("admin:integrations_rawpage_change", args=(row.raw_page_id,))
        asked = [("record", str(row.raw_position))]
        if source_id := entity or getattr(row, "source_id", ""):
            asked.append(("of", source_id))
        places = origins(self._integration, row._meta.db_table, columns_of(row))
        urls = {
            column: f"{address}?{urlencode([*asked, *(('path', path) for path in paths)])}#place"
            for column, paths in places.items()
        }
        return Lineage(
            row.raw_page_id, row.raw_position, True, f"{address}?{urlencode(asked)}", urls
        )


def columns_of(row: Any) -> dict[str, Any]:
    """Return the columns of a row by their names; those that were not read are left out."""
    deferred = row.get_deferred_fields()
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if field.attname not in deferred
    }
