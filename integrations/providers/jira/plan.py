"""Which walks of issues a run makes: whole ones of projects without a mark, one of what changed."""

from collections.abc import Sequence
from typing import Final

from common.digest import content_digest
from integrations.contract import Ask, Live

from . import jql
from .places import First, Split, Walk, ask_at
from .times import milliseconds

STREAM: Final = "issues"
PROJECTS_A_QUERY: Final = 50


def walks(projects: Sequence[str], fields: str, live: Live) -> list[Ask]:
    """Return the asks of the issues of projects, in the mode of the run; but for the parts that
    are gone on with where an earlier run stopped."""
    if live.mode == "backfill":
        since = milliseconds(live.since) if live.since else None
        until = milliseconds(live.until) if live.until else None
        window = Split(fields=fields, since=since, until=until)
        return [ask_at(window, STREAM, project) for project in projects]
    projects = [project for project in projects if not live.is_resumed(STREAM, project)]
    marks = {project: _mark(project, live) for project in projects}
    unmarked = [project for project in projects if marks[project] is None]
    marked = {project: mark for project, mark in marks.items() if mark is not None}
    asks = [first_of(part, fields) for part in _chunks(unmarked)]
    ordered = sorted(marked, key=lambda project: (marked[project], project))
    lookback = live.settings.lookback_minutes * jql.MINUTE_MS
    for part in _chunks(ordered):
        walk = Walk(
            projects={project: max(marked[project] - lookback, 0) for project in part},
            fields=fields,
            mark=max(marked[project] for project in part),
            is_of_changes=True,
        )
        asks.append(ask_at(walk, STREAM, _part("changes", part)))
    return [ask for ask in asks if not live.is_resumed(STREAM, ask.part)]


def first_of(projects: list[str], fields: str) -> Ask:
    """Return the ask that precedes the whole walks of projects."""
    return ask_at(First(projects, fields), STREAM, _part("first", projects))


def just_walked(projects: Sequence[str], live: Live) -> list[str]:
    """Return the projects that have been walked whole and of which no change was fetched since."""
    marks = {project: live.mark(STREAM, project) for project in projects}
    return [project for project, mark in marks.items() if mark and mark.get("is_first")]


def _mark(project: str, live: Live) -> int | None:
    mark = live.mark(STREAM, project)
    value = mark.get("updated") if mark else None
    return value if isinstance(value, int) else None


def _chunks(projects: Sequence[str]) -> list[list[str]]:
    size = PROJECTS_A_QUERY
    return [list(projects[n : n + size]) for n in range(0, len(projects), size)]


def _part(name: str, projects: Sequence[str]) -> str:
    """Return the name of a part of several projects, the same whenever they are the same."""
    return f"{name}-{content_digest(','.join(sorted(projects)).encode())[:12]}"
