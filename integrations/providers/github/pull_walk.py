"""Walks pull requests, and whatever of them did not fit into their page."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import structs

from common.errors import LostPlaceError
from common.http import Answer
from integrations.contract import Ask, Fetched, Live, Page
from integrations.providers.github import queries
from integrations.providers.github.client import Client, request_of
from integrations.providers.github.newest import Kind, halved, smaller
from integrations.providers.github.replies import (
    Anything,
    Connection,
    CursorError,
    HeavyError,
    NestedNode,
    PullNode,
    Thread,
    unreadable,
)
from integrations.providers.github.steps import MOST_RESTARTS, Loop, Nested, ask_of

_STREAMS: Final = {
    "commits": "pull_commits",
    "reviews": "reviews",
    "comments": "issue_comments",
    "reviewThreads": "review_comments",
    "threadComments": "review_comments",
}


def nested_asks(part: str, node: PullNode, at: int) -> Iterator[Ask]:
    """Yield the asks for what of a pull request did not fit into its page."""
    connections: tuple[tuple[str, Connection[Anything] | None], ...] = (
        ("commits", node.commits),
        ("reviews", node.reviews),
        ("comments", node.comments),
    )
    for name, connection in connections:
        yield from _more(part, name, node.id, at, connection)
    yield from _more(part, "reviewThreads", node.id, at, node.review_threads)
    yield from _of_threads(part, at, node.review_threads)


def _more(
    part: str, name: str, node: str, at: int, connection: Connection[Any] | None
) -> Iterator[Ask]:
    """Yield the ask for the rest of a connection, or for all of one that failed."""
    after = None
    if connection is not None and None not in (connection.nodes or []):
        if not connection.page_info.has_next_page or not connection.page_info.end_cursor:
            return
        after = connection.page_info.end_cursor
    step = Nested(connection=name, node=node, at=at, size=queries.MOST, after=after)
    yield ask_of(_STREAMS[name], part, step, name, node, at, 0)


def _of_threads(part: str, at: int, threads: Connection[Thread] | None) -> Iterator[Ask]:
    for thread in (threads.nodes if threads else None) or ():
        if thread is not None and thread.comments is not None:
            yield from _more(part, "threadComments", thread.id, at, thread.comments)


def nested(ask: Ask, step: Nested, live: Live) -> Fetched:
    """Fetch a page of what belongs to a pull request."""
    variables = {"id": step.node, "first": step.size, "after": step.after}
    try:
        reply = Client(live.site).graphql(queries.NESTED[step.connection], variables)
    except HeavyError as error:
        return smaller(ask, step, error)
    except CursorError as error:
        return _restarted(ask, step, error)
    node = reply.one("node", NestedNode)
    if node is None:
        return Fetched(notes=[f"{ask.key}: it is not there any more", *reply.notes()])
    connection = node.connection(step.connection)
    if connection is None:
        if any(error.is_heavy for error in reply.errors):
            return smaller(ask, step, HeavyError(reply.answer, reply.errors[0].message))
        raise unreadable(reply.answer, f"an answer without {step.connection}")
    if None in (connection.nodes or []) and step.size > 1:
        kept = Page(stream=ask.stream, answer=reply.answer, is_data=False)
        return Fetched(pages=[kept], following=[halved(ask, step)], notes=reply.notes())
    fetched = Fetched(pages=[Page(stream=ask.stream, answer=reply.answer)], notes=reply.notes())
    if step.connection == "reviewThreads":
        fetched.following += _of_threads(ask.part, step.at, node.review_threads)
    if connection.page_info.has_next_page:
        fetched.following.append(_next(ask, step, connection.page_info.end_cursor, reply.answer))
    return fetched


def _restarted(ask: Ask, step: Nested, error: CursorError) -> Fetched:
    """Begin a connection anew whose cursor is refused."""
    what = f"{step.connection} of pull request {step.node}"
    if step.after is None or step.restarts >= MOST_RESTARTS:
        raise LostPlaceError(f"{what}: {error}: GitHub refuses the places that it gave itself")
    page, restarts = step.page + 1, step.restarts + 1
    anew = structs.replace(step, after=None, page=page, restarts=restarts, loop=Loop())
    return Fetched(following=[_ask(ask, anew)], notes=[f"{error}; it is read anew"])


def _ask(ask: Ask, step: Nested) -> Ask:
    return ask_of(ask.stream, ask.part, step, step.connection, step.node, step.at, step.page)


def _next(ask: Ask, step: Nested, cursor: str | None, answer: Answer) -> Ask:
    what = f"{request_of(answer)}: {step.connection} of pull request {step.node}"
    if not cursor or cursor == step.after:
        raise LostPlaceError(f"{what}: GitHub says that there are more and not where they are")
    page, loop = step.page + 1, step.loop.at(cursor, what)
    following = structs.replace(step, after=cursor, page=page, loop=loop)
    return _ask(ask, following)


PULLS: Final = Kind(
    stream="pulls",
    query=queries.PULLS,
    query_of_many=queries.PULLS_OF_MANY,
    connection=lambda repository: repository.pull_requests,
    changed_at=lambda node: node.updated_at,
    member="updated",
    lookback=lambda live: live.settings.lookback,
    most=lambda live: live.settings.page_size,
    nested=nested_asks,
    passing=queries.NEWEST,
    passing_of_many=queries.NEWEST_OF_MANY,
    moves=True,
)
