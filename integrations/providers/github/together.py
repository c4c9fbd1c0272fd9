"""Asks for the newest of several repositories at once; those with more go on alone."""

from collections.abc import Sequence

from integrations.contract import Ask, Fetched, Live, Page
from integrations.providers.github.client import Client
from integrations.providers.github.newest import TOGETHER, Kind, Part, group_ask
from integrations.providers.github.replies import HeavyError, RepositoryNode
from integrations.providers.github.steps import Covered, Group, Walk, ask_of


def group_asks(kind: Kind, live: Live, repos: Sequence[Covered]) -> list[Ask]:
    """Return the asks for the newest of these repositories."""
    return [
        group_ask(kind, live, list(repos[start : start + TOGETHER]))
        for start in range(0, len(repos), TOGETHER)
    ]


def together(kind: Kind, step: Group, live: Live) -> Fetched:
    """Fetch the newest of several repositories.

    Where a page has lost some, or holds some from before the start date, none of it is loaded,
    and whichever repository has something new goes alone.
    """
    variables = {"ids": [each.node for each in step.repos], "first": step.size, "after": None}
    try:
        reply = Client(live.site).graphql(kind.query_of_many, variables)
    except HeavyError as error:
        return _in_halves(kind, step, live, error)
    found = reply.many("nodes", RepositoryNode)
    fetched = Fetched(notes=reply.notes())
    parts = []
    for repo, node in zip(step.repos, found, strict=False):
        connection = None if node is None else kind.connection(node)
        if node is None:
            fetched.notes.append(f"repository {repo.part} is not there any more")
        elif connection is None:
            fetched.following.append(_alone(kind, live, repo))
        else:
            parts.append((repo, Part(kind, live, reply, repo.part, connection)))
    is_whole = bool(parts) and not any(part.is_torn or part.is_cut for _, part in parts)
    fetched.pages.append(Page(stream=kind.stream, answer=reply.answer, is_data=is_whole))
    for repo, part in parts:
        _go_on(fetched, repo, part, step, is_whole=is_whole)
    return fetched


def _go_on(fetched: Fetched, repo: Covered, part: Part, step: Group, *, is_whole: bool) -> None:
    """Give the mark of a repository whose page reaches its floor; let another go on alone."""
    if not is_whole:
        if part.is_torn or any(at >= repo.floor for at in part.times[: part.wanted]):
            fetched.following.append(_alone(part.kind, part.live, repo))
        return
    fetched.following += part.nested(repo.floor)
    if part.reaches(repo.floor):
        fetched.marks += part.mark(part.newest)
        return
    following = Walk(
        node=repo.node,
        size=part.kind.most(part.live),
        floor=repo.floor,
        newest=part.newest,
        after=part.next_cursor(None),
        page=1,
    )
    fetched.following.append(ask_of(part.kind.stream, repo.part, following, 1))


def _alone(kind: Kind, live: Live, repo: Covered, size: int | None = None) -> Ask:
    step = Walk(node=repo.node, size=size or kind.most(live), floor=repo.floor)
    return ask_of(kind.stream, repo.part, step, 0)


def _in_halves(kind: Kind, step: Group, live: Live, error: HeavyError) -> Fetched:
    """Ask for half the repositories each; for one alone in a smaller page."""
    note = f"{len(step.repos)} repositories at once are too much: {error}"
    if len(step.repos) == 1:
        alone = _alone(kind, live, step.repos[0], max(1, step.size // 2))
        return Fetched(following=[alone], notes=[note])
    middle = len(step.repos) // 2
    halves = (step.repos[:middle], step.repos[middle:])
    return Fetched(
        following=[group_ask(kind, live, half, step.size) for half in halves], notes=[note]
    )
