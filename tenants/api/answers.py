"""Answers that are no JSON: exact bytes, whatever the reader says that it accepts."""

from collections.abc import Iterable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

_SANDBOXED: Final = "default-src 'none'; sandbox"


class OneForm(BaseContentNegotiation):
    """Answers in the first form there is, whatever is accepted: there is no other."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        """Return the parser of the request's media type."""

        for parser in parsers:
            if media_type_matches(parser.media_type, request.content_type or ""):
                found: BaseParser = parser
                return found
        return None

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer, which errors are told by."""
        first = next(iter(renderers))
        return first, str(first.media_type)


def exact(body: bytes, content_type: str, filename: str = "") -> HttpResponse:
    """Answer with bytes that no browser takes for anything else. filename: to be saved as."""
    response = HttpResponse(body, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _SANDBOXED
    response["Cache-Control"] = "private, no-store"
    if filename:
        response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
