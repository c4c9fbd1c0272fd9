"""Resolvers of commits."""

from typing import Any

from sandbox.github.graphql.connections import Connection, connect
from sandbox.github.graphql.execute import Args, Resolver
from sandbox.github.graphql.nodes import WEB, Context, Place, of_repository
from sandbox.github.graphql.pulls import bare_commit
from sandbox.github.ids import node_id
from sandbox.github.records import Entity


def _git(*names: str) -> Resolver:
    """Return a resolver of a member of the commit as git has it."""

    def resolve(place: Place, args: Args, context: Context) -> Any:
        value: Any = place.entity["commit"]
        for name in names:
            value = (value or {}).get(name)
        return value

    return resolve


def _signature(name: str) -> Resolver:
    """Return a resolver of who wrote or made it, with the account that goes with the address."""

    def resolve(place: Place, args: Args, context: Context) -> Entity | None:
        written = place.entity["commit"].get(name)
        if not written and not place.entity.get(name):
            return None
        return {**(written or {}), "user": place.entity.get(name)}

    return resolve


def _headline(place: Place, args: Args, context: Context) -> str:
    return str(place.entity["commit"].get("message") or "").partition("\n")[0]


def _page(place: Place, args: Args, context: Context) -> str:
    assert place.repository is not None
    return f"{WEB}/{place.repository.full_name}/commit/{place.entity['sha']}"


def _parents(place: Place, args: Args, context: Context) -> Connection[int]:
    shas = [each["sha"] for each in place.entity.get("parents") or () if each]
    return connect(
        range(len(shas)),
        args,
        key=lambda at: (at,),
        node=lambda at: Place(place.repository, place.record, bare_commit(shas[at])),
    )


COMMIT: dict[str, Resolver] = {
    "id": lambda place, args, c: node_id("C", place.repository.id, place.entity["sha"]),
    "oid": lambda place, args, context: place.entity["sha"],
    "abbreviatedOid": lambda place, args, context: place.entity["sha"][:7],
    "message": _git("message"),
    "messageHeadline": _headline,
    "authoredDate": _git("author", "date"),
    "committedDate": _git("committer", "date"),
    "author": _signature("author"),
    "committer": _signature("committer"),
    "parents": _parents,
    "commitUrl": _page,
    "url": _page,
    "repository": of_repository,
}

GIT_ACTOR: dict[str, Resolver] = {
    "avatarUrl": lambda actor, args, context: f"{WEB}/ghost.png",
    "date": lambda actor, args, context: actor.get("date"),
    "email": lambda actor, args, context: actor.get("email"),
    "name": lambda actor, args, context: actor.get("name"),
    "user": lambda actor, args, context: actor["user"] or None,
}
