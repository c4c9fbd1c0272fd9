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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mappings.models import StatusMapping, WitMapping

# Characters that are not seen: soft hyphen, zero-width spaces and joiners, direction marks,
# word joiner, byte order mark.
_UNSEEN = dict.fromkeys(
    (0x00AD, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x2060, 0x2065), 0xFEFF)
)
_SUBTASK_LEVEL = -1


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
        project = _folded(facts.project_key)
        ranked = []
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
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

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
        project = _folded(facts.project_key)
        types = {fold(name) for name in facts.type_names}
        ranked = []
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
        return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

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
    """Yield the folded names that are known, with whether it is the name as shown."""
    if name:
        yield fold(name), True
    if untranslated_name:
        yield fold(untranslated_name), False
