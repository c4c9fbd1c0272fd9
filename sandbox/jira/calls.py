"""A call of the API: who makes it, with what, and how it is answered or refused."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sandbox.exchange import Exchange, exchange_of
from sandbox.jira.store import JiraStore

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

_JSON: Final = "application/json;charset=UTF-8"


class ApiError(Exception):
    """An answer that refuses. body: JSON; the messages as Jira gives them if it is a text."""

    def __init__(
        self, status: int, body: dict[str, Any] | str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = {"errorMessages": [body], "errors": {}} if isinstance(body, str) else body
        self.headers = headers or {}


@dataclass
class Call:
    """One call. account: who it is, empty for nobody; version: of the API, `2` or `3`."""

    organisation: "Organisation"
    request: Request
    account: str

    @property
    def store(self) -> JiraStore:
        """The issues."""
        return self.organisation.jira

    @property
    def exchange(self) -> Exchange:
        """The request as it is counted."""
        return exchange_of(self.request)

    @property
    def base(self) -> str:
        """The address that `self` links begin with: that of the site, also through the gateway."""
        url = self.request.url
        return f"{url.scheme}://{url.netloc}/jira"

    @property
    def part(self) -> dict[str, Any]:
        """The variable parts of the path."""
        return self.request.path_params

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.request.query_params.get(name, default)

    def number(self, name: str, default: int, most: int) -> int:
        """Return a parameter of the query that is a whole number from 0, cut at the most."""
        return whole(self.request.query_params.get(name), name, default, most)

    def body(self) -> dict[str, Any]:
        """Return the body, a JSON object; raise ApiError."""
        try:
            return msgspec.json.decode(self.exchange.body, type=dict[str, Any])
        except msgspec.DecodeError:
            raise ApiError(400, INVALID_PAYLOAD) from None

    def answer(self, payload: Any) -> Response:
        """Return a payload as JSON, its `self` links leading here."""
        try:
            body = msgspec.json.encode(payload)
        except ValueError:  # a lone surrogate, as recordings may have
            body = json.dumps(payload).encode()
        recorded = f'"self":"{self.store.setup.address}/'.encode()
        body = body.replace(recorded, f'"self":"{self.base}/'.encode())
        return Response(body, media_type=_JSON)


INVALID_PAYLOAD: Final = (
    "Invalid request payload. Refer to the REST API documentation and try again."
)
Handler = Callable[[Call], Any]


def whole(value: Any, name: str, default: int, most: int) -> int:
    """Return a whole number from 0, given as a number or as text; raise ApiError for others."""
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise ApiError(400, f"The value of '{name}' is no number.") from None
    if number < 0:
        raise ApiError(400, f"The value of '{name}' must not be negative.")
    return min(number, most)


def names(value: Any, name: str) -> list[str]:
    """Return a list of texts, given as a list or joined by commas; raise ApiError for others."""
    if value is None:
        return []
    if isinstance(value, str):
        return [each.strip() for each in value.split(",") if each.strip()]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    raise ApiError(400, f"{INVALID_PAYLOAD} ({name})")


def page_of(values: list[Any], call: Call, default: int, most: int) -> dict[str, Any]:
    """Return a page of a list with startAt, maxResults, total and isLast."""
    start, size = call.number("startAt", 0, 1 << 40), call.number("maxResults", default, most)
    found = values[start : start + size]
    return {
        "maxResults": size,
        "startAt": start,
        "total": len(values),
        "isLast": start + len(found) >= len(values),
        "values": found,
    }
