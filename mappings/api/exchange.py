"""CSV of the tables of rules: out as it is, in after a look at what it would do."""

from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from django.db import transaction
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from mappings import editing
from mappings.api.outcome import APPLIED, ChangeSetTold, answer, applied, problems_told
from mappings.api.preview import ImpactShown, impact_told
from mappings.effects import effects
from mappings.exchange.plan import Plan, PlannedRow, plan_import
from mappings.exchange.reading import MOST_BYTES, SheetError
from mappings.exchange.table import Table
from mappings.exchange.tables import TABLES
from mappings.exchange.writing import csv_of
from mappings.models import ChangeSet
from tenants.api.fields import IntegerField, Serializer
from tenants.api.filters import check_parameters
from tenants.api.idempotency import idempotent
from tenants.api.problems import Problem, ProblemError, bad_parameter
from tenants.api.streaming import CSV, streamed
from tenants.api.views import ScopedView
from tenants.permissions import Capability

_SHOWN_ROWS: Final = 1_000
_MODES: Final = ("add", "replace")


class CsvParser(BaseParser):
    """Gives the bytes of a file, of up to MOST_BYTES; raises Problem (413) for a larger one."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        data: bytes = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise Problem(413, "too-large", f"The file is larger than {MOST_BYTES:,} bytes.")
        return data


class CsvRenderer(BaseRenderer):
    """Lets a reader ask for CSV; problems are JSON all the same."""

    media_type = "text/csv"
    format = "csv"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return JSONRenderer().render(data)


class CellShown(Serializer):
    """A cell that a row has, or that changes. null: there is or will be no row."""

    column = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class FileRowShown(Serializer):
    """A row that differs. row: of the file, the header being 1; 0 of one that is removed."""

    row = IntegerField()
    action = serializers.ChoiceField([(each, each) for each in ("added", "changed", "removed")])
    cells = CellShown(many=True)


class FileCounts(Serializer):
    """How many rows become what."""

    added = IntegerField()
    changed = IntegerField()
    removed = IntegerField()
    unchanged = IntegerField()


class ImportShown(Serializer):
    """What a file does. impact: of a preview; change_set: of what was done; null otherwise."""

    counts = FileCounts()
    rows = FileRowShown(many=True, help_text=f"The first {_SHOWN_ROWS:,} that differ.")
    notes = serializers.ListField(child=serializers.CharField())
    impact = ImpactShown(allow_null=True)
    change_set = ChangeSetTold(allow_null=True)


_TABLE: Final = OpenApiParameter(
    "table", OpenApiTypes.STR, required=True, enum=list(TABLES), description="Which rules."
)
_FILE: Final = "level,name,active\r\n1,Initiative,yes\r\n"


class MappingExportView(ScopedView):
    """Rules as CSV."""

    renderer_classes = (JSONRenderer, CsvRenderer, BrowsableAPIRenderer)

    @extend_schema(
        summary="Export rules as CSV",
        tags=["mappings"],
        parameters=[_TABLE],
        responses={(200, "text/csv"): OpenApiTypes.STR},
        examples=[
            OpenApiExample("Levels", _FILE, response_only=True, media_type="text/csv"),
        ],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """A table with names instead of ids, as `mapping-import` takes it."""
        check_parameters(request, {"table"})
        table = _table(request)
        tenant = self.tenant
        assert self.access is not None
        name = f"{tenant.slug}-{table.slug}-{timezone.localdate().isoformat()}.csv"
        return streamed(request, self.access, _encoded(table, tenant.pk), CSV, name)


class MappingImportView(ScopedView):
    """Rules from CSV."""

    capabilities = {"post": Capability.EDIT_MAPPINGS}
    parser_classes = (CsvParser,)

    @extend_schema(
        summary="Import rules from CSV",
        tags=["mappings"],
        parameters=[
            _TABLE,
            OpenApiParameter(
                "apply",
                OpenApiTypes.BOOL,
                description="Whether to do it; without it only what it would do is said.",
            ),
            OpenApiParameter(
                "mode",
                OpenApiTypes.STR,
                enum=list(_MODES),
                description="replace: rules that are not in the file are removed.",
            ),
        ],
        request={"text/csv": OpenApiTypes.STR},
        responses={200: ImportShown, 202: ImportShown},
        examples=[
            OpenApiExample("Levels", _FILE, request_only=True, media_type="text/csv"),
            OpenApiExample(
                "Done",
                {
                    "counts": {"added": 0, "changed": 1, "removed": 0, "unchanged": 5},
                    "rows": [
                        {
                            "row": 2,
                            "action": "changed",
                            "cells": [{"column": "name", "before": "Epic", "after": "Initiative"}],
                        }
                    ],
                    "notes": [],
                    "impact": None,
                    "change_set": APPLIED,
                },
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Say row by row what a file does, and do it where `apply` is true, as one change-set.
        What is wrong is told by row and column, such as `/7/target`; then nothing is done."""
        check_parameters(request, {"table", "apply", "mode"})
        table, mode = _table(request), request.query_params.get("mode", "add")
        if mode not in _MODES:
            raise bad_parameter("mode", f"give one of {', '.join(_MODES)}")
        is_applied = request.query_params.get("apply", "false")
        if is_applied not in ("true", "false"):
            raise bad_parameter("apply", "give true or false")
        given: Any = request.data
        data: bytes = given if isinstance(given, bytes) else b""
        tenant_id = self.tenant.pk
        with transaction.atomic():
            if is_applied == "true":
                effects().lock(tenant_id)  # nobody edits between the look and the edit
            plan = _plan(table, tenant_id, data, is_replacing=mode == "replace")
            if is_applied == "true":
                change_set = applied(
                    request, tenant_id, plan.edit, ChangeSet.Origin.IMPORT, plan.summary
                )
                return answer(change_set, **_told(plan), impact=None)
            with problems_told():
                found = editing.preview(tenant_id, plan.edit)
        return Response({**_told(plan), "impact": impact_told(found), "change_set": None})


def _encoded(table: Table, tenant_id: int) -> Iterator[bytes]:
    for text in csv_of(table, tenant_id):
        yield text.encode()


def _table(request: Request) -> Table:
    slug = request.query_params.get("table", "")
    if slug not in TABLES:
        raise bad_parameter("table", f"give one of {', '.join(TABLES)}")
    return TABLES[slug]


def _plan(table: Table, tenant_id: int, data: bytes, *, is_replacing: bool) -> Plan:
    """Return what a file does; raise Problem for all that is wrong with it."""
    try:
        plan = plan_import(table, tenant_id, data, is_replacing=is_replacing)
    except SheetError as error:
        text = str(error)
        raise Problem(400, "malformed", f"{text[:1].upper()}{text[1:]}.") from None
    if plan.problem_count:
        errors = [
            ProblemError(
                pointer=f"/{each.row}/{each.column.replace(' ', '_')}".rstrip("/"),
                detail=each.message,
                code="invalid",
            )
            for each in plan.problems
        ]
        first = plan.problems[0]
        place = f"Row {first.row}" + (f", {first.column}" if first.column else "")
        more = f" (and {plan.problem_count - 1:,} more)" if plan.problem_count > 1 else ""
        raise Problem(400, "invalid", f"{place}: {first.message}{more}", errors)
    return plan


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "counts": plan.counts,
        "rows": [_row(each) for each in plan.rows[:_SHOWN_ROWS]],
        "notes": plan.notes,
    }


def _row(row: PlannedRow) -> dict[str, Any]:
    before, after = row.before, row.after
    names = row.differing if before and after else list(after or before or ())
    return {
        "row": row.number,
        "action": "added" if before is None else "removed" if after is None else "changed",
        "cells": [
            {
                "column": name,
                "before": before[name] if before else None,
                "after": after[name] if after else None,
            }
            for name in names
        ],
    }
