"""Handlers of who asks: the person, the app with its installation, the limits."""

import time
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.github.accounts import PERMISSIONS, AppError
from sandbox.github.answers import ApiError, not_found, write
from sandbox.github.ids import node_id
from sandbox.github.records import Entity
from sandbox.github.rest.asks import Ask, Endpoint, api_base
from sandbox.github.rest.shapes import VERSIONS, WEB, Shapes
from sandbox.github.store import GitHubStore
from sandbox.github.times import iso

_ENTERPRISE_VERSION = "3.17.0"
_RESOURCES = ("core", "search", "graphql")
_MOMENT = "2020-01-01T00:00:00Z"


def viewer(ask: Ask) -> Entity:
    """Return who is signed in."""
    if ask.token.kind == "installation":
        raise ApiError(403, "Resource not accessible by integration")
    return ask.shapes.person()


def account(ask: Ask) -> Entity:
    """Return an account by its login."""
    login = ask.path("login")
    owner = ask.store.owner(login)
    person = ask.store.person(ask.token.account)
    if owner is None and person["login"].lower() != login.lower():
        raise not_found()
    user = ask.shapes.account(owner or person) or {}
    counts = ("public_repos", "public_gists", "followers", "following")
    unsaid = ("name", "company", "blog", "location", "email", "hireable", "bio")
    moments = {"created_at": _MOMENT, "updated_at": _MOMENT}
    return {**user, **dict.fromkeys(counts, 0), **dict.fromkeys(unsaid), **moments}


def rate_limit(ask: Ask) -> Entity:
    """Return how the limits stand; asking for it is free."""
    ask.exchange.points = 0
    limits = ask.store.organisation.limits
    if not limits.has_primary and not limits.rules:
        raise ApiError(404, "Rate limiting is not enabled.")
    resources = {}
    for name in _RESOURCES:
        state = limits.primary(ask.token.owner, name)
        counted = 1 if name == ask.exchange.resource else 0
        resources[name] = {
            "limit": state.limit,
            "used": min(state.limit, max(0, state.used - counted)),
            "remaining": min(state.limit, state.remaining + counted),
            "reset": int(time.time() + state.seconds_left),
        }
    answer: Entity = {"resources": resources}
    return answer if ask.shapes.is_latest else {**answer, "rate": resources["core"]}


def meta(ask: Ask) -> Entity:
    """Return facts about the server."""
    facts: Entity = {"verifiable_password_authentication": False}
    if ask.store.organisation.options.github_enterprise:
        facts["installed_version"] = _ENTERPRISE_VERSION
    return facts


def of_app(store: GitHubStore, handler: Callable[[Request, GitHubStore], Any]) -> Endpoint:
    """Return the endpoint of a handler of requests that an app signs."""

    async def answer(request: Request) -> Response:
        try:
            store.credentials.check_app(request.headers.get("authorization", ""))
            found = handler(request, store)
        except AppError as error:
            return write({"message": str(error), "documentation_url": WEB, "status": "401"}, 401)
        except ApiError as error:
            return write(error.body, error.status, error.headers)
        return found if isinstance(found, Response) else write(found)

    return answer


def _shapes(request: Request, store: GitHubStore) -> Shapes:
    token = next(store.organisation.accounts.tokens("github", "app"))
    return Shapes(store, token, api_base(request), VERSIONS[0])


def app(request: Request, store: GitHubStore) -> Entity:
    """Return the app."""
    number = store.credentials.app_id
    owner = store.owner(store.credentials.owner)
    return {
        "id": number,
        "slug": "loader",
        "node_id": node_id("A", number),
        "owner": _shapes(request, store).account(owner),
        "name": "Loader",
        "description": "",
        "external_url": "https://loader.example.com",
        "html_url": f"{WEB}/apps/loader",
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
        "permissions": PERMISSIONS,
        "events": [],
        "installations_count": 1,
    }


def installation(request: Request, store: GitHubStore) -> Entity:
    """Return the installation of the app."""
    _check_installation(request, store)
    return _installation(request, store)


def installations(request: Request, store: GitHubStore) -> list[Entity]:
    """Return all installations of the app: there is one."""
    return [_installation(request, store)]


def _installation(request: Request, store: GitHubStore) -> Entity:
    credentials = store.credentials
    number, base = credentials.installation_id, api_base(request)
    owner = _shapes(request, store).account(store.owner(credentials.owner)) or {}
    return {
        "id": number,
        "account": owner,
        "repository_selection": "all",
        "access_tokens_url": f"{base}/app/installations/{number}/access_tokens",
        "repositories_url": f"{base}/installation/repositories",
        "html_url": f"{WEB}/organizations/{credentials.owner}/settings/installations/{number}",
        "app_id": credentials.app_id,
        "app_slug": "loader",
        "target_id": owner.get("id", 0),
        "target_type": owner.get("type", "Organization"),
        "permissions": PERMISSIONS,
        "events": [],
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": None,
        "created_at": _MOMENT,
        "updated_at": _MOMENT,
    }


def _check_installation(request: Request, store: GitHubStore) -> None:
    if request.path_params.get("installation") != store.credentials.installation_id:
        raise not_found()


def access_token(request: Request, store: GitHubStore) -> Response:
    """Make a token of the installation."""
    _check_installation(request, store)
    token = store.credentials.install()
    body = {
        "token": token.value,
        "expires_at": iso(int(token.expires_at or 0)),
        "permissions": PERMISSIONS,
        "repository_selection": "all",
    }
    return write(body, 201)
