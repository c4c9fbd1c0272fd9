"""What a request to GitHub is counted as, told by its path and, of GraphQL, by its query."""

import re

import msgspec

from sandbox.exchange import Exchange

GRAPHQL_PATH = "/api/graphql"
_PATHS = (
    (r"/app(/|$)", "auth"),
    (r"/actions/", "runs"),
    (r"/deployments(/|$)", "deployments"),
    (r"/pulls/\d+/\w+|/comments(/|$)|/commits(/|$)", "nested"),
    (r"/(pulls|issues)/\d+$", "check"),
    (r"/(pulls|issues)$", "pulls"),
    (r"/(repos|repositories|orgs|organizations|users?|installation|search)(/|$)", "metadata"),
)
_PATTERNS = [(re.compile(pattern), kind) for pattern, kind in _PATHS]
_NESTED = re.compile(r"\b(commits|reviews|comments|reviewThreads)\s*\(")
_BY_ID = re.compile(r"\b(nodes?|pullRequest)\s*\(")
_LISTS = re.compile(r"\bpullRequests\s*\(|\bsearch\s*\(.*\bPullRequest\b", re.DOTALL)
_ITEMS = re.compile(r"\btitle\b")


def kind_of(exchange: Exchange) -> str:
    """Return the kind of a request, and note whose primary limit it uses."""
    if exchange.path == GRAPHQL_PATH:
        exchange.resource = "graphql"
        return _kind_of_query(_query(exchange.body))
    path = exchange.path.removeprefix("/api/v3")
    if path.startswith("/search/"):
        exchange.resource = "search"
    return next((kind for pattern, kind in _PATTERNS if pattern.search(path)), "other")


class _Request(msgspec.Struct):
    query: str = ""


def _query(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Request).query
    except msgspec.MsgspecError:
        return ""


def _kind_of_query(text: str) -> str:
    if _LISTS.search(text):
        return "pulls" if _ITEMS.search(text) else "census"
    if "deployments" in text:
        return "deployments"
    if _BY_ID.search(text):
        return "nested" if _NESTED.search(text) else "check"
    return "metadata" if re.search(r"\brepositor|\borganization\b", text) else "other"
