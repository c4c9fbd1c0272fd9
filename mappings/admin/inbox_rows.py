"""The rows of the inbox's page, and what can be chosen in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import F
from django.urls import reverse

from mappings.effects import ItemName, effects
from mappings.inbox import Entry, Inbox, Kind
from mappings.inbox_clues import Clues
from mappings.models import StatusMapping, StepCategory, WitHierarchy, WitMapping, WorkflowStep
from mappings.suggestions import Meaning, Suggestion

ROWS: Final = 25
EXAMPLES: Final = 3
CONFIDENCES: Final = (95, 90, 80, 70, 60)
_RULES: Final = 200
_PLACES: Final = 500


@dataclass(frozen=True)
class Row:
    """An entry as it is shown. number: on its page."""

    number: int
    entry: Entry
    suggestion: Suggestion | None
    examples: Sequence[ItemName]

    @property
    def place(self) -> str:
        """The suggested level, step or category, as a value of the row's select."""
        return _place(self.suggestion.meaning, self.entry.kind) if self.suggestion else ""

    @property
    def tone(self) -> str:
        """The tone of the tag with the confidence."""
        if self.suggestion is None:
            return "plain"
        return "good" if self.suggestion.confidence >= 90 else "busy"

    @property
    def form_link(self) -> str:
        """The address of the form for a rule, filled in."""
        is_type = self.entry.kind == Kind.TYPE
        query: dict[str, Any] = {
            "from_name": self.entry.name,
            "integration": self.entry.integration.pk,
        }
        if self.suggestion is not None:
            meaning = self.suggestion.meaning
            query["target"] = meaning.target
            if meaning.place_id is not None:
                query["hierarchy" if is_type else "step"] = meaning.place_id
            if meaning.category:
                query["category"] = meaning.category
        page = reverse(f"admin:mappings_{'witmapping' if is_type else 'statusmapping'}_add")
        return f"{page}?{urlencode(query)}"

    @staticmethod
    def place_of(rule: WitMapping | StatusMapping) -> str:
        """Return level, step or category of a rule, as a value of a row's select."""
        if isinstance(rule, WitMapping):
            return f"level:{rule.hierarchy_id}"
        return f"step:{rule.step_id}" if rule.step_id else f"category:{rule.category}"


def _place(meaning: Meaning, kind: Kind) -> str:
    if meaning.place_id is None:
        return f"category:{meaning.category}"
    return f"{'level' if kind == Kind.TYPE else 'step'}:{meaning.place_id}"


@dataclass(frozen=True)
class Shown:
    """A page of the inbox. sure: how many suggestions are at least as sure as each confidence."""

    rows: Sequence[Row]
    page: "Page[Any]"
    sure: Sequence[tuple[int, int]]
    entry_count: int
    item_count: int
    is_cut: bool

    @property
    def default_confidence(self) -> int:
        """The confidence that is chosen at first: the highest that some suggestion has."""
        return self.sure[0][0] if self.sure else CONFIDENCES[0]


def shown(tenant_id: int, inbox: Inbox, page_number: str, suggested: int) -> Shown:
    """Return a page of entries with suggestions and examples."""
    clues = Clues(tenant_id)
    suggestions = {each.key: clues.suggestion(each) for each in inbox.entries[:suggested]}
    page = Paginator(inbox.entries, ROWS).get_page(page_number)
    entries: list[Entry] = list(page.object_list)
    examples = effects().examples(tenant_id, [each.status_ids for each in entries], EXAMPLES)
    rows = [
        Row(number, entry, suggestions.get(entry.key), some)
        for number, (entry, some) in enumerate(zip(entries, examples, strict=True), start=1)
    ]
    found = [each.confidence for each in suggestions.values() if each is not None]
    counts = [(each, sum(one >= each for one in found)) for each in CONFIDENCES]
    return Shown(
        rows=rows,
        page=page,
        sure=[(each, count) for each, count in counts if count],
        entry_count=len(inbox.entries),
        item_count=sum(each.item_count for each in inbox.entries),
        is_cut=inbox.is_cut,
    )


class Choices:
    """What can be chosen for a type and for a status; read when they are first needed."""

    def __init__(self, tenant_id: int) -> None:
        self._owned = {"tenant_id": tenant_id}

    @cached_property
    def levels(self) -> list[tuple[str, str]]:
        """Levels: value and label."""
        rows = WitHierarchy.objects.filter(**self._owned, is_active=True).order_by("-level")
        return [(f"level:{row.pk}", f"{row.level} {row.name}") for row in rows[:_PLACES]]

    @cached_property
    def steps(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Steps by workflow: value and label."""
        rows = WorkflowStep.objects.filter(**self._owned, workflow__is_active=True)
        groups: dict[str, list[tuple[str, str]]] = {}
        for step in rows.select_related("workflow").order_by("workflow__name", *_IN_ORDER)[
            :_PLACES
        ]:
            groups.setdefault(step.workflow.name, []).append((f"step:{step.pk}", step.name))
        return list(groups.items())

    @cached_property
    def categories(self) -> list[tuple[str, str]]:
        """Categories, for statuses that are no step."""
        return [(f"category:{value}", str(label)) for value, label in StepCategory.choices]

    @cached_property
    def type_rules(self) -> list[tuple[int, str, str, str]]:
        """Rules for types, one for each meaning: id, label, target, place."""
        rows = WitMapping.objects.filter(**self._owned, is_active=True, hierarchy__is_active=True)
        return _meanings(rows.order_by("target", "pk")[:_RULES])

    @cached_property
    def status_rules(self) -> list[tuple[int, str, str, str]]:
        """Rules for statuses, one for each meaning."""
        rows = StatusMapping.objects.filter(**self._owned, is_active=True)
        rows = rows.exclude(step__workflow__is_active=False)
        return _meanings(rows.order_by("target", "pk")[:_RULES])


_IN_ORDER = (F("position").asc(nulls_last=True), "name")


def _meanings(rules: Any) -> list[tuple[int, str, str, str]]:
    found: dict[tuple[str, str], tuple[int, str, str, str]] = {}
    for rule in rules:
        place = Row.place_of(rule)
        found.setdefault((rule.target, place), (rule.pk, str(rule), rule.target, place))
    return list(found.values())
