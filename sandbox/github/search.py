"""The search for repositories and pull requests: the qualifiers that a connector uses."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.accounts import Token
from sandbox.github.ranges import in_range
from sandbox.github.records import ANY_STATE, CLOSED, MERGED, OPEN, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.store import GitHubStore

MOST_RESULTS = 1_000
_TERM = re.compile(r'([a-z-]+):("[^"]*"|\S+)|(\S+)')
_STATES = {
    "open": frozenset((OPEN,)),
    "closed": frozenset((CLOSED, MERGED)),
    "merged": frozenset((MERGED,)),
    "unmerged": frozenset((OPEN, CLOSED)),
}
_KNOWN = {"org", "user", "repo", "is", "type", "state", "archived", "fork", "updated", "created"}
_KNOWN |= {"in", "sort"}


class SearchError(ValueError):
    """A search that cannot be understood."""


class Terms(NamedTuple):
    """What is searched for: qualifiers with their values, and words."""

    qualifiers: list[tuple[str, str]]
    words: list[str]

    def values(self, *names: str) -> list[str]:
        """Return the values of these qualifiers, in lower case."""
        return [value.lower() for name, value in self.qualifiers if name in names]


def terms_of(text: str) -> Terms:
    """Read a search; raise SearchError for a qualifier that is not known."""
    qualifiers, words = [], []
    for name, value, word in _TERM.findall(text):
        if not name:
            words.append(word.lower())
        elif name in _KNOWN:
            qualifiers.append((name, value.strip('"')))
        else:
            raise SearchError(f"The search does not know {name}:{value}")
    return Terms(qualifiers, words)


def repositories(store: GitHubStore, token: Token, terms: Terms) -> list[Repository]:
    """Return the repositories that are found, by id."""
    return [each for each in store.visible(token) if _fits(each, terms)]


def _fits(repository: Repository, terms: Terms) -> bool:
    entity = repository.entity
    owners, names = terms.values("org", "user"), terms.values("repo")
    if owners and repository.owner.lower() not in owners:
        return False
    if names and repository.full_name.lower() not in names:
        return False
    if any(v != str(bool(entity.get("archived"))).lower() for v in terms.values("archived")):
        return False
    wants = terms.values("is")
    if ("private" in wants and not entity.get("private")) or (
        "public" in wants and entity.get("private")
    ):
        return False
    name = repository.full_name.lower()
    described = f"{name} {entity.get('description') or ''}".lower()
    return all(word in described for word in terms.words)


def pulls(
    store: GitHubStore, token: Token, terms: Terms
) -> Iterator[tuple[Repository, PullRecord]]:
    """Yield the pull requests that are found, those updated last first in each repository."""
    owners, names = terms.values("org", "user"), terms.values("repo")
    states = ANY_STATE
    for value in terms.values("is", "state"):
        states &= _STATES.get(value, ANY_STATE)
    for repository in store.visible(token):
        if owners and repository.owner.lower() not in owners:
            continue
        if names and repository.full_name.lower() not in names:
            continue
        for position in reversed(repository.pulls.ordered("updated", states)):
            head = repository.pulls.head(position)
            if not all(_in_range(head.updated, value) for value in terms.values("updated")):
                continue
            if not all(_in_range(head.created, value) for value in terms.values("created")):
                continue
            record = repository.record(position)
            title = str(record.pull["title"]).lower()
            if all(word in title for word in terms.words):
                yield repository, record


def _in_range(at: int, text: str) -> bool:
    try:
        return in_range(at, text)
    except ValueError:
        raise SearchError(f"{text!r} is no time or range of times") from None
