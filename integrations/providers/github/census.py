"""Finds out which repositories are still there, and what became of the others.

GitHub answers 404 for what was deleted and for what the credential may not see any more, and
there is no way to tell them apart. So a repository that is gone is called deleted as long as the
credential sees another one that is loaded, and not visible if it sees none of them.
"""

from typing import Final

from integrations.contract import (
    DELETED,
    MOVED,
    NOT_VISIBLE,
    Ask,
    Difference,
    Fetched,
    Gone,
    Live,
    Mark,
    Page,
    Seen,
)
from integrations.providers.github import repositories
from integrations.providers.github.listing import STREAM, walks_of, wanted_of
from integrations.providers.github.steps import Extra, Missing, Roster, ask_of

_GONE: Final = {404: DELETED, 403: NOT_VISIBLE, 451: NOT_VISIBLE}


def census(live: Live) -> list[Ask]:
    """Return the ask that reads all lists once more, one after another."""
    return [ask_of(STREAM, "", Roster(), "census", 0)]


def roster(step: Roster, live: Live) -> Fetched:
    """Fetch a page of the census; it is complete with the last page of the last source."""
    sources = live.settings.sources
    source = sources[step.source]
    found = repositories.find(live, source, step.form, step.url)
    if found is None:
        if "/" not in source:
            raise repositories.not_found(source)
        return _after(Fetched(), step, live, [])
    wanted = wanted_of(live, source, found.entities)
    fetched = Fetched(pages=[Page(stream=STREAM, answer=found.answer, is_data=False)])
    ids = [str(entity.id) for entity in wanted]
    if not found.form:
        return _after(fetched, step, live, ids)
    fetched.seen.append(Seen(table=STREAM, part="", ids=ids, is_last=False))
    loop = step.loop.at(found.form + found.url, found.what)
    following = Roster(
        source=step.source, form=found.form, url=found.url, page=step.page + 1, loop=loop
    )
    fetched.following.append(ask_of(STREAM, "", following, "census", following.page))
    return fetched


def _after(fetched: Fetched, step: Roster, live: Live, ids: list[str]) -> Fetched:
    """Go on with the next source, or complete the census."""
    is_last = step.source + 1 == len(live.settings.sources)
    fetched.seen.append(Seen(table=STREAM, part="", ids=ids, is_last=is_last))
    if not is_last:
        following = Roster(source=step.source + 1, page=step.page + 1)
        fetched.following.append(ask_of(STREAM, "", following, "census", following.page))
    return fetched


def reconcile(difference: Difference, live: Live) -> list[Ask]:
    """Return an ask for each repository that is missing or too many."""
    if difference.table != STREAM:
        return []
    others = set(live.loaded_ids(STREAM)) - set(difference.extra)
    return [
        *(ask_of(STREAM, "", Missing(id=id_), "missing", id_) for id_ in difference.missing),
        *(
            ask_of(STREAM, "", Extra(id=id_, is_alone=not others), "extra", id_)
            for id_ in difference.extra
        ),
    ]


def missing(step: Missing, live: Live) -> Fetched:
    """Fetch a repository that is there and not loaded, and begin its walks."""
    answer, entity = repositories.by_id(live, step.id, 404, 403, 451)
    if entity is None:
        return Fetched(notes=[f"repository {step.id} has gone again ({answer.status})"])
    return Fetched(
        pages=[Page(stream=STREAM, answer=answer)], following=walks_of(live, [entity.repo])
    )


def look_into(step: Extra, live: Live) -> Fetched:
    """Find out what became of a repository that is loaded and was not listed."""
    answer, entity = repositories.by_id(live, step.id, *_GONE)
    if entity is None:
        reason = _GONE[answer.status]
        if reason == DELETED and step.is_alone:
            reason = NOT_VISIBLE
        return _gone(step.id, reason, f"repository {step.id} is gone ({answer.status})")
    if live.settings.takes(entity.full_name):
        return Fetched(notes=[f"repository {entity.full_name} is there although not listed"])
    return _gone(step.id, MOVED, f"repository {step.id} is {entity.full_name} now")


def _gone(source_id: str, reason: str, note: str) -> Fetched:
    """Bury a repository with its pull requests; should it come back, it is walked as a new one."""
    return Fetched(
        gone=[
            Gone(table=STREAM, reason=reason, ids=[source_id]),
            Gone(table="pull_requests", reason=reason, part=source_id),
        ],
        marks=[
            Mark(stream=stream, part=source_id, value={})
            for stream in ("pulls", "deployments", "workflow_runs")
        ],
        notes=[note],
    )
