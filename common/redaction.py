"""Redaction: no credential is stored, logged or shown, in whatever form an answer echoes it."""

import json
import re
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final
from urllib.parse import quote, quote_plus

MARK: Final = "[redacted]"
_SHORTEST: Final = 8
_SHORTEST_LINE: Final = 16


class Redactor:
    """Replaces each secret of at least 8 bytes by `[redacted]`, also where it is encoded:
    in base64 (alone or in the middle of a `user:token` pair), in a URL, in JSON and HTML.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def body(self, body: bytes) -> bytes:
        """Return the bytes with every form of every secret replaced."""
        for form in self._forms:
            if form in body:
                body = body.replace(form, MARK.encode())
        return body

    def text(self, text: str) -> str:
        """Return the text with every form of every secret replaced."""
        if not self._forms:
            return text
        return self.body(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def redact(body: bytes, secrets: Iterable[str]) -> bytes:
    """Return the bytes without the secrets; see `Redactor`, which is cheaper for many bodies."""
    return Redactor(secrets).body(body)


# ---- of log lines, which may quote any secret that this process knows

REMEMBERED: Final = 50
_PATTERNS: Final = (
    (re.compile(r"(://[^:/@\s]*):[^@\s/]+@"), rf"\1:{MARK}@"),
    (
        re.compile(
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)"
            r"(\W{1,5})(?:(?:bearer|basic|token)\s+)?[^\s,;\"'\\]+"
        ),
        rf"\1\2{MARK}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*\d)[a-z0-9._~+/=-]{16,}"), rf"\1 {MARK}"),
    (re.compile(r"\b(?:gh[pousr]_|github_pat_|ATATT|ATCTT)[A-Za-z0-9_=-]{10,}"), MARK),
    (
        re.compile(r"(?i)([?&](?:access_token|token|api_key|client_secret|password)=)[^&\s\"'\\]+"),
        rf"\1{MARK}",
    ),
)


class KnownSecrets:
    """The secrets that this process has used: those of its settings, the newest of integrations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[str, ...] = ()
        self._newest: dict[str, None] = {}
        self._redactor = Redactor(())

    def keep(self, secrets: Iterable[str]) -> None:
        """Redact these from now on, as long as the process lives."""
        with self._lock:
            self._kept = tuple(secrets)
            self._make()

    def remember(self, secrets: Iterable[str]) -> None:
        """Redact these from now on, until REMEMBERED others have come."""
        with self._lock:
            new = [secret for secret in secrets if secret not in self._newest]
            if not new:
                return
            self._newest |= dict.fromkeys(new)
            for oldest in list(self._newest)[:-REMEMBERED]:
                del self._newest[oldest]
            self._make()

    def redact(self, text: str) -> str:
        """Return the text without these secrets, and without what looks like one."""
        text = self._redactor.text(text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def _make(self) -> None:
        self._redactor = Redactor((*self._kept, *self._newest))


KNOWN: Final = KnownSecrets()


# ---- the forms in which a secret may stand somewhere


def _forms(secret: str) -> Iterator[bytes]:
    whole = secret.strip().encode()
    if len(whole) < _SHORTEST:
        return
    for text in (whole.decode(), *_long_lines(secret)):
        for plain in (text, *_base64_forms(text.encode())):
            for form in _written(plain):
                yield form.encode()


def _long_lines(secret: str) -> list[str]:
    """Return the lines of a key file that are worth hiding when they come one by one."""
    lines = [line.strip() for line in secret.strip().splitlines()]
    if len(lines) < 2:
        return []
    return [line for line in lines if len(line) >= _SHORTEST_LINE and not line.startswith("--")]


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what is the same of the secret's base64 wherever it begins in the encoded text.

    Each character holds 6 bits, so those that also hold bits of a neighbour are left off.
    """
    for before, first in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(secret)) * 8 // 6
        for encode in (b64encode, urlsafe_b64encode):
            yield encode(b"\0" * before + secret).decode()[first:whole]
    yield b64encode(secret).decode()


def _written(text: str) -> Iterator[str]:
    yield text
    for quoted in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield quoted
        yield "%".join(_lower_hex(quoted.split("%")))
    escaped = json.dumps(text)[1:-1]
    yield escaped
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield escaped.replace("/", "\\/")
    html_safe = escaped
    for char in "<>&='":
        html_safe = html_safe.replace(char, f"\\u{ord(char):04x}")
    yield html_safe
    yield escape(text)


def _lower_hex(parts: list[str]) -> Iterator[str]:
    yield parts[0]
    for part in parts[1:]:
        yield part[:2].lower() + part[2:]
