"""The base of every view of the API: who asks, in which tenant, and whether they may."""

from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC
from typing import Any, ClassVar, NoReturn, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException, MethodNotAllowed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from tenants.api.access import access_in
from tenants.api.capabilities import HoldsCapability
from tenants.api.limits import Count, Limits
from tenants.api.problems import Problem
from tenants.models import Tenant
from tenants.permissions import Access, Capability


class LimitedView(APIView):
    """Counts each request once, also those that are refused; see `tenants.api.limits`.

    throttle_scope: name of a limit of its own. count: what the answer's headers tell.
    """

    throttle_classes = (Limits,)
    throttle_scope: str | None = None
    count: Count | None = None
    is_counted = False

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks. Whoever shows something that is not valid is counted as nobody."""
        try:
            super().perform_authentication(request)
        except APIException:
            self.check_throttles(request)
            raise

    def check_throttles(self, request: Request) -> None:
        """Count the request; raise Problem (429) for one too many."""
        if not self.is_counted:
            self.is_counted = True
            super().check_throttles(request)

    def throttled(self, request: Request, wait: float | None) -> NoReturn:
        seconds = int(wait or 1)
        raise Problem(
            429,
            "throttled",
            f"Too many requests: ask again in {seconds} seconds.",
            headers={"Retry-After": str(seconds)},
        )

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> Any:
        """Tell how many requests are left."""
        answer: Any = super().finalize_response(request, cast(Any, response), *args, **kwargs)
        if self.count is not None:
            answer.headers["RateLimit-Limit"] = str(self.count.limit)
            answer.headers["RateLimit-Remaining"] = str(self.count.remaining)
            answer.headers["RateLimit-Reset"] = str(self.count.seconds)
        return answer


class ScopedView(LimitedView):
    """Answers inside the tenant scope of whoever asks; see `tenants.api.access`.

    capabilities: what each action takes (of a plain view: each method in small letters). Reading
    takes READ where nothing is said; an unsafe action has to say. None: nothing but an account.
    people_only: whether API tokens are refused, whatever their scopes.
    access: of this request, once it is known who asks.
    """

    permission_classes = (HoldsCapability,)
    capabilities: ClassVar[Mapping[str, Capability | None]] = {}
    people_only: ClassVar[bool] = False
    access: Access | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self.surroundings:
            response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
            if isinstance(response, Response) and not response.is_rendered:
                response.render()  # here, for it may read: the browsable page does
            return response

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and step into their tenant's scope. Times are told in UTC."""
        super().perform_authentication(request)
        if not hasattr(self, str(request.method).lower()):  # whichever tenant the header names
            self.check_throttles(request)
            raise MethodNotAllowed(str(request.method))
        try:
            self.access = access_in(request)
        finally:
            self.check_throttles(request)
        request._request.access = self.access  # type: ignore[attr-defined]
        if self.access is not None:
            self.surroundings.enter_context(self.access.scope())
        self.surroundings.enter_context(timezone.override(UTC))

    def needed_capability(self, request: Request) -> Capability | None:
        """Return what the request takes; None for nothing but an account."""
        is_handled = hasattr(self, str(request.method).lower())
        if not is_handled:  # to be answered 405
            return None
        return self.capability_of(self._action(request), request.method or "GET")

    def capability_of(self, action: str, method: str) -> Capability | None:
        """Return what an action takes; raise ImproperlyConfigured for an unsafe one not told."""
        if action in self.capabilities:
            return self.capabilities[action]
        if method in SAFE_METHODS:
            return Capability.READ
        raise ImproperlyConfigured(f"{type(self).__name__} does not say what {action} takes")

    def _action(self, request: Request) -> str:
        action = getattr(self, "action", None)
        if action is None:
            return str(request.method).lower()
        return str(action)

    @property
    def tenant(self) -> Tenant:
        """The tenant that is worked in; raise Problem for an operator who named none."""
        if self.access is None or self.access.current is None:
            raise Problem(
                400, "tenant-needed", "Name a tenant by the header X-Tenant: you see all of them."
            )
        return self.access.current


class TenantViewSet(ScopedView, GenericViewSet[Any]):
    """Base of every set of views of a model.

    model: whose rows they are. rows: those that may be seen; to be narrowed, never widened.
    """

    model: ClassVar[type[Model]]
    lookup_value_regex = "[0-9]{1,18}"

    def rows(self) -> QuerySet[Any]:
        """Return the rows that may be seen, in the tenant's scope."""
        found: QuerySet[Any] = self.model._default_manager.all()
        return found

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # the schema is made outside every scope
            return QuerySet(self.model).none()
        return self.rows()

    def needed_capability(self, request: Request) -> Capability | None:
        if getattr(self, "action", None) is None:  # no such method: to be answered 405
            return None
        return super().needed_capability(request)
