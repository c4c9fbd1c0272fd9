"""Recorded API responses in a directory, as entities."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.generate import moments

Entity = dict[str, Any]
_LISTS = ("values", "issues", "items", "sprints", "workflow_runs", "repositories")
_CHANGED = re.compile(
    r'"(?:created|updated|created_at|updated_at|submitted_at|merged_at|closed_at|date)"'
    r'\s*:\s*"([0-9T:.+-]{19,29}Z?)"'
)


class ReplayError(Exception):
    """A directory that holds no recording, or one that cannot be read."""


class Recording:
    """A directory with `jira/` and `github/` in it.

    A stream is `<stream>.jsonl` with an entity a line, or a folder `<stream>/` of such files and
    of `*.json` files, each an entity or a page as the API returned it.
    """

    def __init__(self, directory: Path) -> None:
        """Raise ReplayError if no recording is there."""
        self.directory = directory
        if not any(self._files(system, "*") for system in ("jira", "github")):
            raise ReplayError(f"{directory} holds neither jira/*.jsonl nor github/*.jsonl.")

    def _files(self, system: str, stream: str) -> list[Path]:
        folder = self.directory / system
        found = [*folder.glob(f"{stream}.jsonl"), *folder.glob(f"{stream}/*.jsonl")]
        return sorted([*found, *folder.glob(f"{stream}/*.json")])

    def has(self, system: str, stream: str) -> bool:
        """Tell whether a stream was recorded."""
        return bool(self._files(system, stream))

    def entities(self, system: str, stream: str) -> Iterator[Entity]:
        """Yield the entities of a stream, file by file; raise ReplayError where one is no JSON."""
        for path in self._files(system, stream):
            for value in _values(path):
                yield from _entities_of(value)

    def newest_moment(self) -> int:
        """Return the time of the newest change in all files, in milliseconds since 1970."""
        newest = 0
        for system in ("jira", "github"):
            for path in self._files(system, "*"):
                with path.open(encoding="utf-8", errors="replace") as lines:
                    for line in lines:
                        newest = max(newest, *map(_moment, _CHANGED.findall(line)), 0)
        return newest


def _values(path: Path) -> Iterator[Any]:
    number = 0
    try:
        if path.suffix == ".json":
            yield json.loads(path.read_bytes())
            return
        with path.open("rb") as lines:
            for line in lines:
                number += 1
                if line.strip():
                    yield json.loads(line)
    except (ValueError, RecursionError) as error:
        place = f"{path}, line {number}" if number else f"{path}"
        raise ReplayError(f"{place} is no JSON: {error}") from error
    except OSError as error:
        raise ReplayError(f"{path} cannot be read: {error}") from error


def _entities_of(value: Any) -> Iterator[Entity]:
    """Yield the entities of a line: itself, or the members of the list of a page."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))
    elif isinstance(value, dict):
        pages = (value[name] for name in _LISTS if isinstance(value.get(name), list))
        members = None if "id" in value else next(pages, None)
        yield from [value] if members is None else members


def _moment(text: str) -> int:
    try:
        return moments.of(datetime.fromisoformat(text))
    except ValueError:
        return 0
