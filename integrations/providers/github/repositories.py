"""Finds repositories: of an owner, by their whole name, or all that the credential sees."""

from typing import Any, Final, TypeVar

import msgspec

from common.errors import PermanentError
from common.http import Answer
from integrations.contract import Live
from integrations.providers.github import queries
from integrations.providers.github.client import Client, refusal, request_of
from integrations.providers.github.replies import unreadable
from integrations.providers.github.steps import Repo

T = TypeVar("T")

PER_PAGE: Final = 100
_REMEDY: Final = "correct the setting, or let the token or app see more"
_IN_ORDER: Final = {"per_page": PER_PAGE, "sort": "created", "direction": "asc"}
_NO_USER: Final = "not accessible by integration"

# An owner is an organisation or a person. A person's list shows what is public; what else the
# credential may see of them is in the list of its own repositories.
_FORMS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "org": ("/orgs/{source}/repos", {"type": "all", **_IN_ORDER}),
    "user": ("/users/{source}/repos", {"type": "owner", **_IN_ORDER}),
    "own": ("/user/repos", _IN_ORDER),
    "installation": ("/installation/repositories", {"per_page": PER_PAGE}),
    "name": ("/repos/{source}", {}),
}


class Entity(msgspec.Struct, gc=False):
    """A repository of a list."""

    id: int
    node_id: str
    full_name: str
    created_at: str | None = None

    @property
    def repo(self) -> Repo:
        """The repository as walks know it."""
        return Repo(self.id, self.node_id, self.created_at)


class _Listed(msgspec.Struct):
    repositories: list[Entity]


class Found:
    """A page of repositories. answer: as received; entities: all in it, whoever asked.

    form, url: where it goes on; both empty at the end.
    """

    def __init__(self, answer: Answer, entities: list[Entity]) -> None:
        self.answer = answer
        self.entities = entities
        self.form = ""
        self.url = ""

    @property
    def what(self) -> str:
        """What was asked, and for what."""
        return f"{request_of(self.answer)}: the list of repositories"


def first_form(source: str) -> str:
    """Return the list that a source begins with."""
    if not source:
        return "own"
    return "name" if "/" in source else "org"


def find(live: Live, source: str, form: str, url: str) -> Found | None:
    """Return a page of repositories, None if there is no such source.

    Raises PermanentError, TransientError, WaitError; UnreadableError if it is no list.
    """
    client = Client(live.site)
    form = form or first_form(source)
    if url:
        return _found(client, client.get(url), source, form)
    path, params = _FORMS[form]
    answer = client.get(path.format(source=source), params, passed=(403, 404, 409))
    if form == "own" and answer.status in (403, 404) and has_no_user(answer):
        return find(live, source, "installation", "")
    if form == "org" and answer.status == 404:
        return find(live, source, "user", "")
    if answer.status == 404 and form in ("user", "name"):
        return None
    if answer.status != 200:
        raise refusal(answer)
    return _found(client, answer, source, form)


def by_id(live: Live, source_id: str, *passed: int) -> tuple[Answer, Entity | None]:
    """Return the answer for a repository by its id, and the repository if there is one."""
    answer = Client(live.site).get(f"/repositories/{source_id}", passed=passed)
    if answer.status != 200:
        return answer, None
    return answer, _decode(answer, Entity)


def not_found(source: str) -> PermanentError:
    """Return the error of a source that does not exist, or not for this credential."""
    what = f"repository {source}" if "/" in source else f"owner {source}"
    return PermanentError(
        f"{request_for(source)} → 404: GitHub knows no {what}, or the credential may not see it: "
        "correct the setting repositories, or let the token or app see it"
    )


def request_for(source: str) -> str:
    """Return the request that decides whether there is a source, as messages name it."""
    form = first_form(source)
    return f"GET {_FORMS['user' if form == 'org' else form][0].format(source=source)}"


def nothing_found(source: str, answer: Answer) -> PermanentError:
    """Return the error of a source in which nothing is that was asked for."""
    scopes = answer.headers.get("x-oauth-scopes")
    is_short = scopes is not None and "repo" not in [each.strip() for each in scopes.split(",")]
    remedy = "the token lacks the scope repo; make one that has it" if is_short else _REMEDY
    return PermanentError(
        f"{request_of(answer)}: the credential sees no repository of {source or 'anybody'} that "
        f"the setting repositories asks for: {remedy}"
    )


def only(live: Live, entities: list[Entity]) -> Answer:
    """Return an answer that holds these repositories and no other."""
    variables = {"ids": [entity.node_id for entity in entities]}
    return Client(live.site).graphql(queries.REPOSITORIES, variables).answer


def _found(client: Client, answer: Answer, source: str, form: str) -> Found:
    if form == "name":
        return Found(answer, [_decode(answer, Entity)])
    if form == "installation":
        found = Found(answer, _decode(answer, _Listed).repositories)
    else:
        found = Found(answer, _decode(answer, list[Entity]))
    url = client.next_url(answer)
    if url is not None:
        found.form, found.url = form, url
    elif form == "user":
        found.form = "own"
    return found


def has_no_user(answer: Answer) -> bool:
    """Tell whether an answer refuses an app what only a person has."""
    return _NO_USER in answer.body[:2000].decode("utf-8", "replace").lower()


def _decode(answer: Answer, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(answer, str(error)) from None
