"""Signing in: what credentials a provider takes, and what becomes of them."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec


class CredentialField(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a credential. is_secret: never shown again, and redacted wherever it occurs.

    is_long: has lines, such as a key.
    """

    name: str
    label: str
    is_secret: bool = True
    is_required: bool = True
    is_long: bool = False
    help: str = ""


class AuthMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to sign in. user_field, token_field: what `connect --user` and `--token` fill.

    is_used_up: signing in replaces what was given, so that it is of no use afterwards; then it
    cannot be tried before it is saved.
    """

    slug: str
    label: str
    fields: tuple[CredentialField, ...]
    user_field: str = ""
    token_field: str = "token"  # noqa: S105
    help: str = ""
    is_used_up: bool = False


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to send requests: pure, from base URL, settings and credentials.

    api_url: what paths are joined to. owner: who the credential's request budget belongs to at
    the source, such as the user or the app; two integrations with one owner share it.
    renew_at: from when the credentials must be renewed first, None for never. expiry_header: of
    answers, the name in small letters of the one that says when the credential expires, as
    `2027-01-31 12:00:00 UTC` or with an offset; empty where none does.
    """

    api_url: str
    headers: Mapping[str, str]
    owner: str
    renew_at: datetime | None = None
    expiry_header: str = ""


def renewal_due(given_at: datetime, expires_at: datetime, early: timedelta) -> datetime:
    """Return from when a token is to be renewed: so long before its end, at the earliest when
    half of its life is over."""
    return expires_at - max(min(early, (expires_at - given_at) / 2), timedelta(0))
