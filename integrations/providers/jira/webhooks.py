"""Webhooks of Jira: which item a delivery is about."""

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from integrations.contract import Ask
from integrations.contract.webhooks import Delivered, Item

from . import changed
from .reconcile import Project, is_covered
from .settings import JiraSettings

SIGNATURE_HEADER: Final = "X-Hub-Signature"
DELIVERY_HEADER: Final = "X-Atlassian-Webhook-Identifier"
EVENT_HEADER: Final = ""

_EVENTS: Final = (
    *("jira:issue_created", "jira:issue_updated", "jira:issue_deleted"),
    *("comment_created", "comment_updated", "comment_deleted"),
)
_ID: Final = re.compile(r"[0-9]{1,19}")


class _Fields(msgspec.Struct):
    project: Project | None = None


class _Issue(msgspec.Struct):
    id: str | int
    fields: _Fields = msgspec.field(default_factory=_Fields)


class _Event(msgspec.Struct):
    webhookEvent: str = ""  # noqa: N815


class _Payload(msgspec.Struct):
    issue: _Issue | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_PAYLOAD: Final = msgspec.json.Decoder(_Payload)


def delivered(event: str, body: bytes, settings: JiraSettings) -> Delivered:
    """See `TakesWebhooks`. A deletion names its item like a change: what is not there any more
    is found out when it is fetched."""
    try:
        event = _EVENT.decode(body).webhookEvent[:100]
        if event not in _EVENTS:
            return Delivered(event=event, ignored=f"{event or 'no event'} is not about an item")
        payload = _PAYLOAD.decode(body)
    except msgspec.ValidationError as error:
        return Delivered(event=event, ignored=f"it cannot be understood: {error}")
    project = payload.issue.fields.project if payload.issue is not None else None
    if payload.issue is None or project is None:
        return Delivered(event=event, ignored="it names no item and project")
    item = Item(part=str(project.id), id=str(payload.issue.id))
    if not (_ID.fullmatch(item.part) and _ID.fullmatch(item.id)):
        return Delivered(event=event, ignored="its item or project has no id that is a number")
    if not is_covered(project, settings):
        name = project.key or str(project.id)
        return Delivered(event=event, ignored=f"project {name[:100]} is not selected")
    return Delivered(event=event, items=[item])


def asks(items: Sequence[Item], settings: JiraSettings) -> list[Ask]:
    """Return the asks for the items of each project."""
    by_project: dict[str, list[str]] = {}
    for each in items:
        by_project.setdefault(each.part, []).append(each.id)
    return [ask for part, ids in by_project.items() for ask in changed.asks_of(sorted(ids), part)]
