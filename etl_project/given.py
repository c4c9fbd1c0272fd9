"""Settings that need more than a type: keys that are made on first use, networks."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from common.egress import Network, parse_networks
from common.errors import UsageError
from common.secrets import SecretBox


def kept_key(path: Path, make: Callable[[], str]) -> str:
    """Return the key of this installation in a file, made on first use and readable by us alone.

    It appears there whole, so processes that start together agree on one.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        try:
            draft.write_text(make())
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def credential_keys(keys: Sequence[str]) -> list[str]:
    """Return the keys; raise ImproperlyConfigured, which shows none, if one is malformed."""
    try:
        SecretBox(keys)
    except UsageError as error:
        raise ImproperlyConfigured(str(error)) from None
    return list(keys)


def networks(variable: str, texts: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks of a variable; raise ImproperlyConfigured that quotes a malformed one."""
    try:
        return parse_networks(texts)
    except UsageError as error:
        raise ImproperlyConfigured(f"{variable}: {error}") from None
