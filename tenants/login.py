"""The forms by which people sign in."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.utils import timezone

from tenants import throttle
from tenants.permissions import access_for

if TYPE_CHECKING:
    BaseLoginForm = AdminAuthenticationForm
else:
    from unfold.forms import AuthenticationForm as BaseLoginForm

WRONG = "Name or password is wrong. Mind capital letters in both."


def too_many(until: datetime) -> str:
    """Return what to tell whoever gave so many wrong passwords that they have to wait."""
    minutes = math.ceil((until - timezone.now()).total_seconds() / 60)
    when = "in a minute" if minutes <= 1 else f"in {minutes} minutes"
    return f"Too many wrong passwords. Try again {when}."


class SignInForm(BaseLoginForm):
    """Name and password of anybody who has an account; repeated failures have to wait."""

    error_messages = {
        "invalid_login": WRONG,
        "inactive": WRONG,
    }

    def clean(self) -> dict[str, Any]:
        username = self.cleaned_data.get("username")
        if not username or not self.cleaned_data.get("password"):
            return super().clean()
        key = throttle.key_of(username, self._address())
        until = throttle.blocked_until(key)
        if until is not None:
            raise ValidationError(too_many(until), code="throttled")
        try:
            cleaned = super().clean()
        except ValidationError:
            throttle.failed(key)
            raise
        throttle.succeeded(key)
        return cleaned

    def _address(self) -> str:
        return str(self.request.META.get("REMOTE_ADDR", "")) if self.request else ""

    def confirm_login_allowed(self, user: Any) -> None:
        """Let in whoever has an account that is active."""
        if not user.is_active:
            raise self.get_invalid_login_error()


class LoginForm(SignInForm):
    """Lets in whoever may see a tenant; being Django staff makes no difference."""

    def confirm_login_allowed(self, user: Any) -> None:
        super().confirm_login_allowed(user)
        if access_for(user) is None:
            raise self.get_invalid_login_error()
