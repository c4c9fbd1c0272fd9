"""Settings that need more than a type: from files, keys that are made on first use, networks."""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from common.egress import Network, parse_networks
from common.errors import UsageError
from common.secrets import SecretBox


class _FilesOrValues(FileAwareMapping):  # type: ignore[misc]
    """The environment, in which NAME_FILE gives the file that holds the value of NAME."""

    def __getitem__(self, key: str) -> str:
        try:
            return str(super().__getitem__(key)).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            path = os.environ[f"{key}_FILE"]
            raise ImproperlyConfigured(f"{key}_FILE: {path} cannot be read: {why}") from None


class Environment(environ.FileAwareEnv):  # type: ignore[misc]
    """Reads variables. Each NAME may be given as NAME_FILE, the path of a file with its value.

    Raises ImproperlyConfigured if such a file cannot be read.
    """

    ENVIRON = _FilesOrValues()


def read_file(env: Environment, path: Path) -> None:
    """Take what the environment lacks from a file.

    Raises ImproperlyConfigured if the file is not there although ENV_FILE names it.
    """
    if path.is_file():
        env.read_env(path)
    elif "ENV_FILE" in os.environ:
        raise ImproperlyConfigured(f"ENV_FILE: there is no file {path}")


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
