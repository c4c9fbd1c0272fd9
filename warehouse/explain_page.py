"""What the Explain part of a work item's page shows: its story, each value's origin and rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from mappings.models import CustomField, CustomFieldMapping
from warehouse.explain import KnownStatus, Story, Visit, story_of
from warehouse.explain_flow import POLICIES, Point, Span
from warehouse.explain_picture import Total, picture_of, shown_visits
from warehouse.explain_values import Lineage, Lineages
from warehouse.models import Account, Changelog, WorkItem
from warehouse.shown import duration

SHOWN_FIELDS: Final = 100
SHOWN_CHARACTERS: Final = 300


@dataclass(frozen=True)
class ShownVisit:
    """A visit as its row shows it. by: who made the change, empty if that is not known. raw: the
    place of the change, empty if that is not kept."""

    visit: Visit
    by: str
    raw: str


@dataclass(frozen=True)
class ShownMetric:
    """A metric: its stored value, and how it came about. visit: the number of what made it."""

    label: str
    at: datetime | None
    text: str
    reason: str
    policies: Sequence[tuple[str, str]]
    visit: int | None
    raw: str


@dataclass(frozen=True)
class ShownStatus:
    """A status of the history with its time, its rule and where the facts of it come from."""

    total: Total
    status: KnownStatus | None
    lineage: Lineage | None


@dataclass(frozen=True)
class ShownField:
    """A custom field. rule: what the tenant makes of it. mapped: the value that this gave; None
    where it gave none, or where `first`, another field for the same, comes before it."""

    name: str
    source_id: str
    text: str
    raw: str
    rule: CustomFieldMapping | None
    mapped: Any = None
    first: str = ""


@dataclass(frozen=True)
class ShownChange:
    """A change of the item, of any of its fields; see ShownVisit."""

    change: Changelog
    by: str
    raw: str


class Explanation:
    """The context of a page. Its queries do not grow with the item's history."""

    def __init__(self, item: WorkItem, newest: Sequence[Changelog]) -> None:
        self.item = item
        self.story: Story = story_of(item, timezone.now())
        self.picture = picture_of(self.story)
        first, self.left_out, last = shown_visits(self.story)
        self._visits = (first, last)
        self._newest = newest
        changes = [visit.change for visit in (*first, *last) if visit.change]
        statuses = [status.row for status in self.story.statuses.values()]
        self._lineages = Lineages(
            item.integration, [item, *newest, *changes, *statuses, self.story.type.row]
        )
        self.lineage = self._lineages.of(item)
        self._raw = {change.pk: self._place(change) for change in (*newest, *changes)}

    def authors(self) -> list[str | None]:
        """Return the source ids of the accounts that changed something of what is shown."""
        changes = [visit.change for part in self._visits for visit in part if visit.change]
        return [change.author_source_id for change in (*changes, *self._newest)]

    def context(self, people: Mapping[str | None, Account]) -> dict[str, Any]:
        """Return the context. people: accounts by their source id."""
        first, last = self._visits
        return {
            "story": self.story,
            "current": self.story.statuses[self.item.status_source_id],
            "picture": self.picture,
            "lineage": self.lineage,
            "visits": [self._visit(visit, people) for visit in first],
            "visits_left_out": self.left_out,
            "last_visits": [self._visit(visit, people) for visit in last],
            "metrics": self._metrics(),
            "notes": [(name, POLICIES[name]) for name in ("current_type", *self.story.notes)],
            "statuses": [self._status(total) for total in self.picture.by_status],
            "type_lineage": self._of(self.story.type.row),
            "fields": self.custom_fields(),
            "timeline": [self._change(change, people) for change in self._newest],
        }

    def _of(self, row: Any) -> Lineage | None:
        return self._lineages.of(row) if row else None

    def _place(self, change: Changelog) -> str:
        lineage = self._lineages.of(change, change.work_item_source_id)
        return lineage.urls.get("change", lineage.record)

    def _change(self, change: Changelog, people: Mapping[str | None, Account]) -> ShownChange:
        return ShownChange(change, _name(change.author_source_id, people), self._raw[change.pk])

    def _visit(self, visit: Visit, people: Mapping[str | None, Account]) -> ShownVisit:
        change = visit.change
        if change is None:
            created = self.lineage.urls.get("created_at", self.lineage.record)
            return ShownVisit(visit, _name(self.item.creator_source_id, people), created)
        return ShownVisit(visit, _name(change.author_source_id, people), self._raw[change.pk])

    def _status(self, total: Total) -> ShownStatus:
        status = total.status
        return ShownStatus(total, status, self._of(status.row) if status else None)

    def _metrics(self) -> list[ShownMetric]:
        told, item = self.story.explained, self.item
        points = (
            ("Committed", item.committed_at, told.committed),
            ("Started", item.started_at, told.started),
            ("Done", item.done_at, told.done),
        )
        spans = (
            ("Lead time", item.lead_time_seconds, told.lead),
            ("Cycle time", item.cycle_time_seconds, told.cycle),
            ("Active", item.active_seconds, told.active),
            ("Waiting", item.waiting_seconds, told.waiting),
        )
        return [self._point(*row) for row in points] + [self._span(*row) for row in spans]

    def _point(self, label: str, at: datetime | None, told: Point) -> ShownMetric:
        if not self.story.is_in_line:
            return ShownMetric(label, at, "", "", (), None, "")
        change = self.story.visits[told.entry].change if told.entry else None
        raw = self._raw.get(change.pk, "") if change else ""
        if told.entry == 0:
            raw = self.lineage.urls.get("created_at", "")
        return ShownMetric(label, at, "", told.reason, _named(told.policies), told.entry, raw)

    def _span(self, label: str, seconds: float | None, told: Span) -> ShownMetric:
        text = duration(seconds)
        if not self.story.is_in_line:
            return ShownMetric(label, None, text, "", (), None, "")
        return ShownMetric(label, None, text, told.reason, _named(told.policies), None, "")

    def custom_fields(self) -> list[ShownField]:
        """Return the custom fields that have a value, those of a rule first."""
        item = self.item
        owned = {"tenant_id": item.tenant_id, "integration_id": item.integration_id}
        names = dict(
            CustomField.objects.filter(**owned, source_id__in=item.custom_fields).values_list(
                "source_id", "name"
            )
        )
        rules = CustomFieldMapping.objects.filter(**owned, is_active=True)
        tried = list(rules.order_by("position", "id"))
        by_field = {rule.field_source_id: rule for rule in tried}
        firsts: dict[tuple[str, str], str] = {}
        for rule in tried:
            if rule.field_source_id in item.custom_fields:
                firsts.setdefault((rule.target, rule.column_name), rule.field_source_id)
        fields = []
        for source_id, value in item.custom_fields.items():
            found = by_field.get(source_id)
            first = firsts[found.target, found.column_name] if found else source_id
            fields.append(
                ShownField(
                    names.get(source_id, source_id),
                    source_id,
                    _short(value),
                    self.lineage.urls.get(f"custom_fields.{source_id}", self.lineage.record),
                    found,
                    _mapped(item, found) if found and first == source_id else None,
                    names.get(first, first) if first != source_id else "",
                )
            )
        return sorted(fields, key=lambda f: (f.rule is None, f.name.lower()))[:SHOWN_FIELDS]


def _name(source_id: str | None, people: Mapping[str | None, Account]) -> str:
    account = people.get(source_id)
    return str(account) if account else source_id or ""


def _named(policies: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, POLICIES[name]) for name in policies]


def _mapped(item: WorkItem, rule: CustomFieldMapping) -> Any:
    """Return what a rule made of a field, None if nothing; see `warehouse/mapped_fields.py`."""
    made = item.mapped_fields or {}
    return made.get("columns", {}).get(rule.column_name) or made.get(rule.target)


def _short(value: Any) -> str:
    """Return a value of a custom field on one line: its name or text where it has one."""
    if isinstance(value, dict):
        for name in ("displayName", "value", "name", "title", "key"):
            if isinstance(value.get(name), str):
                return _short(value[name])
        return _short(", ".join(f"{name}: {_short(part)}" for name, part in value.items()))
    if isinstance(value, list):
        return _short(", ".join(_short(part) for part in value[:20]))
    text = " ".join(str(value).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
