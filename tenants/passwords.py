"""Changing one's own password."""

from typing import Any

from django.contrib.auth.password_validation import validate_password

from common.errors import UsageError
from tenants import sign_ins, throttle


class WrongPasswordError(UsageError):
    """The old password is another."""


def change(user: Any, old: str, new: str, key: str) -> None:
    """Give a user another password; every sign-in and session ends by that.

    key: under which wrong ones are counted, see `tenants.throttle`; whether another may be tried
    is asked before. Raises WrongPasswordError, and ValidationError for a new one that is too poor.
    """
    if not user.check_password(old):
        throttle.failed(key)
        raise WrongPasswordError("This is not your password.")
    throttle.succeeded(key)
    validate_password(new, user)
    user.set_password(new)
    user.save(update_fields=["password"])
    sign_ins.revoke_all(user, sign_ins.OVERTAKEN)
