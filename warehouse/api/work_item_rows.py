"""How work items look: the source's values beside ours, and our metrics."""

from typing import Any, Final

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mappings.models import StatusMapping
from tenants.api.fields import ModelSerializer
from warehouse.api.reading import BURIED, LOADED
from warehouse.models import Changelog, WorkItem

OURS: Final = ("our_type", "our_level", "our_status", "our_category", "our_step")
"""What `with_ours` adds."""


def with_ours(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return work items with what `WorkItemShown` shows of the rules that they fall under."""
    of_status = "status_resolution__mapping"
    found: QuerySet[Any] = rows.annotate(
        our_type=F("wit_resolution__mapping__target"),
        our_level=F("wit_resolution__mapping__hierarchy__level"),
        our_status=F(f"{of_status}__target"),
        our_category=Coalesce(f"{of_status}__step__category", f"{of_status}__category"),
        our_step=F(f"{of_status}__step__name"),
    )
    return found


def category_of(rule: StatusMapping | None) -> str | None:
    """Return the category that a rule gives: that of its step, where it has one."""
    if rule is None:
        return None
    return rule.step.category if rule.step else rule.category


class WorkItemShown(ModelSerializer):
    """A work item.

    Its rows are those of `with_ours`.

    type, level, status, status_category, step: by the rules, null without one; `source_type` and
    `source_status` are as the source says. `*_seconds`: elapsed calendar time. history_complete:
    whether all its changes are here; metrics need them all. custom: columns that rules for custom
    fields fill.
    """

    type = serializers.CharField(source="our_type", allow_null=True)
    level = serializers.IntegerField(source="our_level", allow_null=True)
    status = serializers.CharField(source="our_status", allow_null=True)
    status_category = serializers.CharField(source="our_category", allow_null=True)
    step = serializers.CharField(source="our_step", allow_null=True)
    story_points = serializers.SerializerMethodField()
    team = serializers.SerializerMethodField()
    sprint = serializers.SerializerMethodField()
    epic_link = serializers.SerializerMethodField()
    custom = serializers.SerializerMethodField()
    labels = serializers.ListField(child=serializers.CharField())
    sprint_source_ids = serializers.ListField(child=serializers.CharField())
    history_complete = serializers.BooleanField(source="all_changes_loaded")

    class Meta:
        model = WorkItem
        fields: tuple[str, ...] = (
            *("id", "integration", "source_id", "key", "project_key", "title"),
            *("source_type", "type", "level", "source_status", "status", "status_category"),
            *("step", "priority", "resolution", "created_at", "updated_at", "resolved_at"),
            *("committed_at", "started_at", "done_at", "lead_time_seconds"),
            *("cycle_time_seconds", "active_seconds", "waiting_seconds", "story_points"),
            *("team", "sprint", "epic_link", "custom", "assignee_source_id"),
            *("reporter_source_id", "parent_key", "labels", "sprint_source_ids", "due_on"),
            "history_complete",
            *BURIED,
            *LOADED,
        )

    def get_story_points(self, row: WorkItem) -> float | None:
        """Return the estimate: by a rule for custom fields, else as the source says."""
        ours = (row.mapped_fields or {}).get("story_points")
        return row.story_points if ours is None else float(ours)

    def get_team(self, row: WorkItem) -> str | None:
        """Return the team."""
        return _mapped(row, "team")

    def get_sprint(self, row: WorkItem) -> str | None:
        """Return the sprint."""
        return _mapped(row, "sprint")

    def get_epic_link(self, row: WorkItem) -> str | None:
        """Return the epic."""
        return _mapped(row, "epic_link")

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_custom(self, row: WorkItem) -> Any:
        """Return our columns by name."""
        return (row.mapped_fields or {}).get("columns") or {}


class WorkItemDetail(WorkItemShown):
    """A work item with its description and its custom fields as the source gives them."""

    custom_fields = serializers.DictField(child=serializers.JSONField(allow_null=True))

    class Meta(WorkItemShown.Meta):
        fields = (*WorkItemShown.Meta.fields, "description", "custom_fields")


class ChangeShown(ModelSerializer):
    """A change of one field of a work item. id: made of its natural key."""

    id = serializers.SerializerMethodField()

    class Meta:
        model = Changelog
        fields = (
            *("id", "integration", "work_item_source_id", "source_id", "position", "field"),
            *("field_id", "is_status", "from_value", "to_value", "from_text", "to_text"),
            *("author_source_id", "changed_at", "changed_seq"),
        )

    def get_id(self, row: Changelog) -> str:
        """Return the id; `warehouse/removed.py` names removed changes alike."""
        return f"{row.integration_id}:{row.work_item_source_id}:{row.source_id}:{row.position}"


def _mapped(row: WorkItem, name: str) -> str | None:
    value = (row.mapped_fields or {}).get(name)
    return None if value is None else str(value)


WORK_ITEM: Final[dict[str, Any]] = {
    "id": 1201,
    "integration": 1,
    "source_id": "10012",
    "key": "ACME-12",
    "project_key": "ACME",
    "title": "Keep the basket over a sign-in",
    "source_type": "Story",
    "type": "Story",
    "level": 0,
    "source_status": "Fertig",
    "status": "Done",
    "status_category": "done",
    "step": "Done",
    "priority": "High",
    "resolution": "Done",
    "created_at": "2026-01-19T10:00:00Z",
    "updated_at": "2026-02-03T15:02:00Z",
    "resolved_at": "2026-02-03T15:02:00Z",
    "committed_at": "2026-01-26T09:00:00Z",
    "started_at": "2026-01-28T08:30:00Z",
    "done_at": "2026-02-03T15:02:00Z",
    "lead_time_seconds": 1314120.0,
    "cycle_time_seconds": 541920.0,
    "active_seconds": 370800.0,
    "waiting_seconds": 171120.0,
    "story_points": 5.0,
    "team": "Checkout",
    "sprint": "Sprint 4",
    "epic_link": "ACME-2",
    "custom": {"customer": "Globex"},
    "assignee_source_id": "5b10ac8d82e05b22cc7d4ef5",
    "reporter_source_id": "5b10a2844c20165700ede21g",
    "parent_key": "ACME-2",
    "labels": ["checkout"],
    "sprint_source_ids": ["4"],
    "due_on": None,
    "history_complete": True,
    "deleted_at": None,
    "deleted_reason": None,
    "fetched_at": "2026-02-03T16:00:00Z",
    "changed_seq": 20811,
}
