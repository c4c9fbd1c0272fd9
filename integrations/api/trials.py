"""Looking at a source over the API: the test of a connection, and what there is to choose from."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import PipelineError, UsageError
from integrations.api.bodies import (
    CONNECTION,
    ConnectionGiven,
    DiscoveryAsked,
    connection_of,
    refusal,
)
from integrations.api.providers import provider_or_404
from integrations.checking import Trial, discover, keep_health, saved, steps, unsaved
from integrations.contract import Check
from integrations.errors import FieldError
from integrations.models import Integration
from integrations.registry import connector_for
from tenants.api.fields import Serializer, Text
from tenants.api.problems import Problem
from tenants.api.views import ScopedView
from tenants.models import Tenant
from tenants.permissions import Capability

_TAGS: Final = ["integrations"]


class CheckShown(Serializer):
    """One step of a test. remedy: what to do about it, empty if there is nothing to do."""

    step = serializers.CharField()
    request = serializers.CharField(allow_blank=True)
    is_ok = serializers.BooleanField()
    detail = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True)


class TestShown(Serializer):
    """A test; the first step that fails is its last. is_saved: it was of what is kept, and so is
    its result."""

    is_ok = serializers.BooleanField()
    is_saved = serializers.BooleanField()
    steps = CheckShown(many=True)


class FoundShown(Serializer):
    """One thing that was found. value: what goes into the setting."""

    value = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    marks = serializers.ListField(child=serializers.CharField())


class FindsShown(Serializer):
    """What was found. is_all: there is no more that the search would match."""

    found = FoundShown(many=True)
    is_all = serializers.BooleanField()


TESTED: Final = OpenApiExample(
    "A token that is refused",
    {
        "is_ok": False,
        "is_saved": True,
        "steps": [
            {
                "step": "sign in",
                "request": "GET /rest/api/3/myself",
                "is_ok": False,
                "detail": "answered 401: the token is not valid",
                "remedy": "make a new token and enter it",
            }
        ],
    },
    response_only=True,
)
ASKED: Final = OpenApiExample(
    "Projects with “pay” in them",
    {"picks": "projects", "search": "pay", "limit": 20},
    request_only=True,
)
FOUND: Final = OpenApiExample(
    "One project",
    {
        "found": [{"value": "PAY", "name": "Payments", "detail": "software", "marks": []}],
        "is_all": True,
    },
    response_only=True,
)


def tested(tenant: Tenant, row: Integration | None, given: ConnectionGiven) -> Response:
    """Answer with a test of what is kept, or of what is given; nothing given is saved."""
    body = _valid(given)
    try:
        trial = _trial(tenant, row, _provider(row, body), body)
        found = list(steps(trial))
    except FieldError as error:
        raise refusal(error) from None
    except UsageError as error:
        if row is None or body:
            raise
        found, trial = [_refused(row, error)], None
    is_saved = row is not None and (trial is None or trial.is_saved)
    if row is not None and is_saved:
        keep_health(row, found)
    told = {
        "is_ok": all(each.is_ok for each in found),
        "is_saved": is_saved,
        "steps": found,
    }
    return Response(TestShown(told).data)


def _refused(row: Integration, error: UsageError) -> Check:
    return Check(step="connect", request=row.base_url, is_ok=False, detail=str(error))


def discovered(tenant: Tenant, row: Integration | None, given: DiscoveryAsked) -> Response:
    """Answer with what the source has to choose from."""
    body = _valid(given)
    provider = _provider(row, body)
    known = [each.slug for each in connector_for(provider).discoveries]
    if body["picks"] not in known:
        raise refusal(FieldError("picks", f"there is none of this name; there are: {known}"))
    connection = {
        name: value for name, value in body.items() if name not in ("picks", "search", "limit")
    }
    try:
        trial = _trial(tenant, row, provider, connection)
        finds = discover(trial, body["picks"], body["search"])
    except FieldError as error:
        raise refusal(error) from None
    except UsageError:
        raise
    except PipelineError as error:
        raise Problem(409, "source-refuses", str(error)) from None
    limit: int = body["limit"]
    told = {"found": finds.found[:limit], "is_all": finds.is_all and len(finds.found) <= limit}
    return Response(FindsShown(told).data)


def _valid(given: ConnectionGiven) -> dict[str, Any]:
    given.is_valid(raise_exception=True)
    body: dict[str, Any] = dict(given.validated_data)
    return body


def _provider(row: Integration | None, body: dict[str, Any]) -> str:
    slug = row.provider if row is not None else body.pop("provider")
    return str(slug)


def _trial(
    tenant: Tenant, row: Integration | None, provider: str, given: Mapping[str, Any]
) -> Trial:
    if row is not None and not given:
        return saved(row)
    connector = connector_for(provider)
    return unsaved(tenant, row, connection_of(connector, row, given))


class _Unsaved(ScopedView):
    """A look at a source that no integration is connected with yet."""

    model = Integration
    lookup_field = "provider"
    capabilities = {"post": Capability.EDIT_INTEGRATIONS}


class TestNewView(_Unsaved):
    """Tests a connection before there is an integration."""

    throttle_scope = "test"

    @extend_schema(
        operation_id="providers_test",
        summary="Test a connection that is not saved",
        tags=_TAGS,
        request=ConnectionGiven,
        responses=TestShown,
        examples=[CONNECTION, TESTED],
    )
    def post(self, request: Request, provider: str) -> Response:
        """Try an address, settings and credentials step by step. Nothing is saved."""
        connector = provider_or_404(provider)
        data = {**_object(request), "provider": connector.slug}
        return tested(self.tenant, None, _NewConnection(data=data))


class DiscoverNewView(_Unsaved):
    """Tells what a source has before there is an integration."""

    throttle_scope = "discover"

    @extend_schema(
        operation_id="providers_discover",
        summary="Look for what can be chosen, by a connection that is not saved",
        tags=_TAGS,
        request=DiscoveryAsked,
        responses=FindsShown,
        examples=[ASKED, FOUND],
    )
    def post(self, request: Request, provider: str) -> Response:
        """Ask the source for its projects, repositories, boards or fields."""
        connector = provider_or_404(provider)
        data = {**_object(request), "provider": connector.slug}
        return discovered(self.tenant, None, _NewDiscovery(data=data))


class _NewConnection(ConnectionGiven):
    provider = Text()


class _NewDiscovery(DiscoveryAsked):
    provider = Text()


def _object(request: Request) -> dict[str, Any]:
    data = request.data
    if not isinstance(data, dict) or "provider" in data:
        raise Problem(400, "invalid", "Give an object with the connection, without `provider`.")
    return data
