"""Sending one notice to one address: signed, guarded, within ten seconds. No database here."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from common.errors import PipelineError
from common.http import NoBudget, Site
from common.redaction import KNOWN
from common.transport import Limits, TooLargeError
from integrations import egress
from notices.addresses import hiding, without_path
from notices.models import Notice
from notices.secrets import PREFIX, signatures

LIMITS: Final = Limits(deadline_seconds=10.0, max_bytes=64 * 1024)
KEPT_CHARACTERS: Final = 1000
_GONE: Final = 410


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. status: of the answer, None without one. answer: its beginning,
    redacted. is_final: trying again cannot help. is_gone: the receiver wants nothing any more.
    is_way_closed: no other delivery that goes this way can do better now. is_fault: it was ours,
    and says nothing of the receiver.
    """

    is_delivered: bool
    milliseconds: int
    status: int | None = None
    answer: str = ""
    error: str = ""
    is_final: bool = False
    is_gone: bool = False
    is_way_closed: bool = False
    is_fault: bool = False


def body_of(notice: Notice) -> bytes:
    """Return what is sent of a notice: the same bytes at every attempt."""
    told = {
        "type": notice.event,
        "timestamp": notice.occurred_at.isoformat().replace("+00:00", "Z"),
        "data": notice.payload,
    }
    return msgspec.json.encode(told, order="sorted")


def post(url: str, signing: Sequence[str], message_id: str, body: bytes, now: datetime) -> Outcome:
    """Send a body, signed by these secrets, and return what came of it; raise nothing for that."""
    timestamp = int(now.timestamp())
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures(signing, message_id, timestamp, body),
    }
    began = time.monotonic()
    try:
        site = Site(
            url.partition("?")[0],
            headers,
            budget=NoBudget(),
            policy=egress.policy(),
            secrets=[form for each in signing for form in (each, each.removeprefix(PREFIX))],
            limits=LIMITS,
        )
        answer = site.send("POST", url, body)
    except TooLargeError:
        error = "the answer is larger than 64 KiB: let the receiver answer with an empty body"
        return Outcome(False, _since(began), error=error)
    except PipelineError as error:
        return Outcome(False, _since(began), error=without_path(str(error), url))
    is_delivered = 200 <= answer.status < 300
    return Outcome(
        is_delivered,
        _since(began),
        answer.status,
        excerpt(hiding(url).body(answer.body)),
        "" if is_delivered else _refusal(answer.status),
        is_gone=answer.status == _GONE,
    )


def excerpt(body: bytes) -> str:
    """Return the beginning of an answer, as text that any database takes."""
    text = body[: 4 * KEPT_CHARACTERS].decode(errors="replace").replace("\0", "�")
    return KNOWN.redact(text)[:KEPT_CHARACTERS]


def _refusal(status: int) -> str:
    if 300 <= status < 400:
        return f"it answered {status}, a redirect, which is not followed: give the final address"
    if status == _GONE:
        return "it answered 410: it wants no notices any more"
    return f"it answered {status}: only 200 to 299 say that it has the notice"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
