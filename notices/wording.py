"""Notices in words: what people read in an e-mail and in the log. Plain text, never HTML."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from common.redaction import KNOWN
from notices.events import Event
from notices.models import Notice

_LONGEST: Final = 300


@dataclass(frozen=True)
class Words:
    """title: one line; lines: what there is to say; page: name of a page of the admin and its
    arguments, where to go on, or nothing."""

    title: str
    lines: tuple[str, ...] = ()
    page: tuple[str, tuple[Any, ...]] | None = None


def words_of(notice: Notice) -> Words:
    """Return a notice in words, whatever its payload lacks."""
    return _WORDS[Event(notice.event)](notice.payload)


def title_of(notice: Notice) -> str:
    """Return a notice in one line."""
    return words_of(notice).title


def link_of(words: Words) -> str:
    """Return the whole address of the page where to go on; empty if it is not known."""
    path = path_of(words)
    return f"{settings.SITE_URL}{path}" if path and settings.SITE_URL else ""


def path_of(words: Words) -> str:
    """Return the path of the page where to go on; empty without one."""
    if words.page is None:
        return ""
    name, arguments = words.page
    try:
        return reverse(name, args=arguments)
    except NoReverseMatch:
        return ""


def one_line(text: object) -> str:
    """Return upstream text as a line that is safe in a subject."""
    line = " ".join(KNOWN.redact(str(text)).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _of(payload: Mapping[str, Any], name: str, key: str = "name") -> str:
    found = payload.get(name)
    return one_line(found.get(key, "?")) if isinstance(found, Mapping) else "?"


def _run(payload: Mapping[str, Any], how: str) -> Words:
    run = payload.get("run")
    run = run if isinstance(run, Mapping) else {}
    lines = [
        f"Integration: {_of(payload, 'integration')}",
        f"Run: {run.get('id', '?')}, {run.get('mode', '?')}, {run.get('state', '?')}",
        f"Records: {run.get('records', '?')}, rows: {run.get('rows', '?')}, "
        f"set aside: {run.get('quarantined', '?')}, dead steps: {run.get('dead_steps', '?')}",
    ]
    if run.get("error"):
        lines.append(f"Reason: {one_line(run['error'])}")
    page = ("admin:jobs_jobrun_change", (run["id"],)) if "id" in run else None
    title = f"Run {run.get('id', '?')} of {_of(payload, 'integration')} {how}"
    return Words(title, tuple(lines), page)


def _run_finished(payload: Mapping[str, Any]) -> Words:
    return _run(payload, "finished")


def _run_failed(payload: Mapping[str, Any]) -> Words:
    return _run(payload, "failed")


def _run_recovered(payload: Mapping[str, Any]) -> Words:
    return _run(payload, "finished, after one that failed")


def _unmapped(payload: Mapping[str, Any]) -> Words:
    values, count = payload.get("values", []), payload.get("count", 0)
    lines = [
        f"{one_line(each.get('kind', ''))}: {one_line(each.get('name', ''))} "
        f"({each.get('items', 0)} items)"
        for each in values
    ]
    if count > len(values):
        lines.append(f"and {count - len(values)} more")
    lines.append("Map them in the inbox; until then they have no type or status of yours.")
    what = "value has" if count == 1 else "values have"
    title = f"{count} new {what} no rule in {_of(payload, 'integration')}"
    return Words(title, tuple(lines), ("admin:mappings_inbox", ()))


def _expiring(payload: Mapping[str, Any]) -> Words:
    name, days = _of(payload, "integration"), payload.get("days_left", 0)
    when = f"expire in {days} days" if days > 0 else "expire today or have expired"
    lines = (
        f"They expire at {payload.get('expires_at', '?')}.",
        "Make new ones at the source and enter them at the integration, or its runs will fail.",
    )
    integration = payload.get("integration")
    key = integration.get("id") if isinstance(integration, Mapping) else None
    page = ("admin:integrations_integration_change", (key,)) if key is not None else None
    return Words(f"The credentials of {name} {when}", lines, page)


def _disabled(payload: Mapping[str, Any]) -> Words:
    lines = (
        f"Reason: {one_line(payload.get('reason', '?'))}",
        "What still waited for it is given up. Mend the receiver, test the webhook, switch it on.",
    )
    hook = payload.get("webhook")
    key = hook.get("id") if isinstance(hook, Mapping) else None
    page = ("admin:notices_endpoint_change", (key,)) if key is not None else None
    return Words(f"The webhook {_of(payload, 'webhook')} was switched off", lines, page)


def _ping(payload: Mapping[str, Any]) -> Words:
    return Words(f"A test of the webhook {_of(payload, 'webhook')}")


_WORDS: Final[Mapping[Event, Callable[[Mapping[str, Any]], Words]]] = {
    Event.RUN_FINISHED: _run_finished,
    Event.RUN_FAILED: _run_failed,
    Event.RUN_RECOVERED: _run_recovered,
    Event.VALUES_UNMAPPED: _unmapped,
    Event.CREDENTIALS_EXPIRING: _expiring,
    Event.WEBHOOK_DISABLED: _disabled,
    Event.PING: _ping,
}
