"""The people of an organisation, who have an account in Jira, on GitHub, or both."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sandbox.generate.draws import Draws
from sandbox.generate.styles import Style

Entity = dict[str, Any]

_FIRST = ("Alice", "Bob", "Chao", "Dilek", "Emil", "Fatima", "Goran", "Hana", "Iker", "Jördis")
_LAST = ("Archer", "Brandt", "Cohen", "Dlamini", "Evers", "Fischer", "García", "Huang", "Ito")


@dataclass(frozen=True)
class Person:
    """A person or a machine. login is None where git commits name no GitHub account."""

    index: int
    account_id: str
    name: str
    email: str
    login: str | None
    is_active: bool
    is_machine: bool


class People:
    """All people of an organisation, each following from its number; number 0 is a machine."""

    def __init__(self, seed: int, style: Style, count: int) -> None:
        self._seed = seed
        self._style = style
        self.count = count
        self._known: dict[int, Person] = {}

    def person(self, index: int) -> Person:
        """Return the person of this number."""
        person = self._known.get(index)
        if person is None:
            person = self._known[index] = self._person(index)
        return person

    def _person(self, index: int) -> Person:
        draws = Draws(self._seed, "person", index)
        mark = sha256(f"{self._seed}:{self._style.slug}:{index}".encode()).hexdigest()
        name = f"{draws.pick(_FIRST)} {draws.pick(_LAST)}"
        login = f"{name.split()[0].lower().replace('ö', 'o')}-{mark[:5]}"
        if index == 0:
            name, login = "Build Robot", "build-robot[bot]"
        linked = index == 0 or not draws.chance(0.15)
        return Person(
            index=index,
            account_id=f"712020:{mark[:8]}-{mark[8:12]}-{mark[12:20]}",
            name=name,
            email=f"{mark[:10]}@{self._style.slug}.example.com",
            login=login if linked else None,
            is_active=index == 0 or not draws.chance(0.1),
            is_machine=index == 0,
        )

    def anyone(self, draws: Draws) -> Person:
        """Return a human."""
        return self.person(1 + draws.below(self.count - 1))

    def jira_user(self, person: Person) -> Entity:
        """Return the account as Jira embeds it in other entities."""
        return {
            "self": f"{self._style.site}/rest/api/2/user?accountId={person.account_id}",
            "active": person.is_active,
            "timeZone": self._style.time_zone,
            "accountId": person.account_id,
            "avatarUrls": {},
            "accountType": "app" if person.is_machine else "atlassian",
            "displayName": person.name,
        }

    def jira_listed_user(self, person: Person) -> Entity:
        """Return the account as a listing of users has it; most hide their e-mail."""
        user = self.jira_user(person) | {
            "expand": "groups,applicationRoles",
            "groups": {"size": 0, "items": []},
            "locale": "en_US",
            "applicationRoles": {"size": 0, "items": []},
        }
        if person.index % 4 == 1:
            user["emailAddress"] = person.email
        return user

    def github_user(self, person: Person) -> Entity | None:
        """Return the account as GitHub embeds it; None for who has none."""
        if person.login is None:
            return None
        kind = "Bot" if person.is_machine else "User"
        return github_account(person.login, 9_000_000 + person.index, kind)


def github_account(login: str, number: int, kind: str) -> Entity:
    """Return an account of GitHub; kind: User, Bot or Organization."""
    api = f"https://api.github.com/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": f"U_{number}",
        "avatar_url": "",
        "gravatar_id": "",
        "url": api,
        "html_url": f"https://github.com/{login}",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "type": kind,
        "site_admin": False,
    }
