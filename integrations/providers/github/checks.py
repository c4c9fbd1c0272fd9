"""Tests a connection step by step: reach it, sign in, what the credential may see."""

from collections.abc import Iterator
from typing import Final, TypeVar

import msgspec

from common.errors import PipelineError, TransientError, WaitError
from common.http import Answer
from integrations.contract import Check, Live
from integrations.providers.github import repositories
from integrations.providers.github.client import Client, refusal, request_of
from integrations.providers.github.deployment_walk import DEPLOYMENTS
from integrations.providers.github.listing import wanted_of
from integrations.providers.github.newest import Kind
from integrations.providers.github.pull_walk import PULLS
from integrations.providers.github.replies import (
    CursorError,
    HeavyError,
    RepositoryNode,
)
from integrations.providers.github.repositories import Entity
from integrations.providers.github.run_walk import NO_RUNS

T = TypeVar("T")

_PAGES_TO_LOOK_AT: Final = 20
_FAILED: Final = (PipelineError, HeavyError, CursorError)
_SIGN_IN: Final = (
    "enter a new token: classic with the scope repo, or fine-grained with read access to metadata, "
    "contents, pull requests, issues, deployments and actions"
)
_ADDRESS: Final = "check the base URL, and that this machine may reach it"
_PATTERNS: Final = "correct the setting repositories, or let the credential see more"


class _User(msgspec.Struct):
    login: str


class _Core(msgspec.Struct):
    remaining: int | None = None
    limit: int | None = None


class _Resources(msgspec.Struct):
    core: _Core = msgspec.field(default_factory=_Core)


class _Limits(msgspec.Struct):
    resources: _Resources = msgspec.field(default_factory=_Resources)


def check(live: Live) -> Iterator[Check]:
    """Yield the steps of a connection test; the first one that fails is the last."""
    for step in _steps(live):
        yield step
        if not step.is_ok:
            return


def _steps(live: Live) -> Iterator[Check]:
    client = Client(live.site)
    yield _reach(client)
    yield from _sign_in(client)
    for source in live.settings.sources:
        done, repository = _find(live, source)
        yield done
        if repository is not None:
            yield from _read(client, live, repository)


def _reach(client: Client) -> Check:
    """Ask for the limits, which cost nothing; a server without limits has none to tell."""
    request = "GET /rate_limit"
    try:
        answer = client.get("/rate_limit", passed=(401, 403, 404))
    except WaitError as error:
        return _ok("reach GitHub", request, f"it answers, and asks to wait: {error}")
    except _FAILED as error:
        return _failed("reach GitHub", request, error, _ADDRESS)
    if answer.status == 404:
        return _ok("reach GitHub", request_of(answer), "a server without limits")
    if answer.status in (401, 403):
        return _ok("reach GitHub", request_of(answer), "it answers")
    core = _decoded(answer, _Limits, _Limits()).resources.core
    left = "" if core.remaining is None else f": {core.remaining} of {core.limit} requests left"
    return _ok("reach GitHub", request_of(answer), f"it answers{left}")


def _sign_in(client: Client) -> Iterator[Check]:
    """Ask who we are; an app is nobody, but has repositories."""
    request = "GET /user"
    try:
        answer = client.get("/user", passed=(403,))
        if answer.status == 403 and repositories.has_no_user(answer):
            answer = client.get("/installation/repositories", {"per_page": 1})
            yield _ok("sign in", request_of(answer), "signed in as an installation of an app")
            return
        if answer.status != 200:
            raise refusal(answer)
    except _FAILED as error:
        is_elsewhere = isinstance(error, TransientError) or "→ 404" in str(error)
        yield _failed("sign in", request, error, _ADDRESS if is_elsewhere else _SIGN_IN)
        return
    login = _decoded(answer, _User, _User("?")).login
    yield _ok("sign in", request_of(answer), f"signed in as {login}")
    yield _scopes(answer)


def _scopes(answer: Answer) -> Check:
    """Look at the scopes, which only classic tokens have."""
    scopes = answer.headers.get("x-oauth-scopes")
    if scopes is None:
        return _ok("scopes", request_of(answer), "a token whose rights are set by repository")
    names = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    if "repo" in names:
        return _ok("scopes", request_of(answer), f"the token has {', '.join(names)}")
    has = f"{', '.join(names)} but not repo" if names else "no scope"
    detail = f"the token has {has}: it sees public repositories only"
    remedy = "give the token the scope repo, or leave it so if all repositories are public"
    is_enough = "public_repo" in names
    return Check(
        step="scopes", request=request_of(answer), is_ok=is_enough, detail=detail, remedy=remedy
    )


def _find(live: Live, source: str) -> tuple[Check, Entity | None]:
    """Look for the repositories of one source; return the first of them, too."""
    step, form, url, request = f"find repositories of {source or 'the credential'}", "", "", ""
    try:
        for _ in range(_PAGES_TO_LOOK_AT):
            found = repositories.find(live, source, form, url)
            if found is None:
                raise repositories.not_found(source)
            request = request_of(found.answer)
            wanted = wanted_of(live, source, found.entities)
            if wanted:
                detail = f"{len(wanted)}{' or more' if found.form else ''}, such as "
                return _ok(step, request, detail + wanted[0].full_name), wanted[0]
            if not found.form:
                break
            form, url = found.form, found.url
    except _FAILED as error:
        return _failed(step, request or repositories.request_for(source), error, _PATTERNS), None
    detail = f"none that is asked for ({live.settings.repositories or 'all'})"
    done = Check(step=step, request=request, is_ok=False, detail=detail, remedy=_PATTERNS)
    return done, None


def _read(client: Client, live: Live, repository: Entity) -> Iterator[Check]:
    """Read one of each thing that is fetched of a repository."""
    name = repository.full_name
    yield _query(client, PULLS, f"read pull requests of {name}", repository)
    if live.settings.deployments:
        yield _query(client, DEPLOYMENTS, f"read deployments of {name}", repository)
    if live.settings.workflow_runs:
        step, path = f"read workflow runs of {name}", f"/repositories/{repository.id}/actions/runs"
        try:
            answer = client.get(path, {"per_page": 1}, passed=NO_RUNS)
        except _FAILED as error:
            yield _failed(step, f"GET {path}", error, _may_not("actions", "workflow_runs"))
            return
        yield _ok(step, request_of(answer), NO_RUNS.get(answer.status, "they can be read"))


def _query(client: Client, kind: Kind, step: str, repository: Entity) -> Check:
    request, remedy = "POST graphql", _may_not(kind.stream.replace("pulls", "pull requests"))
    if kind is DEPLOYMENTS:
        remedy = _may_not("deployments", "deployments")
    try:
        variables = {"id": repository.node_id, "first": 1, "after": None}
        reply = client.graphql(kind.query, variables)
        node = reply.one("node", RepositoryNode)
    except _FAILED as error:
        return _failed(step, request, error, remedy)
    request = request_of(reply.answer)
    if node is None or kind.connection(node) is None:
        said = "; ".join(reply.notes()) or "GitHub gives nothing"
        return Check(step=step, request=request, is_ok=False, detail=said, remedy=remedy)
    return _ok(step, request, "they can be read")


def _may_not(what: str, setting: str = "") -> str:
    remedy = f"give the credential read access to {what}"
    return f"{remedy}, or set {setting}=false" if setting else remedy


def _ok(step: str, request: str, detail: str) -> Check:
    return Check(step=step, request=request, is_ok=True, detail=detail)


def _failed(step: str, request: str, error: Exception, remedy: str) -> Check:
    detail = str(error).removeprefix(f"{step}: ")
    return Check(step=step, request=request, is_ok=False, detail=detail, remedy=remedy)


def _decoded(answer: Answer, type_: type[T], otherwise: T) -> T:
    try:
        return msgspec.json.decode(answer.body, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return otherwise
