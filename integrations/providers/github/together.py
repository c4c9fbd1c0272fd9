"""Asks for the newest of several repositories at once; those with more go on alone.

Of many, what is new is asked first, a hundred at once: most of them have nothing.
"""

from collections.abc import Sequence

from integrations.contract import Ask, Fetched, Live, Page
from integrations.providers.github.client import Client
from integrations.providers.github.newest import TOGETHER, Kind, Part, group_ask
from integrations.providers.github.queries import MOST
from integrations.providers.github.replies import HeavyError, RepositoryNode
from integrations.providers.github.steps import Covered, Group, Probe, Walk, ask_of, digest_of


def group_asks(kind: Kind, live: Live, repos: Sequence[Covered]) -> list[Ask]:
    """Return the asks for the newest of these repositories; if they are many, whether there is
    anything new."""
    if kind.passing and len(repos) > TOGETHER:
        return [
            _probe_ask(kind, repos[start : start + MOST]) for start in range(0, len(repos), MOST)
        ]
    return _groups(kind, live, repos)


def _groups(kind: Kind, live: Live, repos: Sequence[Covered]) -> list[Ask]:
    return [
        group_ask(kind, live, list(repos[start : start + TOGETHER]))
        for start in range(0, len(repos), TOGETHER)
    ]


def _probe_ask(kind: Kind, repos: Sequence[Covered]) -> Ask:
    digest = digest_of(*(each.node for each in repos))
    return ask_of(kind.stream, "", Probe(repos=list(repos)), "probe", digest)


def probe(kind: Kind, step: Probe, live: Live) -> Fetched:
    """Ask which of many repositories have anything new; only these are read."""
    variables = {"ids": [each.node for each in step.repos], "first": 1, "after": None}
    try:
        reply = Client(live.site).graphql(kind.passing_of_many, variables)
    except HeavyError as error:
        if len(step.repos) <= TOGETHER:
            return Fetched(following=_groups(kind, live, step.repos), notes=[str(error)])
        middle = len(step.repos) // 2
        halves = (step.repos[:middle], step.repos[middle:])
        return Fetched(following=[_probe_ask(kind, half) for half in halves], notes=[str(error)])
    found = reply.many("nodes", RepositoryNode)
    fetched = Fetched(
        pages=[Page(stream=kind.stream, answer=reply.answer, is_data=False)], notes=reply.notes()
    )
    changed = []
    for repo, node in zip(step.repos, found, strict=False):
        if node is None:
            fetched.notes.append(f"repository {repo.part} is not there any more")
            continue
        connection = kind.connection(node)
        if connection is None or not _is_idle(Part(kind, live, reply, repo.part, connection)):
            changed.append(repo)
    fetched.following = _groups(kind, live, changed)
    return fetched


def _is_idle(part: Part) -> bool:
    """Tell whether nothing can be new: the newest is known, and was old enough when it was read
    that nothing from before it could still have been on its way."""
    mark = part.live.mark(part.kind.stream, part.part) or {}
    known, read = mark.get(part.kind.member), mark.get("read")
    if part.is_torn or not isinstance(known, int) or not isinstance(read, int):
        return False
    lookback = part.kind.lookback(part.live).total_seconds() * 1000
    return part.newest <= known and known + lookback <= read


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
