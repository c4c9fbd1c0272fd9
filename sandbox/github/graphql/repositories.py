"""Resolvers of repositories, of whom they belong to, and of their deployments."""

from collections.abc import Callable
from typing import Any

from sandbox.github.accounts import may
from sandbox.github.deployments import state_of, statuses_of
from sandbox.github.graphql.connections import Connection, connect
from sandbox.github.graphql.execute import Args, Resolver, Typed
from sandbox.github.graphql.nodes import (
    WEB,
    Context,
    Place,
    actor,
    database_id,
    login_of,
    member,
    of_repository,
    typed_account,
)
from sandbox.github.graphql.problems import QueryError
from sandbox.github.graphql.pulls import bare_commit
from sandbox.github.ids import node_id
from sandbox.github.records import ANY_STATE, CLOSED, MERGED, OPEN, Entity, Part, seconds
from sandbox.github.repository import Repository

_STATES = {"OPEN": OPEN, "CLOSED": CLOSED, "MERGED": MERGED}
_DEPLOYMENT_STATES = {"success": "ACTIVE"}
_ORDERS: dict[str, Callable[[Repository], int]] = {
    "CREATED_AT": lambda each: seconds(each.entity.get("created_at")),
    "UPDATED_AT": lambda each: seconds(each.entity.get("updated_at")),
    "PUSHED_AT": lambda each: seconds(each.entity.get("pushed_at")),
    "STARGAZERS": lambda each: int(each.entity.get("stargazers_count") or 0),
}


def place_of(repository: Repository) -> Place:
    """Return a repository as a node."""
    return Place(repository, None, repository.entity)


def is_descending(args: Args) -> bool:
    """Tell whether a list is asked for in descending order."""
    order = args.get("orderBy")
    return order is not None and order["direction"] == "DESC"


def _unordered(repository: Repository) -> int:
    return 0


def connect_repositories(rows: list[Repository], args: Args) -> Connection[Any]:
    """Return a stretch of repositories in the order that is asked for, else by id."""
    for name, has in (("isArchived", "archived"), ("isFork", "fork")):
        if args.get(name) is not None:
            rows = [each for each in rows if bool(each.entity.get(has)) == args[name]]
    if args.get("privacy") is not None:
        private = args["privacy"] == "PRIVATE"
        rows = [each for each in rows if bool(each.entity.get("private")) == private]
    field = (args.get("orderBy") or {}).get("field")
    if field == "NAME":
        rows = sorted(rows, key=lambda each: each.full_name.lower())
        places = range(len(rows))
        by_place: Connection[int] = connect(
            places,
            args,
            key=lambda at: (at,),
            node=lambda at: place_of(rows[at]),
            descending=is_descending(args),
        )
        return by_place
    order = _ORDERS.get(field or "", _unordered)

    def key(each: Repository) -> tuple[int, int]:
        return order(each), each.id

    return connect(
        sorted(rows, key=key),
        args,
        key=key,
        node=place_of,
        descending=is_descending(args),
    )


def _pull_requests(place: Place, args: Args, context: Context) -> Connection[int] | None:
    repository = place.repository
    if repository is None:
        return None
    wanted = args.get("states")
    states = ANY_STATE if wanted is None else frozenset(_STATES[name] for name in wanted)
    order = args.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    if order["field"] == "COMMENTS":
        raise QueryError("UNPROCESSABLE", "Ordering by comments is not offered here.")
    by = "updated" if order["field"] == "UPDATED_AT" else "created"
    rows = repository.pulls.ordered(by, states)  # type: ignore[arg-type]
    rows = [row for row in rows if _has_refs(repository, row, args)] if _by_refs(args) else rows
    return connect(
        rows,
        args,
        key=lambda position: repository.pulls.sort_key(position, by),  # type: ignore[arg-type]
        node=lambda position: pull_place(repository, position),
        descending=order["direction"] == "DESC",
    )


def pull_place(repository: Repository, position: int) -> Place:
    """Return the pull request at a position as a node."""
    record = repository.record(position)
    return Place(repository, record, record.pull)


def _by_refs(args: Args) -> bool:
    return any(args.get(name) is not None for name in ("baseRefName", "headRefName", "labels"))


def _has_refs(repository: Repository, position: int, args: Args) -> bool:
    pull = repository.record(position).pull
    for name, side in (("baseRefName", "base"), ("headRefName", "head")):
        if args.get(name) is not None and (pull.get(side) or {}).get("ref") != args[name]:
            return False
    labels = args.get("labels")
    has = {label["name"] for label in pull.get("labels") or ()}
    return labels is None or not has.isdisjoint(labels)


def _pull_request(place: Place, args: Args, context: Context) -> Place | None:
    number = args["number"]
    record = place.repository.numbered(number) if place.repository else None
    if record is None:
        raise QueryError(
            "NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}."
        )
    return Place(place.repository, record, record.pull)


def _deployments(place: Place, args: Args, context: Context) -> Connection[Part] | None:
    if not may(context.token, "deployments"):
        raise QueryError("FORBIDDEN", "Resource not accessible by personal access token")
    repository = place.repository
    if repository is None:
        return None
    rows = repository.parts("deployments").ordered("created")
    if (environments := args.get("environments")) is not None:
        rows = [r for r in rows if _deployment(repository, r).entity["environment"] in environments]
    return connect(
        rows,
        args,
        key=lambda part: (part.created, part.id),
        node=lambda part: _deployment(repository, part),
        descending=is_descending(args),
    )


def _deployment(repository: Repository, part: Part) -> Place:
    return Place(repository, *repository.part("deployments", part))


def deployment_of(repository: Repository, deployment_id: int) -> Place | None:
    """Return the deployment of an id."""
    part = repository.parts("deployments").find(deployment_id)
    return None if part is None else _deployment(repository, part)


def _default_branch(place: Place, args: Args, context: Context) -> Entity | None:
    name = place.entity.get("default_branch")
    if not name or (place.repository and place.repository.is_empty):
        return None
    return {"name": name, "place": place}


def _page(place: Place, args: Args, context: Context) -> str:
    return f"{WEB}/{place.entity['full_name']}"


def _deployment_state(place: Place, args: Args, context: Context) -> str | None:
    assert place.repository is not None
    state = state_of(place.repository, place.entity)
    return None if state is None else _DEPLOYMENT_STATES.get(state, state.upper())


def _statuses(place: Place, args: Args, context: Context) -> Connection[int]:
    assert place.repository is not None
    statuses = statuses_of(place.repository, place.entity)
    return connect(
        range(len(statuses)),
        args,
        key=lambda at: (at,),
        node=lambda at: Place(place.repository, place.record, statuses[at]),
    )


def _latest_status(place: Place, args: Args, context: Context) -> Place | None:
    assert place.repository is not None
    statuses = statuses_of(place.repository, place.entity)
    return Place(place.repository, place.record, statuses[0]) if statuses else None


def _ref(place: Place, args: Args, context: Context) -> Entity | None:
    name = place.entity.get("ref")
    return {"name": name, "place": place} if name else None


def _owned_repositories(account: Entity, args: Args, context: Context) -> Connection[Any]:
    login = str(login_of(account, {}, context)).lower()
    mine = [r for r in context.store.visible(context.token) if r.owner.lower() == login]
    return connect_repositories(mine, args)


def _owned_repository(account: Entity, args: Args, context: Context) -> Place | None:
    found = context.store.named(account["login"], args["name"], context.token)
    return None if found is None else place_of(found.repository)


OWNER: dict[str, Resolver] = {
    "repositories": _owned_repositories,
    "repository": _owned_repository,
}


def _owner(place: Place, args: Args, context: Context) -> Typed | None:
    login = str(place.entity["full_name"]).partition("/")[0]
    owner = place.entity.get("owner") or {"id": None, "type": "Organization"}
    return typed_account({**owner, "login": login})


REPOSITORY: dict[str, Resolver] = {
    "id": lambda place, args, context: node_id("R", place.entity["id"]),
    "databaseId": database_id,
    "name": lambda place, args, context: place.entity["full_name"].partition("/")[2],
    "nameWithOwner": member("full_name"),
    "owner": _owner,
    "description": member("description"),
    "url": _page,
    "resourcePath": lambda place, args, context: f"/{place.entity['full_name']}",
    "isPrivate": member("private"),
    "isArchived": member("archived"),
    "isDisabled": lambda place, args, context: bool(place.entity.get("disabled")),
    "isEmpty": lambda p, args, context: bool(p.repository and p.repository.is_empty),
    "isFork": member("fork"),
    "createdAt": member("created_at"),
    "updatedAt": member("updated_at"),
    "pushedAt": member("pushed_at"),
    "defaultBranchRef": _default_branch,
    "pullRequest": _pull_request,
    "pullRequests": _pull_requests,
    "deployments": _deployments,
}

REF: dict[str, Resolver] = {
    "id": lambda ref, args, context: node_id("REF", ref["place"].entity["id"], ref["name"]),
    "name": lambda ref, args, context: ref["name"],
    "prefix": lambda ref, args, context: "refs/heads/",
    "repository": lambda ref, args, context: of_repository(ref["place"], args, context),
}

DEPLOYMENT: dict[str, Resolver] = {
    "id": lambda p, args, context: node_id("DE", p.repository.id, 0, p.entity["id"]),
    "databaseId": database_id,
    "commit": lambda p, args, context: Place(p.repository, None, bare_commit(p.entity["sha"])),
    "commitOid": member("sha"),
    "createdAt": member("created_at"),
    "updatedAt": member("updated_at"),
    "creator": actor("creator"),
    "description": member("description"),
    "environment": member("environment"),
    "originalEnvironment": member("original_environment"),
    "latestEnvironment": member("environment"),
    "latestStatus": _latest_status,
    "payload": lambda place, args, context: None,
    "ref": _ref,
    "repository": of_repository,
    "state": _deployment_state,
    "statuses": _statuses,
    "task": member("task"),
}

DEPLOYMENT_STATUS: dict[str, Resolver] = {
    "id": lambda p, args, context: node_id("DES", p.repository.id, p.entity["id"]),
    "createdAt": member("created_at"),
    "updatedAt": member("updated_at"),
    "creator": actor("creator"),
    "description": member("description"),
    "environment": member("environment"),
    "state": lambda place, args, context: place.entity["state"].upper(),
}

LABEL: dict[str, Resolver] = {
    "id": lambda p, args, context: node_id("LA", p.repository.id, p.entity.get("id")),
    "color": lambda place, args, context: place.entity.get("color") or "ededed",
    "description": member("description"),
    "name": member("name"),
    "url": lambda p, args, context: f"{WEB}/{p.repository.full_name}/labels/{p.entity['name']}",
}
