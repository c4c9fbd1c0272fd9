"""What the names of repositories mean: whose a name was at a time, and what it is called now.

A repository keeps its id and may change its name; a name that it gave up may go to another. What
is known is when which repository was seen to have a name (`repository_names`). From this alone
follows, whatever was loaded first:

- whose a name was at a time: of the repository that was seen with it last by then; of the one
  that was seen with it first, if none was seen yet;
- what a repository is called now: the name that it was seen to have last; if another one was seen
  to have that name since, `name@id`, for it must be called something else and nobody said what.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from warehouse.models import RepositoryName

_KEPT: Final = 16
"""Times that are kept of each name of each repository, beside those where a name changed hands."""


class Sighting(NamedTuple):
    """A repository was seen to have a name."""

    full_name: str
    seen_at: datetime
    repository_source_id: str


class Alias(NamedTuple):
    """A name that means a repository called otherwise now.

    It does so in what was fetched from `since` on, before `until`; None is no limit.
    """

    full_name: str
    since: datetime | None
    until: datetime | None
    current: str


class Names:
    """The names of the repositories of an integration."""

    def __init__(self, sightings: Iterable[Sighting] = ()) -> None:
        self._by_name: dict[str, list[Sighting]] = {}
        for sighting in sightings:
            self.add(sighting)

    def add(self, sighting: Sighting) -> None:
        """Take a sighting into account; of many alike only the first and the newest are kept."""
        seen = self._by_name.setdefault(sighting.full_name, [])
        place = bisect_left(seen, sighting)
        if seen[place : place + 1] == [sighting]:
            return
        seen.insert(place, sighting)
        owner = sighting.repository_source_id
        if sum(each.repository_source_id == owner for each in seen) > _KEPT:
            for place in range(1, len(seen) - 1):
                if {each.repository_source_id for each in seen[place - 1 : place + 2]} == {owner}:
                    del seen[place]
                    break

    def sightings(self) -> set[Sighting]:
        """Return what is known."""
        return {sighting for seen in self._by_name.values() for sighting in seen}

    def current(self) -> dict[str, str]:
        """Return what each repository is called now, by its source id; no two alike."""
        spans: dict[tuple[str, str], tuple[datetime, datetime, str]] = {}
        for seen in self._by_name.values():
            for full_name, seen_at, owner in seen:
                _, first, _ = spans.get((owner, full_name), (seen_at, seen_at, ""))
                spans[owner, full_name] = seen_at, first, full_name
        newest = dict(sorted(spans, key=spans.__getitem__))
        return {
            owner: full_name
            if self._by_name[full_name][-1].repository_source_id == owner
            else f"{full_name}@{owner}"
            for owner, full_name in newest.items()
        }

    def aliases(self) -> set[Alias]:
        """Return what names mean, where that is not a repository of this very name."""
        current = self.current()
        return {
            alias
            for seen in self._by_name.values()
            for alias in _meanings(seen, current)
            if alias.current != alias.full_name
        }


def _meanings(seen: list[Sighting], current: dict[str, str]) -> Iterator[Alias]:
    """Yield what a name meant, span after span, each another than the one before."""
    full_name, _, owner = seen[0]
    since, meaning = None, current[owner]
    for place, (_, seen_at, owner) in enumerate(seen):
        is_last_then = place + 1 == len(seen) or seen[place + 1].seen_at > seen_at
        if is_last_then and current[owner] != meaning:
            yield Alias(full_name, since, seen_at, meaning)
            since, meaning = seen_at, current[owner]
    yield Alias(full_name, since, None, meaning)


def known_names(tenant_id: int, integration_id: int) -> Names:
    """Return the names of an integration's repositories, in the tenant's scope."""
    rows = RepositoryName.objects.filter(tenant_id=tenant_id, integration_id=integration_id)
    return Names(
        Sighting(full_name, datetime.fromisoformat(seen_at), source_id)
        for full_name, source_id, times in rows.values_list(
            "full_name", "repository_source_id", "seen_at"
        )
        for seen_at in times
    )


def keep_names(tenant_id: int, integration_id: int, names: Names, known: set[Sighting]) -> None:
    """Store what is not among the known sightings, or no longer."""
    now = names.sightings()
    changed = {(seen.full_name, seen.repository_source_id) for seen in now ^ known}
    times: dict[tuple[str, str], list[str]] = {}
    for full_name, seen_at, source_id in sorted(now):
        if (full_name, source_id) in changed:
            times.setdefault((full_name, source_id), []).append(seen_at.isoformat())
    RepositoryName.objects.bulk_create(
        (
            RepositoryName(
                tenant_id=tenant_id,
                integration_id=integration_id,
                full_name=full_name,
                repository_source_id=source_id,
                seen_at=seen_at,
            )
            for (full_name, source_id), seen_at in times.items()
        ),
        batch_size=500,
        update_conflicts=True,
        unique_fields=("integration", "full_name", "repository_source_id"),
        update_fields=("seen_at",),
    )
