"""The logo of an integration over the API: sent as a picture, kept as a small PNG of ours."""

from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import UsageError
from integrations import logos
from integrations.models import Integration
from tenants.api.answers import OneForm, exact
from tenants.api.history import note_change
from tenants.api.pictures import LOGO_GIVEN, PictureParser, logo_given
from tenants.api.problems import Problem
from tenants.scope import tenant_scope


class LogoActions:
    """The actions of a logo, to be mixed into the view set of integrations."""

    get_object: Any

    @extend_schema(
        summary="Get the logo",
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    @action(
        detail=True,
        methods=["get"],
        url_path="logo",
        parser_classes=(PictureParser, MultiPartParser),
        content_negotiation_class=OneForm,
    )
    def logo(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The logo as a PNG of at most 128 pixels on a side; 404 without one."""
        row: Integration = self.get_object()
        image = logos.logo_of(row)
        if image is None:
            raise Http404
        return exact(image, "image/png")

    @extend_schema(
        summary="Set the logo",
        request=LOGO_GIVEN,
        responses={204: None},
    )
    @logo.mapping.put
    def put_logo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a PNG, JPEG, WebP or GIF of up to 2 MB: as the body, or as the part `logo` of a
        form. Only its pixels are kept."""
        row: Integration = self.get_object()
        with tenant_scope(row.tenant_id):
            try:
                logos.keep_logo(row, logo_given(request))
            except UsageError as error:
                raise Problem(400, "invalid", str(error)) from None
            note_change(request, row, "The logo was changed.")
        return Response(status=204)

    @extend_schema(summary="Remove the logo", request=None, responses={204: None})
    @logo.mapping.delete
    def delete_logo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Go back to the provider's initial."""
        row: Integration = self.get_object()
        with tenant_scope(row.tenant_id):
            if row.logo_digest:
                logos.remove_logo(row)
                note_change(request, row, "The logo was removed.")
        return Response(status=204)
