"""What edits would do, and edits of several tables as one change-set."""

from dataclasses import asdict
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from mappings import editing
from mappings.api.edits import CREATE, DELETE, MOST_EDITS, UPDATE, Edits, RowEdit
from mappings.api.outcome import APPLIED, PREPARING_EXAMPLE, Outcome, answer, applied, problems_told
from mappings.api.tables import (
    CustomFieldMappings,
    RuleTable,
    StatusMappings,
    WitHierarchies,
    WitMappings,
)
from mappings.api.workflow_table import Workflows
from mappings.book import RowChange
from mappings.editing import Preview
from mappings.models import ChangeSet
from tenants.api.fields import IntegerField, Serializer, Text
from tenants.api.filters import check_parameters
from tenants.api.idempotency import idempotent
from tenants.api.views import ScopedView
from tenants.permissions import Capability

TABLES: Final[dict[str, RuleTable]] = {
    table.slug: table
    for table in (
        WitHierarchies(),
        WitMappings(),
        StatusMappings(),
        Workflows(),
        CustomFieldMappings(),
    )
}
_SHOWN_CHANGES: Final = 1_000
_MOST_EXAMPLES: Final = 10


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 20}]})
class MoveToField(serializers.Field[Any, Any, Any, Any]):
    """An id, or a word such as `next`."""

    default_error_messages = {"invalid": "Give an id or a word."}

    def to_internal_value(self, data: Any) -> int | str:
        if isinstance(data, bool) or not isinstance(data, int | str):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class EditBody(Serializer):
    """What is to become of one row. values: its members, as where a row is added or changed."""

    table = serializers.ChoiceField([(slug, slug) for slug in TABLES])
    action = serializers.ChoiceField([(each, each) for each in (CREATE, UPDATE, DELETE)])
    id = IntegerField(required=False, help_text="Of the row to change or delete.")
    values = serializers.DictField(
        required=False, help_text="Members of the row; those left out of a change stay."
    )
    move_to = MoveToField(required=False, help_text="Where goes what depends on it.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Check that an edit has what its action needs."""
        if (attrs["action"] == CREATE) == ("id" in attrs):
            told = "Leave it out of a new row." if "id" in attrs else "This field is required."
            raise serializers.ValidationError({"id": told})
        if attrs["action"] != DELETE and "values" not in attrs:
            raise serializers.ValidationError({"values": "This field is required."})
        return attrs


class EditsBody(Serializer):
    """Edits in their order. summary: what the change-set is called."""

    summary = Text(required=False, max_length=300, allow_blank=True)
    edits = EditBody(many=True, allow_empty=False, max_length=MOST_EDITS)  # type: ignore[call-arg]


class RuleChangeShown(Serializer):
    """What becomes, or became, of a row of a table. before, after: null where there is no row."""

    table = serializers.CharField()
    row = IntegerField()
    summary = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)


class MoveShown(Serializer):
    """Work items that go from one value to another; empty: no rule gives one."""

    kind = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    count = IntegerField()


class CountShown(Serializer):
    """Work items of which a value of this kind changes."""

    kind = serializers.CharField()
    count = IntegerField()


class MedianShown(Serializer):
    """A median of all work items that are done."""

    before_seconds = serializers.FloatField(allow_null=True)
    after_seconds = serializers.FloatField(allow_null=True)
    before_count = IntegerField()
    after_count = IntegerField()


class ExampleShown(Serializer):
    """A work item that changes; its values before and after, by kind."""

    work_item = IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()


class ImpactShown(Serializer):
    """What edits would do. is_large: saving becomes a run that prepares and switches at once."""

    change_count = IntegerField()
    changes = RuleChangeShown(many=True, help_text=f"The first {_SHOWN_CHANGES:,} rules.")
    touched_count = IntegerField()
    metrics_count = IntegerField()
    counts = CountShown(many=True)
    moves = MoveShown(many=True)
    lead_time = MedianShown()
    cycle_time = MedianShown()
    examples = ExampleShown(many=True)
    is_large = serializers.BooleanField()
    notes = serializers.ListField(child=serializers.CharField())


def change_told(change: RowChange) -> dict[str, Any]:
    """Return a change of a rule as it is answered."""
    return {
        "table": change.table.replace("_", "-"),
        "row": change.row_id,
        "summary": change.label,
        "before": _members(change.before),
        "after": _members(change.after),
    }


def impact_told(preview: Preview) -> dict[str, Any]:
    """Return a preview as it is answered."""
    impact = preview.impact
    return {
        "change_count": len(preview.changes),
        "changes": [change_told(each) for each in preview.changes[:_SHOWN_CHANGES]],
        "touched_count": impact.touched_count,
        "metrics_count": impact.metrics_count,
        "counts": [{"kind": kind, "count": count} for kind, count in impact.counts.items()],
        "moves": [
            {"kind": kind, **asdict(move)} for kind, moves in impact.moves.items() for move in moves
        ],
        "lead_time": _median(impact.lead),
        "cycle_time": _median(impact.cycle),
        "examples": [
            {
                "work_item": each.work_item_id,
                "key": each.key,
                "title": each.title,
                "before": _values(each.before),
                "after": _values(each.after),
            }
            for each in impact.examples
        ],
        "is_large": impact.is_large,
        "notes": list(impact.notes),
    }


def _members(row: Any) -> Any:
    if row is None:
        return None
    return {
        name.removesuffix("_id") if name != "field_source_id" else name: value
        for name, value in row.items()
    }


def _median(median: Any) -> dict[str, Any]:
    return {
        "before_seconds": median.before,
        "after_seconds": median.after,
        "before_count": median.before_count,
        "after_count": median.after_count,
    }


def _values(values: Any) -> dict[str, Any]:
    told = asdict(values)
    return {**told, "fields": dict(values.fields)}


_EDITS_EXAMPLE: Final = OpenApiExample(
    "A level is renamed, a rule added, another deleted",
    {
        "summary": "Epics are initiatives",
        "edits": [
            {"table": "wit-hierarchies", "action": "update", "id": 5, "values": {"name": "Epic"}},
            {
                "table": "wit-mappings",
                "action": "create",
                "values": {"from_name": "initiative", "target": "Epic", "hierarchy": 5},
            },
            {"table": "wit-mappings", "action": "delete", "id": 31, "move_to": "next"},
        ],
    },
    request_only=True,
)


def edits_of(request: Request, tenant_id: int) -> tuple[Edits, str]:
    """Return the edits of a body, and what they are called."""
    body = EditsBody(data=request.data)
    body.is_valid(raise_exception=True)
    found = [
        RowEdit(
            TABLES[each["table"]],
            each["action"],
            each.get("id"),
            each.get("values"),
            is_partial=each["action"] == UPDATE,
            move_to=each.get("move_to"),
            pointer=f"/edits/{number}",
            values_pointer=f"/edits/{number}/values",
        )
        for number, each in enumerate(body.validated_data["edits"])
    ]
    return Edits(tenant_id, found), body.validated_data.get("summary", "")


class MappingPreviewView(ScopedView):
    """What edits of the rules would do."""

    capabilities = {"post": Capability.EDIT_MAPPINGS}

    @extend_schema(
        summary="Preview edits of rules",
        tags=["mappings"],
        request=EditsBody,
        responses=ImpactShown,
        examples=[_EDITS_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Say what edits would do to rules and work items, and change nothing."""
        check_parameters(request, set())
        tenant_id = self.tenant.pk
        edits, _ = edits_of(request, tenant_id)
        with problems_told(edits):
            found = editing.preview(tenant_id, edits, example_count=_MOST_EXAMPLES)
        return Response(impact_told(found))


class MappingEditsView(ScopedView):
    """Edits of several tables at once."""

    capabilities = {"post": Capability.EDIT_MAPPINGS}

    @extend_schema(
        summary="Make edits of rules, all or none",
        tags=["mappings"],
        request=EditsBody,
        responses={200: Outcome, 202: Outcome},
        examples=[
            _EDITS_EXAMPLE,
            OpenApiExample(
                "In effect", {"change_set": APPLIED}, response_only=True, status_codes=["200"]
            ),
            PREPARING_EXAMPLE,
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make edits in their order, as one change-set. What is wrong is told by the number of the
        edit, such as `/edits/3/values/from_name`."""
        check_parameters(request, set())
        edits, summary = edits_of(request, self.tenant.pk)
        origin = ChangeSet.Origin.BULK if len(edits.edits) > 1 else ChangeSet.Origin.FORM
        return answer(applied(request, self.tenant.pk, edits, origin, summary))
