"""The admin of API tokens: made here, shown once, revoked."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from common.errors import UsageError
from tenants import api_tokens, shown_once
from tenants.admin import TenantForm, TenantModelAdmin, tag
from tenants.models import ApiToken
from tenants.permissions import MEANINGS, Access, Capability, access_of
from tenants.scope import current_tenant_id

_TONES = {ApiToken.State.VALID: "good"}


def scopes_widget() -> forms.CheckboxSelectMultiple:
    """Return a box for each scope, whose meaning takes as many lines as a phone needs.

    No class of ours: unfold's forms look for their own by its name.
    """
    widget: forms.CheckboxSelectMultiple = UnfoldAdminCheckboxSelectMultipleWidget()
    widget.option_template_name = "tenants/scope_option.html"
    return widget


class ApiTokenForm(TenantForm):
    """What for, what it may do, for how long. access: of whoever makes it."""

    access: ClassVar[Access | None] = None
    valid_days = forms.TypedChoiceField(
        label="Valid for",
        coerce=int,
        initial=30,
        choices=[(days, f"{days} days") for days in api_tokens.VALID_DAYS],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tenant_id = current_tenant_id()
        if self.errors or self.access is None or tenant_id is None:
            return cleaned
        expires_at = timezone.now() + timedelta(days=cleaned["valid_days"])
        try:
            api_tokens.check(self.access, tenant_id, cleaned["scopes"], expires_at)
        except UsageError as error:
            raise ValidationError(str(error)) from None
        self.instance.expires_at = expires_at
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(TenantModelAdmin):
    """Everybody's own tokens; an administrator sees and revokes those of all members."""

    capability = Capability.READ
    form = ApiTokenForm
    actions = None
    list_display = (
        "name",
        "shown_hint",
        "shown_user",
        "shown_scopes",
        "shown_state",
        "last_used_at",
        "expires_at",
        "shown_end",
    )
    list_select_related = ("user",)
    text_search = ("name", "hint", "user__username")
    empty_text = "A token lets a program work here in your name. It is shown once."
    delete_confirmation_template = "tenants/api_token_revoke.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        shown = api_tokens.visible_to(access_of(request))
        return super().get_queryset(request).filter(pk__in=shown.values("pk"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("name", "scopes", "valid_days")
        told = ("name", "shown_hint", "shown_user", "shown_scopes", "shown_state")
        return (*told, "created_at", "last_used_at", "expires_at", "revoked_at", "shown_end")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj) if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.access = access_of(request)
        return form

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        access = access_of(request)
        if db_field.name != "scopes" or access is None:
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        own = api_tokens.scope_names(access)
        return forms.MultipleChoiceField(
            label="May",
            choices=[
                (each.name.lower(), MEANINGS[each])
                for each in Capability
                if each.name.lower() in own
            ],
            initial=["read"],
            widget=scopes_widget(),
            help_text="Never more than your role permits at the time.",
            error_messages={"required": "Choose what the token may do."},
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_valid = obj is None or obj.state == ApiToken.State.VALID
        return is_valid and super().has_delete_permission(request, obj)

    @admin.display(description="Begins with")
    def shown_hint(self, row: ApiToken) -> str:
        return format_html('<code class="etl-code etl-mono">{}…</code>', row.hint)

    @admin.display(description="Of", ordering="user__username")
    def shown_user(self, row: ApiToken) -> str:
        return row.user.get_username()

    @admin.display(description="Allowed to")
    def shown_scopes(self, row: ApiToken) -> str:
        names = ", ".join(each.replace("_", " ") for each in row.scopes)
        return format_html('<span class="etl-wrap whitespace-normal">{}</span>', names)

    @admin.display(description="State")
    def shown_state(self, row: ApiToken) -> str:
        return tag(row.state.label, _TONES.get(row.state, "plain"))

    @admin.display(description="End it")
    def shown_end(self, row: ApiToken) -> str:
        if row.state != ApiToken.State.VALID:
            return "–"
        address = reverse("admin:tenants_apitoken_delete", args=(row.pk,))
        return format_html('<a class="etl-link" href="{}">Revoke</a>', address)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Have one button: a token is shown when it is made, and revoked by its own link."""
        context |= {"show_delete": False, "show_save_and_add_another": False}
        context |= {"show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        access = access_of(request)
        assert access is not None
        text = api_tokens.seal(obj, access)
        super().save_model(request, obj, form, change)
        shown_once.keep(request, obj, text)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tenants_apitoken_text", args=(obj.pk,)))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Revoke it. The row stays, for whoever asks what a token was."""
        api_tokens.revoke(obj)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return [self.log_change(request, obj, "The token was revoked.") for obj in queryset]

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        messages.success(request, f"{obj_display} is revoked: from now on it lets nobody in.")
        return HttpResponseRedirect(reverse("admin:tenants_apitoken_changelist"))

    def get_urls(self) -> list[URLPattern]:
        view: Callable[..., Any] = self.admin_site.admin_view(self.text_view)
        own = path("<path:object_id>/text/", view, name="tenants_apitoken_text")
        return [own, *super().get_urls()]

    def text_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show a token just made, once."""
        token = self.object_or_404(request, object_id)
        text = shown_once.take(request, token)
        template, title = "tenants/api_token_text.html", f"Token {token.name}"
        return shown_once.page(self, request, template, title, token=token, text=text)
