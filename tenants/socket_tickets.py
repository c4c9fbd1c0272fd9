"""Tickets for the WebSocket: each opens one socket, once, within TICKET_SECONDS."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from tenants.models import SocketTicket
from tenants.socket_access import Holder, SessionHolder, SignInHolder, TokenHolder

TICKET_SECONDS: Final = 30
_LONGEST: Final = 200


def issue(holder: Holder) -> tuple[str, datetime]:
    """Make a ticket for a holder; return its text, kept nowhere, and when it ends.

    Those that ended are forgotten.
    """
    now = timezone.now()
    SocketTicket.objects.filter(expires_at__lt=now).delete()
    text = secrets.token_urlsafe(32)
    ticket = SocketTicket(digest=_digest(text), expires_at=now + timedelta(seconds=TICKET_SECONDS))
    if isinstance(holder, SessionHolder):
        ticket.session_key = holder.key
    elif isinstance(holder, SignInHolder):
        ticket.sign_in_id, ticket.credential = holder
    else:
        ticket.api_token_id = holder.api_token_id
    ticket.save()
    return text, ticket.expires_at


def redeem(text: str) -> Holder | None:
    """Return whose ticket it is and use it up; None if it was used, has ended, or is none.

    Of several who show it at once one gets the holder: whose statement deletes the row.
    """
    if len(text) > _LONGEST:
        return None
    valid = SocketTicket.objects.filter(digest=_digest(text), expires_at__gt=timezone.now())
    ticket = valid.first()
    if ticket is None or not valid.delete()[0]:
        return None
    if ticket.session_key:
        return SessionHolder(ticket.session_key)
    if ticket.sign_in_id is not None:
        return SignInHolder(ticket.sign_in_id, ticket.credential)
    return TokenHolder(ticket.api_token_id) if ticket.api_token_id is not None else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
