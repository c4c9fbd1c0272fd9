"""The admin of people: members and invitations."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminSelectWidget

from common.errors import UsageError
from tenants import invitations, members, shown_once
from tenants.admin import TenantForm, TenantModelAdmin, UnfoldModelAdmin, tag
from tenants.models import Invitation, Membership, Role
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_ROLE_TONES = {Role.ADMIN: "busy", Role.EDITOR: "good", Role.VIEWER: "plain"}


class MembershipForm(TenantForm):
    """A role. The last administrator of a tenant keeps theirs."""

    def clean_role(self) -> str:
        role: str = self.cleaned_data["role"]
        if self.instance.pk is not None:
            try:
                members.check_role(self.instance, role)
            except UsageError as error:
                raise ValidationError(str(error)) from None
        return role


@admin.register(Membership)
class MembershipAdmin(TenantModelAdmin):
    """Who belongs to the tenant. Administrators change roles, invite and remove people."""

    capability = Capability.EDIT_MEMBERS
    form = MembershipForm
    list_display = ("user", "shown_role", "email", "last_login", "created_at")
    list_filter = ("role",)
    list_select_related = ("user",)
    text_search = ("user__username", "user__email")
    fields = ("user", "role")
    empty_text = "Administrators bring people in by an invitation."

    @admin.display(description="Role", ordering="role")
    def shown_role(self, row: Membership) -> str:
        return tag(row.get_role_display(), _ROLE_TONES.get(Role(row.role), "plain"))

    @admin.display(description="E-mail")
    def email(self, row: Membership) -> str:
        return str(row.user.email) or "–"

    @admin.display(description="Last login", ordering="user__last_login")
    def last_login(self, row: Membership) -> Any:
        return row.user.last_login

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A select or a look-up of people would tell one tenant's administrator who else is here.
        return super().has_add_permission(request, obj) and self._may(request, Capability.OPERATE)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("user",)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any] | None":
        if db_field.name == "user" and self._may(request, Capability.OPERATE):
            return UnfoldModelAdmin.formfield_for_foreignkey(self, db_field, request, **kwargs)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking, [*protected, *_hindrances(list(objs))]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Membership]) -> None:
        with transaction.atomic():
            rows = list(queryset)
            if _hindrances(rows):
                raise PermissionDenied
            for row in rows:
                self.delete_model(request, row)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        with tenant_scope(obj.tenant_id):
            members.remove(obj)


def _hindrances(memberships: list[Membership]) -> list[str]:
    """Say why these memberships cannot be removed, if they cannot; a line for each tenant."""
    found = []
    for tenant_id in sorted({membership.tenant_id for membership in memberships}):
        leaving = [row.pk for row in memberships if row.tenant_id == tenant_id]
        try:
            with tenant_scope(tenant_id), transaction.atomic():
                members.keep_an_administrator(tenant_id, leaving)
        except UsageError as error:
            found.append(str(error))
    return found


class InvitationForm(TenantForm):
    """For whom, as what, for how long."""

    valid_days = forms.TypedChoiceField(
        label="Valid for",
        coerce=int,
        initial=7,
        choices=[
            (days, "1 day" if days == 1 else f"{days} days") for days in invitations.VALID_DAYS
        ],
        widget=UnfoldAdminSelectWidget,
    )


@admin.register(Invitation)
class InvitationAdmin(TenantModelAdmin):
    """Invitations: made here, handed over as a link, withdrawn by deleting them."""

    capability = Capability.EDIT_MEMBERS
    form = InvitationForm
    list_display = ("name", "shown_role", "shown_state", "invited_by", "created_at", "expires_at")
    list_filter = ("role",)
    list_select_related = ("invited_by", "accepted_by")
    empty_text = "An invitation is a link by which somebody becomes a member, once."
    text_search = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("name", "role", "valid_days")
        return ("name", "shown_role", "shown_state", "invited_by", "created_at", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="Role", ordering="role")
    def shown_role(self, row: Invitation) -> str:
        return tag(row.get_role_display(), _ROLE_TONES.get(Role(row.role), "plain"))

    @admin.display(description="State")
    def shown_state(self, row: Invitation) -> str:
        if row.state == Invitation.State.ACCEPTED:
            return tag(f"Accepted by {row.accepted_by or 'somebody who is gone'}", "good")
        return tag(row.state.label, "busy" if row.state == Invitation.State.OPEN else "plain")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        token = invitations.seal(obj, form.cleaned_data["valid_days"], request.user)
        super().save_model(request, obj, form, change)
        shown_once.keep(request, obj, token)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tenants_invitation_link", args=(obj.pk,)))

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., Any] = self.admin_site.admin_view(self.link_view)
        own = path("<path:object_id>/link/", view, name="tenants_invitation_link")
        return [own, *super().get_urls()]

    def link_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the link of an invitation just made, once."""
        invitation = self.object_or_404(request, object_id)
        if not self._may(request, self.capability):
            raise PermissionDenied
        token = shown_once.take(request, invitation)
        link = request.build_absolute_uri(invitations.address_of(token)) if token else ""
        template, title = "tenants/invitation_link.html", f"Invitation for {invitation.name}"
        return shown_once.page(self, request, template, title, invitation=invitation, link=link)
