"""Who may sign in to the organisation, with what, and what they do not see."""

import base64
import binascii
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from starlette.datastructures import Headers

FULL, RESTRICTED = "full", "restricted"
Visible = Literal["project", "repository"]


@dataclass(frozen=True)
class Account:
    """A person who signs in. `full` sees everything, `restricted` lacks a part."""

    name: str
    email: str
    account_id: str
    display_name: str


@dataclass
class Token:
    """A credential. kind: such as `api`, `scoped`, `oauth`, `personal`, `classic`, `app`.

    expires_at: real time in seconds since 1970, None for never. owner: whose request budget it
    uses. extra: what a client needs beside it, such as a client id or a private key.
    """

    value: str
    system: str
    kind: str
    account: Account
    scopes: frozenset[str] = frozenset()
    expires_at: float | None = None
    owner: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.owner = self.owner or self.account.name

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= time.time()


class Accounts:
    """The accounts and tokens of an organisation; the same seed gives the same values."""

    def __init__(self, seed: int, slug: str) -> None:
        self._seed = seed
        self._slug = slug
        self._tokens: dict[str, Token] = {}
        self._hidden: dict[tuple[str, Visible], set[str]] = {}
        self._issued = 0
        self.accounts = {name: self._account(name) for name in (FULL, RESTRICTED)}

    def _account(self, name: str) -> Account:
        mark = self.secret("account", name)
        email = f"{name}@{self._slug}.example.com"
        return Account(name, email, f"557058:{mark[:32]}", f"Loader {name.capitalize()}")

    def secret(self, *names: object) -> str:
        """Return 64 hexadecimal digits that follow from the seed and the names."""
        text = ":".join(map(str, ("sandbox", self._seed, self._slug, *names)))
        return sha256(text.encode()).hexdigest()

    def issue(
        self,
        system: str,
        kind: str,
        account: str,
        *,
        prefix: str = "",
        scopes: Iterable[str] = (),
        lifetime: float | None = None,
        owner: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> Token:
        """Make a token. lifetime: real seconds, None for ever, below 0 for one that is over."""
        self._issued += 1
        value = prefix + self.secret("token", system, kind, account, self._issued)[:40]
        expires_at = None if lifetime is None else time.time() + lifetime
        token = Token(
            value,
            system,
            kind,
            self.accounts[account],
            frozenset(scopes),
            expires_at,
            owner,
            dict(extra or {}),
        )
        self._tokens[value] = token
        return token

    def revoke(self, value: str) -> None:
        """Forget a token: it is then as wrong as any other text."""
        self._tokens.pop(value, None)

    def tokens(self, system: str = "", kind: str = "", account: str = "") -> Iterator[Token]:
        """Yield the tokens of a system, kind and account; of all where nothing is named."""
        for token in self._tokens.values():
            named = ((system, token.system), (kind, token.kind), (account, token.account.name))
            if all(not wanted or wanted == has for wanted, has in named):
                yield token

    def token(self, value: str) -> Token | None:
        """Return the token of this value, also if it has expired."""
        return self._tokens.get(value)

    def identify(self, headers: Headers) -> Token | None:
        """Return the token that the header `Authorization` names, also if it has expired.

        Basic needs the account's e-mail (or, at GitHub, any name) before it; Bearer and token
        need nothing else.
        """
        scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
        rest = rest.strip()
        if scheme.lower() in ("bearer", "token"):
            return self.token(rest)
        if scheme.lower() != "basic":
            return None
        try:
            user, _, value = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        token = self.token(value)
        if token and token.system == "jira" and user.lower() != token.account.email:
            return None
        return token

    def hide(self, account: str, what: Visible, source_id: str) -> None:
        """Take a project or a repository out of what an account sees; ids are text."""
        self._hidden.setdefault((account, what), set()).add(source_id)

    def show(self, account: str, what: Visible, source_id: str) -> None:
        """Let an account see a project or a repository again."""
        self._hidden.get((account, what), set()).discard(source_id)

    def hidden(self, account: str, what: Visible) -> frozenset[str]:
        """Return the ids that an account does not see."""
        return frozenset(self._hidden.get((account, what), ()))
