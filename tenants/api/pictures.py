"""Pictures that are sent: as the body itself, or as the part of a form."""

from collections.abc import Mapping
from typing import IO, Any, Final

from drf_spectacular.types import OpenApiTypes
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from common.images import MAX_BYTES
from tenants.api.problems import Problem

_PICTURES: Final = ("image/png", "image/jpeg", "image/webp", "image/gif")
_FIELD: Final = "logo"

LOGO_GIVEN: Final[dict[str, Any]] = {
    **dict.fromkeys(_PICTURES, OpenApiTypes.BINARY),
    "multipart/form-data": {
        "type": "object",
        "required": [_FIELD],
        "properties": {_FIELD: {"type": "string", "format": "binary"}},
    },
}
"""How a logo may be sent, for the schema."""


class PictureParser(BaseParser):
    """Reads a picture as it is; one byte more than is taken says that it is too large."""

    media_type = "image/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return bytes(stream.read(MAX_BYTES + 1))


def logo_given(request: Request) -> bytes:
    """Return the picture that was sent; raise Problem if none was."""
    sent: Any = request.data
    if isinstance(sent, bytes):
        return sent
    file = request.FILES.get(_FIELD)
    if file is None:
        raise Problem(400, "invalid", f"Send the picture as the body, or as the part `{_FIELD}`.")
    data: bytes = file.read(MAX_BYTES + 1)
    return data
