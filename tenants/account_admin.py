"""The admin of accounts, for operators."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from common.errors import UsageError
from tenants import accounts, members, sign_ins
from tenants.admin import OperatorModelAdmin
from tenants.scope import every_tenant

if TYPE_CHECKING:
    from django.contrib.auth.forms import (
        AdminPasswordChangeForm,
        UserChangeForm,
        UserCreationForm,
    )

    BaseChangeForm = UserChangeForm[User]
    BaseUserAdmin = DjangoUserAdmin[User]
else:
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

    BaseChangeForm = UserChangeForm
    BaseUserAdmin = DjangoUserAdmin

_GO_ALONG = {"membership", "API token"}
"""What is deleted with a user without being asked for: the rows say nothing without them."""

admin.site.unregister(Group)
admin.site.unregister(User)


class AccountForm(BaseChangeForm):
    """An account. Whoever is needed stays active."""

    operator_id: int | None = None

    def clean_is_active(self) -> bool:
        is_active: bool = self.cleaned_data["is_active"]
        if self.instance.is_active and not is_active:
            try:
                accounts.check_deactivation(self.instance, self.operator_id)
            except UsageError as error:
                raise ValidationError(str(error)) from None
        return is_active


@admin.register(User)
class UserAdmin(BaseUserAdmin, OperatorModelAdmin):
    """People. Their memberships say what they may do, so Django's own rights are left out."""

    form = AccountForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_superuser", "is_active", "last_login")
    list_filter = ("is_superuser", "is_active")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": (("first_name", "last_name"), "email")}),
        ("Access", {"fields": (("is_active", "is_superuser"),)}),
        ("Dates", {"fields": (("last_login", "date_joined"),)}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.operator_id = request.user.pk
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            sign_ins.revoke_all(obj, accounts.DEACTIVATED)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Protect who is the only administrator of a tenant."""
        with every_tenant("what is deleted with a user belongs to whichever tenants they are in"):
            deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
            alone = members.tenants_left_alone([user.pk for user in objs])
        lines = [f"{tenant} would be left without an administrator." for tenant in alone]
        return deleted, counts, lacking - _GO_ALONG, protected + lines
