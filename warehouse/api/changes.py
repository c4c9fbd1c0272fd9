"""Incremental reading: what changed since a number, once each, and what is gone.

Every write of a tenant's rows takes its numbers under the tenant's counter, which is locked to
the commit: when the counter says n, all changes up to n can be seen, and none up to n comes later.
A cycle is bounded by the counter as its first page found it, so a row that changes meanwhile is
left to the next cycle instead of being given twice.
"""

from typing import Any, Final, NamedTuple

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.api.paging import KeysetPagination, page_size
from tenants.api.problems import bad_parameter
from warehouse.models import RemovedRow, TenantCounter
from warehouse.removed import NOTED

CHANGED_SINCE: Final = "changed_since"
_SALT: Final = "warehouse.api.changes"
_TOGETHER: Final = frozenset({CHANGED_SINCE, "cursor", "page_size", "fields", "integration"})


class Place(NamedTuple):
    """Where a cycle is. until: its last number; seq and pk: the last row given, if any.

    removed: the last removal given, by its number.
    """

    until: int
    seq: int
    pk: Any
    removed: int


class ChangesPagination(KeysetPagination):
    """As any list; with `changed_since` a cycle of changes: see the top of this file."""

    is_of_changes = False
    changed_until: int | None = None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Return the rows of the page."""
        if not (getattr(view, "has_changes", False) and CHANGED_SINCE in request.query_params):
            return super().paginate_queryset(queryset, request, view)
        self.is_of_changes = True
        self.request = request
        size = page_size(request)
        since, place = self._place(request, view)
        rows = list(_behind(queryset, place).order_by("changed_seq", "pk")[: size + 1])
        removed = list(_removed(request, queryset, since, place)[: size + 1])
        given, self.gone = _first(rows, removed, size)
        self.next_cursor = None
        if len(given) + len(self.gone) < len(rows) + len(removed):
            self.next_cursor = signing.dumps(
                [since, *_moved(place, given, self.gone)], salt=_SALT, compress=True
            )
        else:
            self.changed_until = place.until
        return given

    def _place(self, request: Request, view: Any) -> tuple[int, Place]:
        since = _number(request)
        for name in request.query_params:
            if name not in _TOGETHER:
                raise bad_parameter(
                    name, f"not with {CHANGED_SINCE}: a row that leaves the filter is not told of"
                )
        cursor = request.query_params.get("cursor")
        if cursor is None:
            until = last_number(view.tenant.pk)
            if since > until:
                raise bad_parameter(
                    CHANGED_SINCE, "no change has this number yet: take `changed_until` of a cycle"
                )
            return since, Place(until, since, None, since)
        try:
            of, until, seq, pk, removed = signing.loads(cursor, salt=_SALT)
        except (signing.BadSignature, ValueError, TypeError):
            raise bad_parameter("cursor", "this is none: take it from `next` of a page") from None
        if of != since:
            raise bad_parameter("cursor", f"this is of another {CHANGED_SINCE}")
        return since, Place(until, seq, tuple(pk) if isinstance(pk, list) else pk, removed)

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page."""
        page: dict[str, Any] = {"next": self.next_address(), "results": data}
        if self.is_of_changes:
            page["gone"] = [
                {"id": _id(each), "integration": each.integration_id} for each in self.gone
            ]
            page["changed_until"] = self.changed_until
        return Response(page)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page."""
        # The view is not given: what only some lists have is not required of any.
        page = super().get_paginated_response_schema(schema)
        page["properties"]["gone"] = {
            "type": "array",
            "example": [],
            "description": f"With {CHANGED_SINCE}: rows that are no longer there. To be taken out "
            "before the results are put in.",
            "items": {
                "type": "object",
                "required": ["id", "integration"],
                "properties": {
                    "id": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
                    "integration": {"type": "integer"},
                },
            },
        }
        page["properties"]["changed_until"] = {
            "type": "integer",
            "nullable": True,
            "example": None,
            "description": f"With {CHANGED_SINCE}: on the last page of a cycle the "
            f"{CHANGED_SINCE} of the next; null on those before it.",
        }
        return page

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters."""
        own = super().get_schema_operation_parameters(view)
        if not getattr(view, "has_changes", False):
            return own
        changed_since = {
            "name": CHANGED_SINCE,
            "in": "query",
            "required": False,
            "schema": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
            "description": "Only what changed after this number, tombstones too: 0, then "
            "`changed_until` of the cycle before. Of the filters goes with `integration` alone.",
        }
        return [*own, changed_since]


def last_number(tenant_id: int) -> int:
    """Return the number of the tenant's last change that can be seen."""
    rows = TenantCounter.objects.filter(tenant_id=tenant_id)
    return rows.values_list("changed_seq", flat=True).first() or 0


def is_of_changes(request: Request) -> bool:
    """Whether a list is asked for what changed."""
    return CHANGED_SINCE in request.query_params


def _number(request: Request) -> int:
    text = request.query_params[CHANGED_SINCE]
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 2**63):
        raise bad_parameter(CHANGED_SINCE, "give a whole number, 0 to begin")
    return int(text)


def _behind(rows: QuerySet[Any], place: Place) -> QuerySet[Any]:
    """Return the rows of the cycle that are still to be given."""
    in_cycle = rows.filter(changed_seq__lte=place.until)
    if place.pk is None:
        return in_cycle.filter(changed_seq__gt=place.seq)
    return in_cycle.filter(
        Q(changed_seq__gte=place.seq) & (Q(changed_seq__gt=place.seq) | Q(pk__gt=place.pk))
    )


def _removed(
    request: Request, rows: QuerySet[Any], since: int, place: Place
) -> "QuerySet[RemovedRow, RemovedRow]":
    """Return the removals of the cycle that are still to be told; none to who has no copy yet."""
    table = rows.model._meta.db_table
    found: QuerySet[RemovedRow, RemovedRow] = RemovedRow.objects.filter(table=table)
    if since == 0 or table not in NOTED:
        return found.none()
    if "integration" in request.query_params:
        found = found.filter(integration_id=_integration(request))
    return found.filter(changed_seq__gt=place.removed, changed_seq__lte=place.until).order_by(
        "changed_seq"
    )


def _integration(request: Request) -> int:
    text = request.query_params["integration"]
    if not (text.isascii() and text.isdigit()):
        raise bad_parameter("integration", "give an id")
    return int(text)


def _first(
    rows: list[Any], removed: list[RemovedRow], size: int
) -> tuple[list[Any], list[RemovedRow]]:
    """Return the first of both by their numbers, so many together."""
    both = sorted([*removed, *rows], key=lambda row: int(row.changed_seq))[:size]
    gone = [row for row in both if isinstance(row, RemovedRow)]
    return [row for row in both if not isinstance(row, RemovedRow)], gone


def _moved(place: Place, given: list[Any], gone: list[RemovedRow]) -> Place:
    seq, pk = (given[-1].changed_seq, given[-1].pk) if given else (place.seq, place.pk)
    return Place(place.until, seq, pk, gone[-1].changed_seq if gone else place.removed)


def _id(row: RemovedRow) -> int | str:
    return int(row.row_id) if row.row_id.isdecimal() else row.row_id
