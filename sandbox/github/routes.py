"""The addresses of the REST and GraphQL APIs."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from sandbox.exchange import exchange_of
from sandbox.github.answers import not_found, refuse_unknown, write
from sandbox.github.graphql.service import graphql_route
from sandbox.github.rest import delivery, people, pulls, repositories
from sandbox.github.rest.asks import Handler, OfRepository, endpoint, of_repository
from sandbox.github.rest.pull_shapes import issue_comment, review_comment

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

_REPOSITORY: dict[str, OfRepository] = {
    "": repositories.one,
    "/pulls": pulls.listed,
    "/pulls/comments": pulls.comments("review_comments", review_comment),
    "/pulls/comments/{comment_id:int}": pulls.comment("review_comments", review_comment),
    "/pulls/{number:int}": pulls.one,
    "/pulls/{number:int}/commits": pulls.commits_of,
    "/pulls/{number:int}/reviews": pulls.reviews_of,
    "/pulls/{number:int}/reviews/{review_id:int}": pulls.review_of,
    "/pulls/{number:int}/comments": pulls.review_comments_of,
    "/issues": pulls.issues,
    "/issues/comments": pulls.comments("issue_comments", issue_comment),
    "/issues/comments/{comment_id:int}": pulls.comment("issue_comments", issue_comment),
    "/issues/{number:int}": pulls.issue,
    "/issues/{number:int}/comments": pulls.issue_comments_of,
    "/commits": pulls.commit_list,
    "/commits/{sha}": pulls.commit,
    "/deployments": delivery.deployments,
    "/deployments/{deployment_id:int}": delivery.deployment,
    "/deployments/{deployment_id:int}/statuses": delivery.deployment_statuses,
    "/deployments/{deployment_id:int}/statuses/{status_id:int}": delivery.deployment_status,
    "/actions/runs": delivery.runs,
    "/actions/runs/{run_id:int}": delivery.run,
    "/actions/workflows": delivery.workflows,
    "/actions/workflows/{workflow}": delivery.workflow,
    "/actions/workflows/{workflow}/runs": delivery.runs,
}
_OTHERS: dict[str, Handler] = {
    "/user": people.viewer,
    "/user/repos": repositories.of_viewer,
    "/user/{account_id:int}/repos": repositories.of_user,
    "/users/{login}": people.account,
    "/users/{login}/repos": repositories.of_user,
    "/orgs/{login}": repositories.organization,
    "/orgs/{login}/repos": repositories.of_organization,
    "/organizations/{account_id:int}": repositories.organization,
    "/organizations/{account_id:int}/repos": repositories.of_organization,
    "/installation/repositories": repositories.of_installation,
    "/search/repositories": repositories.found,
    "/rate_limit": people.rate_limit,
    "/meta": people.meta,
}
_ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def github_routes(organisation: "Organisation") -> list[BaseRoute]:
    """Return the routes below `/github`."""
    store = organisation.github
    routes: list[BaseRoute] = [graphql_route(store)]
    apps = {
        "/app": (people.app, "GET"),
        "/app/installations": (people.installations, "GET"),
        "/app/installations/{installation:int}": (people.installation, "GET"),
        "/app/installations/{installation:int}/access_tokens": (people.access_token, "POST"),
    }
    for path, (handler, method) in apps.items():
        routes.append(Route(f"/api/v3{path}", people.of_app(store, handler), methods=[method]))
    for path, other in _OTHERS.items():
        routes.append(Route(f"/api/v3{path}", endpoint(store, other)))
    for prefix in ("/repositories/{repository_id:int}", "/repos/{owner}/{name}"):
        for path, of in _REPOSITORY.items():
            answer = endpoint(store, of_repository(of))
            routes.append(Route(f"/api/v3{prefix}{path}", answer, methods=_ANY_METHOD))
    routes.append(Route("/{rest:path}", _nothing, methods=_ANY_METHOD))
    return routes


async def _nothing(request: Request) -> Response:
    """Answer what is no address of the API."""
    refused = refuse_unknown(exchange_of(request), request.headers.get("authorization"))
    return refused or write(not_found().body, 404)
