"""Failures that change an answer: pages that never end, links that lead away, wrong values."""

import json
import re
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.exchange import in_scope
from sandbox.faults.capture import Answer, capture

_TOKENS = ("nextPageToken", "endCursor")
_HERE = "here is what is spliced in"
_ELSEWHERE = "http://elsewhere.example"

Edit = Callable[[dict[str, Any], Any, str], None]


async def _edited(
    edit: Edit, app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    exchange = in_scope(scope)
    asked = exchange.query + exchange.body.decode("utf-8", "replace")
    answer = await capture(_forgiving(app), scope, receive)
    document = _json(answer)
    if document is not None:
        edit(document, value, asked)
        answer.body = json.dumps(document, ensure_ascii=False).encode()
    await answer.send(send)


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _with_token(document: Any, token: str) -> None:
    """Put a token into a page, or into every pageInfo below it, that says that more follows."""
    if not isinstance(document, dict):
        return
    if "issues" in document or "issueChangeLogs" in document:
        document["nextPageToken"] = token
        document["isLast"] = False
    for name, inner in document.items():
        if name == "pageInfo":
            inner |= {"endCursor": token, "hasNextPage": True}
        elif isinstance(inner, dict):
            _with_token(inner, token)


def _repeat_token(document: dict[str, Any], value: Any, asked: str) -> None:
    """Give one page token again and again; asked with it, the page is the first one."""
    _with_token(document, value or "the-same-again")


def _cycle_tokens(document: dict[str, Any], value: Any, asked: str) -> None:
    """Give the tokens A and B in turns."""
    _with_token(document, "cycle-token-b" if "cycle-token-a" in asked else "cycle-token-a")


def _endless_tokens(document: dict[str, Any], value: Any, asked: str) -> None:
    """Give another token each time; asked with it, the page is the first one."""
    number = max((int(each) for each in re.findall(r"cycle-token-(\d+)", asked)), default=0)
    _with_token(document, f"cycle-token-{number + 1}")


def _shrink_total(document: dict[str, Any], value: Any, asked: str) -> None:
    """Say that there are so many fewer (1) than there are."""
    if isinstance(document.get("total"), int):
        document["total"] = max(0, document["total"] - (value or 1))


def _poison(document: dict[str, Any], value: Any, asked: str) -> None:
    """Put a value at a path: {"path": ["issues", 0, "fields", "summary"], "value": 12}.

    An entity of a list is named by its place, or by members that it has: {"id": "10"}. Where
    there is no such, nothing happens.
    """
    *path, last = value["path"]
    inner: Any = document
    for step in path:
        inner = _inside(inner, step)
    place = _place(inner, last)
    if place is not None:
        inner[place] = value.get("value")


def _inside(whole: Any, step: Any) -> Any:
    place = _place(whole, step)
    if place is None:
        return None
    return whole.get(place) if isinstance(whole, dict) else whole[place]


def _place(whole: Any, step: Any) -> Any:
    """Return the index or name that a step of a path means, None if it leads nowhere."""
    if isinstance(whole, dict):
        return step
    if not isinstance(whole, list):
        return None
    if isinstance(step, dict):
        return next((n for n, each in enumerate(whole) if _has(each, step)), None)
    return step if step < len(whole) else None


def _has(entity: Any, members: dict[str, Any]) -> bool:
    return isinstance(entity, dict) and all(
        entity.get(name) == value for name, value in members.items()
    )


async def _splice(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Put a text that need be no JSON at a path: {"path": ["issues", 0, "id"], "text": "NaN"}.

    times: how often the text is repeated there (1); encoding: of the text (UTF-8).
    """
    answer = await capture(app, scope, receive)
    document = _json(answer)
    if document is not None:
        _poison(document, {"path": value["path"], "value": _HERE}, "")
        plain = json.dumps(document, ensure_ascii=False).encode()
        text = str(value["text"]).encode(value.get("encoding", "utf-8"))
        text *= int(value.get("times", 1))
        answer.body = plain.replace(json.dumps(_HERE).encode(), text)
    await answer.send(send)


async def _stuck_start(
    app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    """Give the first rows, or page, wherever it was asked to begin, and say that more follow.

    value: "echo" says that they begin where they were asked to.
    """
    exchange = in_scope(scope)
    given = exchange.query + exchange.body.decode("utf-8", "replace")
    row = next(iter(re.findall(r'\bstartAt"?[=:]\s*(\d+)', given)), "0")
    page = next(iter(re.findall(r"\bpage=(\d+)", given)), "1")
    exchange.query = re.sub(r"\bstartAt=\d+", "startAt=0", exchange.query)
    exchange.query = re.sub(r"\bpage=\d+", "page=1", exchange.query)
    exchange.body = re.sub(rb'"startAt":\s*\d+', b'"startAt":0', exchange.body)
    scope["query_string"] = exchange.query.encode()
    answer = await capture(app, scope, receive)
    document = _json(answer)
    if document is not None and "startAt" in document:
        document |= {"startAt": int(row) if value == "echo" else 0, "total": 1_000_000_000}
        document |= {"isLast": False} if "isLast" in document else {}
        answer.body = json.dumps(document, ensure_ascii=False).encode()
    else:
        query = re.sub(r"&?\bpage=\d+", "", exchange.query)
        host = dict(scope["headers"])[b"host"].decode("latin-1")
        following = f"http://{host}{scope['path']}?{query}&page={int(page) + 1}"
        answer.headers = [pair for pair in answer.headers if pair[0] != "link"]
        answer.headers.append(("link", f'<{following}>; rel="next"'))
    await answer.send(send)


async def _other_host(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the header Link and the member nextPage lead to another host (or where value says)."""
    answer = await capture(app, scope, receive)
    away = f'<{value or _ELSEWHERE}/next?page=2>; rel="next"'
    answer.headers = [pair for pair in answer.headers if pair[0] != "link"] + [("link", away)]
    document = _json(answer)
    if document is not None and "nextPage" in document:
        document["nextPage"] = f"{value or _ELSEWHERE}/next?page=2"
        answer.body = json.dumps(document, ensure_ascii=False).encode()
    await answer.send(send)


def _kind(edit: Edit) -> Any:
    async def fault(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
        await _edited(edit, app, value, scope, receive, send)

    return fault


def _forgiving(app: ASGIApp) -> ASGIApp:
    """Answer a request that names one of our tokens as if it named none: by its first page."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = in_scope(scope)
        named = b"cycle-token" in exchange.body or b"the-same-again" in exchange.body
        if named:
            document = json.loads(exchange.body)
            for holder in (document, document.get("variables") or {}):
                for name in [n for n, v in holder.items() if _is_ours(v)]:
                    del holder[name]
            exchange.body = json.dumps(document).encode()
        if "cycle-token" in exchange.query or "the-same-again" in exchange.query:
            kept = [p for p in exchange.query.split("&") if not _is_ours(p.partition("=")[2])]
            exchange.query = "&".join(kept)
            scope["query_string"] = exchange.query.encode()
        await app(scope, receive, send)

    return answer


def _is_ours(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("cycle-token", "the-same-again"))


KINDS = {
    "repeat_token": _kind(_repeat_token),
    "cycle_tokens": _kind(_cycle_tokens),
    "endless_tokens": _kind(_endless_tokens),
    "stuck_start": _stuck_start,
    "shrink_total": _kind(_shrink_total),
    "poison": _kind(_poison),
    "splice": _splice,
    "other_host": _other_host,
}
