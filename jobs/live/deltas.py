"""What changed between two states of a topic.

A delta has `set`, the members that changed; `log`, lines of a run's log: how many fell out at the
top and those that came at the end; `runs`, the ids of all cards in their order and the cards that
changed. A member that did not change is not in it.
"""

from collections.abc import Mapping
from typing import Any, Final

_LISTS: Final = ("log", "runs")
_CLOCKS: Final = frozenset({"version", "seconds", "rate", "seconds_left"})
"""What changes by itself, and is no news."""

State = Mapping[str, Any]
Delta = dict[str, Any]


def between(old: State, new: State) -> Delta | None:
    """Return what makes `new` of `old`; None if nothing but clocks changed."""
    changed = {
        name: value
        for name, value in new.items()
        if name not in _LISTS and (name not in old or old[name] != value)
    }
    delta: Delta = {"set": changed}
    if new.get("log") != old.get("log"):
        delta["log"] = _lines(old.get("log", []), new["log"])
    if new.get("runs") != old.get("runs"):
        delta["runs"] = _cards(old.get("runs", []), new["runs"])
    return delta if len(delta) > 1 or not changed.keys() <= _CLOCKS else None


def _lines(old: list[Any], new: list[Any]) -> Delta:
    """Tell of two ends of one log: the longest end of the old one that the new one begins with."""
    for dropped in range(len(old) + 1):
        kept = len(old) - dropped
        if old[dropped:] == new[:kept]:
            break
    return {"dropped": dropped, "added": new[kept:]}


def _cards(old: list[Any], new: list[Any]) -> Delta:
    known = {card["id"]: card for card in old}
    changed = [card for card in new if known.get(card["id"]) != card]
    return {"order": [card["id"] for card in new], "changed": changed}
