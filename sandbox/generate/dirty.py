"""A tiny recording of awkward entities: what a loader must survive, refuse or put right.

Written by code when a test needs it, as some of its lines are large on purpose.
"""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.generate.people import Entity
from sandbox.generate.world import World

Outcome = Literal["loads", "refused", "either"]
NESTING = 100_000
DIGITS = 5_000


@dataclass(frozen=True)
class Case:
    """One awkward line.

    file: without its ending, such as `jira/issues`. outcome: whether a row can come of it;
    `either` where a loader may refuse the line or load it without the bad value.
    source_id: of the entity, None where the line has none that could be read.
    """

    name: str
    file: str
    line: bytes
    outcome: Outcome
    source_id: str | None = None


def cases() -> Iterator[Case]:
    """Yield all awkward lines, in the order in which they are written."""
    yield from _work_items()
    yield from _pull_requests()


def write_dirty(directory: Path) -> list[Case]:
    """Write the awkward recording, with clean metadata beside it; return its lines."""
    written = list(cases())
    lines: dict[str, list[bytes]] = {}
    for name, entities in _metadata().items():
        lines[name] = [_text(entity) for entity in entities]
    for case in written:
        lines.setdefault(case.file, []).append(case.line)
    for name, content in lines.items():
        path = directory / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in content))
    return written


_WORLD = World(items=10, seed=5, lean=True)


def _metadata() -> dict[str, list[Entity]]:
    site = _WORLD.site
    return {
        "jira/projects": list(site.listed_projects()),
        "jira/issue_types": list(site.listed_types()),
        "jira/statuses": list(site.listed_statuses()),
        "jira/fields": list(site.listed_fields()),
        "github/repositories": list(_WORLD.github.repositories()),
    }


def _text(entity: object) -> bytes:
    return json.dumps(entity, ensure_ascii=True, separators=(",", ":")).encode()


class _Maker:
    """Makes cases out of copies of one good entity, each copy with an id of its own."""

    def __init__(self, file: str, good: Entity, first_id: int) -> None:
        self._file = file
        self._good = good
        self._next_id = first_id

    def entity(self) -> Entity:
        """Return a good copy under a new id."""
        entity = copy.deepcopy(self._good)
        number = self._next_id
        self._next_id += 1
        if isinstance(entity["id"], str):
            entity["id"] = str(number)
            entity["key"] = f"SHOP-{number}"
        else:
            entity["id"] = number
            entity["number"] = number
        return entity

    def change(self, name: str, outcome: Outcome, edit: Callable[[Entity], object]) -> Case:
        """Return a copy that is edited before it is written."""
        entity = self.entity()
        edit(entity)
        return Case(name, self._file, _text(entity), outcome, str(entity.get("id")))

    def splice(self, name: str, outcome: Outcome, value: bytes) -> Case:
        """Return a copy with raw bytes as the value of a custom field that nobody asked for."""
        entity = self.entity()
        entity["fields"]["customfield_10099"] = "@"
        line = _text(entity).replace(b'"@"', value)
        return Case(name, self._file, line, outcome, entity["id"])

    def raw(self, name: str, line: bytes) -> Case:
        """Return a line that is no entity at all."""
        return Case(name, self._file, line, "refused")


def _work_items() -> Iterator[Case]:
    make = _Maker("jira/issues", _WORLD.jira.issue(1), 700_000)
    yield make.change("a good item", "loads", lambda e: None)
    yield make.raw("a truncated line", _text(make.entity())[:900])
    yield make.splice("NaN", "either", b"NaN")
    yield make.splice("a number of 5,000 digits", "either", b"7" * DIGITS)
    yield make.splice("a number too large for a float", "either", b"1e999")
    yield make.splice("deep nesting", "either", b"[" * NESTING + b"]" * NESTING)
    yield from _dates(make)
    yield from _texts(make)
    yield from _shapes(make)
    yield from _versions(make)


def _dates(make: _Maker) -> Iterator[Case]:
    for name, value in (
        ("a creation on 30 February", "2026-02-30T10:00:00.000+0000"),
        ("a creation at 25 o'clock", "2026-02-03T25:00:00.000+0000"),
        ("a creation in the year 10000", "10000-01-01T00:00:00.000+0000"),
        ("a creation that is no time", "yesterday"),
    ):
        edit = _setting("fields", "created", value)
        yield make.change(name, "refused", edit)
    yield make.change("a due date on 31 June", "loads", _setting("fields", "duedate", "2026-06-31"))
    yield make.change(
        "an offset of more than a day",
        "refused",
        _setting("fields", "created", "2026-01-01T00:00:00.000+9900"),
    )


def _texts(make: _Maker) -> Iterator[Case]:
    yield make.change("a NUL in a value", "loads", _setting("fields", "summary", "be\x00fore"))
    yield make.change("a NUL in a key", "loads", _setting("fields", "customfield\x00", "value"))
    yield make.change("a lone surrogate", "either", _setting("fields", "summary", "half \ud83d"))
    yield make.change("a title of 100,000", "loads", _setting("fields", "summary", "x" * 100_000))
    good = make.entity()
    good["fields"]["summary"] = "@"
    yield make.raw("bytes that are not UTF-8", _text(good).replace(b'"@"', b'"\xff\xfe"'))
    yield make.change("an empty title", "loads", _setting("fields", "summary", ""))


def _shapes(make: _Maker) -> Iterator[Case]:
    yield make.raw("an array instead of an item", b"[1,2,3]")
    yield make.raw("null instead of an item", b"null")
    yield make.raw("a number instead of an item", b"17")
    yield make.change("an array instead of fields", "refused", _setting("fields", [1, 2]))
    yield make.change("no fields", "refused", lambda e: e.pop("fields"))
    yield make.change("no id", "refused", lambda e: e.pop("id"))
    yield make.change("no status", "refused", _setting("fields", "status", None))
    yield make.change("a number as the title", "refused", _setting("fields", "summary", 12))
    yield make.change("labels that are a text", "either", _setting("fields", "labels", "one"))
    yield make.change(
        "points that are a text", "loads", _setting("fields", "customfield_10026", "three")
    )
    yield make.change("no changelog", "loads", lambda e: e.pop("changelog"))
    yield make.raw("two items on a line", _text(make.entity()) + _text(make.entity()))


def _versions(make: _Maker) -> Iterator[Case]:
    """Yield the same item three times: the newest in the middle, which must win."""
    entity = make.entity()
    for name, summary, updated in (
        ("an older version", "older", "2026-11-01T10:00:00.000+0000"),
        ("the newest version", "newest", "2026-11-20T18:00:00.000+0800"),
        ("an older version again", "older again", "2026-11-20T09:00:00.000+0000"),
    ):
        entity["fields"] |= {"summary": summary, "updated": updated}
        yield Case(name, "jira/issues", _text(entity), "loads", entity["id"])


def _pull_requests() -> Iterator[Case]:
    make = _Maker("github/pulls", _WORLD.github.pull_set(0).pull, 800)
    yield make.change("a good pull request", "loads", lambda e: None)
    yield make.change("a ghost author", "loads", _setting("user", None))
    yield make.change("a vanished head", "loads", _setting("head", "repo", None))
    yield make.change("a body with a NUL", "loads", _setting("body", "a\x00b"))
    yield make.change("no number", "refused", lambda e: e.pop("number"))
    yield make.change("an array as the author", "either", _setting("user", []))
    yield make.raw("a pull request cut short", _text(make.entity())[:300])
    each = _WORLD.github.pull_set(0)
    commit = {"pull_number": each.number, "body": copy.deepcopy(each.commits[0])}
    sha = str(each.commits[0]["sha"])
    yield Case("a good commit", "github/pull_commits", _text(commit), "loads", sha)
    bare = {"pull_number": each.number, "body": None}
    yield Case("a commit without a body", "github/pull_commits", _text(bare), "refused")


def _setting(*path_and_value: Any) -> Callable[[Entity], None]:
    """Return an edit that sets the member at a path of names to the last argument."""
    *path, last, value = path_and_value

    def edit(entity: Entity) -> None:
        inner = entity
        for name in path:
            inner = inner[name]
        inner[last] = value

    return edit
