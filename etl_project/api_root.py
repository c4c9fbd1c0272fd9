"""The way in: what the API has, by name and address."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from tenants.api.views import ScopedView

_ADDRESSES = {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}}
_EXAMPLE = OpenApiExample(
    "Some of it", {"work-items": "https://etl.example.com/api/v1/work-items/"}, response_only=True
)


class RootView(ScopedView):
    """Where everything is."""

    capabilities = {"get": None}
    names: ClassVar[Mapping[str, str]] = {}
    """Of the routes of lists, by what they list."""

    def get_view_name(self) -> str:
        return "API"

    @extend_schema(
        operation_id="root",
        summary="What is there, and where",
        responses=OpenApiResponse(_ADDRESSES, "Addresses, by name"),
        examples=[_EXAMPLE],
        tags=["me"],
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        """Tell the addresses of all lists, and of what else can be read."""
        found = {
            prefix: reverse(f"api:{name}", request=request)
            for prefix, name in sorted(self.names.items())
        }
        return Response(found)
