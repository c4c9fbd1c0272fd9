"""Lists of any length, sent as they are read: JSON lines and CSV."""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import StreamingHttpResponse
from rest_framework.request import Request

from tenants.permissions import Access

JSON_LINES: Final = "application/jsonl"
CSV: Final = "text/csv; charset=utf-8"

Rows = Iterable[Sequence[Mapping[str, Any]]]
"""Batches of rows, each read when the one before is sent."""


def json_lines(batches: Rows) -> Iterator[bytes]:
    """Yield an object a line."""
    for batch in batches:
        text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in batch)
        yield text.encode()


def csv_lines(columns: Sequence[str], batches: Rows, cell: Callable[[Any], Any]) -> Iterator[bytes]:
    """Yield a header and a line a row. cell: makes a value safe to be opened in a spreadsheet."""
    yield _line([columns])
    for batch in batches:
        yield _line([[cell(row[name]) for name in columns] for row in batch])


def _line(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def streamed(
    request: Request, access: Access, chunks: Iterator[bytes], content_type: str, filename: str
) -> StreamingHttpResponse:
    """Answer with chunks, each made inside the tenant scope, which has ended when it is sent."""
    scoped = _Scoped(access, chunks)
    is_async = isinstance(request._request, ASGIRequest)
    content: Any = scoped.asynchronous() if is_async else scoped
    return StreamingHttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )


class _Scoped:
    """Makes each chunk in the scope."""

    def __init__(self, access: Access, chunks: Iterator[bytes]) -> None:
        self._access = access
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := self._next()) is not None:
            yield chunk

    async def asynchronous(self) -> AsyncIterator[bytes]:
        """The same where the server is asynchronous, which would gather all of it otherwise."""
        next_one = sync_to_async(self._next, thread_sensitive=True)
        while (chunk := await next_one()) is not None:
            yield chunk

    def _next(self) -> bytes | None:
        with self._access.scope():
            return next(self._chunks, None)
