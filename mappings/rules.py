"""Which rule a source's type or status falls under. Pure: rules and facts in, a rule out.

All rules that match are compared by one total order, and the first of it wins:

1. a rule by name comes before a rule by source level or source category;
2. then one that names the integration before one for all integrations;
3. then one that names the project before one for all projects;
4. then (statuses) one that names the type before one for all types;
5. then one that matches the name as shown before one that matches the untranslated name;
6. then the older rule (the smaller id).

Each point decides before all later ones: a rule for one integration beats a rule for one project
of any integration. Inactive rules, and rules that name both or neither of a name and a level or
category, match nothing. Names, keys and categories are compared folded (see `fold`).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, TypeAlias, TypeVar

from mappings.models import StatusMapping, WitMapping

LONGEST_NAME: Final = 255
"""Characters of a name that a rule can match by."""

# Characters that are not seen: soft hyphen, zero-width spaces and joiners, direction marks,
# word joiner, byte order mark.
_UNSEEN = dict.fromkeys(
    (0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF)
)
_SUBTASK_LEVEL = -1


@lru_cache(maxsize=65_536)
def fold(name: str) -> str:
    """Return the form of a name that decides whether two names are the same.

    Case, compatibility forms (full-width letters, ligatures), composition, characters that are
    not seen and runs of white space make no difference. Folding twice changes nothing.
    """
    text = name.translate(_UNSEEN)
    for _ in range(2):  # Case folding can leave what normalising must compose again.
        text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", text).translate(_UNSEEN).split())


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """A type where it occurs. level: the source's own; None, as with names, is not known."""

    integration_id: int
    project_key: str | None
    name: str | None
    untranslated_name: str | None = None
    level: int | None = None
    is_subtask: bool | None = None

    @property
    def effective_level(self) -> int | None:
        """The source's level; a source without levels still says what a sub-task is."""
        return _SUBTASK_LEVEL if self.level is None and self.is_subtask else self.level


@dataclass(frozen=True, slots=True)
class StatusFacts:
    """A status where it occurs: in which project, on items of which type."""

    integration_id: int
    project_key: str | None
    type_names: tuple[str, ...]
    name: str | None
    untranslated_name: str | None = None
    category: str | None = None


Rank: TypeAlias = tuple[int, ...]
"""One number a point of the order above, the smaller first."""
R = TypeVar("R", WitMapping, StatusMapping)

_BY_NAME: Final = ("by its name", "by the source's level or category")
_INTEGRATION: Final = ("it names the integration", "it is for all integrations")
_PROJECT: Final = ("it names the project", "it is for all projects")
_TYPE: Final = ("it names the type", "it is for all types")
_SHOWN: Final = ("it matches the name as shown", "it matches the untranslated name")
_TYPE_RANK: Final = (_BY_NAME, _INTEGRATION, _PROJECT, _SHOWN)
_STATUS_RANK: Final = (_BY_NAME, _INTEGRATION, _PROJECT, _TYPE, _SHOWN)


@dataclass(frozen=True, slots=True)
class Ranked(Generic[R]):
    """A rule that matches. reason: why it wins, or why the one before it comes first."""

    rule: R
    reason: str


def _rank(ranked: tuple[Rank, R]) -> Rank:
    return ranked[0]


def _told(found: list[tuple[Rank, R]], points: Sequence[tuple[str, str]]) -> list[Ranked[R]]:
    ordered = sorted(found, key=_rank)
    told = []
    for number, (rank, rule) in enumerate(ordered):
        if number == 0:
            following = ordered[1][0] if len(ordered) > 1 else None
            reason = "the only rule that matches"
            if following is not None:
                reason = f"wins: {_first_difference(rank, following, points)[0]}"
        else:
            own = _first_difference(ordered[0][0], rank, points)[1]
            reason = f"matches too, but {own}"
        told.append(Ranked(rule, reason))
    return told


def _first_difference(
    winner: Rank, loser: Rank, points: Sequence[tuple[str, str]]
) -> tuple[str, str]:
    """Return what the winner has, and the loser instead, at the first point that decides."""
    for own, other, (having, lacking) in zip(winner, loser, points, strict=False):
        if own != other:
            return having, lacking
    return "it is the older of two alike", "it is the younger of two alike"


class TypeRules:
    """The type rules of a tenant, folded once, to be asked many times."""

    def __init__(self, rules: Iterable[WitMapping]) -> None:
        self._by_name: dict[str, list[WitMapping]] = defaultdict(list)
        self._by_level: dict[int, list[WitMapping]] = defaultdict(list)
        for rule in rules:
            name = fold(rule.from_name)
            if not rule.is_active or bool(name) == (rule.from_level is not None):
                continue
            if name:
                self._by_name[name].append(rule)
            elif rule.from_level is not None:
                self._by_level[rule.from_level].append(rule)

    def winner(self, facts: TypeFacts) -> WitMapping | None:
        """Return the rule that the type falls under, None if no rule matches."""
        ranked = self._ranked(facts)
        return min(ranked, key=_rank)[1] if ranked else None

    def ranked(self, facts: TypeFacts) -> list[Ranked[WitMapping]]:
        """Return all rules that match the type, the winner first, each with its reason."""
        return _told(self._ranked(facts), _TYPE_RANK)

    def _ranked(self, facts: TypeFacts) -> list[tuple[Rank, WitMapping]]:
        project = _folded(facts.project_key)
        ranked: list[tuple[Rank, WitMapping]] = []
        for rule, by_name, as_shown in self._candidates(facts):
            if rule.integration_id not in (None, facts.integration_id):
                continue
            if rule.project_key and fold(rule.project_key) != project:
                continue
            rank = (
                not by_name,
                rule.integration_id is None,
                not rule.project_key,
                not as_shown,
                rule.pk,
            )
            ranked.append((rank, rule))
        return ranked

    def _candidates(self, facts: TypeFacts) -> Iterator[tuple[WitMapping, bool, bool]]:
        for name, as_shown in _names(facts.name, facts.untranslated_name):
            for rule in self._by_name.get(name, ()):
                yield rule, True, as_shown
        level = facts.effective_level
        if level is not None:
            for rule in self._by_level.get(level, ()):
                yield rule, False, True


class StatusRules:
    """The status rules of a tenant, folded once, to be asked many times."""

    def __init__(self, rules: Iterable[StatusMapping]) -> None:
        self._by_name: dict[str, list[StatusMapping]] = defaultdict(list)
        self._by_category: dict[str, list[StatusMapping]] = defaultdict(list)
        for rule in rules:
            name, category = fold(rule.from_name), fold(rule.from_category)
            if not rule.is_active or bool(name) == bool(category):
                continue
            if name:
                self._by_name[name].append(rule)
            else:
                self._by_category[category].append(rule)

    def winner(self, facts: StatusFacts) -> StatusMapping | None:
        """Return the rule that the status falls under, None if no rule matches."""
        ranked = self._ranked(facts)
        return min(ranked, key=_rank)[1] if ranked else None

    def ranked(self, facts: StatusFacts) -> list[Ranked[StatusMapping]]:
        """Return all rules that match the status, the winner first, each with its reason."""
        return _told(self._ranked(facts), _STATUS_RANK)

    def _ranked(self, facts: StatusFacts) -> list[tuple[Rank, StatusMapping]]:
        project = _folded(facts.project_key)
        types = {fold(name) for name in facts.type_names}
        ranked: list[tuple[Rank, StatusMapping]] = []
        for rule, by_name, as_shown in self._candidates(facts):
            if rule.integration_id not in (None, facts.integration_id):
                continue
            if rule.project_key and fold(rule.project_key) != project:
                continue
            if rule.type_name and fold(rule.type_name) not in types:
                continue
            rank = (
                not by_name,
                rule.integration_id is None,
                not rule.project_key,
                not rule.type_name,
                not as_shown,
                rule.pk,
            )
            ranked.append((rank, rule))
        return ranked

    def _candidates(self, facts: StatusFacts) -> Iterator[tuple[StatusMapping, bool, bool]]:
        for name, as_shown in _names(facts.name, facts.untranslated_name):
            for rule in self._by_name.get(name, ()):
                yield rule, True, as_shown
        if facts.category:
            for rule in self._by_category.get(fold(facts.category), ()):
                yield rule, False, True


def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)


def _names(name: str | None, untranslated_name: str | None) -> Iterator[tuple[str, bool]]:
    """Yield the folded names that are known, each once, with whether it is the name as shown."""
    if name:
        yield fold(name), True
    if untranslated_name and (not name or fold(untranslated_name) != fold(name)):
        yield fold(untranslated_name), False
