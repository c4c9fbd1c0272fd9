"""Where the issues and the set-up of the site come from: a world, or a recording."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Protocol

from sandbox.generate.site import POINTS_FIELD
from sandbox.generate.world import World
from sandbox.jira import datacenter
from sandbox.jira.facts import Entity, Facts, facts_of
from sandbox.jira.setup import Setup, made_up_setup, recorded_setup
from sandbox.replay import Recording, ReplayError

Progress = Callable[[str, int, int], None]
_CHUNK = 2_000
_MANY = 20_000


class Source(Protocol):
    """The issues of a site as they are at the start, by row."""

    setup: Setup
    count: int
    estimate_field: str | None
    """The custom field that most likely holds story points."""

    def facts(self, progress: Progress | None) -> Iterator[Facts]:
        """Yield the facts of every issue, row by row."""

    def issue(self, row: int) -> Entity:
        """Return an issue with its whole changelog, newest history first; it is the caller's."""


class MadeUp:
    """The issues of a world, computed from their number whenever they are needed."""

    def __init__(self, world: World, *, is_cloud: bool) -> None:
        self._world = world
        self._is_cloud = is_cloud
        self.count = world.items
        self.setup = made_up_setup(world, is_cloud=is_cloud)
        self.estimate_field: str | None = POINTS_FIELD

    def facts(self, progress: Progress | None) -> Iterator[Facts]:
        """Yield the facts of every issue; of many, they are computed by several processes."""
        starts = range(0, self.count, _CHUNK)
        # A copy has none of what the world has computed so far, which would be sent along.
        chunk = partial(_facts_from, replace(self._world))
        if self.count < _MANY:
            yield from self._all(map(chunk, starts), progress)
            return
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            yield from self._all(pool.map(chunk, starts), progress)

    def _all(self, chunks: Iterator[list[Facts]], progress: Progress | None) -> Iterator[Facts]:
        done = 0
        for chunk in chunks:
            yield from chunk
            done += len(chunk)
            if progress is not None:
                progress("work items", done, self.count)

    def issue(self, row: int) -> Entity:
        """Return an issue."""
        issue = self._world.jira.issue(row)
        return issue if self._is_cloud else datacenter.issue(issue)


def _facts_from(world: World, start: int) -> list[Facts]:
    """Return the facts of a chunk of issues."""
    return [_made_up_facts(world, row) for row in range(start, min(start + _CHUNK, world.items))]


def _made_up_facts(world: World, row: int) -> Facts:
    life, updated, changes = world.jira.extent(row)
    return Facts(
        id=int(life.id),
        project=int(life.project.id),
        number=int(life.key.rpartition("-")[2]),
        created=life.created,
        updated=updated,
        status=int(life.status.id),
        type=int(life.kind.id),
        changes=changes,
    )


class Recorded:
    """The issues of a recording, kept in memory; of several versions of one the newest."""

    def __init__(self, recording: Recording) -> None:
        """Raise ReplayError if an issue cannot be told from others."""
        newest: dict[str, tuple[int, int, Entity]] = {}
        for number, issue in enumerate(recording.entities("jira", "issues")):
            try:
                updated = facts_of(issue).updated
                known = newest.get(issue["id"])
            except (KeyError, TypeError, ValueError) as error:
                raise ReplayError(f"Issue {number + 1} of the recording: {error!r}") from error
            if known is None or known[0] <= updated:
                newest[issue["id"]] = (updated, number, issue)
        # A changelog that was recorded cut short cannot be made whole.
        ordered = sorted(newest.values(), key=lambda each: int(each[2]["id"]))
        self._issues = [issue for _, _, issue in ordered]
        self.count = len(self._issues)
        self.setup = recorded_setup(recording, self._issues)
        self.estimate_field = self._likely_estimate()

    def facts(self, progress: Progress | None) -> Iterator[Facts]:
        """Yield the facts of every issue."""
        return map(facts_of, self._issues)

    def issue(self, row: int) -> Entity:
        """Return an issue; its parts are shared and must not be changed in place."""
        issue = self._issues[row]
        return {**issue, "fields": dict(issue["fields"])}

    def _likely_estimate(self) -> str | None:
        """Of the custom fields that hold numbers, one named like it wins, then the most used."""
        used: Counter[str] = Counter()
        for issue in self._issues:
            for name, value in issue["fields"].items():
                is_number = isinstance(value, int | float) and not isinstance(value, bool)
                if name.startswith("customfield_") and is_number:
                    used[name] += 1
        names = {field["id"]: field["name"].lower() for field in self.setup.fields}
        named = [name for name in used if "point" in names.get(name, "")]
        return max(named or used, key=lambda name: used[name], default=None)
