"""How many requests may be made in a minute: by a user, in a tenant, from an address."""

import math
from collections.abc import Iterable
from contextlib import suppress
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

    Views that name a `throttle_scope` are counted by that as well, those that say `is_of_machines`
    by that and the address alone. The count that is nearest to
    its limit is left in `view.count`.
    """

    def __init__(self) -> None:
        self._count: Count | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        counts = counted(_counted(request, view))
        self._count = min(counts, key=lambda each: each.limit - each.used, default=None)
        view.count = self._count
        return self._count is None or not self._count.is_over

    def wait(self) -> float | None:
        return self._count.seconds if self._count is not None else None


def _counted(request: Request, view: Any) -> Iterable[tuple[str, object]]:
    """Yield the names of limits, and who is counted by each."""
    address = request.META.get("REMOTE_ADDR", "")
    if getattr(view, "is_of_machines", False):
        yield view.throttle_scope, address
        return
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


def counted(kinds: Iterable[tuple[str, object]]) -> list[Count]:
    """Count a request by the limits of these names; none where there is none, or no cache answers.

    kinds: names of limits, and who is counted by each. What one of them refuses does not count by
    those after it: nobody uses up the limit of a tenant by requests beyond their own.
    """
    rates = settings.API_RATES
    limited = [(name, who) for name, who in kinds if rates[name]]
    instant = now()
    window = int(instant // WINDOW)
    keys = [f"rate-{name}-{who}-{window}" for name, who in limited]
    used = _used(keys)
    refused = _refused([rates[name] for name, _ in limited], used)
    if refused is not None:
        _take_back(keys[refused + 1 :])
        del limited[refused + 1 :], used[refused + 1 :]
    seconds = max(math.ceil((window + 1) * WINDOW - instant), 1)
    return [
        Count(rates[name], number, seconds)
        for (name, _), number in zip(limited, used, strict=True)
        if number is not None
    ]


def _used(keys: list[str]) -> list[int | None]:
    """Count once under each key; return how often that was done, None where it cannot be."""
    count_all = getattr(cache, "count_all", None)  # of a cache that is far: all at once
    if count_all is not None:
        found: list[int | None] = count_all(keys, 2 * WINDOW)
        return found
    return [1 if cache.add(key, 1, 2 * WINDOW) else _next(key) for key in keys]


def _refused(limits: list[int], used: list[int | None]) -> int | None:
    """Return the place of the first limit that is exceeded; None where none is."""
    return next(
        (
            place
            for place, (limit, number) in enumerate(zip(limits, used, strict=True))
            if number is not None and number > limit
        ),
        None,
    )


def _take_back(keys: list[str]) -> None:
    for key in keys:
        with suppress(ValueError):  # it has just been forgotten
            cache.decr(key)


def _next(key: str) -> int | None:
    try:
        return cache.incr(key)
    except ValueError:  # it has just been forgotten
        return None
