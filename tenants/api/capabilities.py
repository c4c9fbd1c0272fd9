"""Whether whoever asks may do what a view does."""

from typing import Any

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tenants.api.problems import Problem
from tenants.permissions import Access, Capability


class HoldsCapability(BasePermission):
    """Lets in whoever may, in this tenant, do what the view says it takes; see `ScopedView`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            raise NotAuthenticated
        if view.people_only:
            refuse_tokens(request)
        needed = view.needed_capability(request)
        if needed is None:
            return True
        if view.access is None:
            raise Problem(403, "no-tenant", "You are a member of no tenant: ask for an invitation.")
        require(view.access, needed)
        return True


def refuse_tokens(request: Request) -> None:
    """Raise Problem (403) if it is a program with an API token that asks."""
    if getattr(request.auth, "grant", None) is not None:
        raise Problem(403, "people-only", "An API token may not do this: sign in yourself.")


def require(access: Access, needed: Capability) -> None:
    """Raise Problem (403) for whoever may not do this in the tenant that is chosen."""
    if not access.may(needed):
        raise Problem(
            403,
            "permission-denied",
            f"You may not {needed.value} here: your role, or the "
            "scopes of your token, do not permit it.",
        )
