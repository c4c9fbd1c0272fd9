"""A request to the REST API: who asks, in which version, about which repository, which page."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from sandbox.accounts import Token
from sandbox.exchange import Exchange, exchange_of
from sandbox.github.accounts import may
from sandbox.github.answers import ApiError, not_found, refuse_unknown, write, write_unless_known
from sandbox.github.repository import Repository
from sandbox.github.rest.shapes import VERSIONS, Shapes
from sandbox.github.store import GitHubStore

R = TypeVar("R")
_MOST_A_PAGE = 100
_USUAL_A_PAGE = 30


@dataclass
class Ask:
    """A request of somebody who is signed in. headers: those of the answer.

    prefix: how the path begins; canonical: how it does in links, None for the same.
    """

    request: Request
    store: GitHubStore
    exchange: Exchange
    token: Token
    shapes: Shapes
    parameters: dict[str, str]
    headers: dict[str, str]
    prefix: str = ""
    canonical: str | None = None

    @property
    def per_page(self) -> int:
        """How many entities a page has; what asks for more than 100 gets 100."""
        asked = self.number("per_page")
        return min(asked, _MOST_A_PAGE) if asked > 0 else _USUAL_A_PAGE

    @property
    def page(self) -> int:
        """Which page is asked for, from 1."""
        return max(1, self.number("page"))

    def number(self, name: str) -> int:
        """Return a whole number of the query, 0 if there is none."""
        text = self.parameters.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    def path(self, name: str) -> Any:
        """Return a part of the path."""
        return self.request.path_params[name]

    def choice(self, name: str, *allowed: str) -> str:
        """Return a parameter; the first one allowed if it is absent; raise ApiError."""
        value = self.parameters.get(name) or allowed[0]
        if value not in allowed:
            raise ApiError(
                422,
                "Validation Failed",
                errors=[{"code": "invalid", "field": name, "value": value}],
            )
        return value

    def link(self, relations: dict[str, dict[str, str]]) -> None:
        """Set the header `Link`: for each relation the parameters that replace others.

        Below a repository, addresses name it by its id, as GitHub's do.
        """
        if relations:
            address = self.shapes.api + self.address()
            self.headers["link"] = ", ".join(
                f'<{address}?{urlencode({**self.parameters, **changed})}>; rel="{name}"'
                for name, changed in relations.items()
            )

    def address(self) -> str:
        """Return the path that links name."""
        path = self.exchange.path.removeprefix("/api/v3")
        if self.canonical is None:
            return path
        return f"{self.canonical}{path.removeprefix(self.prefix)}"

    def listed(self, rows: Sequence[R], shape: Callable[[R], Any]) -> list[Any]:
        """Return the page of rows that is asked for, and link to the others."""
        page, size = self.page, self.per_page
        last = -(-len(rows) // size)
        relations = {}
        if page > 1:
            relations["prev"] = {"page": str(min(page - 1, max(1, last)))}
        if page < last:
            relations["next"] = {"page": str(page + 1)}
            relations["last"] = {"page": str(last)}
        if page > 1:
            relations["first"] = {"page": "1"}
        self.link(relations)
        return [shape(row) for row in rows[(page - 1) * size : page * size]]

    def streamed(self, rows: Iterable[R], shape: Callable[[R], Any]) -> list[Any]:
        """Return the page of rows that is asked for of a list whose length is not known."""
        page, size = self.page, self.per_page
        chosen = list(islice(rows, (page - 1) * size, page * size + 1))
        relations = {}
        if page > 1:
            relations["prev"] = {"page": str(page - 1)}
        if len(chosen) > size:
            relations["next"] = {"page": str(page + 1)}
        if page > 1:
            relations["first"] = {"page": "1"}
        self.link(relations)
        return [shape(row) for row in chosen[:size]]


Handler = Callable[[Ask], Any]
OfRepository = Callable[[Ask, Repository], Any]
Endpoint = Callable[[Request], Awaitable[Response]]


def api_base(request: Request) -> str:
    """Return the base of the REST API's addresses."""
    root = request.scope.get("root_path", "")
    return f"{request.url.scheme}://{request.url.netloc}{root}/api/v3"


def endpoint(store: GitHubStore, handler: Handler) -> Endpoint:
    """Return the endpoint of a handler, which gives a body or a response, or raises ApiError."""

    async def answer(request: Request) -> Response:
        exchange = exchange_of(request)
        headers = {"x-github-media-type": "github.v3; format=json"}
        try:
            version = _version(request)
            headers["x-github-api-version-selected"] = version
            refused = refuse_unknown(exchange, request.headers.get("authorization"))
            if refused is not None or exchange.token is None:
                assert refused is not None
                return refused
            token = exchange.token
            headers |= _of_token(token)
            shapes = Shapes(store, token, api_base(request), version)
            ask = Ask(request, store, exchange, token, shapes, exchange.parameters, headers)
            found = handler(ask)
        except ApiError as error:
            return write(error.body, error.status, {**headers, **error.headers})
        if isinstance(found, Response):
            return found
        return write_unless_known(request, found, headers)

    return answer


def _version(request: Request) -> str:
    version = request.headers.get("x-github-api-version", VERSIONS[0])
    if version not in VERSIONS:
        supported = ", ".join(VERSIONS)
        raise ApiError(400, f"{version!r} is not a supported version; there are {supported}.")
    return version


def _of_token(token: Token) -> dict[str, str]:
    """Return the headers that say what a token may do."""
    headers = {}
    if token.value.startswith("ghp_"):
        headers["x-oauth-scopes"] = ", ".join(sorted(token.scopes))
        headers["x-accepted-oauth-scopes"] = "repo"
    return headers


def check_permission(ask: Ask, name: str) -> None:
    """Raise ApiError if the token was made with permissions, and without this one."""
    if not may(ask.token, name):
        raise ApiError(
            403,
            "Resource not accessible by personal access token",
            {"x-accepted-github-permissions": f"{name}=read"},
        )


def of_repository(handler: OfRepository) -> Handler:
    """Return a handler that finds the repository of the path first, by name or by id."""

    def handle(ask: Ask) -> Any:
        repository = _repository(ask)
        if isinstance(repository, Response):
            return repository
        if "name" in ask.request.path_params:
            ask.prefix = f"/repos/{ask.path('owner')}/{ask.path('name')}"
            ask.canonical = f"/repositories/{repository.id}"
        if repository.is_blocked:
            block = {"reason": "dmca", "created_at": ask.store.now, "html_url": ask.shapes.api}
            raise ApiError(451, "Repository access blocked", block=block)
        if ask.request.method not in ("GET", "HEAD"):
            raise ApiError(403, "Must have admin rights to Repository.")
        return handler(ask, repository)

    return handle


def _repository(ask: Ask) -> Repository | Response:
    if "repository_id" in ask.request.path_params:
        numbered = ask.store.numbered(ask.path("repository_id"), ask.token)
        if numbered is None:
            raise not_found()
        return numbered
    found = ask.store.named(ask.path("owner"), ask.path("name"), ask.token)
    if found is None:
        raise not_found()
    if not found.is_renamed:
        return found.repository
    return _moved(ask, found.repository)


def _moved(ask: Ask, repository: Repository) -> Response:
    """Return where a renamed repository is now: by its id, which no new name changes."""
    is_read = ask.request.method in ("GET", "HEAD")
    rest = "/".join(ask.exchange.path.removeprefix("/api/v3").split("/")[4:])
    url = f"{ask.shapes.api}/repositories/{repository.id}{'/' if rest else ''}{rest}"
    if ask.exchange.query:
        url += f"?{ask.exchange.query}"
    text = "Moved Permanently" if is_read else "Temporary Redirect"
    body = {"message": text, "url": url, "documentation_url": "https://docs.github.com/rest"}
    return write(body, 301 if is_read else 307, {**ask.headers, "location": url})
