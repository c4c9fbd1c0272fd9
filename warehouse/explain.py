"""The story of a work item: every visit to a status, what the rules say of it, and its metrics."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from django.db.models import Q

from mappings.models import (
    Status,
    StatusMapping,
    StatusResolution,
    Wit,
    WitMapping,
    WorkflowStep,
)
from mappings.rules import Ranked, StatusFacts, StatusRules, TypeFacts, TypeRules, fold
from warehouse.explain_flow import Entry, Explained, Meaning, explain, placed
from warehouse.flow import METRICS
from warehouse.models import Changelog, Project, WorkItem

MOST_CHANGES: Final = 5_000
"""Status changes that are read; an item with more is told from the first of them on."""


@dataclass(frozen=True)
class KnownStatus:
    """A status of the history, and what the rules say of it.

    rule: the one that it falls under, None if it is unmapped. ranked: all that match, the winner
    first. row: what the source says of it, None if it is only named by histories.
    """

    source_id: str
    name: str
    row: Status | None
    rule: StatusMapping | None
    ranked: Sequence[Ranked[StatusMapping]]
    facts: StatusFacts
    meaning: Meaning | None

    @property
    def category(self) -> str:
        """The category, empty where no rule maps the status."""
        return self.meaning.category if self.meaning else ""


@dataclass(frozen=True)
class Visit:
    """The item's stay in a status. change: what brought it there, None for its creation.

    left_at: None if it is there still. name: as it was then. marks: what began with it.
    counted: what its time adds to, and how much of it.
    """

    number: int
    name: str
    status: KnownStatus | None
    entered_at: datetime
    left_at: datetime | None
    lasted: timedelta
    change: Changelog | None
    marks: tuple[str, ...] = ()
    counted: str = ""
    counted_time: timedelta = timedelta()

    @property
    def category(self) -> str:
        return self.status.category if self.status else ""


@dataclass(frozen=True)
class KnownType:
    """The type of the item, and what the rules say of it; see KnownStatus."""

    row: Wit | None
    rule: WitMapping | None
    ranked: Sequence[Ranked[WitMapping]]
    facts: TypeFacts


@dataclass(frozen=True)
class Story:
    """All of it. until: up to when a visit that goes on is counted. is_cut: there are more changes
    than are read."""

    item: WorkItem
    type: KnownType
    visits: Sequence[Visit]
    statuses: Mapping[str, KnownStatus]
    explained: Explained
    until: datetime
    is_cut: bool

    @cached_property
    def is_in_line(self) -> bool:
        """Whether the stored metrics are those explained; not so while a rule comes into effect."""
        return self.explained.metrics == tuple(getattr(self.item, name) for name in METRICS)

    @cached_property
    def notes(self) -> list[str]:
        """Names of the policies that matter to the history as such."""
        names = []
        changes = [visit.change for visit in self.visits if visit.change]
        if changes and changes[-1].to_value != self.item.status_source_id:
            names.append("history_decides")
        instants = [change.changed_at for change in changes]
        if len(set(instants)) < len(instants):
            names.append("same_instant")
        if changes and changes[0].changed_at < self.item.created_at:
            names.append("created_after_history")
        return names


def story_of(item: WorkItem, now: datetime) -> Story:
    """Return the story of an item. Its queries do not grow with its history."""
    changes = status_changes(item)
    is_cut = len(changes) > MOST_CHANGES
    changes = changes[:MOST_CHANGES]
    source_type = _of(Wit, item).filter(source_id=item.type_source_id).first()
    project = _of(Project, item).filter(source_id=item.project_source_id).first()
    key = project.key if project else None
    statuses = _statuses(item, changes, source_type, key)
    entries = _entries(item, changes, statuses)
    explained = explain(item.created_at, entries, item.all_changes_loaded)
    until = item.deleted_at or now
    return Story(
        item,
        _type(item, source_type, key),
        _visits(item, changes, entries, statuses, explained, until),
        statuses,
        explained,
        until,
        is_cut,
    )


def status_changes(item: WorkItem) -> list[Changelog]:
    """Return the first MOST_CHANGES + 1 status changes in the order of the policies."""
    rows = Changelog.objects.filter(
        tenant_id=item.tenant_id,
        integration_id=item.integration_id,
        work_item_source_id=item.source_id,
        is_status=True,
    ).order_by("changed_at")[: MOST_CHANGES + 1]
    return sorted(rows, key=lambda c: (c.changed_at, len(c.source_id), c.source_id, c.position))


def _statuses(
    item: WorkItem, changes: Sequence[Changelog], source_type: Wit | None, key: str | None
) -> dict[str, KnownStatus]:
    """Return the statuses that the history names, and the present one, by their source ids."""
    names = _names_of(item, changes)
    rows = {row.source_id: row for row in _of(Status, item).filter(source_id__in=names)}
    found = {
        row.status_source_id: row.mapping
        for row in _of(StatusResolution, item)
        .filter(
            project_source_id=item.project_source_id,
            type_source_id=item.type_source_id,
            status_source_id__in=names,
        )
        .select_related("mapping__step__workflow", "mapping__integration")
    }
    points = _commitment_points(found.values())
    facts = {
        source_id: _status_facts(item, rows.get(source_id), source_type, key) for source_id in names
    }
    rules = StatusRules(_status_rules(item, facts.values()))
    return {
        source_id: KnownStatus(
            source_id,
            rows[source_id].name if source_id in rows else name or source_id,
            rows.get(source_id),
            found.get(source_id),
            rules.ranked(facts[source_id]),
            facts[source_id],
            _meaning(found.get(source_id), points),
        )
        for source_id, name in names.items()
    }


def _names_of(item: WorkItem, changes: Sequence[Changelog]) -> dict[str, str]:
    """Return the statuses of the history by their source ids, with the newest of their names."""
    names: dict[str, str] = {}
    for change in changes:
        for source_id, name in (
            (change.from_value, change.from_text),
            (change.to_value, change.to_text),
        ):
            if source_id is not None:
                names[source_id] = name or names.get(source_id) or ""
    names[item.status_source_id] = item.source_status
    return names


def _commitment_points(rules: Iterable[StatusMapping | None]) -> dict[int, WorkflowStep]:
    """Return the commitment point of each workflow of the rules' steps, by the workflow's id."""
    workflows = {rule.step.workflow_id for rule in rules if rule and rule.step}
    points = WorkflowStep.objects.filter(workflow_id__in=workflows, is_commitment_point=True)
    return {step.workflow_id: step for step in points}


def _meaning(rule: StatusMapping | None, points: Mapping[int, WorkflowStep]) -> Meaning | None:
    if rule is None:
        return None
    step = rule.step
    if step is None:
        return Meaning(rule.category, *placed(rule.category, None, False, None))
    point = points.get(step.workflow_id)
    position = point.position if point else None
    told = placed(step.category, step.position, step.is_commitment_point, position)
    return Meaning(step.category, *told)


def _status_facts(
    item: WorkItem, row: Status | None, source_type: Wit | None, key: str | None
) -> StatusFacts:
    named = (source_type.name, source_type.untranslated_name) if source_type else ()
    return StatusFacts(
        integration_id=item.integration_id,
        project_key=key,
        type_names=tuple(dict.fromkeys(name for name in named if name)),
        name=row.name if row else None,
        untranslated_name=row.untranslated_name if row else None,
        category=row.category if row else None,
    )


def _status_rules(item: WorkItem, facts: Iterable[StatusFacts]) -> Iterable[StatusMapping]:
    """Return the rules that may match: not all of a tenant's, which may be many."""
    known = list(facts)
    names = {fold(name) for f in known for name in (f.name, f.untranslated_name) if name}
    categories = {fold(f.category) for f in known if f.category}
    return StatusMapping.objects.filter(
        Q(from_name__in=names) | Q(from_category__in=categories),
        tenant_id=item.tenant_id,
        is_active=True,
    ).select_related("integration", "step__workflow")


def _type(item: WorkItem, row: Wit | None, key: str | None) -> KnownType:
    facts = TypeFacts(
        integration_id=item.integration_id,
        project_key=key,
        name=row.name if row else None,
        untranslated_name=row.untranslated_name if row else None,
        level=row.level if row else None,
        is_subtask=row.is_subtask if row else None,
    )
    names = {fold(name) for name in (facts.name, facts.untranslated_name) if name}
    rules = WitMapping.objects.filter(
        Q(from_name__in=names) | Q(from_level=facts.effective_level, from_level__isnull=False),
        tenant_id=item.tenant_id,
        is_active=True,
    ).select_related("integration", "hierarchy")
    rule = item.wit_resolution.mapping if item.wit_resolution else None
    return KnownType(row, rule, TypeRules(rules).ranked(facts), facts)


def _entries(
    item: WorkItem, changes: Sequence[Changelog], statuses: Mapping[str, KnownStatus]
) -> list[Entry]:
    """Return what the item entered, beginning with its creation."""
    ids = [changes[0].from_value if changes else item.status_source_id]
    names = [changes[0].from_text if changes else item.source_status]
    instants = [item.created_at]
    for change in changes:
        ids.append(change.to_value)
        names.append(change.to_text)
        instants.append(change.changed_at)
    entries = []
    for at, source_id, name in zip(instants, ids, names, strict=True):
        status = statuses.get(source_id) if source_id is not None else None
        shown = name or (status.name if status else None) or source_id or "no status"
        entries.append(Entry(at, shown, status.meaning if status else None))
    return entries


def _visits(
    item: WorkItem,
    changes: Sequence[Changelog],
    entries: Sequence[Entry],
    statuses: Mapping[str, KnownStatus],
    explained: Explained,
    until: datetime,
) -> list[Visit]:
    points = {"Committed": explained.committed, "Started": explained.started}
    points["Done"] = explained.done
    spans = {"active": explained.active, "waiting": explained.waiting}
    counted = {n: (name, time) for name, span in spans.items() for n, time in span.parts}
    first = changes[0].from_value if changes else item.status_source_id
    visits = []
    for number, entry in enumerate(entries):
        change = changes[number - 1] if number else None
        source_id = change.to_value if change else first
        left_at = entries[number + 1].at if number + 1 < len(entries) else None
        adds, time = counted.get(number, ("", timedelta()))
        visits.append(
            Visit(
                number,
                entry.name,
                statuses.get(source_id) if source_id is not None else None,
                entry.at,
                left_at,
                max((left_at or until) - entry.at, timedelta()),
                change,
                tuple(name for name, point in points.items() if point.entry == number),
                adds,
                time,
            )
        )
    return visits


def _of(model: Any, item: WorkItem) -> Any:
    return model.objects.filter(tenant_id=item.tenant_id, integration_id=item.integration_id)
