"""ETags: a reader is spared what it has, and an edit that would undo another's is refused."""

import hashlib
import json
from collections.abc import Collection
from typing import Any, Final

from django.utils.http import parse_etags, quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.problems import Problem

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The ETag of what was read: 412 if it has been changed since.",
)
"""Of every operation that calls `require_match`."""
_LENGTH: Final = 24
_MARK: Final = "-"


def etag_of(data: Any, edited: Collection[str] = ()) -> str:
    """Return the tag of what a serializer shows of a row, quoted.

    edited: the fields that people edit, where others change by themselves. They make the first
    part of the tag, by which alone `require_match` goes.
    """
    # A reader may have asked for some fields only.
    parts = [{name: data.get(name) for name in ("id", *edited)}] if edited else []
    return quote_etag(_MARK.join(_digest(each) for each in (*parts, data)))


def require_match(request: Request, current: str) -> None:
    """Raise Problem (412) if the request names by If-Match another state than the current one.

    To be called under the lock under which the row is then written.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return
    if _edited(current) not in {_edited(each) for each in parse_etags(given)}:
        raise Problem(
            412,
            "changed-meanwhile",
            "It is another than you have seen: get it again and edit that.",
            headers={"ETag": current},
        )


def tagged(
    request: Request, data: Any, status: int = 200, *, edited: Collection[str] = ()
) -> Response:
    """Answer with the data and its tag (see `etag_of`), or 304 if the reader has it."""
    tag = etag_of(data, edited)
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if request.method in ("GET", "HEAD") and (tag in known or "*" in known):
        return Response(status=304, headers={"ETag": tag})
    return Response(data, status=status, headers={"ETag": tag})


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def _edited(tag: str) -> str:
    return tag.partition(_MARK)[0]
