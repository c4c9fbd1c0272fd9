"""Secrets of endpoints: made, sealed with whose they are, rotated, and what they sign.

The scheme is that of Standard Webhooks (https://www.standardwebhooks.com).
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from common.errors import PermanentError
from integrations.credentials import secret_box
from notices.models import Endpoint

PREFIX: Final = "whsec_"
OVERLAP: Final = timedelta(hours=24)
"""So long the secret before a new one signs, too."""
_BYTES: Final = 32
_NOW: Final = "secret"
_FORMER: Final = "former"


def give_secret(endpoint: Endpoint, now: datetime) -> str:
    """Seal a new secret into a saved endpoint and return it, to be told this once.

    The one that it has signs beside it for OVERLAP. The row is not saved.
    """
    secret = PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()
    values = {_NOW: secret}
    try:
        former = _opened(endpoint).get(_NOW) if endpoint.secret else None
    except PermanentError:  # its key is lost, so nobody signs by it any more
        former = None
    endpoint.former_until = now + OVERLAP if former else None
    if former:
        values[_FORMER] = former
    endpoint.secret = secret_box().seal(values, _context(endpoint))
    return secret


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first.

    Raises PermanentError that says what to do if they do not open.
    """
    opened = _opened(endpoint)
    found = [opened[_NOW]]
    if _FORMER in opened and endpoint.former_until and now < endpoint.former_until:
        found.append(opened[_FORMER])
    return found


def signatures(signing: Iterable[str], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header `webhook-signature`: one signature a secret, with spaces between them.

    timestamp: seconds since 1970, as the header `webhook-timestamp` has them.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + b64encode(hmac.new(_key(secret), content, sha256).digest()).decode()
        for secret in signing
    )


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX))


def _opened(endpoint: Endpoint) -> dict[str, str]:
    try:
        return secret_box().unseal(endpoint.secret, _context(endpoint))
    except PermanentError:
        raise PermanentError(
            "the secret of the webhook does not open: it was sealed by a key that is not in "
            "CREDENTIAL_KEYS; add that key again, or rotate the secret"
        ) from None


def _context(endpoint: Endpoint) -> str:
    return f"tenant {endpoint.tenant_id} notice endpoint {endpoint.pk}"
