"""One's own password: `/admin/password_change/`. Wrong ones have to wait, as at signing in."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError

from tenants import passwords, throttle
from tenants.login import too_many

if TYPE_CHECKING:
    from django.contrib.auth.forms import PasswordChangeForm as BasePasswordForm
else:
    from unfold.forms import AdminOwnPasswordChangeForm as BasePasswordForm


class OwnPasswordForm(BasePasswordForm):
    """The old password, and the new one twice. address: from which it is sent."""

    address = ""

    def clean_old_password(self) -> str:
        key = throttle.key_of(self.user.get_username(), self.address)
        until = throttle.blocked_until(key)
        if until is not None:
            raise ValidationError(too_many(until), code="throttled")
        old: str = self.cleaned_data["old_password"]
        try:
            passwords.confirm(self.user, old, key)
        except passwords.WrongPasswordError as error:
            raise ValidationError(str(error), code="password_incorrect") from None
        return old

    def save(self, commit: bool = True) -> Any:
        passwords.replace(self.user, self.cleaned_data["new_password1"])
        return self.user


class OwnPasswordView(PasswordChangeView):
    """Changes the password of whoever is signed in, who stays so here."""

    form_class = OwnPasswordForm

    def get_form(self, form_class: Any = None) -> Any:
        form: Any = super().get_form(form_class)
        form.address = str(self.request.META.get("REMOTE_ADDR", ""))
        return form
