"""The addresses of Jira: on the site, and the same through the gateway."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.exchange import exchange_of
from sandbox.jira import agile, dev_status, issues, metadata, searches, sign_in
from sandbox.jira.accounts import BOARD, SPRINT, USER, WORK
from sandbox.jira.calls import ApiError, Call, Handler

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Address = tuple[str, str, Handler, str]
_API = "/rest/api/{version:str}"
_AGILE = "/rest/agile/1.0"

_EVERYWHERE: tuple[Address, ...] = (
    ("GET", f"{_API}/serverInfo", metadata.server_info, ""),
    ("GET", f"{_API}/myself", metadata.myself, USER),
    ("GET", f"{_API}/mypermissions", metadata.my_permissions, WORK),
    ("GET", f"{_API}/project", metadata.projects, WORK),
    ("GET", f"{_API}/project/{{id}}", metadata.project, WORK),
    ("GET", f"{_API}/project/{{id}}/statuses", metadata.project_statuses, WORK),
    ("GET", f"{_API}/issuetype", metadata.issue_types, WORK),
    ("GET", f"{_API}/status", metadata.statuses, WORK),
    ("GET", f"{_API}/field", metadata.fields, WORK),
    ("GET", f"{_API}/issue/{{id}}", issues.issue, WORK),
    ("GET", f"{_AGILE}/board", agile.boards, BOARD),
    ("GET", f"{_AGILE}/board/{{id}}", agile.board, BOARD),
    ("GET", f"{_AGILE}/board/{{id}}/configuration", agile.configuration, BOARD),
    ("GET", f"{_AGILE}/board/{{id}}/sprint", agile.sprints, SPRINT),
    ("GET", f"{_AGILE}/sprint/{{id}}", agile.sprint, SPRINT),
    ("GET", "/rest/dev-status/1.0/issue/summary", dev_status.summary, WORK),
    ("GET", "/rest/dev-status/1.0/issue/detail", dev_status.detail, WORK),
)
_CLOUD: tuple[Address, ...] = (
    ("GET", f"{_API}/search/jql", searches.search_by_query, WORK),
    ("POST", f"{_API}/search/jql", searches.search_by_body, WORK),
    ("POST", f"{_API}/search/approximate-count", searches.approximate_count, WORK),
    ("GET", f"{_API}/search", searches.removed, WORK),
    ("POST", f"{_API}/search", searches.removed, WORK),
    ("POST", f"{_API}/issue/bulkfetch", issues.bulk_issues, WORK),
    ("POST", f"{_API}/changelog/bulkfetch", issues.bulk_histories, WORK),
    ("GET", f"{_API}/issue/{{id}}/changelog", issues.histories, WORK),
    ("GET", f"{_API}/project/search", metadata.project_search, WORK),
    ("GET", f"{_API}/statuses/search", metadata.status_search, WORK),
    ("GET", f"{_API}/field/search", metadata.field_search, WORK),
    ("GET", f"{_API}/users/search", metadata.users, USER),
    ("GET", "/_edge/tenant_info", metadata.tenant_info, ""),
    ("POST", "/oauth/token", sign_in.renewed, ""),
    ("GET", "/oauth/token/accessible-resources", sign_in.accessible_resources, ""),
)
_DATA_CENTER: tuple[Address, ...] = (
    ("GET", f"{_API}/search", searches.data_center_search, WORK),
    ("POST", f"{_API}/search", searches.data_center_search, WORK),
)
_VERSIONS = {"cloud": ("2", "3", "latest"), "datacenter": ("2", "latest")}


def jira_routes(organisation: "Organisation") -> list[BaseRoute]:
    """Return the routes below `/jira`."""
    own = _CLOUD if organisation.options.is_cloud else _DATA_CENTER
    prefixes = ("", "/ex/jira/{site_id}") if organisation.options.is_cloud else ("",)
    routes: list[BaseRoute] = [
        Route(prefix + path, _endpoint(organisation, handler, scope), methods=[method])
        for prefix in prefixes
        for method, path, handler, scope in (*own, *_EVERYWHERE)
    ]
    return [*routes, Route("/{rest:path}", _nothing, methods=["GET", "POST", "PUT", "DELETE"])]


def _endpoint(
    organisation: "Organisation", handler: Handler, scope: str
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint. scope: what a token needs; empty for a call that needs nobody."""
    versions = _VERSIONS[organisation.options.mode]

    async def endpoint(request: Request) -> Response:
        parts, headers = request.path_params, dict[str, str]()
        if parts.get("version", versions[0]) not in versions:
            return await _nothing(request)
        try:
            account = ""
            if scope:
                exchange = exchange_of(request)
                account = sign_in.signed_in(organisation, exchange, scope, parts.get("site_id"))
            call = Call(organisation, request, account)
            response = call.answer(handler(call))
        except ApiError as error:
            headers = error.headers
            response = JSONResponse(error.body, status_code=error.status)
        for name, value in headers.items():
            response.headers[name] = value
        if not organisation.options.is_cloud:
            response.headers.setdefault("X-AUSERNAME", account or "anonymous")
        return response

    return endpoint


async def _nothing(request: Request) -> Response:
    """Answer a path that there is not."""
    uri = request.url.path
    return JSONResponse({"message": f"null for uri: {uri}", "status-code": 404}, status_code=404)
