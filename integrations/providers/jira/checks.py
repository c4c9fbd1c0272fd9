"""The test of a connection, step by step: what was tried, what was found, what to do."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import msgspec

from common.errors import PipelineError, TransientError
from common.http import Answer
from integrations.contract import Check, Live

from . import jql
from .client import Client, quoted, read
from .lost import PROJECT
from .refusals import RefusedError, request_of, said

LATER: Final = "try again in a while; if it stays so, ask whoever runs the site or the network"
_MOST_NAMED: Final = 50
Tried: TypeAlias = tuple[Answer, str]
"""The last answer of a step that went well, and what it found."""


class _ServerInfo(msgspec.Struct, rename="camel"):
    version: str = ""
    deployment_type: str = ""


class _Myself(msgspec.Struct, rename="camel"):
    display_name: str = ""
    name: str = ""
    time_zone: str = ""


class _Project(msgspec.Struct):
    id: str | int
    key: str = ""


class _Projects(msgspec.Struct):
    values: list[_Project]
    total: int | None = None


class _Issues(msgspec.Struct):
    issues: list[msgspec.Raw]


_SERVER_INFO: Final = msgspec.json.Decoder(_ServerInfo)
_MYSELF: Final = msgspec.json.Decoder(_Myself)
_PROJECTS: Final = msgspec.json.Decoder(_Projects)
_PROJECT_LIST: Final = msgspec.json.Decoder(list[_Project])
_ISSUES: Final = msgspec.json.Decoder(_Issues)


class _Test:
    """A test in progress. projects: the ids of some that were found."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.projects: list[str] = []

    def reach(self) -> Tried:
        answer = self.client.get("reach the site", "serverInfo", is_open=True)
        info = read("reach the site", answer, _SERVER_INFO)
        is_cloud = info.deployment_type.lower() == "cloud"
        if info.deployment_type and is_cloud != self.client.settings.is_cloud:
            flavour = "cloud" if is_cloud else "datacenter"
            detail = f"says that it is Jira {info.deployment_type}"
            raise RefusedError("reach the site", answer, detail, f"set `flavour` to {flavour}")
        return answer, f"Jira {info.deployment_type or 'Server'} {info.version}".rstrip()

    def sign_in(self) -> Tried:
        answer = self.client.get("sign in", "myself")
        person = read("sign in", answer, _MYSELF)
        zone = f", time zone {person.time_zone}" if person.time_zone else ""
        return answer, f"signed in as {person.display_name or person.name or 'somebody'}{zone}"

    def see_projects(self) -> Tried:
        names = self.client.settings.project_names
        return self._named(names) if names else self._visible()

    def _named(self, names: list[str]) -> Tried:
        step = "see projects"
        for name in names[:_MOST_NAMED]:
            answer = self.client.get(step, f"project/{quoted(name)}", accepting=(404,))
            if answer.status == 404:
                detail = (
                    f"answered 404: there is no project {name!r}, or the account may not see it"
                )
                remedy = "correct the setting `projects`, or permit the account to browse it"
                raise RefusedError(step, answer, detail, remedy)
            project = read(step, answer, PROJECT)
            if not project.is_live:
                remedy = "restore the project, or take it out of the setting `projects`"
                raise RefusedError(step, answer, f"says that {name} is archived or deleted", remedy)
            self.projects.append(str(project.id))
        return answer, f"found {', '.join(names[:_MOST_NAMED])}"

    def _visible(self) -> Tried:
        step = "see projects"
        if self.client.settings.is_cloud:
            answer = self.client.get(step, "project/search", {"maxResults": 50})
            page = read(step, answer, _PROJECTS)
            found, total = page.values, page.total
        else:
            answer = self.client.get(step, "project")
            found, total = read(step, answer, _PROJECT_LIST), None
        if not found:
            remedy = "give the account the permission Browse projects"
            raise RefusedError(step, answer, "shows no project at all", remedy)
        self.projects = [str(project.id) for project in found[:50]]
        return answer, f"{total or len(found):,} projects are visible"

    def search(self) -> Tried:
        settings, step = self.client.settings, "search issues"
        everywhere: dict[str, int | None] = dict.fromkeys(self.projects)
        payload = {
            "jql": jql.items_of(everywhere, settings),
            "maxResults": 1,
            "fields": ["updated"],
        }
        answer = self.client.post(step, "search/jql" if settings.is_cloud else "search", payload)
        found = read(step, answer, _ISSUES).issues
        return answer, "the search answers" if found else "the search answers, with no issue yet"

    def see_boards(self) -> Tried:
        """Sprints are an extra: a site without them is in order."""
        step, path = "see boards", "/rest/agile/1.0/board"
        refusing = (400, 401, 403, 404)
        answer = self.client.get(step, path, {"maxResults": 1}, accepting=refusing)
        if answer.status < 300:
            return answer, "boards and their sprints can be read"
        told = f"{answer.status} {said(answer)}".rstrip()
        return answer, f"no sprints are loaded: boards cannot be read ({told})"


def check(live: Live) -> Iterator[Check]:
    """Test a connection; the first step that fails is the last."""
    test = _Test(Client(live))
    steps: list[tuple[str, str, Callable[[], Tried]]] = [
        ("reach the site", "GET serverInfo", test.reach),
        ("sign in", "GET myself", test.sign_in),
        ("see projects", "GET project", test.see_projects),
        ("search issues", "POST search", test.search),
    ]
    if live.settings.sprints:
        steps.append(("see boards", "GET board", test.see_boards))
    for step, request, do in steps:
        try:
            answer, detail = do()
        except RefusedError as refused:
            yield Check(
                step=step,
                request=refused.request,
                is_ok=False,
                detail=refused.detail,
                remedy=refused.remedy,
            )
            return
        except PipelineError as error:
            detail = str(error).removeprefix(f"{step}: ")
            remedy = LATER if isinstance(error, TransientError) else ""
            yield Check(step=step, request=request, is_ok=False, detail=detail, remedy=remedy)
            return
        yield Check(step=step, request=request_of(answer), is_ok=True, detail=detail)
