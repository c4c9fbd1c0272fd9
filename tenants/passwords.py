"""Changing one's own password."""

from typing import Any

from django.contrib.auth.password_validation import validate_password

from common.errors import UsageError
from tenants import sign_ins, throttle


class WrongPasswordError(UsageError):
    """The old password is another."""


def confirm(user: Any, old: str, key: str) -> None:
    """Raise WrongPasswordError, and count it, if it is not the user's password.

    key: under which it is counted, see `tenants.throttle`; whether one may be tried is asked
    before.
    """
    if not user.check_password(old):
        throttle.failed(key)
        raise WrongPasswordError("This is not your password.")
    throttle.succeeded(key)


def replace(user: Any, new: str) -> None:
    """Give a user a password that was looked at; every sign-in and session ends by that."""
    user.set_password(new)
    user.save(update_fields=["password"])
    sign_ins.revoke_all(user, sign_ins.OVERTAKEN)


def change(user: Any, old: str, new: str, key: str) -> None:
    """Give a user another password.

    Raises what `confirm` raises, and ValidationError for a new one that is too poor.
    """
    confirm(user, old, key)
    validate_password(new, user)
    replace(user, new)
