"""Single issues, many by id, and their changelogs."""

from collections import OrderedDict
from typing import Any

from sandbox.jira.calls import INVALID_PAYLOAD, ApiError, Call, names, page_of, whole
from sandbox.jira.entities import issue_shape, names_and_schema, oldest_first
from sandbox.jira.facts import Entity, instant
from sandbox.jira.page_tokens import PageTokenError

_MOST_ISSUES = 100
_MOST_CHANGELOGS = 1_000
_MOST_FIELD_IDS = 10
_DEFAULT_HISTORIES = 1_000
_NOT_FOUND = "Issue does not exist or you do not have permission to see it."


def issue(call: Call) -> Any:
    """Answer GET issue/{idOrKey}; a former key of a moved issue finds it, too."""
    row = _visible(call, call.part["id"])
    expand = names(call.text("expand") or None, "expand")
    fields = names(",".join(call.request.query_params.getlist("fields")) or None, "fields")
    is_cloud = call.organisation.options.is_cloud
    shape = issue_shape(fields, expand, is_cloud=is_cloud, default="*all")
    call.exchange.points = 2
    return shape.of(call.store.issue(row)) | names_and_schema(call.store, shape, expand)


def _visible(call: Call, id_or_key: str) -> int:
    row = call.store.visible_row(id_or_key, call.account)
    if row is None:
        raise ApiError(404, _NOT_FOUND)
    return row


def bulk_issues(call: Call) -> Any:
    """Answer POST issue/bulkfetch: at most 100, by ascending id; what is not there is left out."""
    body = call.body()
    wanted = body.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not all(isinstance(each, str | int) for each in wanted):
        raise ApiError(400, INVALID_PAYLOAD)
    if len(wanted) > _MOST_ISSUES:
        raise ApiError(400, f"At most {_MOST_ISSUES} issues can be fetched at once.")
    found = {call.store.visible_row(str(each), call.account) for each in wanted} - {None}
    expand = names(body.get("expand"), "expand")
    fields = names(body.get("fields"), "fields")
    shape = issue_shape(fields, expand, is_cloud=True, default="*navigable")
    rows = sorted(found, key=lambda row: call.store.facts(row).id)  # type: ignore[arg-type]
    issues = [shape.of(call.store.issue(row)) for row in rows if row is not None]
    call.exchange.points = 1 + len(issues)
    added = names_and_schema(call.store, shape, expand)
    return {"issueErrors": [], "issues": issues} | added


def histories(call: Call) -> Any:
    """Answer GET issue/{idOrKey}/changelog, oldest first."""
    row = _visible(call, call.part["id"])
    entity = call.store.issue(row)
    page = page_of(oldest_first(entity), call, 100, 100)
    address = f"{call.base}/rest/api/{call.part['version']}/issue/{entity['id']}/changelog"
    page = {"self": f"{address}?maxResults={page['maxResults']}&startAt={page['startAt']}"} | page
    if not page["isLast"]:
        following = page["startAt"] + len(page["values"])
        page["nextPage"] = f"{address}?maxResults={page['maxResults']}&startAt={following}"
    return page


def bulk_histories(call: Call) -> Any:
    """Answer POST changelog/bulkfetch.

    Histories come by date, then by issue, whatever issue they are of; a page gathers them by
    issue. `created` is a number here, unlike anywhere else.
    """
    body = call.body()
    wanted = body.get("issueIdsOrKeys")
    if not isinstance(wanted, list) or not wanted:
        raise ApiError(400, INVALID_PAYLOAD)
    if len(wanted) > _MOST_CHANGELOGS:
        raise ApiError(400, f"At most {_MOST_CHANGELOGS} issues can be asked for at once.")
    field_ids = names(body.get("fieldIds"), "fieldIds")
    if len(field_ids) > _MOST_FIELD_IDS:
        raise ApiError(400, f"At most {_MOST_FIELD_IDS} field ids can be given.")
    most = call.organisation.options.bulk_histories
    size = max(1, whole(body.get("maxResults"), "maxResults", _DEFAULT_HISTORIES, most))
    size = min(size, most)
    bound_to = f"{call.account}\n{sorted(map(str, wanted))}\n{sorted(field_ids)}"
    start = _start(call, body.get("nextPageToken"), bound_to)
    ordered = _by_date(call, [str(each) for each in wanted], set(field_ids))
    page: OrderedDict[int, list[Entity]] = OrderedDict()
    chosen = ordered[start : start + size]
    for at, issue_id, history in chosen:
        page.setdefault(issue_id, []).append({**history, "created": at})
    call.exchange.points = 1 + len(page)
    answer: dict[str, Any] = {
        "issueChangeLogs": [
            {"issueId": str(issue_id), "changeHistories": each} for issue_id, each in page.items()
        ]
    }
    if start + len(chosen) < len(ordered):
        tokens = call.store.page_tokens
        answer["nextPageToken"] = tokens.make(bound_to, 0, start + len(chosen))
    return answer


def _start(call: Call, token: Any, bound_to: str) -> int:
    if not token:
        return 0
    lifetime = call.organisation.options.search_token_seconds
    try:
        return int(call.store.page_tokens.read(str(token), bound_to, lifetime)[1])
    except PageTokenError as error:
        text = f"The next page token is invalid or has expired: {error}."
        raise ApiError(400, text) from None


def _by_date(call: Call, wanted: list[str], field_ids: set[str]) -> list[tuple[int, int, Entity]]:
    """Return (created, issue id, history) of all histories that were asked for."""
    found = []
    for row in {call.store.visible_row(each, call.account) for each in wanted} - {None}:
        assert row is not None
        entity = call.store.issue(row)
        for history in oldest_first(entity):
            if field_ids and not any(i.get("fieldId") in field_ids for i in history["items"]):
                continue
            found.append((instant(history["created"]), int(entity["id"]), history))
    found.sort(key=lambda each: (each[0], each[1], int(each[2]["id"])))
    return found
