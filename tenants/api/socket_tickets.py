"""Tickets for the WebSocket, for programs, and for pages that have no cookie there."""

from typing import Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import socket_tickets
from tenants.api.auth import current_sign_in
from tenants.api.fields import Serializer
from tenants.api.jwt import digest_of
from tenants.api.views import ScopedView
from tenants.permissions import Capability
from tenants.socket_access import Holder, SessionHolder, SignInHolder, TokenHolder

_TICKET: Final = OpenApiExample(
    "A ticket",
    {"ticket": "dGhpcyBpcyBhIHRpY2tldA…", "expires_at": "2026-01-01T00:00:30Z"},
    response_only=True,
    status_codes=["201"],
)


class TicketMade(Serializer):
    """A new ticket. ticket: what the socket has to be sent first; kept nowhere."""

    ticket = serializers.CharField()
    expires_at = serializers.DateTimeField()


class SocketTicketsView(ScopedView):
    """Tickets, each for one socket."""

    capabilities = {"post": Capability.READ}

    @extend_schema(
        operation_id="socket_tickets_create",
        summary="Make a ticket for the WebSocket",
        tags=["live"],
        request=None,
        responses={201: TicketMade},
        examples=[_TICKET],
    )
    def post(self, request: Request) -> Response:
        """Make a ticket that opens one socket at `/ws/v1/`, once, within 30 seconds.

        The socket may watch what you may read by what this request is signed in with, and closes
        when that ends. The protocol: docs/websocket.md.
        """
        text, expires_at = socket_tickets.issue(_holder(request))
        shown = TicketMade({"ticket": text, "expires_at": expires_at}).data
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})


def _holder(request: Request) -> Holder:
    """Return what a request is signed in with."""
    sign_in = current_sign_in(request)
    if sign_in is not None:
        return SignInHolder(sign_in.pk, digest_of(sign_in.user))
    grant = getattr(request.auth, "grant", None)
    if grant is not None:
        return TokenHolder(grant.token_id)
    return SessionHolder(str(request.session.session_key))
