"""Pages by cursor: page 10,000 costs what page 1 costs, and rows that come do not move others."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple, Protocol

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from tenants.api.problems import bad_parameter

PAGE_SIZE: Final = 100
MOST_ROWS: Final = 1000
PARAMETERS: Final = ("cursor", "page_size", "ordering")
_SALT: Final = "tenants.api.paging"


class Ordered(Protocol):
    """A view whose lists can be ordered.

    orderings: names that may be asked for, with the column of each, which is never null. The
    first is the order where none is asked for, unless the view has a `default_ordering`; `-`
    before a name turns it round.
    """

    orderings: Mapping[str, str]


class Order(NamedTuple):
    """name: as it is asked for. The primary key decides between equals, in the same direction."""

    name: str
    column: str
    is_descending: bool

    def columns(self) -> list[str]:
        """Return the columns to order by."""
        sign = "-" if self.is_descending else ""
        return [f"{sign}pk"] if self.column == "pk" else [f"{sign}{self.column}", f"{sign}pk"]


class KeysetPagination(BasePagination):
    """`results` and `next`, the address of the next page, or null at the end."""

    default_orderings: Mapping[str, str] = {"id": "pk"}

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Return the rows of the page that the request's cursor names."""
        self.request = request
        size = page_size(request)
        orderings = getattr(view, "orderings", self.default_orderings)
        self.order = order_of(request, orderings, getattr(view, "default_ordering", ""))
        rows = after(queryset, self.order, request.query_params.get("cursor"))
        found = list(rows.order_by(*self.order.columns())[: size + 1])
        self.next_cursor = cursor_behind(self.order, found[size - 1]) if len(found) > size else None
        return found[:size]

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page."""
        return Response({"next": self.next_address(), "results": data})

    def next_address(self) -> str | None:
        """Return the address of the next page."""
        if self.next_cursor is None:
            return None
        here = self.request.build_absolute_uri()
        return replace_query_param(here, "cursor", self.next_cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Describe the page."""
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": "string",
                    "nullable": True,
                    "format": "uri",
                    "example": "https://etl.example/api/v1/tenants/?cursor=WyJpZCIsZmFsc2Vd",
                    "description": "Address of the next page; null at the end.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        """Describe the parameters."""
        orderings = getattr(view, "orderings", self.default_orderings)
        names = [sign + name for name in orderings for sign in ("", "-")]
        return [
            _parameter("cursor", {"type": "string"}, "Where to go on, as `next` of a page says."),
            _parameter(
                "page_size",
                {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": PAGE_SIZE},
                "How many rows a page has at most.",
            ),
            _parameter("ordering", {"type": "string", "enum": names}, "Which rows come first."),
        ]


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
    }


def page_size(request: Request) -> int:
    """Return how many rows are asked for; raise Problem for a number that cannot be."""
    text = request.query_params.get("page_size", str(PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MOST_ROWS):
        raise bad_parameter("page_size", f"give a number from 1 to {MOST_ROWS}")
    return int(text)


def order_of(request: Request, orderings: Mapping[str, str], default: str = "") -> Order:
    """Return the order that is asked for; raise Problem for one that is not among these."""
    asked = request.query_params.get("ordering", default or next(iter(orderings)))
    name = asked.removeprefix("-")
    if name not in orderings:
        known = ", ".join(sorted(orderings))
        raise bad_parameter("ordering", f"give one of {known}, with - before it to turn it round")
    return Order(name, orderings[name], asked.startswith("-"))


def cursor_behind(order: Order, row: Any) -> str:
    """Return the cursor of what comes behind a row."""
    value = None if order.column == "pk" else _value_of(row, order.column)
    return signing.dumps([order.name, order.is_descending, value, row.pk], salt=_SALT)


def after(rows: QuerySet[Any], order: Order, cursor: str | None) -> QuerySet[Any]:
    """Return the rows behind a cursor; raise Problem for one that is none, or of another order."""
    if cursor is None:
        return rows
    try:
        name, is_descending, value, pk = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise bad_parameter("cursor", "this is none: take it from `next` of a page") from None
    if (name, is_descending) != (order.name, order.is_descending):
        raise bad_parameter("cursor", "this is of another ordering: begin anew without a cursor")
    is_less = "lt" if is_descending else "gt"
    if order.column == "pk":
        return rows.filter(**{f"pk__{is_less}": pk})
    column = order.column
    try:
        return rows.filter(
            Q(**{f"{column}__{is_less}e": value})
            & (Q(**{f"{column}__{is_less}": value}) | Q(**{f"pk__{is_less}": pk}))
        )
    except (ValidationError, ValueError):
        raise bad_parameter("cursor", "this is none: take it from `next` of a page") from None


def _value_of(row: Any, column: str) -> Any:
    for part in column.split("__"):
        row = getattr(row, part)
    return json.loads(json.dumps(row, default=_text))


def _text(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)
