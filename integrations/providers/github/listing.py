"""Reads the list of repositories and begins the walks of each."""

from collections.abc import Sequence
from typing import Final

from integrations.contract import Ask, Fetched, Live, Mark, Page
from integrations.providers.github import repositories
from integrations.providers.github.deployment_walk import DEPLOYMENTS
from integrations.providers.github.newest import Kind, walk_ask
from integrations.providers.github.pull_walk import PULLS
from integrations.providers.github.repositories import Entity, Found
from integrations.providers.github.run_walk import runs_ask
from integrations.providers.github.steps import Covered, Listing, Repo, ask_of
from integrations.providers.github.together import group_asks

STREAM: Final = "repositories"
BEGUN_AT_ONCE: Final = 100
"""How many repositories wait for each other at most."""


def begin(live: Live) -> list[Ask]:
    """Return an ask for each source of repositories."""
    return [
        ask_of(STREAM, "", Listing(source=source), source, "list", 0)
        for source in live.settings.sources
    ]


def listing(step: Listing, live: Live) -> Fetched:
    """Fetch a page of repositories; their walks begin when there are enough, or at the end."""
    found = repositories.find(live, step.source, step.form, step.url)
    if found is None:
        if live.mark(STREAM, step.source.lower()) is None:
            raise repositories.not_found(step.source)
        return Fetched(notes=[f"repository {step.source} is not there any more"])
    wanted = wanted_of(live, step.source, found.entities)
    fetched = Fetched(pages=pages_of(live, found, wanted))
    if "/" in step.source and wanted:
        value = {"id": wanted[0].id}
        fetched.marks.append(Mark(stream=STREAM, part=step.source.lower(), value=value))
    # A person's repositories may stand in both of their lists.
    known = {repo.id: repo for repo in (*step.waiting, *(entity.repo for entity in wanted))}
    waiting = list(known.values())
    count = step.found + len(wanted)
    if not found.form:
        if not count and not live.loaded_ids(STREAM):
            raise repositories.nothing_found(step.source, found.answer)
        fetched.following = walks_of(live, waiting)
        return fetched
    if len(waiting) >= BEGUN_AT_ONCE:
        fetched.following, waiting = walks_of(live, waiting), []
    following = Listing(
        source=step.source,
        form=found.form,
        url=found.url,
        page=step.page + 1,
        loop=step.loop.at(found.form + found.url, found.what),
        found=count,
        waiting=waiting,
    )
    fetched.following.append(ask_of(STREAM, "", following, step.source, "list", following.page))
    return fetched


def wanted_of(live: Live, source: str, entities: Sequence[Entity]) -> list[Entity]:
    """Return those of a list that the settings ask for, and that are the source's."""
    owner = f"{source.lower()}/" if source and "/" not in source else ""
    return [
        entity
        for entity in entities
        if "/" in source
        or (live.settings.takes(entity.full_name) and entity.full_name.lower().startswith(owner))
    ]


def pages_of(live: Live, found: Found, wanted: list[Entity]) -> list[Page]:
    """Return the page that was read; if others are on it, a page of the wanted ones besides."""
    is_data = len(wanted) == len(found.entities)
    pages = [Page(stream=STREAM, answer=found.answer, is_data=is_data)]
    if wanted and not is_data:
        pages.append(Page(stream=STREAM, answer=repositories.only(live, wanted)))
    return pages


def walks_of(live: Live, repos: Sequence[Repo]) -> list[Ask]:
    """Return the asks that begin the walks of repositories; those that go on are left alone."""
    asks = _newest(PULLS, live, repos)
    if live.settings.deployments:
        asks += _newest(DEPLOYMENTS, live, repos)
    if live.settings.workflow_runs:
        asks += [
            runs_ask(live, repo)
            for repo in repos
            if not live.is_resumed("workflow_runs", repo.part)
        ]
    return asks


def _newest(kind: Kind, live: Live, repos: Sequence[Repo]) -> list[Ask]:
    asks: list[Ask] = []
    covered: list[Covered] = []
    for repo in repos:
        if live.is_resumed(kind.stream, repo.part):
            continue
        floor = kind.floor(live, repo.part)
        if floor is None or live.mode != "incremental":
            asks.append(walk_ask(kind, live, repo.part, repo.node))
        else:
            covered.append(Covered(repo.part, repo.node, floor))
    return asks + group_asks(kind, live, covered)
