"""Exports of any length: all that a filter finds, sent as it is read, as JSON lines or CSV."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

import msgspec
from django.db.models import Q, QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request

from mappings.exchange.cells import guarded
from tenants.api.filters import check_parameters_of_list
from tenants.api.paging import PARAMETERS
from tenants.api.problems import bad_parameter
from tenants.api.streaming import CSV, csv_lines, streamed
from tenants.api.views import ScopedView
from warehouse.export import Row, csv_value
from warehouse.export_tables import EXPORTS, LINK_COLUMNS, select
from warehouse.links import links

JSON_LINES: Final = "application/jsonl"
ROWS_AT_ONCE: Final = 2_000
FORMS: Final = ("jsonl", "csv")

Batches = Iterable[Sequence[Row]]


class ExportMixin:
    """Adds `export/` to a set: what its filters find, in the columns of `manage.py export`.

    export_table: name of the table in `warehouse.export_tables`. export_order: the columns of
    the order in which it is read, the last of which are unique.
    """

    export_table: ClassVar[str]
    export_order: ClassVar[str] = "pk"

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Let an export be asked for by any Accept: its form is told by `as`."""
        is_export = getattr(self, "action", None) == "export"
        parent: Any = super()
        return parent.perform_content_negotiation(request, force or is_export)

    @action(detail=False, pagination_class=None, extra_parameters=("as",))
    def export(self, request: Request) -> StreamingHttpResponse:
        """All that the filters find, in no order, as it is when it is read.

        It is sent as it is read: of any length, it takes no more memory. An answer that ends
        early was cut off; ask again.
        """
        view: Any = self
        table = EXPORTS[self.export_table]
        names = [column.name for column in table.columns]
        for name in PARAMETERS:
            if name in request.query_params:
                raise bad_parameter(name, "an export is not paged")
        chosen = _chosen(request, names)
        form = _form(request)
        rows = view.filter_queryset(select(table))
        batches = _batches(rows, [f"out_{name}" for name in chosen], self.export_order)
        return sent(request, view, chosen, batches, form, self.export_table)


def exporting(what: str, tag: str) -> Any:
    """Return the description of an export."""
    return extend_schema(
        summary=f"Export {what} as JSON lines or CSV",
        tags=[tag],
        parameters=[_as_parameter(), _fields_parameter()],
        responses={
            (200, JSON_LINES): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )


def _as_parameter() -> OpenApiParameter:
    return OpenApiParameter(
        "as",
        {"type": "string", "enum": list(FORMS), "default": FORMS[0]},
        OpenApiParameter.QUERY,
        description="jsonl: an object a line. csv: with a header; text that a spreadsheet would "
        "run as a formula gets an apostrophe in front.",
    )


def _fields_parameter() -> OpenApiParameter:
    return OpenApiParameter(
        "fields",
        {"type": "string"},
        OpenApiParameter.QUERY,
        description="Names of columns with commas between them; all where it is left out.",
    )


class LinksExportView(ScopedView):
    """All links between pull requests and work items."""

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Let it be asked for by any Accept."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        summary="Export the links as JSON lines or CSV",
        tags=["pull-requests"],
        parameters=[_as_parameter(), _fields_parameter()],
        responses={
            (200, JSON_LINES): OpenApiTypes.STR,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Every pull request that names a work item, with where and how likely it is meant."""
        check_parameters_of_list(request, {"as"})
        for name in PARAMETERS:
            if name in request.query_params:
                raise bad_parameter(name, "an export is not paged")
        names = [column.name for column in LINK_COLUMNS]
        chosen = _chosen(request, names)
        places = [names.index(name) for name in chosen]
        found = links(self.tenant.pk)
        return sent(request, self, chosen, _gathered(found, places), _form(request), "links")


def sent(
    request: Request, view: Any, names: Sequence[str], batches: Batches, form: str, name: str
) -> StreamingHttpResponse:
    """Answer with rows in a form."""
    if form == "csv":
        dicts = ([dict(zip(names, row, strict=True)) for row in batch] for batch in batches)
        chunks, content_type = csv_lines(names, dicts, cell), CSV
    else:
        chunks, content_type = json_lines(names, batches), JSON_LINES
    return streamed(request, view.access, chunks, content_type, f"{name}.{form}")


def json_lines(names: Sequence[str], batches: Batches) -> Iterator[bytes]:
    """Yield an object a line; times are UTC in ISO 8601."""
    encode = msgspec.json.Encoder().encode
    for batch in batches:
        yield b"".join(encode(dict(zip(names, row, strict=True))) + b"\n" for row in batch)


def cell(value: Any) -> Any:
    """Return a value as a cell that no spreadsheet runs."""
    return guarded(value) if isinstance(value, str) else csv_value(value)


def _batches(rows: QuerySet[Any], names: list[str], order: str) -> Iterator[Sequence[Row]]:
    """Yield rows by keyset, so that no cursor stays open between two batches."""
    keys = ("pk",) if order == "pk" else (order, "pk")
    last: Any = None
    while True:
        behind = rows if last is None else rows.filter(_behind(order, last))
        found = list(behind.order_by(*keys).values_list(*keys, *names)[:ROWS_AT_ONCE])
        yield [row[len(keys) :] for row in found]
        if len(found) < ROWS_AT_ONCE:
            return
        last = found[-1][: len(keys)]


def _behind(order: str, last: Any) -> Q:
    if order == "pk":
        return Q(pk__gt=last[0])
    at, pk = last
    return Q(**{f"{order}__gte": at}) & (Q(**{f"{order}__gt": at}) | Q(pk__gt=pk))


def _gathered(rows: Iterable[Row], places: Sequence[int]) -> Iterator[Sequence[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append([row[place] for place in places])
        if len(batch) == ROWS_AT_ONCE:
            yield batch
            batch = []
    yield batch


def _chosen(request: Request, names: Sequence[str]) -> list[str]:
    asked = request.query_params.get("fields")
    if asked is None:
        return list(names)
    for name in asked.split(","):
        if name not in names:
            raise bad_parameter("fields", f"“{name[:50]}” is none of {', '.join(names)}")
    return [name for name in names if name in asked.split(",")]


def _form(request: Request) -> str:
    form = request.query_params.get("as", FORMS[0])
    if form not in FORMS:
        raise bad_parameter("as", f"give one of {', '.join(FORMS)}")
    return form
