"""What a type or status without a rule probably is. Pure: what is known in, one suggestion out.

Every clue proposes a meaning with a confidence in percent and a reason in words. The strongest
meaning is suggested; clues that agree strengthen it, a nearly as strong one for something else
weakens it. Clues, the strongest first: what the tenant's other rules make of the same name, the
provider's starter rules, a name that is one of the tenant's own, what the source itself says of
it, and names that are alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeVar

from rapidfuzz import fuzz, process

from mappings.rules import fold

SAME_NAME: Final = 96
INACTIVE_RULE: Final = 60
STARTER_NAME: Final = 92
OWN_NAME: Final = 90
SUBTASK: Final = 80
SOURCE_SAYS: Final = 70
CERTAIN: Final = 99
"""No clue makes more of it: somebody still decides."""

_LEAST_ALIKE = 80
_ALIKE_WEIGHT = 0.85
_AGREED = 3
_DOUBTED = 15
_NEAR = 10
_SHORTEST = 4
"""Names of fewer characters are too easily alike."""
_COMPARED = 5_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What something can be to us. place_id: of a level (types) or a step (statuses), if any.

    category: of statuses, empty for types.
    """

    target: str
    place_id: int | None
    category: str = ""


@dataclass(frozen=True, slots=True)
class KnownRule:
    """A rule of the tenant by name. name: folded. where: "in jira-b, project OPS", in words."""

    name: str
    meaning: Meaning
    where: str
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class OwnName:
    """Something of the tenant's that has a name: a step, or what its rules map to."""

    name: str
    meaning: Meaning
    called: str


@dataclass(frozen=True, slots=True)
class Starter:
    """A starter rule of the provider: by a name (folded), a category (folded) or a level."""

    meaning: Meaning
    name: str = ""
    category: str = ""
    level: int | None = None


@dataclass(frozen=True)
class Knowledge:
    """All that the tenant's own rules and one provider's starter rules say, of one kind.

    provider: its label.
    """

    rules: Sequence[KnownRule] = ()
    names: Sequence[OwnName] = ()
    starters: Sequence[Starter] = ()
    provider: str = ""

    @cached_property
    def rules_by_name(self) -> dict[str, list[KnownRule]]:
        """The rules by their folded name."""
        return _grouped((rule.name, rule) for rule in self.rules)

    @cached_property
    def own_by_name(self) -> dict[str, list[OwnName]]:
        """The tenant's names, folded."""
        return _grouped((fold(own.name), own) for own in self.names)

    @cached_property
    def meanings_by_letters(self) -> dict[str, tuple[Meaning, str]]:
        """What names mean and how that is told, by their letters; at most _COMPARED of them."""
        known: dict[str, tuple[Meaning, str]] = {}
        for own in self.names:
            known.setdefault(_letters(own.name), (own.meaning, own.called))
        for starter in self.starters:
            told = f"“{starter.name}”, for which {self.provider} has a starter rule"
            known.setdefault(_letters(starter.name), (starter.meaning, told))
        for rule in self.rules:
            if len(known) > _COMPARED:
                break
            if rule.is_active:
                told = f"“{rule.name}”, which your rule {rule.where} makes {rule.meaning.target}"
                known.setdefault(_letters(rule.name), (rule.meaning, told))
        return {name: meaning for name, meaning in known.items() if len(name) >= _SHORTEST}

    @cached_property
    def compared(self) -> list[str]:
        """The letters of all names that mean something."""
        return list(self.meanings_by_letters)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type or status without a rule. names: as shown and untranslated, not folded.

    level: of a type, the source's own; -1 where it only says that it is a sub-task.
    """

    names: tuple[str, ...]
    category: str = ""
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A meaning, how sure it is in percent, and why."""

    meaning: Meaning
    confidence: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Clue:
    meaning: Meaning
    confidence: int
    reason: str


def suggest(unknown: Unknown, knowledge: Knowledge) -> Suggestion | None:
    """Return the likeliest meaning, None where nothing is known that says anything."""
    clues: dict[Meaning, list[_Clue]] = {}
    for clue in _clues(unknown, knowledge):
        clues.setdefault(clue.meaning, []).append(clue)
    if not clues:
        return None
    ranked = sorted((_together(found) for found in clues.values()), key=_strength)
    best = ranked[0]
    confidence, reason = best.confidence, best.reason
    if len(ranked) > 1 and confidence - ranked[1].confidence < _NEAR:
        confidence -= _DOUBTED
        reason += f"; but it could be {ranked[1].meaning.target}: {ranked[1].reason}"
    return Suggestion(best.meaning, confidence, reason[:1].upper() + reason[1:])


def _strength(clue: Suggestion) -> tuple[int, str]:
    return -clue.confidence, clue.meaning.target


def _together(clues: list[_Clue]) -> Suggestion:
    ordered = sorted(clues, key=lambda clue: -clue.confidence)
    confidence = min(CERTAIN, ordered[0].confidence + _AGREED * (len(ordered) - 1))
    reasons = dict.fromkeys(clue.reason for clue in ordered)
    return Suggestion(ordered[0].meaning, confidence, ", and ".join(list(reasons)[:2]))


def _clues(unknown: Unknown, knowledge: Knowledge) -> Iterator[_Clue]:
    names = [folded for name in unknown.names if (folded := fold(name))]
    yield from _same_name(names, knowledge)
    yield from _starters(unknown, names, knowledge)
    yield from _own_names(names, knowledge)
    yield from _alike(names, knowledge)


def _same_name(names: list[str], knowledge: Knowledge) -> Iterator[_Clue]:
    """What the tenant's rules for other places make of the name; the share of those that agree."""
    found = [rule for name in names for rule in knowledge.rules_by_name.get(name, ())]
    same = [rule for rule in found if rule.is_active]
    for meaning in dict.fromkeys(rule.meaning for rule in same):
        agreeing = [rule for rule in same if rule.meaning == meaning]
        share = len(agreeing) / len(same)
        others = f" and {len(agreeing) - 1} more" if len(agreeing) > 1 else ""
        told = f"your rule {agreeing[0].where}{others} makes it {meaning.target}"
        yield _Clue(meaning, round(SAME_NAME * share), told)
    for rule in found:
        if not rule.is_active:
            told = f"your inactive rule {rule.where} made it {rule.meaning.target}"
            yield _Clue(rule.meaning, INACTIVE_RULE, told)


def _starters(unknown: Unknown, names: list[str], knowledge: Knowledge) -> Iterator[_Clue]:
    category = fold(unknown.category)
    for starter in knowledge.starters:
        if starter.name and starter.name in names:
            told = f"{knowledge.provider}'s starter rule for this name"
            yield _Clue(starter.meaning, STARTER_NAME, told)
        elif starter.category and starter.category == category:
            told = f"{knowledge.provider} files it under “{unknown.category}”"
            yield _Clue(starter.meaning, SOURCE_SAYS, told)
        elif starter.level is not None and starter.level == unknown.level:
            is_subtask = unknown.level < 0
            told = "the source calls it a sub-task" if is_subtask else _level_told(unknown.level)
            yield _Clue(starter.meaning, SUBTASK if is_subtask else SOURCE_SAYS, told)


def _level_told(level: int) -> str:
    return f"the source puts it on level {level}"


def _own_names(names: list[str], knowledge: Knowledge) -> Iterator[_Clue]:
    for name in names:
        for own in knowledge.own_by_name.get(name, ()):
            yield _Clue(own.meaning, OWN_NAME, f"it is the name of {own.called}")


def _alike(names: list[str], knowledge: Knowledge) -> Iterator[_Clue]:
    """The most alike of all names that mean something; identical ones are told elsewhere."""
    same = {_letters(name) for name in names}
    for letters in sorted(same):
        if len(letters) < _SHORTEST:
            continue
        found = process.extract(
            letters,
            knowledge.compared,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=_LEAST_ALIKE,
            limit=2,
        )
        for name, score, _ in found:
            if name in same:
                continue
            meaning, told = knowledge.meanings_by_letters[name]
            yield _Clue(meaning, round(score * _ALIKE_WEIGHT), f"its name is like {told}")
            break


def _letters(name: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in fold(name)).split())


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    grouped: dict[str, list[T]] = defaultdict(list)
    for key, value in pairs:
        grouped[key].append(value)
    return dict(grouped)
