"""Answers of the GraphQL API: data, errors, or some of both."""

from typing import Any, Final, Generic, TypeVar

import msgspec

from common import brackets
from common.errors import PermanentError, RecordError, TransientError, UnreadableError
from common.http import Answer
from integrations.providers.github.forgiving import decode_forgiving

T = TypeVar("T")

_RATE_LIMITED: Final = ("RATE_LIMITED", "RATE_LIMIT")
_NOT_FOUND: Final = "NOT_FOUND"
_FORBIDDEN: Final = ("FORBIDDEN", "INSUFFICIENT_SCOPES", "UNAUTHORIZED")
_HEAVY_TYPES: Final = (
    "RESOURCE_LIMITS_EXCEEDED",
    "MAX_NODE_LIMIT_EXCEEDED",
    "TIMEOUT",
    "INTERNAL",
)
_HEAVY_WORDS: Final = ("timeout", "timed out", "something went wrong", "resource limits")
_BAD_CURSOR: Final = "valid cursor"
_UNKNOWN_FIELD: Final = ("doesn't exist on type", "cannot query field")


class HeavyError(Exception):
    """GitHub could not answer so large a query; a smaller one may do."""

    def __init__(self, answer: Answer, detail: str = "") -> None:
        said = detail[:200] or f"status {answer.status}"
        super().__init__(f"{answer.method} {answer.url}: {said}")


class CursorError(Exception):
    """GitHub refuses the place that it gave to go on from."""


def unreadable(answer: Answer, detail: str) -> UnreadableError:
    """Return the error of an answer that is no JSON of the form it has to have."""
    request = f"{answer.method} {answer.url.partition('?')[0]}"
    told = f"{request} answered {answer.status} with what cannot be read ({detail[:200]})"
    return UnreadableError(f"{told}, {len(answer.body):,} bytes", answer)


class GraphError(msgspec.Struct, gc=False):
    """One of the errors of an answer. path: what of the data it is about."""

    message: str = ""
    type: str | None = None
    path: list[Any] | None = None

    @property
    def is_heavy(self) -> bool:
        """Whether a smaller query may do."""
        said = self.message.lower()
        return self.type in _HEAVY_TYPES or any(each in said for each in _HEAVY_WORDS)


class PageInfo(msgspec.Struct, rename="camel", gc=False):
    """Where a connection goes on."""

    has_next_page: bool = False
    end_cursor: str | None = None


class Connection(msgspec.Struct, Generic[T], rename="camel"):
    """A page of nodes; one that failed is null."""

    page_info: PageInfo = msgspec.field(default_factory=PageInfo)
    nodes: list[T | None] | None = None


class Anything(msgspec.Struct, gc=False):
    """A node of which nothing is needed here."""


class Thread(msgspec.Struct):
    """A thread of comments on a line."""

    id: str
    comments: Connection[Anything] | None = None


class PullNode(msgspec.Struct, rename="camel"):
    """A pull request; a connection that failed or was not asked for is null."""

    id: str
    updated_at: str
    commits: Connection[Anything] | None = None
    reviews: Connection[Anything] | None = None
    comments: Connection[Anything] | None = None
    review_threads: Connection[Thread] | None = None


class DeploymentNode(msgspec.Struct, rename="camel", gc=False):
    """A deployment."""

    created_at: str


class RepositoryNode(msgspec.Struct, rename="camel"):
    """A repository with the connection that was asked for."""

    id: str
    database_id: int
    name_with_owner: str
    pull_requests: Connection[PullNode] | None = None
    pull_request: PullNode | None = None
    deployments: Connection[DeploymentNode] | None = None


class NestedNode(msgspec.Struct, rename="camel"):
    """A pull request, or a thread in one, with the connection that was asked for."""

    commits: Connection[Anything] | None = None
    reviews: Connection[Anything] | None = None
    comments: Connection[Anything] | None = None
    review_threads: Connection[Thread] | None = None

    def connection(self, name: str) -> Connection[Any] | None:
        """Return the connection of a query in `queries.NESTED`."""
        match name:
            case "commits":
                return self.commits
            case "reviews":
                return self.reviews
            case "reviewThreads":
                return self.review_threads
            case _:
                return self.comments


class _Envelope(msgspec.Struct):
    data: dict[str, msgspec.Raw] | None = None
    errors: list[GraphError] | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


class Reply:
    """What a query gave. data: its members, not yet decoded."""

    def __init__(
        self, answer: Answer, data: dict[str, msgspec.Raw], errors: list[GraphError]
    ) -> None:
        self.answer = answer
        self.data = data
        self.errors = errors

    @property
    def is_rate_limited(self) -> bool:
        """Whether the hourly points are used up, which comes with status 200."""
        return any(error.type in _RATE_LIMITED for error in self.errors)

    def is_unknown_field(self, name: str) -> bool:
        """Tell whether the server does not know a field that was asked for."""
        return any(
            name in error.message and any(each in error.message.lower() for each in _UNKNOWN_FIELD)
            for error in self.errors
        )

    def check(self) -> None:
        """Raise what an answer without any data means; one that has some is taken as it is."""
        for error in self.errors:
            if error.type == "INVALID_CURSOR_ARGUMENTS" or _BAD_CURSOR in error.message:
                raise CursorError(f"POST {self.answer.url}: {error.message[:200]}")
        if any(_has_something(bytes(raw)) for raw in self.data.values()):
            return
        if not self.errors:
            raise HeavyError(self.answer, "an answer without data")
        for error in self.errors:
            if error.is_heavy:
                raise HeavyError(self.answer, error.message)
        if all(error.type == _NOT_FOUND for error in self.errors):
            return
        first = next(error for error in self.errors if error.type != _NOT_FOUND)
        said = f"POST {self.answer.url}: {first.message[:300]}"
        if first.type in _FORBIDDEN:
            raise PermanentError(
                f"{said}: the credential may not read this; a classic token needs the scope repo, "
                "a fine-grained one or an app read access to pull requests and deployments"
            )
        if first.type or any(each in first.message.lower() for each in _UNKNOWN_FIELD):
            raise PermanentError(said)
        raise TransientError(said)

    def one(self, name: str, type_: type[T]) -> T | None:
        """Return a member of the data, None where it is null; raise UnreadableError."""
        return self._decode(self.data.get(name), type_)

    def many(self, name: str, type_: type[T]) -> list[T | None]:
        """Return the elements of a member that is a list; raise UnreadableError."""
        raws = self._decode(self.data.get(name), list[msgspec.Raw]) or []
        return [self._decode(raw, type_) for raw in raws]

    def notes(self) -> list[str]:
        """Return a line for each thing that GitHub could not give, ten at most."""
        return [
            f"GitHub: {error.message[:200]} ({error.type or 'error'} at "
            f"{'.'.join(map(str, error.path or ()))[:120]})"
            for error in self.errors[:10]
        ]

    def _decode(self, raw: msgspec.Raw | None, type_: type[T]) -> T | None:
        if raw is None or bytes(raw) in (b"null", b"{}"):
            return None
        try:
            return msgspec.json.decode(raw, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # A node with a bad value becomes null, as one that failed at GitHub is.
            try:
                return decode_forgiving(bytes(raw), msgspec.json.Decoder(type_))[0]
            except RecordError as error:
                raise unreadable(self.answer, str(error)) from None


def decoded(answer: Answer, decoder: msgspec.json.Decoder[T], name: str) -> T:
    """Decode an answer; an entity of its lists of this name that is no JSON becomes null.

    Raises UnreadableError if it is not of the decoder's form.
    """
    try:
        return decoder.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        refused = error
    try:
        return decoder.decode(brackets.mended(answer.body, name) or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise unreadable(answer, str(refused)) from None


def read_reply(answer: Answer) -> Reply:
    """Return an answer's data and errors; raise UnreadableError if it is no such answer.

    A node that is no JSON becomes null, as one that failed at GitHub is.
    """
    envelope = decoded(answer, _ENVELOPE, "nodes")
    return Reply(answer, envelope.data or {}, envelope.errors or [])


def _has_something(raw: bytes) -> bool:
    """Tell whether a member of the data is neither null nor a list of nothing but null."""
    return bool(raw.strip(b"[], \t\r\n").replace(b"null", b"").strip(b"[], \t\r\n"))
