"""Entries of the inbox, and decisions about them, as they are in bodies."""

from typing import Final

from rest_framework import serializers

from integrations.models import Integration
from mappings.api.fields import Matched, Name, Reference
from mappings.api.outcome import Outcome
from mappings.inbox import Kind
from mappings.models import StepCategory, WitHierarchy, WorkflowStep
from tenants.api.fields import IntegerField, Serializer

MOST_DECISIONS: Final = 1_000
_KINDS: Final = [(kind.value, kind.value) for kind in Kind]


class SuggestionShown(Serializer):
    """What it probably is. hierarchy: the level of a type; step, category: of a status."""

    target = serializers.CharField()
    hierarchy = IntegerField(allow_null=True)
    step = IntegerField(allow_null=True)
    category = serializers.CharField(help_text="Empty of a type.")
    confidence = IntegerField(help_text="In percent.")
    reason = serializers.CharField()


class ItemNameShown(Serializer):
    """A work item."""

    work_item = IntegerField(source="work_item_id")
    key = serializers.CharField()
    title = serializers.CharField()


class InboxEntry(Serializer):
    """A name of an integration that occurs without a rule. name: empty where the source never
    described it, so that no rule can match it."""

    kind = serializers.ChoiceField(_KINDS)
    integration = IntegerField()
    name = serializers.CharField()
    untranslated_name = serializers.CharField()
    source_category = serializers.CharField()
    source_level = IntegerField(allow_null=True)
    source_ids = serializers.ListField(child=serializers.CharField())
    projects = serializers.ListField(child=serializers.CharField())
    types = serializers.ListField(child=serializers.CharField())
    item_count = IntegerField(help_text="Live work items that have it now.")
    first_seen_at = serializers.DateTimeField(allow_null=True)
    examples = ItemNameShown(many=True)
    suggestion = SuggestionShown(allow_null=True)


class InboxPage(Serializer):
    """A page of the inbox. is_cut: there is more than was looked at."""

    next = serializers.URLField(allow_null=True)
    entry_count = IntegerField()
    is_cut = serializers.BooleanField()
    results = InboxEntry(many=True)


class DecisionBody(Serializer):
    """What a name becomes. Without a target its suggestion is taken."""

    kind = serializers.ChoiceField(_KINDS)
    name = Matched(required=True)
    integration = Reference(
        lambda: Integration.objects.all(),
        allow_null=True,
        help_text="null: for every integration.",
    )
    project_key = Matched(is_folded=False, help_text="Empty: for every project.")
    target = Name(max_length=100, required=False)
    hierarchy = Reference(lambda: WitHierarchy.objects.all(), required=False, allow_null=True)
    step = Reference(lambda: WorkflowStep.objects.all(), required=False, allow_null=True)
    category = serializers.ChoiceField(StepCategory.choices, required=False)


class AcceptBody(Serializer):
    """Decisions, which become rules as one change-set."""

    entries = DecisionBody(many=True, allow_empty=False, max_length=MOST_DECISIONS)  # type: ignore[call-arg]


class AcceptAllBody(Serializer):
    """Which suggestions to take: at least so sure, in percent."""

    min_confidence = IntegerField(min_value=1, max_value=100)
    kind = serializers.ChoiceField(_KINDS, required=False)
    integration = Reference(lambda: Integration.objects.all(), required=False)


class AcceptedAll(Outcome):
    """How many suggestions were taken."""

    accepted_count = IntegerField()


_SUGGESTED: Final = {
    "target": "In review",
    "hierarchy": None,
    "step": 13,
    "category": "in_progress",
    "confidence": 92,
    "reason": "Jira has a starter rule for this name",
}
ENTRY: Final = {
    "kind": "status",
    "integration": 3,
    "name": "Code Review",
    "untranslated_name": "Code Review",
    "source_category": "indeterminate",
    "source_level": None,
    "source_ids": ["10007"],
    "projects": ["OPS"],
    "types": ["Bug"],
    "item_count": 31,
    "first_seen_at": "2026-03-02T12:00:00Z",
    "examples": [{"work_item": 815, "key": "OPS-7", "title": "Login fails"}],
    "suggestion": _SUGGESTED,
}
