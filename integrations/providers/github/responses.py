"""Where the nodes of a stream stand in a GraphQL response, whatever the query was."""

from collections.abc import Mapping
from typing import Final

import msgspec

from common.errors import RecordError
from integrations.providers.github.owner import Owner

_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str)
_NUMBER: Final = msgspec.json.Decoder(int)
_ENCODER: Final = msgspec.json.Encoder()

# The connections and single fields whose nodes are records of the stream; GitHub gives workflow
# runs by the REST API alone.
_HOLDERS: Final = {
    "repositories": ("repositories", "repository"),
    "pulls": ("pullRequests", "pullRequest", "search"),
    "pull_commits": ("commits",),
    "reviews": ("reviews",),
    "review_comments": ("comments",),
    "issue_comments": ("comments",),
    "deployments": ("deployments",),
}
_ON_LINES: Final = ("reviews", "reviewThreads")
_PASSED: Final = frozenset(
    (
        *("repository", "organization", "user", "viewer", "node", "search", "nodes", "edges"),
        *("repositories", "pullRequests", "pullRequest", *_ON_LINES),
    )
)
_PULL_REQUESTS: Final = ("pullRequest", "pullRequests", "node", "nodes", "search")
_BY_ID: Final = ("node", "nodes")
_UNNAMED: Final = ("nodes", "edges", "node")


class _Probe(msgspec.Struct):
    databaseId: msgspec.Raw = msgspec.Raw()  # noqa: N815
    fullDatabaseId: msgspec.Raw = msgspec.Raw()  # noqa: N815
    createdAt: msgspec.Raw = msgspec.Raw()  # noqa: N815
    oid: msgspec.Raw = msgspec.Raw()
    commit: msgspec.Raw = msgspec.Raw()


_PROBE: Final = msgspec.json.Decoder(_Probe)
_MARKS: Final = (b'"databaseId"', b'"fullDatabaseId"', b'"createdAt"', b'"oid"')


def is_node(stream: str, body: bytes) -> bool:
    """Tell whether an entity is a node of the GraphQL API; the REST API has no such members."""
    if stream not in _HOLDERS or not any(mark in body for mark in _MARKS):
        return False
    try:
        probe = _PROBE.decode(body)
        if bytes(probe.databaseId) or bytes(probe.fullDatabaseId) or bytes(probe.createdAt):
            return True
        return stream == "pull_commits" and bool(bytes(_PROBE.decode(probe.commit).oid))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False


def is_response(members: Mapping[str, msgspec.Raw]) -> bool:
    """Tell whether an object is the outermost one of a GraphQL response."""
    return "data" in members or "errors" in members


def nodes(stream: str, members: Mapping[str, msgspec.Raw]) -> list[bytes]:
    """Return the stream's nodes, each with what it belongs to; raise RecordError without any
    place for them, as when the whole query failed."""
    walk = _Walk(stream)
    try:
        walk.descend("", bytes(members.get("data", b"null")), Owner())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError("unexpected_shape", str(error), "data") from None
    if not walk.seen:
        errors = bytes(members.get("errors", b""))[:300].decode("utf-8", "replace")
        raise RecordError("unexpected_shape", f"a response without {stream}: {errors}".rstrip(": "))
    return walk.found


class _Walk:
    """A walk through a response. seen: whether a place for the stream's nodes was there."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.found: list[bytes] = []
        self.seen = False

    def descend(self, name: str, raw: bytes, owner: Owner) -> None:
        """Look for the stream's nodes in a value that is called `name`."""
        if raw.startswith(b"["):
            for element in _LIST.decode(raw):
                self.descend(name, bytes(element), owner)
        elif raw.startswith(b"{"):
            members = _OBJECT.decode(raw)
            owner = _owner_in(name, members, owner)
            if self.stream == "repositories" and name in _BY_ID and "nameWithOwner" in members:
                self.seen = True
                self._add(raw, Owner())
                return
            if name in _BY_ID and "pullRequest" in members:
                name = "reviewThreads"  # what belongs to a pull request and has comments
            for member, value in members.items():
                if self._holds(name, member):
                    self._take(bytes(value), owner)
                elif member in _PASSED:
                    below = name if member in _UNNAMED and name else member
                    self.descend(below, bytes(value), owner)

    def _holds(self, name: str, member: str) -> bool:
        if member not in _HOLDERS.get(self.stream, ()):
            return False
        if member == "comments":
            return (name in _ON_LINES) == (self.stream == "review_comments")
        return True

    def _take(self, raw: bytes, owner: Owner) -> None:
        if not raw.startswith(b"{"):
            return
        self.seen = True
        members = _OBJECT.decode(raw)
        if "nodes" in members:
            for element in _elements(bytes(members["nodes"])):
                self._add(bytes(element), owner)
        elif "edges" in members:
            for edge in _elements(bytes(members["edges"])):
                self._add(bytes(_OBJECT.decode(edge).get("node", b"null")), owner)
        else:
            self._add(raw, owner)

    def _add(self, raw: bytes, owner: Owner) -> None:
        body = b'{"node":' + raw
        if owner.repository is not None:
            body += b',"repository":' + _ENCODER.encode(owner.repository)
        if owner.number is not None:
            body += b',"pull_number":' + _ENCODER.encode(owner.number)
        self.found.append(body + b"}")


def _elements(raw: bytes) -> list[msgspec.Raw]:
    return _LIST.decode(raw) if raw.startswith(b"[") else []


def _owner_in(name: str, members: Mapping[str, msgspec.Raw], owner: Owner) -> Owner:
    """Return the owner of what is below an object: it may be a repository or pull request."""
    try:
        if "nameWithOwner" in members:
            return Owner(_TEXT.decode(members["nameWithOwner"]))
        if name in _BY_ID and bytes(members.get("pullRequest", b"")).startswith(b"{"):
            return _owner_in("pullRequest", _OBJECT.decode(members["pullRequest"]), owner)
        if "number" in members and name in _PULL_REQUESTS:
            repository = owner.repository
            for member in ("baseRepository", "repository"):
                if bytes(members.get(member, b"")).startswith(b"{"):
                    inner = _OBJECT.decode(members[member])
                    repository = _TEXT.decode(inner.get("nameWithOwner", b"null"))
            return Owner(repository, _NUMBER.decode(members["number"]))
    except msgspec.MsgspecError:
        return owner
    return owner
