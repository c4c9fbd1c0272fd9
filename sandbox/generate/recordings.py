"""Write a world to files: one JSON entity a line, laid out as recorded API responses are.

A recording is a directory with `jira/` and `github/` in it, and beside them, when asked for,
`ledger.json`: what a warehouse holds that has loaded all of it rightly.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from sandbox.generate.people import Entity
from sandbox.generate.world import World

# Which table the lines of a file become; the listed accounts and statuses of Jira are not all
# there is, as other entities name more of them.
TABLES = {
    "jira/projects": "projects",
    "jira/issue_types": "wits",
    "jira/sprints": "sprints",
    "jira/issues": "work_items",
    "github/repositories": "repositories",
    "github/pulls": "pull_requests",
    "github/pull_commits": "pull_request_commits",
    "github/reviews": "reviews",
    "github/review_comments": "comments",
    "github/issue_comments": "comments",
    "github/deployments": "deployments",
}
_PROGRESS_EVERY = 500

Progress = Callable[[str, int, int], None]


class Recording:
    """The open files of a recording that is being written, and what went into them."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack = stack
        self._directory = directory
        self._files: dict[str, IO[str]] = {}
        self.lines: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()

    def open(self, *names: str) -> None:
        """Open the files of these names, so that they exist though nothing is written."""
        for name in names:
            path = self._directory / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w", encoding="utf-8", newline="\n")
            self._files[name] = self._stack.enter_context(file)
            self.lines[name] = 0

    def add(self, name: str, entity: Entity) -> None:
        """Write an entity as a line of a file."""
        text = json.dumps(entity, ensure_ascii=False, separators=(",", ":"))
        self._files[name].write(text + "\n")
        self.lines[name] += 1

    def add_all(self, name: str, entities: Iterable[Entity]) -> None:
        """Write a file of entities."""
        self.open(name)
        for entity in entities:
            self.add(name, entity)

    def ledger(self, world: World) -> dict[str, Any]:
        """Return what was written: lines of each file, rows of each table, and facts."""
        tables: Counter[str] = Counter()
        for name, table in TABLES.items():
            tables[table] += self.lines[name]
        tables["work_item_changelogs"] = self.facts["changes"]
        return {
            "items": world.items,
            "seed": world.seed,
            "style": world.style_name,
            "shape": world.shape,
            "lines": dict(sorted(self.lines.items())),
            "tables": dict(sorted(tables.items())),
            "facts": dict(sorted(self.facts.items())),
        }


def write(
    world: World,
    directory: Path,
    *,
    ledger: bool = False,
    github: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a world into a directory and return its ledger; raise OSError.

    Memory stays flat. github: write that too, not Jira alone. progress is called with what is
    written, how many are done, and of how many.
    """
    with ExitStack() as stack:
        recording = Recording(stack, directory)
        _write_jira(world, recording, progress)
        if github:
            _write_github(world, recording, progress)
    written = recording.ledger(world)
    if ledger:
        text = json.dumps(written, indent=1) + "\n"
        (directory / "ledger.json").write_text(text, encoding="utf-8")
    return written


def _write_jira(world: World, recording: Recording, progress: Progress | None) -> None:
    site, jira = world.site, world.jira
    recording.add_all("jira/projects", site.listed_projects())
    recording.add_all("jira/issue_types", site.listed_types())
    recording.add_all("jira/statuses", site.listed_statuses())
    recording.add_all("jira/fields", site.listed_fields())
    recording.add_all("jira/sprints", site.listed_sprints())
    recording.add_all("jira/users", jira.users())
    recording.open("jira/issues")
    for done, issue in enumerate(jira.issues(), 1):
        recording.add("jira/issues", issue)
        for history in issue["changelog"]["histories"]:
            recording.facts["changes"] += len(history["items"])
            moves = sum(item["field"] == "status" for item in history["items"])
            recording.facts["status_changes"] += moves
        recording.facts["resolved_items"] += issue["fields"]["resolution"] is not None
        if progress is not None and (done % _PROGRESS_EVERY == 0 or done == world.items):
            progress("work items", done, world.items)


def _write_github(world: World, recording: Recording, progress: Progress | None) -> None:
    recording.add_all("github/repositories", world.github.repositories())
    lists = ("pulls", "pull_commits", "reviews", "review_comments", "issue_comments")
    recording.open(*(f"github/{name}" for name in (*lists, "deployments")))
    for done, each in enumerate(world.github.pulls(), 1):
        recording.add("github/pulls", each.pull)
        for name, bodies in (("pull_commits", each.commits), ("reviews", each.reviews)):
            for body in bodies:
                recording.add(f"github/{name}", {"pull_number": each.number, "body": body})
        for comment in each.review_comments:
            recording.add("github/review_comments", comment)
        for comment in each.issue_comments:
            recording.add("github/issue_comments", comment)
        for deployment in each.deployments:
            recording.add("github/deployments", deployment)
        merged = each.pull["merged_at"] is not None
        state = "merged" if merged else each.pull["state"]
        recording.facts[f"{state}_pull_requests"] += 1
        if progress is not None and (done % _PROGRESS_EVERY == 0 or done == world.pulls):
            progress("pull requests", done, world.pulls)
