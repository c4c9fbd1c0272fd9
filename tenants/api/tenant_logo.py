"""The logo of a tenant over the API: sent as a picture, kept as a small PNG of ours."""

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import UsageError
from common.images import small_png
from tenants import logos
from tenants.api.answers import OneForm, exact
from tenants.api.history import note_change
from tenants.api.pictures import LOGO_GIVEN, PictureParser, logo_given
from tenants.api.problems import Problem
from tenants.models import Tenant


class LogoActions:
    """The actions of a logo, to be mixed into the view set of tenants."""

    get_object: Any

    @extend_schema(
        summary="Get the logo of a tenant",
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
        """The logo as a PNG of at most 256 pixels on a side; 404 without one."""
        row: Tenant = self.get_object()
        png = logos.logo_of(row.pk)
        if png is None:
            raise Http404
        return exact(png, "image/png")

    @extend_schema(summary="Set the logo of a tenant", request=LOGO_GIVEN, responses={204: None})
    @logo.mapping.put
    def put_logo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a PNG, JPEG, WebP or GIF of up to 2 MB: as the body, or as the part `logo` of a
        form. Only its pixels are kept."""
        row: Tenant = self.get_object()
        try:
            png = small_png(logo_given(request))
        except UsageError as error:
            raise Problem(400, "invalid", str(error)) from None
        with transaction.atomic():
            logos.keep(row, png)
            note_change(request, row, "The logo was changed.")
        return Response(status=204)

    @extend_schema(summary="Remove the logo of a tenant", request=None, responses={204: None})
    @logo.mapping.delete
    def delete_logo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Have none any more."""
        row: Tenant = self.get_object()
        if row.logo_digest:
            with transaction.atomic():
                logos.remove(row)
                note_change(request, row, "The logo was removed.")
        return Response(status=204)
