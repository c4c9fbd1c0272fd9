"""A site that answers from a function, what a run is to a connector, and a run without a queue."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import parse_qsl

import msgspec

from common.errors import WaitError
from common.http import Answer, Site
from common.transport import Limits
from integrations.contract import Ask, Fetched, Gone, Mark, Mode, Page, Seen

from ..connector import connector
from ..settings import JiraSettings

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
NOW_HEADER = {"date": "Sat, 10 Jan 2026 12:00:00 GMT"}
ADDRESS = "https://acme.atlassian.net"


@dataclass(frozen=True)
class Request:
    """A request as a site gets it. path: without the query; params: of it, or the payload."""

    method: str
    path: str
    params: dict[str, Any]

    @property
    def name(self) -> str:
        """Method and path without the part before the API's version."""
        return f"{self.method} {self.path.removeprefix('rest/api/3/').removeprefix('rest/api/2/')}"


@dataclass
class Reply:
    """What a site answers: a JSON value, or bytes as they stand."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"

    @property
    def body(self) -> bytes:
        """The body as bytes."""
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


class FakeSite(Site):
    """A site that answers from a function, and notes what it is asked and held for."""

    def __init__(self, answer: Callable[[Request], Reply], api_url: str = ADDRESS) -> None:
        self.api_url = api_url
        self.reply_to = answer
        self.requests: list[Request] = []
        self.held: list[tuple[float, str]] = []
        self.noted: list[tuple[int, datetime, str]] = []

    def send(self, method: str, path: str, content: bytes | None, *, scope: str = "") -> Answer:
        """Answer from the function."""
        bare, _, query = path.partition("?")
        params = json.loads(content) if content else dict(parse_qsl(query))
        request = Request(method, bare, params)
        self.requests.append(request)
        reply = self.reply_to(request)
        return Answer(
            method=method,
            url=f"{self.api_url}/{path}",
            request_body=(content or b"").decode(),
            status=reply.status,
            headers=NOW_HEADER | dict(reply.headers),
            body=reply.body,
            media_type=reply.media_type,
            fetched_at=NOW,
        )

    def hold(self, seconds: float | None, reason: str, scope: str = "") -> NoReturn:
        """Note the hold, and raise as a real site does."""
        seconds = Limits().wait_seconds if seconds is None else seconds
        self.held.append((seconds, scope))
        raise WaitError(reason, seconds)

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """Note what is left."""
        self.noted.append((remaining, resets_at, scope))

    def asked(self, name: str) -> list[dict[str, Any]]:
        """Return the parameters of the requests of a name (`POST search/jql`), in their order."""
        return [request.params for request in self.requests if request.name == name]


@dataclass
class FakeLive:
    """What a connector may use in a run."""

    site: Site
    settings: Any = field(default_factory=JiraSettings)
    mode: Mode = "incremental"
    started_at: datetime = NOW
    since: datetime | None = None
    until: datetime | None = None
    marks: dict[str, int] = field(default_factory=dict)
    just_walked: bool = False
    loaded: dict[str, list[str]] = field(default_factory=dict)

    def mark(self, stream: str, part: str) -> Mapping[str, Any] | None:
        """Return the mark of a project."""
        known = self.mode != "full" and stream == "issues" and part in self.marks
        first = {"is_first": True} if self.just_walked else {}
        return {"updated": self.marks[part]} | first if known else None

    def is_resumed(self, stream: str, part: str) -> bool:
        """No walk goes on from another run."""
        return False

    def loaded_ids(self, table: str, part: str = "") -> list[str]:
        """Return the ids that the test says are loaded."""
        return self.loaded.get(table, [])


@dataclass
class Done:
    """What the asks of a run gave together."""

    asks: list[Ask] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def ids(self, stream: str = "issues") -> list[str]:
        """Return the ids of the records of a stream, in the order they came."""
        return [
            json.loads(record.body)["id" if stream != "changelogs" else "issueId"]
            for page in self.pages
            if page.stream == stream and page.is_data
            for record in connector.split(stream, page.answer.body)
        ]

    def mark_of(self, project: str) -> int | None:
        """Return the last mark of a project, None if it has none."""
        found = [mark.value["updated"] for mark in self.marks if mark.part == project]
        return found[-1] if found else None


def do(ask: Ask, live: FakeLive) -> Fetched:
    """Do one ask as a worker does: from its JSON."""
    kept = msgspec.json.decode(msgspec.json.encode(ask), type=Ask)
    return connector.fetch(kept, live)


def run(asks: list[Ask], live: FakeLive) -> Done:
    """Do asks and what follows from them until nothing is left, each key once."""
    done, waiting, keys = Done(), list(asks), set[str]()
    while waiting:
        ask = waiting.pop(0)
        if ask.key in keys:
            continue
        keys.add(ask.key)
        fetched = do(ask, live)
        done.asks.append(ask)
        done.pages += fetched.pages
        done.marks += fetched.marks
        done.seen += fetched.seen
        done.gone += fetched.gone
        done.notes += fetched.notes
        waiting += fetched.following
    return done
