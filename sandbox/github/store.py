"""What the organisation has on GitHub, as it stands now."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.accounts import RESTRICTED, Account, Token
from sandbox.github.accounts import Credentials
from sandbox.github.records import Entity
from sandbox.github.repository import Repository
from sandbox.github.sources import RecordedSource, Source, WorldSource
from sandbox.github.times import iso

if TYPE_CHECKING:
    from sandbox.organisation import Organisation


class Found(NamedTuple):
    """A repository that was asked for by name. is_renamed: the name is a former one."""

    repository: Repository
    is_renamed: bool


class GitHubStore:
    """Repositories with all that is in them, and who may see which."""

    def __init__(self, organisation: "Organisation") -> None:
        """Raise ReplayError if the recording cannot be read."""
        self.organisation = organisation
        self.source = _source(organisation)
        self.repositories = {
            repository.id: repository
            for repository in (Repository(dict(e), self.source) for e in self.source.repositories())
        }
        self.gone: list[dict[str, Any]] = []
        self._last_id = 20_000_000_000  # above those of made-up runs, which follow from pulls
        owner = next((each.owner for each in self.repositories.values()), organisation.slug)
        self.credentials = Credentials(organisation, owner)
        if len(self.repositories) > 1:
            hidden = max(self.repositories)
            organisation.accounts.hide(RESTRICTED, "repository", str(hidden))

    @property
    def is_recorded(self) -> bool:
        """Whether it comes from a recording, whose values are kept as they are."""
        return self.organisation.recording is not None

    @property
    def now(self) -> str:
        """The organisation's time as GitHub writes it."""
        return iso(self.organisation.clock.now // 1000)

    def new_id(self) -> int:
        """Return an id that nothing has had."""
        self._last_id += 1
        return self._last_id

    def visible(self, token: Token) -> Iterator[Repository]:
        """Yield the repositories that a token's bearer sees, by id."""
        for repository in sorted(self.repositories.values(), key=lambda each: each.id):
            if self.sees(token, repository):
                yield repository

    def sees(self, token: Token, repository: Repository) -> bool:
        """Tell whether a token's bearer sees a repository."""
        hidden = self.organisation.accounts.hidden(token.account.name, "repository")
        owner = token.extra.get("owner")
        if repository.is_gone or str(repository.id) in hidden:
            return False
        if token.kind == "unscoped" and repository.entity.get("private"):
            return False
        return owner is None or repository.owner.lower() == owner.lower()

    def named(self, owner: str, name: str, token: Token) -> Found | None:
        """Return the repository that has or had this name, None if the bearer sees none."""
        full_name = f"{owner}/{name}".lower()
        former: Repository | None = None
        for repository in self.repositories.values():
            if not self.sees(token, repository):
                continue
            if repository.full_name.lower() == full_name:
                return Found(repository, False)
            if any(each.lower() == full_name for each in repository.former_names):
                former = repository
        return Found(former, True) if former else None

    def numbered(self, repository_id: int, token: Token) -> Repository | None:
        """Return the repository of an id, None if the bearer sees none."""
        repository = self.repositories.get(repository_id)
        return repository if repository and self.sees(token, repository) else None

    def owner(self, login: str) -> Entity | None:
        """Return the account that repositories belong or belonged to, by its name in addresses."""
        for repository in self.repositories.values():
            if repository.owner.lower() == login.lower() and not repository.is_gone:
                named = repository.entity.get("owner") or {"id": 1, "type": "Organization"}
                return {**named, "login": repository.owner}
        for repository in self.repositories.values():
            for former in (name.partition("/")[0] for name in repository.former_names):
                if former.lower() == login.lower():
                    return {"login": former, "id": 1, "type": "Organization"}
        return None

    @staticmethod
    def person(account: Account) -> Entity:
        """Return who signs in as an account of GitHub."""
        number = 60_000_000 + int(account.account_id.rpartition(":")[2][:6], 16)
        return {"login": f"loader-{account.name}", "id": number, "type": "User"}


def _source(organisation: "Organisation") -> Source:
    if organisation.world is not None:
        return WorldSource(organisation.world)
    assert organisation.recording is not None
    return RecordedSource(organisation.recording)
