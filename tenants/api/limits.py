"""How many requests may be made in a minute: by a user, in a tenant, from an address."""

import math
from collections.abc import Iterable
from time import time as now
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW: Final = 60
"""Seconds. All counts begin anew with each minute of the clock."""


class Count(NamedTuple):
    """Requests of one kind in this window. seconds: until the next begins."""

    limit: int
    used: int
    seconds: int

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def is_over(self) -> bool:
        return self.used > self.limit


class Limits(BaseThrottle):
    """Counts a request for its user and tenant, or for its address if nobody asks.

    Views that name a `throttle_scope` are counted by that as well. The count that is nearest to
    its limit is left in `view.count`.
    """

    def __init__(self) -> None:
        self._count: Count | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        counts = [count(name, who) for name, who in _counted(request, view)]
        known = [each for each in counts if each is not None]
        self._count = min(known, key=lambda each: each.limit - each.used, default=None)
        view.count = self._count
        return self._count is None or not self._count.is_over

    def wait(self) -> float | None:
        return self._count.seconds if self._count is not None else None


def _counted(request: Request, view: Any) -> Iterable[tuple[str, object]]:
    """Yield the names of limits, and who is counted by each."""
    address = request.META.get("REMOTE_ADDR", "")
    user = request.user
    if user is not None and user.is_authenticated:
        yield "user", user.pk
        access = getattr(view, "access", None)
        if access is not None and access.current is not None:
            yield "tenant", access.current.pk
    else:
        yield "address", address
    if scope := getattr(view, "throttle_scope", None):
        yield scope, user.pk if user is not None and user.is_authenticated else address


def count(name: str, who: object) -> Count | None:
    """Count a request by the limit of this name; None where there is none, or no cache answers."""
    limit = settings.API_RATES[name]
    if not limit:
        return None
    instant = now()
    window = int(instant // WINDOW)
    key = f"rate-{name}-{who}-{window}"
    if cache.add(key, 1, 2 * WINDOW):
        used = 1
    else:
        try:
            used = cache.incr(key)
        except ValueError:
            return None
    return Count(limit, used, max(math.ceil((window + 1) * WINDOW - instant), 1))
