"""What resolvers of all types share: the values they work on, accounts, and how they are read."""

from dataclasses import dataclass
from typing import NamedTuple

from sandbox.accounts import Token
from sandbox.github.graphql.execute import Args, Resolver, Typed
from sandbox.github.graphql.queries import Weight
from sandbox.github.ids import node_id
from sandbox.github.records import Entity, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.store import GitHubStore

WEB = "https://github.com"
_ACCOUNT_TYPES = {"Bot": "Bot", "Organization": "Organization", "Mannequin": "Mannequin"}
_ID_PREFIXES = {"Bot": "BOT", "Organization": "O", "Mannequin": "M", "User": "U"}


@dataclass(frozen=True)
class Context:
    """What every resolver of one request may use."""

    store: GitHubStore
    token: Token
    weight: Weight


class Place(NamedTuple):
    """A node: an entity of the REST API and where it is.

    repository: None for one that is only named in a pull request, such as a fork. record: the pull
    request that it is in, if it is in one.
    """

    repository: Repository | None
    record: PullRecord | None
    entity: Entity


def member(name: str) -> Resolver:
    """Return a resolver of a member of the REST entity, null where it has none."""
    return lambda place, args, context: place.entity.get(name)


def upper(name: str) -> Resolver:
    """Return a resolver of a member in capitals, as enums are."""
    return lambda place, args, context: (place.entity.get(name) or "").upper() or None


def identity(prefix: str, part: str = "id") -> Resolver:
    """Return a resolver of the node id of what is in a pull request."""
    return lambda place, args, context: node_id(
        prefix, place.repository.id, place.record.number, place.entity[part]
    )


def full_id(place: Place, args: Args, context: Context) -> str | None:
    """Resolve the id that does not fit into 32 bits, as text."""
    value = place.entity.get("id")
    return None if value is None else str(value)


def database_id(place: Place, args: Args, context: Context) -> int | None:
    """Resolve the numeric id."""
    value = place.entity.get("id")
    return None if value is None else int(value)


def actor(name: str) -> Resolver:
    """Return a resolver of the account in a member; null for one that has vanished."""
    return lambda place, args, context: typed_account(place.entity.get(name))


def typed_account(entity: Entity | None) -> Typed | None:
    """Return an account with the type that it has in the schema."""
    return None if not entity else Typed(type_of(entity), entity)


def type_of(account: Entity) -> str:
    """Return the name of an account's type in the schema."""
    return _ACCOUNT_TYPES.get(account.get("type", ""), "User")


def login_of(account: Entity, args: Args, context: Context) -> str | None:
    """Resolve a login: here bots lack the ending that the REST API gives them."""
    login = account.get("login")
    if login is None or context.store.is_recorded:
        return login
    return str(login).removesuffix("[bot]")


def _account_page(account: Entity, args: Args, context: Context) -> str:
    """Resolve an account's page; of a recorded bot it names the app, whatever the login became."""
    if context.store.is_recorded and account.get("html_url"):
        return str(account["html_url"])
    login = login_of(account, args, context)
    return f"{WEB}/apps/{login}" if type_of(account) == "Bot" else f"{WEB}/{login}"


def _account_id(account: Entity, args: Args, context: Context) -> str:
    return node_id(_ID_PREFIXES[type_of(account)], account.get("id"))


ACCOUNT: dict[str, Resolver] = {
    "__typename": lambda account, args, context: type_of(account),
    "id": _account_id,
    "databaseId": lambda account, args, context: account.get("id"),
    "login": login_of,
    "name": lambda account, args, context: account.get("name"),
    "email": lambda account, args, context: account.get("email") or "",
    "avatarUrl": lambda account, args, context: account.get("avatar_url") or f"{WEB}/ghost.png",
    "url": _account_page,
    "resourcePath": lambda a, args, context: _account_page(a, args, context)[len(WEB) :],
}


def embedded_repository(entity: Entity | None, context: Context) -> Place | None:
    """Return a repository that a pull request names: the listed one where it is visible."""
    if not entity:
        return None
    listed = context.store.numbered(entity.get("id") or 0, context.token)
    return Place(listed, None, listed.entity) if listed else Place(None, None, entity)


def page_of(place: Place) -> str:
    """Return the address of a pull request's page."""
    assert place.repository is not None and place.record is not None
    return f"{WEB}/{place.repository.full_name}/pull/{place.record.number}"


def of_repository(place: Place, args: Args, context: Context) -> Place:
    """Resolve the repository that something is in."""
    assert place.repository is not None
    return Place(place.repository, None, place.repository.entity)


def of_pull(place: Place, args: Args, context: Context) -> Place:
    """Resolve the pull request that something is in."""
    assert place.record is not None
    return Place(place.repository, place.record, place.record.pull)
