"""Sealed secrets: credentials encrypted by keys that are kept outside of the database."""

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from common.errors import PermanentError, UsageError

KEYS_SETTING: Final = "CREDENTIAL_KEYS"


class _Sealed(msgspec.Struct, frozen=True):
    context: str
    values: dict[str, str]


class SecretBox:
    """Seals and opens credentials. The first key seals, every key opens, so keys can be changed
    one after another. Thread-safe.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Raise UsageError, which shows no key, unless each is one as `new_key` makes them."""
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys])
        except ValueError:
            raise UsageError(
                f"{KEYS_SETTING} takes keys of 32 bytes in URL-safe base64, separated by commas; "
                "`python -c 'from cryptography.fernet import Fernet as F; "
                "print(F.generate_key().decode())'` makes one"
            ) from None
        self._digest_key = keys[0].strip().encode()

    def seal(self, values: Mapping[str, str], context: str) -> str:
        """Return the values as text that only this box opens.

        context: whose they are, such as the tenant's and integration's ids; it is sealed with
        them, so that the text copied to another row does not open there.
        """
        plain = msgspec.json.encode(_Sealed(context, dict(values)))
        return self._fernet.encrypt(plain).decode()

    def unseal(self, text: str, context: str) -> dict[str, str]:
        """Return what was sealed; raise PermanentError that says what to do if it does not open."""
        try:
            opened = msgspec.json.decode(self._fernet.decrypt(text.encode()), type=_Sealed)
        except (InvalidToken, msgspec.MsgspecError, UnicodeError):
            raise PermanentError(
                "the stored credentials do not open: they were sealed by a key that is not in "
                f"{KEYS_SETTING}; add that key again, or enter the credentials anew"
            ) from None
        if not hmac.compare_digest(opened.context.encode(), context.encode()):
            raise PermanentError(
                "the stored credentials belong to another integration; enter them anew"
            )
        return opened.values

    def keyed_digest(self, text: str) -> str:
        """Return a hex digest (256 bits) of a text that nobody can guess without the first key."""
        return hmac.new(self._digest_key, text.encode(), sha256).hexdigest()


def new_key() -> str:
    """Return a new random key."""
    return Fernet.generate_key().decode()
