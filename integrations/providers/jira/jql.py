"""JQL: which items a walk asks for, with instants as milliseconds since 1970.

Text in JQL is of whole minutes in the time zone of whoever asks; a number is of no zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .places import Slice
from .settings import JiraSettings

MINUTE_MS: Final = 60_000
BY_UPDATE: Final = "ORDER BY updated ASC, key ASC"


def items_of(projects: Mapping[str, int | None], settings: JiraSettings) -> str:
    """Return the items of projects by the filter of the settings, without an order.

    projects: by their ids, since when (ms) they were updated, None for ever.
    """
    by_time: dict[int | None, list[str]] = {}
    for project, since in projects.items():
        by_time.setdefault(since, []).append(project)
    clauses = [_and(in_projects(ids), _from("updated", at)) for at, ids in by_time.items()]
    text = settings.jql.strip()
    either = clauses[0] if len(clauses) == 1 else f"({' OR '.join(f'({c})' for c in clauses)})"
    return _and(either, f"({text})" if text else "")


def items_in(place: Slice, projects: Mapping[str, int | None], settings: JiraSettings) -> str:
    """Return the items of a slice of projects, without an order."""
    low = None if place.low is None else place.low * MINUTE_MS
    high = None if place.high is None else place.high * MINUTE_MS
    return _and(
        items_of(projects, settings),
        _from("created", low),
        _before("created", high),
        _from("updated", place.since),
        _before("updated", place.until),
    )


def with_ids(ids: Iterable[str]) -> str:
    """Return the items with these ids."""
    return f"id in ({', '.join(ids)})"


def matching(ids: Iterable[str], settings: JiraSettings) -> str:
    """Return those of the items with these ids that the filter of the settings lets through."""
    text = settings.jql.strip()
    return _and(with_ids(ids), f"({text})" if text else "")


def in_projects(ids: Sequence[str]) -> str:
    """Return the items of projects, of which there is at least one."""
    return f"project = {ids[0]}" if len(ids) == 1 else f"project in ({', '.join(ids)})"


def _and(*clauses: str) -> str:
    return " AND ".join(clause for clause in clauses if clause)


def _from(field: str, ms: int | None) -> str:
    return "" if ms is None else f"{field} >= {ms}"


def _before(field: str, ms: int | None) -> str:
    return "" if ms is None else f"{field} < {ms}"
