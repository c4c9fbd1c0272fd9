"""Handlers of repositories: one, those of an owner, those that are found."""

from collections.abc import Callable
from typing import Any

from sandbox.github.answers import ApiError, not_found
from sandbox.github.records import Entity
from sandbox.github.repository import Repository
from sandbox.github.rest.asks import Ask
from sandbox.github.search import MOST_RESULTS, SearchError, repositories, terms_of

_ORDERS: dict[str, Callable[[Repository], Any]] = {
    "created": lambda each: (each.entity.get("created_at") or "", each.id),
    "updated": lambda each: (each.entity.get("updated_at") or "", each.id),
    "pushed": lambda each: (each.entity.get("pushed_at") or "", each.id),
    "full_name": lambda each: each.full_name.lower(),
}


def one(ask: Ask, repository: Repository) -> Entity:
    """Return a repository."""
    return ask.shapes.repository_detail(repository)


def _listed(ask: Ask, rows: list[Repository], usual: str) -> list[Entity]:
    order = ask.choice("sort", usual, *_ORDERS)
    direction = ask.choice("direction", "asc" if order == "full_name" else "desc", "asc", "desc")
    rows = sorted(rows, key=_ORDERS[order], reverse=direction == "desc")
    return ask.listed(rows, ask.shapes.repository)


def _of_owner(ask: Ask, owner: Entity) -> list[Repository]:
    login = owner["login"].lower()
    return [each for each in ask.store.visible(ask.token) if each.owner.lower() == login]


def _owner(ask: Ask, kind: str) -> Entity:
    if "login" in ask.request.path_params:
        owner = ask.store.owner(ask.path("login"))
    else:
        wanted = ask.path("account_id")
        logins = {each.owner for each in ask.store.visible(ask.token)}
        owners = (ask.store.owner(login) for login in sorted(logins))
        owner = next((each for each in owners if each and each["id"] == wanted), None)
    if owner is None or (kind and owner.get("type", "Organization") != kind):
        raise not_found()
    return owner


def organization(ask: Ask) -> Entity:
    """Return an organisation."""
    owner = _owner(ask, "Organization")
    return ask.shapes.organization(owner, len(_of_owner(ask, owner)))


def of_organization(ask: Ask) -> list[Entity]:
    """Return the repositories of an organisation."""
    owner = _owner(ask, "Organization")
    ask.prefix = f"/orgs/{ask.request.path_params.get('login')}"
    if "login" in ask.request.path_params:
        ask.canonical = f"/organizations/{owner['id']}"
    return _listed(ask, _of_owner(ask, owner), "created")


def of_user(ask: Ask) -> list[Entity]:
    """Return the repositories of an account of any type."""
    owner = _owner(ask, "")
    ask.prefix = f"/users/{ask.request.path_params.get('login')}"
    if "login" in ask.request.path_params:
        ask.canonical = f"/user/{owner['id']}"
    return _listed(ask, _of_owner(ask, owner), "full_name")


def of_viewer(ask: Ask) -> list[Entity]:
    """Return all repositories that a person sees."""
    return _listed(ask, list(ask.store.visible(ask.token)), "full_name")


def of_installation(ask: Ask) -> Entity:
    """Return the repositories of an app's installation."""
    if ask.token.kind != "installation":
        raise ApiError(
            403,
            "You must authenticate with an installation access token in order to list "
            "repositories for an installation.",
        )
    rows = list(ask.store.visible(ask.token))
    return {
        "total_count": len(rows),
        "repository_selection": "all",
        "repositories": ask.listed(rows, ask.shapes.repository),
    }


def found(ask: Ask) -> Entity:
    """Return the repositories that a search finds, at most 1,000."""
    if not ask.parameters.get("q"):
        errors = [{"resource": "Search", "field": "q", "code": "missing"}]
        raise ApiError(422, "Validation Failed", errors=errors)
    if (ask.page - 1) * ask.per_page >= MOST_RESULTS:
        raise ApiError(422, f"Only the first {MOST_RESULTS} search results are available")
    try:
        rows = repositories(ask.store, ask.token, terms_of(ask.parameters["q"]))
    except SearchError as error:
        raise ApiError(422, f"Validation Failed: {error}") from None
    items = ask.listed(
        rows[:MOST_RESULTS], lambda each: {**ask.shapes.repository(each), "score": 1.0}
    )
    return {"total_count": len(rows), "incomplete_results": False, "items": items}
