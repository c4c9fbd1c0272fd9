"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from tenants.api.auth import RefreshView, SignInsViewSet, SignOutView, TokenView
from tenants.api.invitations import InvitationsViewSet
from tenants.api.me import MeView
from tenants.api.members import MembersViewSet
from tenants.api.password import PasswordView
from tenants.api.preferences import PreferencesView
from tenants.api.socket_tickets import SocketTicketsView
from tenants.api.tokens import TokensViewSet
from tenants.api.users import UsersViewSet

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("users", UsersViewSet, "user"),
    ("members", MembersViewSet, "member"),
    ("invitations", InvitationsViewSet, "invitation"),
    ("tokens", TokensViewSet, "token"),
    ("auth/sign-ins", SignInsViewSet, "sign-in"),
]
PATHS: Final[list[URLPattern]] = [
    path("auth/token/", TokenView.as_view(), name="auth-token"),
    path("auth/refresh/", RefreshView.as_view(), name="auth-refresh"),
    path("auth/sign-out/", SignOutView.as_view(), name="auth-sign-out"),
    path("me/preferences/", PreferencesView.as_view(), name="me-preferences"),
    path("me/password/", PasswordView.as_view(), name="me-password"),
    path("socket-tickets/", SocketTicketsView.as_view(), name="socket-tickets"),
    path("me/", MeView.as_view(), name="me"),
]
