"""A provider of the tests' own, whose access tokens are renewed by a rotating refresh token."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from common.errors import PermanentError, UsageError
from integrations.contract import Access, AuthMethod, CredentialField, OpenSite
from tests.wire import Wire, answer, listening

SOON = timedelta(hours=1)


class VaultSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    page_size: int = 100
    archived: bool = False


class Vault:
    """Signs in by a fixed token or by one that is renewed."""

    slug = "vault"
    label = "Vault"
    settings_type = VaultSettings
    default_url = ""
    url_example = ""
    auth_methods = (
        AuthMethod(
            slug="token",
            label="Token",
            fields=(
                CredentialField(name="user", label="User", is_secret=False),
                CredentialField(name="token", label="API token"),
                CredentialField(name="note", label="Note", is_secret=False, is_required=False),
            ),
        ),
        AuthMethod(
            slug="rotating", label="OAuth", fields=(CredentialField(name="refresh", label="R"),)
        ),
    )

    def access(
        self, base_url: str, settings: Any, method: str, credentials: Mapping[str, str]
    ) -> Access:
        if method == "token":
            if credentials["token"].startswith("bad"):
                raise UsageError("a token of Vault does not begin with bad")
            headers = {"authorization": f"Bearer {credentials['token']}"}
            return Access(api_url=base_url, headers=headers, owner=credentials["user"])
        token = credentials.get("access", "")
        ends = credentials.get("ends_at")
        return Access(
            api_url=base_url,
            headers={"authorization": f"Bearer {token}"},
            owner="app",
            renew_at=datetime.fromisoformat(ends) if ends else datetime(2000, 1, 1, tzinfo=UTC),
        )

    def renew(
        self,
        base_url: str,
        settings: Any,
        method: str,
        credentials: Mapping[str, str],
        open_site: OpenSite,
    ) -> dict[str, str]:
        assert not connection.in_atomic_block, "no HTTP inside a transaction"
        got = open_site(base_url, {}).post("token", {"refresh": credentials["refresh"]})
        if got.status != 200:
            raise PermanentError(f"sign in anew: {credentials['refresh']} is refused: {got.body!r}")
        renewed: dict[str, str] = json.loads(got.body)
        return renewed


@dataclass
class Issuer:
    """Gives each refresh token away once; a token that comes again kills the whole family."""

    current: str = "refresh-token-0"
    number: int = 0
    is_dead: bool = False
    lasts: timedelta = SOON
    lock: threading.Lock = field(default_factory=threading.Lock)
    before_answer: threading.Event | None = None
    asked: threading.Event = field(default_factory=threading.Event)

    def talk(self, connection: socket.socket, request: bytes) -> None:
        path, body = request.split(b" ")[1], request.partition(b"\r\n\r\n")[2]
        if path != b"/token":
            connection.sendall(answer(b'{"echo": "%s"}' % _bearer(request)))
            return
        self.asked.set()
        if self.before_answer is not None:
            self.before_answer.wait(10)
        with self.lock:
            if self.is_dead or json.loads(body)["refresh"] != self.current:
                self.is_dead = True
                connection.sendall(answer(b'{"error": "invalid_grant"}', "400 Bad Request"))
                return
            self.number += 1
            self.current = f"refresh-token-{self.number}"
            issued = {
                "refresh": self.current,
                "access": f"access-token-{self.number}",
                "ends_at": (datetime.now(UTC) + self.lasts).isoformat(),
            }
        connection.sendall(answer(json.dumps(issued).encode()))


def _bearer(request: bytes) -> bytes:
    return request.lower().partition(b"authorization: bearer ")[2].partition(b"\r\n")[0]


@contextmanager
def issuing(issuer: Issuer) -> Iterator[Wire]:
    """Serve the issuer's `/token`; every other path echoes the token that it was asked with."""
    with listening(issuer.talk) as wire:
        yield wire
