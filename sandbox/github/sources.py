"""Where the entities come from before anything is changed: a generated world or a recording."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from sandbox.generate.draws import Draws
from sandbox.generate.world import World
from sandbox.github.records import CLOSED, MERGED, OPEN, Entity, Head, PullRecord, Size, seconds
from sandbox.github.runs import runs_of
from sandbox.replay import Recording


class Source(Protocol):
    """Gives repositories, and their pull requests by key."""

    def repositories(self) -> Iterable[Entity]:
        """Return all repositories as their own listing has them."""

    def heads(self, repository_id: int) -> Iterable[Head]:
        """Return what the pull requests of a repository are ordered by."""

    def record(self, repository_id: int, key: int) -> PullRecord:
        """Return a new copy of a pull request with what belongs to it."""

    def deployments(self, repository_id: int) -> list[Entity]:
        """Return deployments that belong to no pull request here."""

    def runs(self, repository_id: int) -> list[Entity]:
        """Return workflow runs that belong to no pull request here."""


class WorldSource:
    """A generated world: every entity is computed when it is asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._plans = world.github.plans
        self._places = {each.id: each.index for each in self._plans.repositories}

    def repositories(self) -> Iterator[Entity]:
        """Return all repositories."""
        return self._world.github.repositories()

    def heads(self, repository_id: int) -> Iterator[Head]:
        """Return what the pull requests of a repository are ordered by."""
        repositories = len(self._plans.repositories)
        for index in range(self._places[repository_id], self._plans.count, repositories):
            plan = self._plans.plan(index)
            state = OPEN if plan.closed is None else MERGED if plan.merged else CLOSED
            opened, updated = plan.opened // 1000, plan.updated // 1000
            yield Head(plan.number, 500_000_000 + index, opened, updated, state, index)

    def record(self, repository_id: int, key: int) -> PullRecord:
        """Return a new copy of a pull request with what belongs to it."""
        made = self._world.github.pull_set(key)
        record = PullRecord(
            repository_id,
            made.pull,
            made.commits,
            made.reviews,
            made.review_comments,
            made.issue_comments,
            made.deployments,
            size=drawn_size(self._world.seed, made.pull["head"]["sha"]),
        )
        record.runs = runs_of(self._world.seed, record)
        return record

    def deployments(self, repository_id: int) -> list[Entity]:
        """Return none: here all belong to a pull request."""
        return []

    def runs(self, repository_id: int) -> list[Entity]:
        """Return none: here all belong to a pull request."""
        return []


def drawn_size(seed: int, sha: str) -> Size:
    """Return how much the changes up to a commit are."""
    draws = Draws(seed, "size", sha)
    files = 1 + int(draws.skewed(0, 40))
    return Size(files + int(draws.skewed(0, 900)), int(draws.skewed(0, 400)), files)


class RecordedSource:
    """Recorded entities of the REST API; of two copies of one the newer counts.

    What names a pull request or repository that the recording lacks is left out, as nobody could
    ask for it.
    """

    def __init__(self, recording: Recording) -> None:
        """Read the recording; raise ReplayError if it cannot be read."""
        self._recording = recording
        pulls = [each for each in self._read("pulls") if _names(each, "id", "number", "title")]
        self._repositories = self._find_repositories(pulls)
        self._ids = {each["full_name"].lower(): key for key, each in self._repositories.items()}
        self._records: dict[int, dict[int, PullRecord]] = {key: {} for key in self._repositories}
        for pull in pulls:
            self._add_pull(pull)
        self._add_parts()
        self._deployments = self._of_repositories("deployments")
        self._runs = self._of_repositories("workflow_runs")

    def repositories(self) -> Iterable[Entity]:
        """Return all repositories."""
        return self._repositories.values()

    def heads(self, repository_id: int) -> Iterator[Head]:
        """Return what the pull requests of a repository are ordered by."""
        for number, record in self._records[repository_id].items():
            pull = record.pull
            times = seconds(pull.get("created_at")), seconds(pull.get("updated_at"))
            yield Head(number, record.id, *times, record.state, number)

    def record(self, repository_id: int, key: int) -> PullRecord:
        """Return the pull request of a number."""
        return self._records[repository_id][key]

    def deployments(self, repository_id: int) -> list[Entity]:
        """Return the deployments of a repository."""
        return self._deployments.get(repository_id, [])

    def runs(self, repository_id: int) -> list[Entity]:
        """Return the workflow runs of a repository."""
        return self._runs.get(repository_id, [])

    def _read(self, name: str) -> list[Entity]:
        return list(self._recording.entities("github", name))

    def _find_repositories(self, pulls: list[Entity]) -> dict[int, Entity]:
        """Return the listed repositories and those that pull requests go to."""
        found: dict[int, Entity] = {}
        embedded = [repo for pull in pulls if (repo := (pull.get("base") or {}).get("repo"))]
        for entity in (*embedded, *self._read("repositories")):
            if _names(entity, "id", "full_name"):
                found[entity["id"]] = entity
        return found

    def _repository_of(self, entity: Entity) -> int | None:
        """Return the id of the repository that an entity's addresses name."""
        repo = (entity.get("base") or {}).get("repo") or entity.get("repository") or {}
        if repo.get("id") in self._repositories:
            return int(repo["id"])
        for name in ("url", "pull_request_url", "issue_url", "repository_url", "html_url"):
            parts = str(entity.get(name) or "").split("/")
            for at in range(2, len(parts) - 1):
                if repository_id := self._ids.get(f"{parts[at]}/{parts[at + 1]}".lower()):
                    return repository_id
        return next(iter(self._repositories)) if len(self._repositories) == 1 else None

    def _add_pull(self, pull: Entity) -> None:
        repository_id = self._repository_of(pull)
        if repository_id is None:
            return
        known = self._records[repository_id].get(pull["number"])
        if known is None or known.pull["updated_at"] <= pull["updated_at"]:
            self._records[repository_id][pull["number"]] = PullRecord(
                repository_id, pull, size=_recorded_size(pull)
            )

    def _add_parts(self) -> None:
        for name, list_of in _LISTS.items():
            newest: dict[tuple[int, int, Any], Entity] = {}
            for line in self._read(name):
                body = line.get("body") if "pull_number" in line else line
                if not isinstance(body, dict):
                    continue
                number = line.get("pull_number") or _number_in(body)
                key = self._repository_of(body), number, body.get("id") or body.get("sha")
                if None in key or number not in self._records[key[0] or 0]:
                    continue
                place = key[0] or 0, number or 0, key[2]
                if _at(newest.get(place)) <= _at(body):
                    newest[place] = body
            for (repository_id, number, _), body in newest.items():
                list_of(self._records[repository_id][number]).append(body)
        for records in self._records.values():
            for record in records.values():
                for name in ("reviews", "review_comments", "issue_comments"):
                    getattr(record, name).sort(key=lambda each: each["id"])

    def _of_repositories(self, name: str) -> dict[int, list[Entity]]:
        newest: dict[tuple[int, int], Entity] = {}
        for entity in self._read(name):
            repository_id = self._repository_of(entity)
            if repository_id is not None and isinstance(entity.get("id"), int):
                place = repository_id, entity["id"]
                if _at(newest.get(place)) <= _at(entity):
                    newest[place] = entity
        found: dict[int, list[Entity]] = {}
        for (repository_id, _), entity in newest.items():
            found.setdefault(repository_id, []).append(entity)
        return found


_LISTS: dict[str, Callable[[PullRecord], list[Entity]]] = {
    "pull_commits": lambda record: record.commits,
    "reviews": lambda record: record.reviews,
    "review_comments": lambda record: record.review_comments,
    "issue_comments": lambda record: record.issue_comments,
}


def _names(entity: Entity, *members: str) -> bool:
    return all(entity.get(member) is not None for member in members)


def _at(entity: Entity | None) -> str:
    return str((entity or {}).get("updated_at") or "")


def _number_in(entity: Entity) -> int | None:
    """Return the number of the pull request that the addresses of an entity name."""
    for name in ("pull_request_url", "issue_url", "html_url"):
        address = str(entity.get(name) or "").partition("#")[0].rstrip("/")
        if (last := address.rpartition("/")[2]).isdigit():
            return int(last)
    return None


def _recorded_size(pull: Entity) -> Size | None:
    values = [pull.get(name) for name in Size._fields]
    if any(not isinstance(value, int) for value in values):
        return None
    return Size(*(int(value) for value in values if value is not None))
