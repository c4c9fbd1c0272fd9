"""The story of one work item: its visits to statuses, and where each value comes from."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rest_framework import serializers

from integrations.models import RawPage
from integrations.origins import origins
from tenants.api.fields import Serializer
from warehouse.api.work_item_rows import category_of
from warehouse.explain import KnownStatus, Story
from warehouse.explain_flow import POLICIES, Point, Span
from warehouse.explain_page import Explanation
from warehouse.explain_values import columns_of
from warehouse.models import WorkItem


class VisitShown(Serializer):
    """A stay in a status.

    name: as the source had it then. left_at: null if it is there still; lasted_seconds then runs
    to now. marks: what began with it: Committed, Started, Done. counted: what its time adds to,
    active or waiting, else empty. status, category, step: by the rules.
    """

    number = serializers.IntegerField()
    status_source_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    status = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    step = serializers.CharField(allow_null=True)
    entered_at = serializers.DateTimeField()
    left_at = serializers.DateTimeField(allow_null=True)
    lasted_seconds = serializers.FloatField()
    marks = serializers.ListField(child=serializers.CharField())
    counted = serializers.CharField(allow_blank=True)
    counted_seconds = serializers.FloatField()
    author_source_id = serializers.CharField(allow_null=True)


class CandidateShown(Serializer):
    """A rule that matches. reason: why it wins, or why the one before it comes first."""

    rule = serializers.IntegerField()
    target = serializers.CharField()
    reason = serializers.CharField()


class ExplainedType(Serializer):
    """The type. rule: id of the WIT mapping that it falls under; null if it is unmapped."""

    source_value = serializers.CharField()
    value = serializers.CharField(allow_null=True)
    rule = serializers.IntegerField(allow_null=True)
    candidates = CandidateShown(many=True)


class ExplainedStatus(ExplainedType):
    """A status of the history or the present one. rule: id of the status mapping."""

    source_id = serializers.CharField()
    is_current = serializers.BooleanField()
    category = serializers.CharField(allow_null=True)
    workflow = serializers.CharField(allow_null=True)
    step = serializers.CharField(allow_null=True)


class PolicyShown(Serializer):
    """A policy of the metrics that mattered."""

    name = serializers.CharField()
    meaning = serializers.CharField()


class ExplainedMetric(Serializer):
    """A metric: its stored value, an instant or seconds, and why. visit: number of what made it."""

    name = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    policies = PolicyShown(many=True)
    visit = serializers.IntegerField(allow_null=True)


class ExplainedField(Serializer):
    """A custom field. text: its value in short. mapped: what `rule` made of it.

    first: name of the field that comes before it for the same target, else empty.
    """

    source_id = serializers.CharField()
    name = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    rule = serializers.IntegerField(allow_null=True)
    mapped = serializers.JSONField(allow_null=True)
    first = serializers.CharField(allow_blank=True)


class OriginShown(Serializer):
    """Where in the raw record the value of a column stands."""

    column = serializers.CharField()
    paths = serializers.ListField(child=serializers.CharField())


class RecordShown(Serializer):
    """The raw record. is_kept: whether its page still is; the paths are empty otherwise."""

    raw_page = serializers.IntegerField()
    position = serializers.IntegerField()
    is_kept = serializers.BooleanField()
    origins = OriginShown(many=True)


class ExplanationShown(Serializer):
    """Where each value of a work item comes from.

    is_in_line: false while a rule that changes its metrics comes into effect: no reasons then.
    notes: policies that matter to its history as such.
    """

    key = serializers.CharField()
    is_in_line = serializers.BooleanField()
    is_cut = serializers.BooleanField(help_text="Whether there are more changes than are read.")
    record = RecordShown()
    type = ExplainedType()
    statuses = ExplainedStatus(many=True)
    metrics = ExplainedMetric(many=True)
    notes = PolicyShown(many=True)
    custom_fields = ExplainedField(many=True)


def visits(story: Story) -> list[dict[str, Any]]:
    """Return the visits of a story as `VisitShown` takes them."""
    return [
        {
            "number": visit.number,
            "status_source_id": visit.status.source_id if visit.status else None,
            "name": visit.name,
            "status": rule.target if rule else None,
            "category": category_of(rule),
            "step": rule.step.name if rule and rule.step else None,
            "entered_at": visit.entered_at,
            "left_at": visit.left_at,
            "lasted_seconds": visit.lasted.total_seconds(),
            "marks": visit.marks,
            "counted": visit.counted,
            "counted_seconds": visit.counted_time.total_seconds(),
            "author_source_id": visit.change.author_source_id if visit.change else None,
        }
        for visit in story.visits
        for rule in [visit.status.rule if visit.status else None]
    ]


def explained(item: WorkItem) -> dict[str, Any]:
    """Return what `ExplanationShown` shows. Its queries do not grow with the history."""
    explanation = Explanation(item, ())
    story = explanation.story
    rule = story.type.rule
    return {
        "key": item.key,
        "is_in_line": story.is_in_line,
        "is_cut": story.is_cut,
        "record": _record(item),
        "type": {
            "source_value": item.source_type,
            "value": rule.target if rule else None,
            "rule": rule.pk if rule else None,
            "candidates": _candidates(story.type.ranked),
        },
        "statuses": [_status(item, status) for status in story.statuses.values()],
        "metrics": list(_metrics(story)),
        "notes": _policies(("current_type", *story.notes)),
        "custom_fields": [
            {
                "source_id": field.source_id,
                "name": field.name,
                "text": field.text,
                "rule": field.rule.pk if field.rule else None,
                "mapped": field.mapped,
                "first": field.first,
            }
            for field in explanation.custom_fields()
        ],
    }


def _record(item: WorkItem) -> dict[str, Any]:
    is_kept = RawPage.objects.filter(pk=item.raw_page_id).exists()
    places = origins(item.integration, "work_items", columns_of(item)) if is_kept else {}
    return {
        "raw_page": item.raw_page_id,
        "position": item.raw_position,
        "is_kept": is_kept,
        "origins": [{"column": name, "paths": paths} for name, paths in places.items()],
    }


def _status(item: WorkItem, status: KnownStatus) -> dict[str, Any]:
    rule = status.rule
    step = rule.step if rule else None
    return {
        "source_id": status.source_id,
        "is_current": status.source_id == item.status_source_id,
        "source_value": status.name,
        "value": rule.target if rule else None,
        "rule": rule.pk if rule else None,
        "candidates": _candidates(status.ranked),
        "category": category_of(rule),
        "workflow": step.workflow.name if step else None,
        "step": step.name if step else None,
    }


def _candidates(ranked: Iterable[Any]) -> list[dict[str, Any]]:
    return [
        {"rule": each.rule.pk, "target": each.rule.target, "reason": each.reason} for each in ranked
    ]


def _metrics(story: Story) -> Iterator[dict[str, Any]]:
    told, item = story.explained, story.item
    points: dict[str, Point] = {
        "committed_at": told.committed,
        "started_at": told.started,
        "done_at": told.done,
    }
    spans: dict[str, Span] = {
        "lead_time_seconds": told.lead,
        "cycle_time_seconds": told.cycle,
        "active_seconds": told.active,
        "waiting_seconds": told.waiting,
    }
    is_told = story.is_in_line
    for name, metric in (points | spans).items():
        value = getattr(item, name)
        is_point = isinstance(metric, Point)
        yield {
            "name": name,
            "at": value if is_point else None,
            "seconds": None if is_point else value,
            "reason": metric.reason if is_told else "",
            "policies": _policies(metric.policies) if is_told else [],
            "visit": metric.entry if isinstance(metric, Point) and is_told else None,
        }


def _policies(names: Sequence[str]) -> list[dict[str, str]]:
    return [{"name": name, "meaning": POLICIES[name]} for name in names]


EXPLANATION: Final[dict[str, Any]] = {
    "key": "ACME-12",
    "is_in_line": True,
    "is_cut": False,
    "record": {
        "raw_page": 31,
        "position": 4,
        "is_kept": True,
        "origins": [{"column": "title", "paths": ["/fields/summary"]}],
    },
    "type": {
        "source_value": "Story",
        "value": "Story",
        "rule": 3,
        "candidates": [{"rule": 3, "target": "Story", "reason": "It names the type."}],
    },
    "statuses": [
        {
            "source_id": "10002",
            "is_current": True,
            "source_value": "Fertig",
            "value": "Done",
            "rule": 8,
            "candidates": [{"rule": 8, "target": "Done", "reason": "It names the status."}],
            "category": "done",
            "workflow": "Default",
            "step": "Done",
        }
    ],
    "metrics": [
        {
            "name": "done_at",
            "at": "2026-02-03T15:02:00Z",
            "seconds": None,
            "reason": "It has been done since it entered Fertig.",
            "policies": [{"name": "last_done", "meaning": POLICIES["last_done"]}],
            "visit": 3,
        }
    ],
    "notes": [{"name": "current_type", "meaning": POLICIES["current_type"]}],
    "custom_fields": [],
}
