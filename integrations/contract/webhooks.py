"""Webhooks in: what a provider declares, in a module `webhooks` of its folder, if it takes any.

What a delivery holds is never loaded. It only names items, which are then fetched from the source
itself: so forged content, and deliveries that come late, twice or out of order, do no harm.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from integrations.contract.fetching import Ask


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item that a delivery is about. part: as of `Ask`. id: what the provider finds it by in
    its part. owner: the provider's own name of the part, where it needs one."""

    part: str
    id: str
    owner: str = ""


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery says. ignored: why nothing is fetched for it, empty if something is.

    is_ping: it asks whether anybody is there.
    """

    event: str
    items: list[Item] = []
    ignored: str = ""
    is_ping: bool = False


class TakesWebhooks(Protocol):
    """The module `webhooks` of a provider's folder; all of it is pure."""

    SIGNATURE_HEADER: str
    """Holds `sha256=` and the HMAC of the body in hexadecimal."""
    DELIVERY_HEADER: str
    """Holds the id of a delivery, the same when it is sent again."""
    EVENT_HEADER: str
    """Holds the event; empty where the body does."""

    def delivered(self, event: str, body: bytes, settings: Any) -> Delivered:
        """Read a delivery. event: of its header, empty without. Raises ValueError for a body that
        is no JSON."""

    def asks(self, items: Sequence[Item], settings: Any) -> list[Ask]:
        """Return the asks that fetch just these items; see `Connector.fetch`."""
