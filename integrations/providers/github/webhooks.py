"""Webhooks of GitHub: which pull request a delivery is about."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from integrations.contract import Ask
from integrations.contract.webhooks import Delivered, Item
from integrations.providers.github.pull_walk import PULLS
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.steps import One, ask_of

SIGNATURE_HEADER: Final = "X-Hub-Signature-256"
DELIVERY_HEADER: Final = "X-GitHub-Delivery"
EVENT_HEADER: Final = "X-GitHub-Event"

_OF_PULLS: Final = (
    "pull_request",
    "pull_request_review",
    "pull_request_review_comment",
    "pull_request_review_thread",
)
_OF_ISSUES: Final = ("issue_comment", "issues")


class _Repository(msgspec.Struct):
    id: int
    node_id: str
    full_name: str


class _Pull(msgspec.Struct):
    number: int


class _Issue(msgspec.Struct):
    number: int
    pull_request: Any = None


class _Payload(msgspec.Struct):
    repository: _Repository | None = None
    pull_request: _Pull | None = None
    issue: _Issue | None = None


_PAYLOAD: Final = msgspec.json.Decoder(_Payload)


def delivered(event: str, body: bytes, settings: GitHubSettings) -> Delivered:
    """See `TakesWebhooks`. Comments and reviews are about their pull request."""
    if event == "ping":
        return Delivered(event=event, is_ping=True)
    if event not in (*_OF_PULLS, *_OF_ISSUES):
        return Delivered(event=event, ignored=f"{event or 'no event'} is not about a pull request")
    try:
        payload = _PAYLOAD.decode(body)
    except msgspec.ValidationError as error:
        return Delivered(event=event, ignored=f"it cannot be understood: {error}")
    return _read(event, payload, settings)


def _read(event: str, payload: _Payload, settings: GitHubSettings) -> Delivered:
    repository, pull, issue = payload.repository, payload.pull_request, payload.issue
    if event in _OF_ISSUES:
        if issue is not None and issue.pull_request is None:
            return Delivered(event=event, ignored="it is about an issue, not a pull request")
        pull = _Pull(issue.number) if issue is not None else None
    if repository is None or pull is None:
        return Delivered(event=event, ignored="it names no pull request")
    if not settings.takes(repository.full_name):
        return Delivered(event=event, ignored=f"repository {repository.full_name} is not selected")
    item = Item(part=str(repository.id), id=str(pull.number), owner=repository.node_id)
    return Delivered(event=event, items=[item])


def asks(items: Sequence[Item], settings: GitHubSettings) -> list[Ask]:
    """Return an ask for each pull request."""
    return [
        ask_of(PULLS.stream, each.part, One(node=each.owner, number=int(each.id)), "one", each.id)
        for each in items
    ]
