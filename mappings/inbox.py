"""What occurs without a rule: types and statuses of the sources, each name once an integration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from integrations.models import Integration
from mappings.effects import effects
from mappings.models import Status, StatusResolution, Wit, WitResolution
from mappings.resolve import Pair
from mappings.rules import fold
from mappings.suggestions import Unknown

LOOKED_AT: Final = 20_000
"""So many resolutions without a rule are looked at, the oldest first; see `Inbox.is_cut`."""
BADGE: Final = 99
_IDS_AT_ONCE = 500
_COUNTED_AT_ONCE = 10_000


class Kind(StrEnum):
    """What is mapped."""

    TYPE = "type"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name occurs. type_name: of statuses; empty for types."""

    project_key: str
    type_name: str = ""


@dataclass
class Entry:
    """A name of an integration that occurs without a rule.

    name: as shown; empty where the source never described it, so that no rule can match it.
    item_count: live work items that have it now. resolution_ids: of what occurs, by the table of
    its kind; status_ids: the status resolutions whose items have it now.
    """

    kind: Kind
    integration: Integration
    name: str
    untranslated_name: str = ""
    category: str = ""
    level: int | None = None
    source_ids: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    resolution_ids: list[int] = field(default_factory=list)
    status_ids: list[int] = field(default_factory=list)
    first_seen_at: datetime | None = None
    item_count: int = 0

    @property
    def key(self) -> str:
        """What names the entry among those of the tenant."""
        name = fold(self.name) or f"id {self.source_ids[0]}"
        return f"{self.kind}:{self.integration.pk}:{name}"

    @property
    def can_be_mapped(self) -> bool:
        """Whether a rule can match it by its name."""
        return bool(fold(self.name))

    @property
    def projects(self) -> list[str]:
        """The keys of the projects in which it occurs, as far as they are known."""
        return sorted({place.project_key for place in self.places if place.project_key})

    @property
    def type_names(self) -> list[str]:
        """The types on which a status occurs."""
        return sorted({place.type_name for place in self.places if place.type_name})

    @property
    def unknown(self) -> Unknown:
        """What suggestions go by."""
        names = tuple(name for name in (self.name, self.untranslated_name) if name)
        return Unknown(names, self.category, self.level)


@dataclass(frozen=True)
class Inbox:
    """Entries, those with the most work items first. is_cut: there are more than were looked at."""

    entries: list[Entry]
    is_cut: bool


@dataclass(frozen=True)
class Unused:
    """A type or status that a source has, without a rule for its name and without work items."""

    kind: Kind
    integration: Integration
    name: str
    category: str


def count_unmapped(at_most: int = BADGE) -> int:
    """Return how many entries the inbox of the scope has; `at_most` + 1 if there may be more.

    Two small queries where everything has a rule, four otherwise.
    """
    count = 0
    for occurs, column, source in (
        (WitResolution, "type_source_id", Wit),
        (StatusResolution, "status_source_id", Status),
    ):
        rows = occurs.objects.filter(mapping=None).order_by()
        ids = set(rows.values_list("integration_id", column).distinct()[: at_most + 1])
        if len(ids) > at_most:
            return at_most + 1
        count += len(_names(source, ids))
    return min(count, at_most + 1)


def _names(model: Any, ids: set[tuple[int, str]]) -> set[tuple[int, str]]:
    """Return the folded names of types or statuses, by integration; the id of one without."""
    if not ids:
        return set()
    rows = model.objects.filter(
        integration_id__in={integration_id for integration_id, _ in ids},
        source_id__in={source_id for _, source_id in ids},
    )
    named = {
        (integration_id, source_id): fold(name)
        for integration_id, source_id, name in rows.values_list(
            "integration_id", "source_id", "name"
        )
    }
    return {(each[0], named.get(each) or f"id {each[1]}") for each in ids}


def read_inbox(tenant_id: int, integrations: Iterable[Integration], kinds: Iterable[Kind]) -> Inbox:
    """Return what occurs without a rule in these integrations. In the tenant's scope.

    As many queries for many entries as for few, up to some hundreds.
    """
    found = read_names(tenant_id, integrations, kinds)
    count_items(tenant_id, found.entries)
    return found


def read_names(tenant_id: int, integrations: Iterable[Integration], kinds: Iterable[Kind]) -> Inbox:
    """Return the same, in no order and without counts of items, which cost the most."""
    by_id = {each.pk: each for each in integrations}
    reader = _Reader(tenant_id, by_id)
    wanted = set(kinds)
    types = reader.types() if Kind.TYPE in wanted else []
    statuses = reader.statuses() if Kind.STATUS in wanted else []
    return Inbox([*types, *statuses], reader.is_cut)


def count_items(tenant_id: int, entries: list[Entry]) -> None:
    """Give entries their counts of items, and put those with the most first."""
    _count(tenant_id, entries)
    entries.sort(key=lambda each: (-each.item_count, each.kind, fold(each.name), each.key))


class _Reader:
    """Reads what occurs without a rule, and what the source says of it."""

    def __init__(self, tenant_id: int, integrations: Mapping[int, Integration]) -> None:
        self._owned: dict[str, Any] = {
            "tenant_id": tenant_id,
            "integration_id__in": list(integrations),
        }
        self._integrations = integrations
        self._keys: dict[int, Mapping[str, str]] = {}
        self._wits: dict[tuple[int, str], Wit] = {}
        self.is_cut = False

    def types(self) -> list[Entry]:
        """Return the types without a rule."""
        rows = self._without_rule(WitResolution)
        self._read_wits(row.type_source_id for row in rows)
        found: dict[str, Entry] = {}
        for row in rows:
            source = self._wits.get((row.integration_id, row.type_source_id))
            entry = self._entry(Kind.TYPE, row, row.type_source_id, source)
            entry = found.setdefault(entry.key, entry)
            entry.level = _level(source) if entry.level is None else entry.level
            _add(entry, row, self._place(row))
        self._take_statuses_of(found.values(), rows)
        return list(found.values())

    def statuses(self) -> list[Entry]:
        """Return the statuses without a rule."""
        rows = self._without_rule(StatusResolution)
        self._read_wits(row.type_source_id for row in rows)
        sources = self._sources(Status, (row.status_source_id for row in rows))
        found: dict[str, Entry] = {}
        for row in rows:
            source = sources.get((row.integration_id, row.status_source_id))
            entry = self._entry(Kind.STATUS, row, row.status_source_id, source)
            entry = found.setdefault(entry.key, entry)
            entry.category = entry.category or (source.category or "" if source else "")
            wit = self._wits.get((row.integration_id, row.type_source_id))
            _add(entry, row, self._place(row, wit.name if wit else ""))
            entry.status_ids.append(row.pk)
        return list(found.values())

    def _without_rule(self, model: Any) -> list[Any]:
        rows = list(
            model.objects.filter(mapping=None, **self._owned).order_by("pk")[: LOOKED_AT + 1]
        )
        self.is_cut = self.is_cut or len(rows) > LOOKED_AT
        return rows[:LOOKED_AT]

    def _entry(self, kind: Kind, row: Any, source_id: str, source: Any) -> Entry:
        return Entry(
            kind=kind,
            integration=self._integrations[row.integration_id],
            name=source.name if source else "",
            untranslated_name=(source.untranslated_name or "") if source else "",
            source_ids=[source_id],
        )

    def _place(self, row: Any, type_name: str = "") -> Place:
        if row.integration_id not in self._keys:
            keys = effects().project_keys(self._owned["tenant_id"], row.integration_id)
            self._keys[row.integration_id] = keys
        return Place(self._keys[row.integration_id].get(row.project_source_id, ""), type_name)

    def _read_wits(self, source_ids: Iterable[str]) -> None:
        self._wits.update(self._sources(Wit, source_ids))

    def _sources(self, model: Any, source_ids: Iterable[str]) -> dict[tuple[int, str], Any]:
        wanted = sorted(set(source_ids))
        found = {}
        for start in range(0, len(wanted), _IDS_AT_ONCE):
            rows = model.objects.filter(
                source_id__in=wanted[start : start + _IDS_AT_ONCE], **self._owned
            )
            found.update({(row.integration_id, row.source_id): row for row in rows})
        return found

    def _take_statuses_of(self, entries: Iterable[Entry], rows: list[Any]) -> None:
        """Give types the status resolutions of their (project, type): by them items are counted."""
        if not rows:
            return
        of_pair: dict[tuple[int, Pair], list[int]] = {}
        columns = ("pk", "integration_id", "project_source_id", "type_source_id")
        types = {row.type_source_id for row in rows}
        statuses = StatusResolution.objects.filter(**self._owned)
        if len(types) <= _IDS_AT_ONCE:
            statuses = statuses.filter(type_source_id__in=types)
        for pk, integration_id, project, type_ in statuses.values_list(*columns):
            of_pair.setdefault((integration_id, (project, type_)), []).append(pk)
        pairs = {
            row.pk: (row.integration_id, (row.project_source_id, row.type_source_id))
            for row in rows
        }
        for entry in entries:
            for row_id in entry.resolution_ids:
                entry.status_ids.extend(of_pair.get(pairs[row_id], ()))


def _add(entry: Entry, row: Any, place: Place) -> None:
    entry.resolution_ids.append(row.pk)
    if place not in entry.places:
        entry.places.append(place)
    if entry.first_seen_at is None or row.first_seen_at < entry.first_seen_at:
        entry.first_seen_at = row.first_seen_at


def _level(source: Wit | None) -> int | None:
    if source is None:
        return None
    return -1 if source.level is None and source.is_subtask else source.level


def _count(tenant_id: int, entries: list[Entry]) -> None:
    wanted = sorted({pk for entry in entries for pk in entry.status_ids})
    counts: dict[int, int] = {}
    for start in range(0, len(wanted), _COUNTED_AT_ONCE):
        some = wanted[start : start + _COUNTED_AT_ONCE]
        counts.update(effects().count_items(tenant_id, some))
    for entry in entries:
        entry.item_count = sum(counts.get(pk, 0) for pk in entry.status_ids)
