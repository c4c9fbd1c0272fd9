"""How the user of a request likes to see things, and what that means for the page."""

import zoneinfo
from functools import lru_cache
from typing import Any, Final

from django.http import HttpRequest

from tenants.models import Preferences
from tenants.permissions import access_of

PAGE_SIZES: Final = (10, 25, 50, 100, 200)


def preferences_of(request: HttpRequest) -> Preferences | None:
    """Return what the request's user chose, read once a request; None for one who chose nothing."""
    if not hasattr(request, "preferences"):
        user: Any = getattr(request, "user", None)
        found = None
        if user is not None and user.is_authenticated:
            found = Preferences.objects.filter(user=user).first()
        request.preferences = found  # type: ignore[attr-defined]
    kept: Preferences | None = request.preferences  # type: ignore[attr-defined]
    return kept


def time_zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """Return the zone in which times are shown: the user's, else the tenant's, else UTC."""
    chosen = preferences_of(request)
    access = access_of(request)
    names = [chosen.time_zone] if chosen else []
    if access is not None and access.current is not None:
        names.append(access.current.time_zone)
    for name in names:
        if name in zone_names():
            return zoneinfo.ZoneInfo(name)
    return zoneinfo.ZoneInfo("UTC")


def page_size_of(request: HttpRequest) -> int:
    """Return how many rows a list shows on a page."""
    chosen = preferences_of(request)
    return chosen.page_size if chosen and chosen.page_size in PAGE_SIZES else 50


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Return the names of all time zones that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def zone_named(name: str) -> str | None:
    """Return the time zone that somebody means, as the IANA database writes it; None if none."""
    return _zones_by_name().get(name.replace(" ", "_").casefold())


@lru_cache(maxsize=1)
def _zones_by_name() -> dict[str, str]:
    return {zone.casefold(): zone for zone in zone_names()}


def no_such_zone(name: str) -> str:
    """Return what to tell whoever named a time zone that is none."""
    return f"There is no time zone “{name[:64]}”. Choose one of the list, such as Europe/Berlin."


def zone_choices() -> list[tuple[str, str]]:
    """Return the time zones to choose from: UTC, then those of places, by name."""
    places = sorted(
        name
        for name in zone_names()
        if "/" in name and not name.startswith(("Etc/", "posix/", "right/", "SystemV/", "US/"))
    )
    return [(name, name.replace("_", " ")) for name in ("UTC", *places)]
