"""The bell: the newest notices of a tenant, and how many a user has not seen. In its scope."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, TypedDict

from django.db.models import QuerySet
from django.utils import timezone

from notices.events import Event
from notices.models import Notice, SeenNotices
from notices.wording import one_line, path_of, words_of
from tenants.models import Tenant

SHOWN: Final = 10
MOST_COUNTED: Final = 100
"""Unread ones are counted up to here; people are shown 99+."""
NEW_TO_ALL: Final = timedelta(days=1)
"""Who never looked has what is older behind them."""

_SILENT: Final = (Event.PING, Event.RUN_RECOVERED)
"""A test is of who makes it; a recovery comes with the notice that the run finished."""
_TONES: Final[Mapping[str, str]] = {
    Event.RUN_FINISHED: "good",
    Event.RUN_FAILED: "bad",
    Event.WEBHOOK_DISABLED: "bad",
}
_ENDS: Final[Mapping[str, str]] = {Event.RUN_FINISHED: "finished", Event.RUN_FAILED: "failed"}

_COUNTS: Final = {
    "records": "records read",
    "rows": "rows written",
    "quarantined": "set aside",
    "dead_steps": "given up",
}


class BellNotice(TypedDict):
    """A notice in the bell. at: ISO 8601. tone: good, warning or bad.

    brief: a few words, for the title of the browser. url: a path; empty without a page.
    """

    id: int
    event: str
    tone: str
    brief: str
    title: str
    detail: str
    url: str
    at: str
    is_unread: bool


class Bell(TypedDict):
    """What the bell shows. unread: at most MOST_COUNTED. newest: id of the newest, 0 if none."""

    unread: int
    newest: int
    notices: list[BellNotice]


def bell_of(tenant: Tenant, user: Any) -> Bell:
    """Return what a user's bell shows, newest first. Three queries."""
    rows = _told(tenant)
    seen = _seen_until(tenant, user)
    unread = rows.filter(pk__gt=seen)
    if not seen:
        unread = unread.filter(occurred_at__gt=timezone.now() - NEW_TO_ALL)
    new = set(unread.order_by("-id").values_list("pk", flat=True)[:MOST_COUNTED])
    newest = list(rows.order_by("-id")[:SHOWN])
    return {
        "unread": len(new),
        "newest": newest[0].pk if newest else 0,
        "notices": [_shown(row, row.pk in new) for row in newest],
    }


def see(tenant: Tenant, user: Any, until: int) -> None:
    """Note that a user has seen notices up to one; never fewer than before, and none to come."""
    newest = _told(tenant).filter(pk__lte=until).order_by("-id").values_list("pk", flat=True)
    found = newest.first()
    if found is None:
        return
    mine = {"tenant": tenant, "user": user}
    row, is_new = SeenNotices.objects.get_or_create(**mine, defaults={"seen_until": found})
    if not is_new:
        SeenNotices.objects.filter(pk=row.pk, seen_until__lt=found).update(seen_until=found)


def _told(tenant: Tenant) -> QuerySet[Notice]:
    return Notice.objects.filter(tenant=tenant).exclude(event__in=_SILENT)


def _seen_until(tenant: Tenant, user: Any) -> int:
    rows = SeenNotices.objects.filter(tenant=tenant, user=user)
    return rows.values_list("seen_until", flat=True).first() or 0


def _shown(row: Notice, is_unread: bool) -> BellNotice:
    words = words_of(row)
    return {
        "id": row.pk,
        "event": row.event,
        "tone": _tone(row),
        "brief": _brief(row, words.title),
        "title": words.title,
        "detail": _detail(row) or (words.lines[-1] if words.lines else ""),
        "url": path_of(words),
        "at": row.occurred_at.isoformat(),
        "is_unread": is_unread,
    }


def _detail(row: Notice) -> str:
    """Return what a run brought; empty for one that failed, of which its reason is more."""
    run = _part(row, "run")
    if row.event != Event.RUN_FINISHED or "records" not in run:
        return ""
    told = [f"{run[name]:,} {words}" for name, words in _COUNTS.items() if run.get(name)]
    return ", ".join(told) if told else "There was nothing new"


def _tone(row: Notice) -> str:
    if _part(row, "run").get("state") == "completed_with_errors":
        return "warning"
    return _TONES.get(row.event, "warning")


def _brief(row: Notice, title: str) -> str:
    name = _part(row, "integration").get("name")
    return f"{one_line(name)} {_ENDS[row.event]}" if name and row.event in _ENDS else title


def _part(row: Notice, name: str) -> Mapping[str, Any]:
    found = row.payload.get(name)
    return found if isinstance(found, Mapping) else {}
