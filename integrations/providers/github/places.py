"""What the addresses in a record name: a repository, and perhaps a pull request in it."""

import re
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from common.errors import RecordError
from integrations.providers.github.owner import Owner
from integrations.providers.github.shapes import KEY_LENGTH

Address: TypeAlias = tuple[str, str | None]
"""Where an address stands in the record, and the address."""

_NAME: Final = r"/([^/]{1,200}/[^/]{1,200})"
_NUMBER: Final = r"/([0-9]{1,10})(?=/|$)"
_BELOW: Final = (
    r"(?=/(?:git/)?commits/|/(?:pulls|issues)/comments/|/deployments/|/actions/runs/|/statuses/|$)"
)
_OF_API: Final = re.compile(rf"/repos{_NAME}(?:/(pulls|issues){_NUMBER}|{_BELOW})")
_OF_PAGE: Final = re.compile(rf"{_NAME}/(pull|issues){_NUMBER}")
_OF_COMMIT: Final = re.compile(rf"{_NAME}/commit/[0-9a-fA-F]{{7,100}}/?$")


class Place(NamedTuple):
    """What one address names. is_pull: it says itself that the number is a pull request's."""

    repository: str
    number: int | None = None
    is_pull: bool = False


def place_at(url: str | None, path: str) -> Place | None:
    """Return what an address of the API or of a page names, on any host and under any base.

    None if it names no repository. Raises RecordError, with `path` as its place, for a number or
    name that none can have.
    """
    try:
        route = urlsplit(url or "").path.rstrip("/")
    except ValueError:
        return None
    if match := _OF_API.search(route) or _OF_PAGE.search(route):
        number = _number(match[3], path) if match[3] else None
        return Place(_full_name(match[1], path), number, match[2] in ("pull", "pulls"))
    if match := _OF_COMMIT.search(route):
        return Place(_full_name(match[1], path))
    return None


def repository_of(owner: Owner, *addresses: Address) -> str:
    """Return the repository of what belongs to `owner` or else says so by its addresses."""
    return _owner_of(owner, addresses)[0]


def pull_request_of(owner: Owner, *addresses: Address) -> tuple[str, int]:
    """Return repository and number of the pull request that something belongs to.

    The first address that says it counts. Raises RecordError at the place of the first one.
    """
    repository, number = _owner_of(owner, addresses)
    if number is None:
        raise RecordError("missing_field", "names no pull request", addresses[0][0])
    return repository, number


def _owner_of(owner: Owner, addresses: tuple[Address, ...]) -> tuple[str, int | None]:
    repository, number = owner.repository or None, owner.number
    for path, url in addresses:
        if repository is not None and number is not None:
            break
        place = place_at(url, path)
        if place is None or (repository or place.repository).lower() != place.repository.lower():
            continue
        repository = repository or place.repository
        number = number or place.number
    if repository is None:
        path, url = addresses[0]
        raise RecordError("bad_value", f"no repository in {(url or '')[:200]!r}", path)
    return repository, number


def _full_name(name: str, path: str) -> str:
    if len(name) > KEY_LENGTH:
        raise RecordError("bad_value", f"{name[:80]!r} is too long for a repository", path)
    return name


def _number(digits: str, path: str) -> int:
    number = int(digits)
    if not 1 <= number < 2**31:
        raise RecordError("bad_number", f"{number} is no number of a pull request", path)
    return number
