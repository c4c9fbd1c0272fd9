"""Resolvers of a query's outermost fields, and all resolvers together."""

import time
from typing import Any

from sandbox.github.graphql.commits import COMMIT, GIT_ACTOR
from sandbox.github.graphql.connections import connect
from sandbox.github.graphql.execute import Args, Resolver, Resolvers, Typed
from sandbox.github.graphql.nodes import ACCOUNT, Context, Place, typed_account
from sandbox.github.graphql.problems import QueryError
from sandbox.github.graphql.pulls import (
    ISSUE_COMMENT,
    PULL_REQUEST,
    PULL_REQUEST_COMMIT,
    REVIEW,
    REVIEW_COMMENT,
    THREAD,
    thread_of,
)
from sandbox.github.graphql.queries import schema
from sandbox.github.graphql.repositories import (
    DEPLOYMENT,
    DEPLOYMENT_STATUS,
    LABEL,
    OWNER,
    REF,
    REPOSITORY,
    deployment_of,
    place_of,
)
from sandbox.github.ids import NodeId, read_node_id
from sandbox.github.records import Entity
from sandbox.github.search import MOST_RESULTS, SearchError, pulls, repositories, terms_of
from sandbox.github.times import iso


def _rate_limit(value: None, args: Args, context: Context) -> dict[str, Any]:
    limits = context.store.organisation.limits
    state = limits.primary(context.token.owner, "graphql")
    more = context.weight.points - 1
    return {
        "cost": context.weight.points,
        "limit": state.limit,
        "nodeCount": context.weight.nodes,
        "remaining": max(0, state.remaining - more),
        "resetAt": iso(int(time.time() + state.seconds_left)),
        "used": min(state.limit, state.used + more),
    }


def _repository(value: None, args: Args, context: Context) -> Place:
    found = context.store.named(args["owner"], args["name"], context.token)
    if found is None or (found.is_renamed and not args.get("followRenames", True)):
        name = f"{args['owner']}/{args['name']}"
        raise QueryError("NOT_FOUND", f"Could not resolve to a Repository with the name '{name}'.")
    if found.repository.is_blocked:
        raise QueryError("DMCA_TAKEDOWN", "Repository unavailable due to DMCA takedown.")
    return place_of(found.repository)


def _owner_of_type(*types: str) -> Resolver:
    def resolve(value: None, args: Args, context: Context) -> Any:
        login = args["login"]
        owner = context.store.owner(login)
        typed = typed_account(owner)
        if typed is None or typed.type not in types:
            raise QueryError(
                "NOT_FOUND", f"Could not resolve to {_named(types)} with the login of '{login}'."
            )
        return typed

    return resolve


def _named(types: tuple[str, ...]) -> str:
    return {"Organization": "an Organization", "User": "a User"}.get(
        types[0] if len(types) == 1 else "", "a RepositoryOwner"
    )


def _node(value: None, args: Args, context: Context) -> Typed:
    return _node_of(args["id"], context)


def _nodes(value: None, args: Args, context: Context) -> list[Typed | QueryError]:
    if len(args["ids"]) > 100:
        count = len(args["ids"])
        text = f"You may not provide more than 100 node ids; you provided {count}."
        raise QueryError("ARGUMENT_LIMIT", text)
    found: list[Typed | QueryError] = []
    for each in args["ids"]:
        try:
            found.append(_node_of(each, context))
        except QueryError as problem:
            found.append(problem)
    return found


def _node_of(text: str, context: Context) -> Typed:
    named = read_node_id(text)
    place = None if named is None else _place_of(named, context)
    if named is None or place is None:
        raise QueryError(
            "NOT_FOUND", f"Could not resolve to a node with the global id of '{text}'."
        )
    return Typed(named.type, place)


def _place_of(named: NodeId, context: Context) -> Place | None:
    repository = context.store.numbered(named.repository_id, context.token)
    if repository is None:
        return None
    if named.type == "Repository":
        return place_of(repository)
    if named.type == "Deployment":
        return deployment_of(repository, int(named.part)) if named.part.isdigit() else None
    record = repository.numbered(named.number)
    if record is None:
        return None
    pull = Place(repository, record, record.pull)
    if named.type == "PullRequest":
        return pull
    if named.type == "PullRequestReviewThread":
        thread = thread_of(pull, int(named.part)) if named.part.isdigit() else None
        return thread if thread and thread.entity["comments"] else None
    lists: dict[str, list[Entity]] = {
        "PullRequestCommit": record.commits,
        "PullRequestReview": record.reviews,
        "PullRequestReviewComment": record.review_comments,
        "IssueComment": record.issue_comments,
    }
    part = "sha" if named.type == "PullRequestCommit" else "id"
    parts = (each for each in lists[named.type] if str(each[part]) == named.part)
    found = next(parts, None)
    return None if found is None else Place(repository, record, found)


def _search(value: None, args: Args, context: Context) -> dict[str, Any]:
    try:
        terms = terms_of(args["query"])
        store, token = context.store, context.token
        found: list[Typed]
        if args["type"] == "REPOSITORY":
            found = [
                Typed("Repository", place_of(each)) for each in repositories(store, token, terms)
            ]
        elif args["type"] == "ISSUE":
            found = [
                Typed("PullRequest", Place(repository, record, record.pull))
                for repository, record in pulls(store, token, terms)
            ]
        else:
            found = []
    except SearchError as error:
        raise QueryError("UNPROCESSABLE", str(error)) from None
    rows = range(min(len(found), MOST_RESULTS))
    connection = connect(rows, args, key=lambda at: (at,), node=lambda at: found[at])
    is_repository = args["type"] == "REPOSITORY"
    return {
        "connection": connection,
        "repositoryCount": len(found) if is_repository else 0,
        "issueCount": 0 if is_repository else len(found),
    }


def _viewer(value: None, args: Args, context: Context) -> Entity:
    return context.store.person(context.token.account)


QUERY: dict[str, Resolver] = {
    "viewer": _viewer,
    "rateLimit": _rate_limit,
    "node": _node,
    "nodes": _nodes,
    "repository": _repository,
    "repositoryOwner": _owner_of_type("Organization", "User"),
    "organization": _owner_of_type("Organization"),
    "user": _owner_of_type("User"),
    "search": _search,
}
_CONNECTION: dict[str, Resolver] = {
    "nodes": lambda connection, args, context: connection.nodes(),
    "edges": lambda connection, args, context: connection.edges(),
    "pageInfo": lambda connection, args, context: connection.page_info(),
    "totalCount": lambda connection, args, context: connection.total,
}


def _through(name: str) -> Resolver:
    return lambda found, args, context: _CONNECTION[name](found["connection"], args, context)


def _all_resolvers() -> Resolvers:
    every: Resolvers = {
        "Query": QUERY,
        "User": ACCOUNT | OWNER,
        "Bot": ACCOUNT,
        "Mannequin": ACCOUNT,
        "Organization": ACCOUNT | OWNER,
        "Repository": REPOSITORY,
        "Ref": REF,
        "Label": LABEL,
        "PullRequest": PULL_REQUEST,
        "PullRequestCommit": PULL_REQUEST_COMMIT,
        "Commit": COMMIT,
        "GitActor": GIT_ACTOR,
        "PullRequestReview": REVIEW,
        "PullRequestReviewComment": REVIEW_COMMENT,
        "PullRequestReviewThread": THREAD,
        "IssueComment": ISSUE_COMMENT,
        "Deployment": DEPLOYMENT,
        "DeploymentStatus": DEPLOYMENT_STATUS,
    }
    for name in schema().type_map:
        if name.endswith("Connection"):
            every[name] = _CONNECTION
    every["SearchResultItemConnection"] = {
        name: _through(name) for name in ("nodes", "edges", "pageInfo")
    }
    return every


RESOLVERS = _all_resolvers()
