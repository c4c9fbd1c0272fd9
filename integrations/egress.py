"""Where this installation may send requests, and what an answer may take: from its settings."""

from django.conf import settings

from common import egress
from common.egress import EgressPolicy
from common.transport import Limits


def policy() -> EgressPolicy:
    """Return what the operator permits."""
    return EgressPolicy(
        private=tuple(settings.EGRESS_ALLOWED_PRIVATE_CIDRS),
        allow_http=settings.ALLOW_HTTP,
    )


def limits() -> Limits:
    """Return the deadline and the size limit of every answer, and the wait that nobody names."""
    return Limits(
        deadline_seconds=settings.HTTP_DEADLINE_SECONDS,
        max_bytes=settings.HTTP_MAX_BYTES,
        wait_seconds=settings.HTTP_WAIT_SECONDS,
    )


def check_url(url: str) -> str:
    """Return a base URL in its one form; raise UsageError if requests may not be sent there."""
    return egress.check_url(url, policy())
