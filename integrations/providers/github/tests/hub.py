"""A GitHub in memory that answers the queries and paths the connector uses, and a queue of asks."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl, urlsplit

import msgspec

from common.errors import WaitError
from common.http import Answer, Site
from common.redaction import Redactor
from common.transport import Limits
from integrations.contract import Ask, Fetched, Gone, Mode, Page, Seen
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings

API = "https://api.github.com"
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
DATE = "Sat, 01 Jun 2024 12:00:00 GMT"

Json = Any


class Request(NamedTuple):
    """What was sent. path: below the API's address; payload: None of a GET."""

    method: str
    path: str
    params: dict[str, str]
    payload: Any

    @property
    def query(self) -> str:
        return "" if self.payload is None else str(self.payload.get("query", ""))

    @property
    def variables(self) -> dict[str, Any]:
        return dict(self.payload["variables"])


class Sent(NamedTuple):
    """What is answered; a body that is no bytes is sent as JSON."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = {}
    media_type: str = "application/json"


Handler = Callable[[Request], Sent]


class FakeSite(Site):
    """A site whose answers come from a function; remembers what was asked, held and noted."""

    def __init__(self, handler: Handler, api_url: str = API) -> None:
        self.api_url = api_url
        self.handler = handler
        self.requests: list[Request] = []
        self.scopes: list[str] = []
        self.held: list[tuple[float, str, str]] = []
        self.noted: list[tuple[int, datetime, str]] = []
        self._redactor = Redactor([])

    def send(self, method: str, path: str, content: bytes | None, *, scope: str = "") -> Answer:
        url = self._address(path)
        parts = urlsplit(url)
        payload = None if content is None else json.loads(content)
        base = urlsplit(self.api_url).path
        request = Request(
            method, parts.path.removeprefix(base), dict(parse_qsl(parts.query)), payload
        )
        self.requests.append(request)
        self.scopes.append(scope)
        sent = self.handler(request)
        body = sent.body if isinstance(sent.body, bytes) else json.dumps(sent.body).encode()
        return Answer(
            method=method,
            url=url,
            request_body=(content or b"").decode(),
            status=sent.status,
            headers={"date": DATE, **sent.headers},
            body=body,
            media_type=sent.media_type,
            fetched_at=NOW,
        )

    def hold(self, seconds: float | None, reason: str, scope: str = "") -> NoReturn:
        seconds = Limits().wait_seconds if seconds is None else seconds
        self.held.append((seconds, reason, scope))
        raise WaitError(reason, seconds)

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        self.noted.append((remaining, resets_at, scope))


class FakeLive:
    """What the connector may use; marks of an earlier run, and what is loaded, are given."""

    def __init__(
        self,
        handler: Handler,
        marks: Mapping[tuple[str, str], Mapping[str, Any]] | None = None,
        *,
        mode: Mode = "incremental",
        resumed: Sequence[tuple[str, str]] = (),
        loaded: Sequence[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        api_url: str = API,
        **settings: Any,
    ) -> None:
        settings = {"deployments": False, "workflow_runs": False, **settings}
        self.fake = FakeSite(handler, api_url)
        self.site: Site = self.fake
        self.settings: Any = msgspec.convert(settings, GitHubSettings)
        self.mode: Mode = mode
        self.started_at = NOW
        self.since = since
        self.until = until
        self.marks = dict(marks or {})
        self._resumed = resumed
        self._loaded = list(loaded)

    def mark(self, stream: str, part: str) -> Mapping[str, Any] | None:
        return None if self.mode == "full" else self.marks.get((stream, part))

    def is_resumed(self, stream: str, part: str) -> bool:
        return (stream, part) in self._resumed

    def loaded_ids(self, table: str, part: str = "") -> list[str]:
        return self._loaded


class Run(NamedTuple):
    """What all asks of a run gave; of marks without when they were read."""

    asks: list[Ask]
    pages: list[Page]
    marks: dict[tuple[str, str], Mapping[str, Any]]
    seen: list[Seen]
    gone: list[Gone]
    notes: list[str]

    def values(self, stream: str, kind: type[Any], member: str) -> list[Any]:
        """Return a member of the drafts of a kind that the data pages of a stream become."""
        return [
            getattr(draft, member)
            for page in self.pages
            if page.stream == stream and page.is_data
            for record in connector.split(stream, page.answer.body)
            for draft in connector.normalize(stream, record, GitHubSettings()).drafts
            if isinstance(draft, kind)
        ]


def run(live: FakeLive, asks: Sequence[Ask] | None = None, most: int = 500) -> Run:
    """Do all asks and those that follow from them, each key once, as the queue does."""
    done = Run([], [], {}, [], [], [])
    queue = list(connector.begin(live) if asks is None else asks)
    keys: set[str] = set()
    while queue:
        ask = msgspec.json.decode(msgspec.json.encode(queue.pop(0)), type=Ask)
        if ask.key in keys:
            continue
        keys.add(ask.key)
        assert len(keys) < most, "the asks have no end"
        done.asks.append(ask)
        fetched: Fetched = connector.fetch(ask, live)
        done.pages.extend(fetched.pages)
        for mark in fetched.marks:
            value = {name: each for name, each in mark.value.items() if name != "read"}
            done.marks[mark.stream, mark.part] = value
        done.seen.extend(fetched.seen)
        done.gone.extend(fetched.gone)
        done.notes.extend(fetched.notes)
        queue.extend(fetched.following)
    return done


def ms(text: str) -> int:
    """Return an ISO 8601 instant as epoch milliseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def connection(nodes: Sequence[Json], cursor: str | None = None) -> Json:
    """Return a page of a connection; with a cursor there is more."""
    return {
        "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor},
        "nodes": list(nodes),
    }


def pull(number: int, updated: str, **members: Any) -> dict[str, Any]:
    """Return a node of a pull request with nothing in it."""
    return {
        "id": f"PR_{number}",
        "fullDatabaseId": str(1000 + number),
        "number": number,
        "title": f"Change {number}",
        "state": "OPEN",
        "createdAt": "2024-01-01T00:00:00Z",
        "updatedAt": updated,
        "commits": connection([]),
        "reviews": connection([]),
        "comments": connection([]),
        "reviewThreads": connection([]),
        **members,
    }


def deployment(number: int, created: str, state: str = "SUCCESS") -> dict[str, Any]:
    """Return a node of a deployment."""
    return {
        "databaseId": number,
        "createdAt": created,
        "updatedAt": created,
        "environment": "production",
        "latestStatus": {"state": state},
    }


class Hub:
    """Repositories with pull requests and deployments. `before`: called before each answer."""

    def __init__(self, *names: str, owner_form: str = "orgs") -> None:
        self.repositories: list[dict[str, Any]] = [
            {
                "id": number,
                "node_id": f"R_{number}",
                "full_name": name,
                "created_at": "2020-01-01T00:00:00Z",
            }
            for number, name in enumerate(names, 1)
        ]
        self.pulls: dict[str, list[dict[str, Any]]] = {}
        self.deployments: dict[str, list[dict[str, Any]]] = {}
        self.owner_form = owner_form
        self.before: Callable[[Request], Sent | None] = lambda request: None

    def __call__(self, request: Request) -> Sent:
        early = self.before(request)
        if early is not None:
            return early
        if request.query:
            return Sent(self._graphql(request))
        if request.path.startswith(f"/{self.owner_form}/"):
            owner = request.path.split("/")[2]
            mine = [r for r in self.repositories if r["full_name"].lower().startswith(f"{owner}/")]
            return Sent(mine) if mine else Sent({"message": "Not Found"}, 404)
        return Sent({"message": "Not Found"}, 404)

    def _graphql(self, request: Request) -> Json:
        variables = request.variables
        many = "ids" in variables
        nodes = [
            self._node(request.query, node, variables)
            for node in (variables["ids"] if many else [variables["id"]])
        ]
        return {"data": {"nodes": nodes} if many else {"node": nodes[0]}}

    def _node(self, query: str, node: str, variables: dict[str, Any]) -> Json:
        found = next((r for r in self.repositories if r["node_id"] == node), None)
        if found is None:
            return None
        own = {"id": node, "databaseId": found["id"], "nameWithOwner": found["full_name"]}
        if "deployments(" in query:
            return {
                **own,
                "deployments": self._page(self.deployments, node, "createdAt", variables),
            }
        if "pullRequests(" in query:
            return {**own, "pullRequests": self._page(self.pulls, node, "updatedAt", variables)}
        return own

    @staticmethod
    def _page(
        rows: Mapping[str, list[dict[str, Any]]], node: str, time: str, variables: dict[str, Any]
    ) -> Json:
        """Page as GitHub does: a cursor is the place of a row in the order, not a count."""

        def place(row: dict[str, Any]) -> str:
            return f"{row[time]} {row.get('number', row.get('databaseId')):09}"

        ordered = sorted(rows.get(node, ()), key=place, reverse=True)
        after = variables.get("after")
        rest = [row for row in ordered if after is None or place(row) < after]
        page = rest[: variables["first"]]
        return connection(page, place(page[-1]) if len(rest) > len(page) else None)
