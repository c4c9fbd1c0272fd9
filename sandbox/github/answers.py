"""Answers: JSON bodies with an ETag, and refusals as GitHub words them."""

import json
from hashlib import sha256
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from sandbox.exchange import Exchange, exchange_of

_DOCS = "https://docs.github.com/rest"
_JSON = "application/json; charset=utf-8"


class ApiError(Exception):
    """An answer that is none of what was asked for."""

    def __init__(
        self, status: int, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"message": message, "documentation_url": _DOCS, "status": str(status), **more}


def not_found() -> ApiError:
    """Return what is said of whatever is not there or not visible."""
    return ApiError(404, "Not Found")


def encoded(value: Any) -> bytes:
    """Return a value as JSON; what is no text in UTF-8 is escaped."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value).encode()


def write(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return an answer with a JSON body."""
    return Response(encoded(value), status, headers, media_type=_JSON)


def refuse_unknown(exchange: Exchange, authorization: str | None) -> Response | None:
    """Return the answer to who is not signed in with a valid token, None for who is."""
    token = exchange.token
    if token and token.system == "github" and not token.is_expired and token.kind != "app":
        return None
    text = "Bad credentials" if authorization else "Requires authentication"
    return write({"message": text, "documentation_url": _DOCS, "status": "401"}, 401)


def write_unless_known(request: Request, value: Any, headers: dict[str, str]) -> Response:
    """Return a body with its ETag, or 304 without one, which costs nothing, to who has it."""
    body = encoded(value)
    tag = f'"{sha256(body).hexdigest()}"'
    headers = {**headers, "etag": f"W/{tag}", "cache-control": "private, max-age=60, s-maxage=60"}
    if tag in request.headers.get("if-none-match", ""):
        exchange_of(request).points = 0
        return Response(None, 304, headers)
    return Response(body, 200, headers, media_type=_JSON)
