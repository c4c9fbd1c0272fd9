"""What all changes on GitHub share: which repository is meant, and hashes and people made up."""

from collections.abc import Callable
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from sandbox.github.records import Entity
from sandbox.github.repository import Repository
from sandbox.github.store import GitHubStore
from sandbox.mutations import MutationError

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Arguments = dict[str, Any]
Done = dict[str, Any]
Mutation = Callable[["Organisation", Arguments], Done]


def repository_of(store: GitHubStore, arguments: Arguments) -> Repository:
    """Return the repository that is meant; raise MutationError if there is none."""
    wanted = arguments.get("repository")
    for repository in sorted(store.repositories.values(), key=lambda each: each.id):
        if repository.is_gone:
            continue
        names = (repository.full_name.lower(), str(repository.id))
        if wanted is None or str(wanted).lower() in names:
            return repository
    raise MutationError(f"there is no repository {wanted!r}")


def made_up_sha(*names: object) -> str:
    """Return a hash that follows from the names."""
    text = ":".join(map(str, names))
    return sha1(text.encode(), usedforsecurity=False).hexdigest()


def person_of(arguments: Arguments) -> Entity | None:
    """Return who does it: `user`, or nobody any more if `ghost`."""
    if arguments.get("ghost"):
        return None
    login = arguments.get("user", "reviewer")
    return {"login": login, "id": 61_000_000 + sum(map(ord, login)), "type": "User"}
