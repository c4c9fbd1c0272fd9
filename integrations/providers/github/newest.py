"""Walks a connection of repositories newest first: alone to its end, or the newest of several.

The mark of a walk is the newest there was as it began, and is given only at its end: rows are
walked downwards, so whatever breaks off in the middle has covered the new and not the old.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import structs

from common.errors import LostPlaceError, PermanentError, RecordError, TransientError
from common.http import Answer
from common.times import parse_time
from integrations.contract import Ask, Fetched, Live, Mark, Page
from integrations.providers.github.client import Client, request_of
from integrations.providers.github.limits import server_time
from integrations.providers.github.replies import (
    Connection,
    CursorError,
    HeavyError,
    Reply,
    RepositoryNode,
    unreadable,
)
from integrations.providers.github.steps import (
    MOST_RESTARTS,
    Covered,
    Group,
    Loop,
    Walk,
    ask_of,
    changed,
    digest_of,
)

GROWS_AFTER_PAGES: Final = 4
"""How many pages come well before a size that was halved grows by a quarter."""
TOGETHER: Final = 10
"""The most repositories that are asked for together."""
NODES_TOGETHER: Final = 100
"""How many nodes a request for several repositories asks for in all."""
_AGAIN_SIZE: Final = 10


@dataclass(frozen=True)
class Kind:
    """What is walked.

    query, query_of_many: of one repository, of several. connection: where they are.
    changed_at: a node's own time. member: what its mark is called. nested: the asks for what did
    not fit into a node. passing, passing_of_many: the queries for
    what is only passed by. moves: rows move to the
    top when they change, so that a walk has to look there again.
    """

    stream: str
    query: str
    query_of_many: str
    connection: Callable[[RepositoryNode], Connection[Any] | None]
    changed_at: Callable[[Any], str]
    member: str
    lookback: Callable[[Live], timedelta]
    most: Callable[[Live], int]
    nested: Callable[[str, Any, int], Iterable[Ask]] = lambda part, node, at: ()
    passing: str = ""
    passing_of_many: str = ""
    moves: bool = False

    def floor(self, live: Live, part: str) -> int | None:
        """Return down to where a repository has to be walked (epoch ms), None for to its end."""
        if live.mode == "backfill":
            return None if live.since is None else milliseconds(live.since)
        value = (live.mark(self.stream, part) or {}).get(self.member)
        if not isinstance(value, int):
            return None
        return value - int(self.lookback(live).total_seconds() * 1000)


def milliseconds(moment: datetime) -> int:
    """Return an instant as epoch milliseconds."""
    return int(moment.timestamp() * 1000)


def walk_ask(kind: Kind, live: Live, part: str, node: str) -> Ask:
    """Return the ask that begins the walk of one repository."""
    is_passing = bool(kind.passing) and live.mode == "backfill" and live.until is not None
    size = 100 if is_passing else kind.most(live)
    step = Walk(node=node, size=size, floor=kind.floor(live, part), is_passing=is_passing)
    return ask_of(kind.stream, part, step, 0)


def group_ask(kind: Kind, live: Live, repos: list[Covered], most: int | None = None) -> Ask:
    """Return the ask for the newest of several repositories, so many of each at most."""
    size = max(TOGETHER, NODES_TOGETHER // len(repos))
    step = Group(repos=repos, size=min(kind.most(live) if most is None else most, size))
    return ask_of(kind.stream, "", step, "group", digest_of(*(each.node for each in repos)))


def walk(kind: Kind, ask: Ask, step: Walk, live: Live) -> Fetched:
    """Fetch a page of one repository."""
    query = kind.passing if step.is_passing else kind.query
    variables = {"id": step.node, "first": step.size, "after": step.after}
    try:
        reply = Client(live.site).graphql(query, variables)
    except HeavyError as error:
        return smaller(ask, step, error)
    except CursorError as error:
        return restarted(ask, step, error)
    repository = reply.one("node", RepositoryNode)
    if repository is None:
        return Fetched(notes=[f"repository {ask.part} is not there any more", *reply.notes()])
    connection = kind.connection(repository)
    if connection is None:
        return _without(kind, ask, step, reply)
    part = Part(kind, live, reply, ask.part, connection)
    if part.is_torn and step.size > 1:
        kept = Page(stream=kind.stream, answer=reply.answer, is_data=False)
        return Fetched(
            pages=[kept],
            following=[halved(ask, step)],
            notes=reply.notes(),
        )
    if step.is_passing:
        return _passed(part, ask, step)
    return _walked(part, ask, step)


def smaller(ask: Ask, step: Any, error: Exception) -> Fetched:
    """Ask the same in half the size; raise TransientError if it cannot be smaller."""
    if step.size <= 1:
        raise TransientError(f"GitHub cannot answer the smallest page: {error}")
    return Fetched(
        following=[halved(ask, step)], notes=[f"a page of {step.size} is too much: {error}"]
    )


def halved(ask: Ask, step: Any) -> Ask:
    """Return the same ask in half the size."""
    more = {"good": 0} if isinstance(step, Walk) else {}
    return changed(ask, step, size=max(1, step.size // 2), **more)


def _without(kind: Kind, ask: Ask, step: Walk, reply: Reply) -> Fetched:
    """Answer a page whose connection failed: a smaller one, or none if it may not be read."""
    if any(error.is_heavy for error in reply.errors):
        return smaller(ask, step, HeavyError(reply.answer, reply.errors[0].message))
    if not reply.errors:
        raise unreadable(reply.answer, f"a repository without {kind.stream}")
    raise PermanentError(
        f"{kind.stream} of repository {ask.part} cannot be read: {reply.errors[0].message[:200]}; "
        "give the credential read access to them, or switch the setting off"
    )


class Part:
    """A page of one repository's nodes, with what follows from it."""

    def __init__(
        self, kind: Kind, live: Live, reply: Reply, part: str, connection: Connection[Any]
    ) -> None:
        self.kind = kind
        self.live = live
        self.answer = reply.answer
        self.notes = reply.notes()
        self.part = part
        self.page_info = connection.page_info
        nodes = connection.nodes or []
        self.nodes = [node for node in nodes if node is not None]
        self.is_torn = len(self.nodes) < len(nodes)
        self.times = [moment_of(kind.changed_at(node), reply.answer) for node in self.nodes]
        cut = live.settings.starts_at
        self.cut = None if cut is None else milliseconds(cut)

    @property
    def wanted(self) -> int:
        """How many nodes stand before the first one that is older than the start date."""
        if self.cut is None:
            return len(self.times)
        return next((n for n, at in enumerate(self.times) if at < self.cut), len(self.times))

    @property
    def is_cut(self) -> bool:
        """Whether there are older ones than the start date."""
        return self.wanted < len(self.times)

    @property
    def newest(self) -> int:
        """The newest time, no later than now; 0 without any."""
        now = milliseconds(server_time(self.answer))
        return min(max(self.times, default=0), now)

    def reaches(self, floor: int | None) -> bool:
        """Tell whether everything from the floor on is on this page or before it."""
        is_below = floor is not None and bool(self.times) and self.times[-1] < floor
        return is_below or not self.page_info.has_next_page

    def nested(self, floor: int | None) -> list[Ask]:
        """Return the asks for what did not fit into the nodes that count."""
        return [
            ask
            for node, at in zip(self.nodes, self.times, strict=True)
            if floor is None or at >= floor
            for ask in self.kind.nested(self.part, node, at)
        ]

    def mark(self, newest: int) -> list[Mark]:
        """Return the mark of a walk that is at its end, with GitHub's time of it; a backfill has
        none."""
        if self.live.mode == "backfill":
            return []
        known = (self.live.mark(self.kind.stream, self.part) or {}).get(self.kind.member, 0)
        newest = max(newest, known if isinstance(known, int) else 0)
        value = {self.kind.member: newest, "read": milliseconds(server_time(self.answer))}
        return [Mark(stream=self.kind.stream, part=self.part, value=value)]

    def next_cursor(self, after: str | None) -> str:
        """Return where the next page begins; raise LostPlaceError if that is nowhere else."""
        cursor = self.page_info.end_cursor
        if not cursor or cursor == after:
            raise LostPlaceError(
                f"{self.what}: GitHub says that there are more and gives no place to go on from; "
                "what was read is kept; run it again later"
            )
        return cursor

    @property
    def what(self) -> str:
        """What was asked, and for what."""
        return f"{request_of(self.answer)}: {self.kind.stream} of repository {self.part}"


def _walked(part: Part, ask: Ask, step: Walk) -> Fetched:
    """Keep a page and go on, look again at the top, or give the mark."""
    if part.is_cut:
        if part.wanted:
            return Fetched(
                following=[changed(ask, step, size=part.wanted, is_last=True)], notes=part.notes
            )
        return _ended(Fetched(notes=part.notes), part, ask, step)
    fetched = Fetched(
        pages=[Page(stream=ask.stream, answer=part.answer)],
        following=part.nested(step.floor),
        notes=part.notes,
    )
    floor = step.newest + 1 if step.is_again and step.newest is not None else step.floor
    if step.is_last or part.reaches(floor):
        return _ended(fetched, part, ask, step)
    fetched.following.append(_next(part, ask, step))
    return fetched


def _next(part: Part, ask: Ask, step: Walk) -> Ask:
    """Return the ask for the page after this one; a size that was halved grows slowly."""
    cursor = part.next_cursor(step.after)
    most, good, size = part.kind.most(part.live), step.good + 1, step.size
    if step.is_again:
        size = most
    elif size < most and good >= GROWS_AFTER_PAGES:
        good, size = 0, size + max(1, size // 4)
    following = structs.replace(
        step,
        size=min(size, most),
        newest=part.newest if step.newest is None else step.newest,
        after=cursor,
        page=step.page + 1,
        good=good,
        loop=step.loop.at(cursor, part.what),
    )
    return _ask(ask, following)


def restarted(ask: Ask, step: Walk, error: CursorError) -> Fetched:
    """Begin a walk anew whose cursor is refused; raise LostPlaceError if that does not help."""
    if step.after is None or step.restarts >= MOST_RESTARTS:
        raise LostPlaceError(
            f"{ask.stream} of repository {ask.part}: {error}: GitHub refuses the places that it "
            "gave itself; what was read is kept; run it again later"
        )
    page, restarts = step.page + 1, step.restarts + 1
    anew = structs.replace(step, after=None, page=page, restarts=restarts, loop=Loop())
    return Fetched(following=[_ask(ask, anew)], notes=[f"{error}; the walk begins anew"])


def _ended(fetched: Fetched, part: Part, ask: Ask, step: Walk) -> Fetched:
    """Finish a walk: with a second look at the top, if rows may have moved there, or its mark."""
    newest = part.newest if step.newest is None else step.newest
    if part.kind.moves and step.page and not step.is_again and part.live.mode != "backfill":
        size = min(_AGAIN_SIZE, step.size)
        again = Walk(node=step.node, size=size, floor=step.floor, newest=newest, is_again=True)
        fetched.following.append(_ask(ask, again))
        return fetched
    fetched.marks = part.mark(newest)
    return fetched


def _ask(ask: Ask, step: Walk) -> Ask:
    """Return the ask of a further step of the same walk."""
    place = ("again", step.page) if step.is_again else (step.page,)
    return ask_of(ask.stream, ask.part, step, *place)


def _passed(part: Part, ask: Ask, step: Walk) -> Fetched:
    """Pass a page by that is newer than the window; read one that reaches into it."""
    until = part.live.until
    assert until is not None
    if part.times and part.times[-1] >= milliseconds(until) and part.page_info.has_next_page:
        cursor = part.next_cursor(step.after)
        loop = step.loop.at(cursor, part.what)
        values = {"after": cursor, "page": step.page + 1, "loop": loop, "is_passing": True}
    else:
        values = {"is_passing": False, "page": step.page + 1}
        values |= {"size": part.kind.most(part.live)}
    kept = Page(stream=ask.stream, answer=part.answer, is_data=False)
    following = structs.replace(step, **values)
    return Fetched(pages=[kept], following=[_ask(ask, following)])


def moment_of(text: str, answer: Answer) -> int:
    """Return a time of a node as epoch milliseconds; raise UnreadableError if it is none."""
    try:
        return milliseconds(parse_time(text, "updatedAt"))
    except RecordError as error:
        raise unreadable(answer, str(error)) from None
