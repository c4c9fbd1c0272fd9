"""Opaque tokens of the next page: bound to a query and an account, and good for a while."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from sandbox.clock import SECOND, Clock


class PageTokenError(Exception):
    """A token that is mutated, of another query or account, or expired."""


class _Token(msgspec.Struct, array_like=True):
    query: str
    issued_at: int
    generation: int
    page: int
    place: Any


@dataclass
class PageTokens:
    """Makes and reads tokens with a secret of the organisation's own."""

    secret: bytes
    clock: Clock
    _generation: int = 0

    def make(self, query: str, page: int, place: Any) -> str:
        """Return a token for a page (its number, from 0) of a query that begins after a place."""
        token = _Token(_digest(query), self.clock.now, self._generation, page, place)
        body = msgspec.json.encode(token)
        return base64.urlsafe_b64encode(self._sign(body) + body).decode().rstrip("=")

    def read(self, text: str, query: str, seconds: float) -> tuple[int, Any]:
        """Return (page, place); raise PageTokenError. seconds: how long tokens live."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            signature, body = raw[:16], raw[16:]
            token = msgspec.json.decode(body, type=_Token)
        except (binascii.Error, msgspec.DecodeError, ValueError) as error:
            raise PageTokenError("it cannot be read") from error
        if not hmac.compare_digest(signature, self._sign(body)):
            raise PageTokenError("it was changed")
        if token.query != _digest(query):
            raise PageTokenError("it belongs to another query")
        is_old = self.clock.now - token.issued_at > seconds * SECOND
        if is_old or token.generation != self._generation:
            raise PageTokenError("it has expired")
        return token.page, token.place

    def expire_all(self) -> None:
        """Let all tokens that were given out so far expire."""
        self._generation += 1

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self.secret, body, "sha256")[:16]


def _digest(query: str) -> str:
    return sha256(query.encode()).hexdigest()[:16]
