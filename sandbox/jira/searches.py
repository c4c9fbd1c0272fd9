"""Search: `search/jql` and `approximate-count` of Cloud, `search` of Data Center."""

from typing import Any

import msgspec

from sandbox.generate.draws import Draws
from sandbox.jira.calls import INVALID_PAYLOAD, ApiError, Call, names, whole
from sandbox.jira.entities import Shape, names_and_schema, search_shape
from sandbox.jira.jql import JqlError
from sandbox.jira.page_tokens import PageTokenError
from sandbox.jira.search import Finder

_MOST = 100
_MOST_IDS = 5_000
_DEFAULT = 50
_MOST_RECONCILED = 50
_DATA_CENTER_MOST = 1_000
_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full "
    "migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_UNBOUNDED = (
    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
)
_KNOWN = {
    "jql",
    "nextPageToken",
    "maxResults",
    "fields",
    "expand",
    "properties",
    "fieldsByKeys",
    "failFast",
    "reconcileIssues",
}
_EMPTY_EVERY = 3


def removed(call: Call) -> Any:
    """Answer the old search of Cloud: it is gone for good."""
    raise ApiError(410, _REMOVED)


def search_by_query(call: Call) -> Any:
    """Answer GET search/jql."""
    query = dict(call.request.query_params)
    query["fields"] = ",".join(call.request.query_params.getlist("fields"))
    reconciled = call.request.query_params.getlist("reconcileIssues")
    return _search(call, query | {"reconcileIssues": [n for n in reconciled if n]})


def search_by_body(call: Call) -> Any:
    """Answer POST search/jql; a member of the wrong type, or an unknown one, is refused."""
    body = call.body()
    wrong = (
        set(body) - _KNOWN
        or not isinstance(body.get("jql", ""), str)
        or not isinstance(body.get("fields", []), list)
        or not isinstance(body.get("expand", ""), str)
        or not isinstance(body.get("maxResults", 0), int)
        or not isinstance(body.get("nextPageToken") or "", str)
    )
    if wrong:
        raise ApiError(400, INVALID_PAYLOAD)
    return _search(call, body)


def _search(call: Call, asked: dict[str, Any]) -> dict[str, Any]:
    store, options = call.store, call.organisation.options
    expand = names(asked.get("expand"), "expand")
    shape = search_shape(names(asked.get("fields"), "fields"), expand, is_cloud=True)
    most = _MOST_IDS if shape.is_census else _MOST
    size = max(1, whole(asked.get("maxResults"), "maxResults", _DEFAULT, most))
    reconciled = [str(each) for each in asked.get("reconcileIssues") or []]
    if len(reconciled) > _MOST_RECONCILED:
        raise ApiError(400, f"reconcileIssues takes at most {_MOST_RECONCILED} ids.")
    store.catch_up(tuple(reconciled))
    jql = str(asked.get("jql") or "")
    finder = _finder(call, jql)
    if not finder.is_bounded:
        raise ApiError(400, _UNBOUNDED)
    bound_to = f"{call.account}\n{jql}"
    page, after = 0, None
    token = asked.get("nextPageToken")
    if token:
        page, after = _read_token(call, token, bound_to)
    size = _size(call, size, page, shape)
    found = finder.page(size, after)
    answer = _page(call, found.rows, shape)
    if options.empty_pages and page % _EMPTY_EVERY == 1 and found.rows:
        answer, following = {"issues": []}, after
    else:
        following = found.after
    if following is not None:
        answer["nextPageToken"] = store.page_tokens.make(bound_to, page + 1, following)
    if not options.omit_is_last:
        answer["isLast"] = following is None
    return answer | names_and_schema(store, shape, expand)


def _finder(call: Call, jql: str) -> Finder:
    try:
        return Finder(call.store, jql, call.account)
    except JqlError as error:
        raise ApiError(400, {"errorMessages": error.messages, "errors": {}}) from None


def _read_token(call: Call, token: str, bound_to: str) -> tuple[int, Any]:
    lifetime = call.organisation.options.search_token_seconds
    try:
        return call.store.page_tokens.read(token, bound_to, lifetime)
    except PageTokenError as error:
        text = f"The next page token is invalid or has expired: {error}."
        raise ApiError(400, text) from None


def _size(call: Call, size: int, page: int, shape: Shape) -> int:
    """Return how many issues a page really has: with short pages, fewer than were asked for."""
    if not call.organisation.options.short_pages or size < 2:
        return size
    share = Draws(call.organisation.seed, "short page", page).unit()
    return max(1, int(size * (0.4 + 0.6 * share)))


def _page(call: Call, rows: list[int], shape: Shape) -> dict[str, Any]:
    """Return the issues of the rows; what was deleted since it was indexed is left out."""
    store = call.store
    alive = [row for row in rows if row not in store.deleted]
    if shape.fields == ("id",) and shape.histories == 0:
        issues: list[Any] = [{"id": str(store.facts(row).id)} for row in alive]
    else:
        issues = [shape.of(store.issue(row)) for row in alive]
    call.exchange.points = 1 + len(issues)
    return {"issues": issues}


def approximate_count(call: Call) -> Any:
    """Answer POST search/approximate-count."""
    jql = call.body().get("jql")
    if not isinstance(jql, str):
        raise ApiError(400, INVALID_PAYLOAD)
    call.store.catch_up()
    finder = _finder(call, jql)
    if not finder.is_bounded:
        raise ApiError(400, _UNBOUNDED)
    return {"count": finder.count()}


def data_center_search(call: Call) -> Any:
    """Answer GET and POST search of Data Center: startAt, maxResults and total."""
    is_post = call.request.method == "POST"
    asked = call.body() if is_post else dict(call.request.query_params)
    expand = names(asked.get("expand"), "expand")
    shape = search_shape(names(asked.get("fields"), "fields"), expand, is_cloud=False)
    start = whole(asked.get("startAt"), "startAt", 0, 1 << 40)
    size = whole(asked.get("maxResults"), "maxResults", _DEFAULT, _DATA_CENTER_MOST)
    call.store.catch_up()
    finder = _finder(call, str(asked.get("jql") or ""))
    answer = _page(call, finder.slice(start, size), shape)
    added = names_and_schema(call.store, shape, expand)
    head = {"expand": "schema,names", "startAt": start, "maxResults": size}
    return head | {"total": finder.count()} | answer | added


def is_census(method: str, parameters: dict[str, str], body: bytes, *, is_cloud: bool) -> bool:
    """Tell whether a search asks for nothing but ids and keys."""
    asked: dict[str, Any] = dict(parameters)
    if method == "POST":
        try:
            asked = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            return False
    try:
        expand = names(asked.get("expand"), "expand")
        fields = names(asked.get("fields"), "fields")
        return search_shape(fields, expand, is_cloud=is_cloud).is_census
    except ApiError:
        return False
