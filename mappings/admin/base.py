"""The base of the pages of rules: whatever they write is one change-set, and can be previewed."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms.formsets import all_valid
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from common.errors import UsageError
from mappings import editing
from mappings.admin.exchange_links import exchange_links
from mappings.admin.outcome import tell_outcome
from mappings.admin.refusal import keep_refusal, refusal_for, refusal_of, with_refusal
from mappings.admin.replies import answer_preview, answer_problems
from mappings.admin.row_history import answer_row_history
from mappings.admin.stale import refuse_stale
from mappings.models import ChangeSet
from tenants.admin import PreferredChangeList, TenantModelAdmin
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

CATEGORY_TONES: Final = {
    "to_do": "plain",
    "in_progress": "busy",
    "waiting": "warning",
    "done": "good",
    "discarded": "plain",
}
_SAVED_ROWS: Final = "_saved_rows"


def is_tenant_chosen(request: HttpRequest) -> bool:
    """Whether the request works in one tenant, without which no rule is edited."""
    access = access_of(request)
    return access is not None and access.current is not None


class RuleChangeList(PreferredChangeList):
    """A list whose rows know what falls under them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows = list(self.result_list)
        if is_tenant_chosen(request):
            owner: Any = self.model_admin
            owner.add_uses(rows)
        self.result_list = rows


class MappingAdmin(TenantModelAdmin):
    """Base of the pages of rules. Names are text without limit in the database, yet one line."""

    capability = Capability.EDIT_MAPPINGS
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextInputWidget}}
    change_form_template = "mappings/change_form.html"
    change_list_template = "mappings/change_list.html"
    warn_unsaved_form = True
    list_intro = ""

    # What a page of rules says of itself.

    def add_uses(self, rows: Sequence[Any]) -> None:
        """Put on each row of a page of the list what falls under it, a query or two for all."""

    def store(self, obj: Any, form: Any, formsets: Sequence[Any]) -> Mapping[int, int]:
        """Write a form; return numbers of inline forms by the id of the row they stored."""
        obj.save()
        return {}

    def rows_of(self, obj: Any) -> list[tuple[str, int]]:
        """Return which rows a form writes, as table and id."""
        return [(self.opts.db_table, obj.pk)]

    def form_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return what the form of a row shows beside the form."""
        return {}

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return titles and addresses of what the list leads to, shown above it."""
        if not is_tenant_chosen(request):
            return []
        page = f"{self.opts.app_label}_{self.opts.model_name}"
        return exchange_links(page, may_edit=self.has_change_permission(request))

    # Who may edit.

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_delete_permission(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_tenant_chosen(request) and super().has_add_permission(request, obj)

    # Pages.

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        view = self.admin_site.admin_view(self.preview_view)
        return [
            path("preview/", view, name=name),
            path("<path:object_id>/preview/", view, name=name),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        links = self.list_links(request)
        return super().changelist_view(request, {**(extra_context or {}), "list_links": links})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RuleChangeList

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[Any]:
        form = super().get_form(request, obj, change=change, **kwargs)
        return with_refusal(form, refusal_for(request))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Serve a form; what the engine refuses is shown in the form again."""
        shown = super().changeform_view
        try:
            return shown(request, object_id, form_url, extra_context)
        except UsageError as error:
            keep_refusal(request, refusal_of(error, getattr(request, _SAVED_ROWS, None)))
        return shown(request, object_id, form_url, extra_context)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show who changed the rule, when, from what to what."""
        row = self.object_or_404(request, object_id)
        with tenant_scope(row.tenant_id):
            back = self.page_url("change", row.pk)
            return answer_row_history(request, self.opts.db_table, row.pk, str(row), back).render()

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if self.has_change_permission(request, obj) if change else add:
            context["preview_url"] = self.page_url("preview", *([obj.pk] if obj else []))
        if obj is not None:
            context["rules_version"] = editing.current_version(obj.tenant_id)
            context.update(self.form_context(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def page_url(self, page: str, *args: Any) -> str:
        """Return the address of a page of this model."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # Writing: all of a form at once, when it is known to be valid.

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Leave it to save_related, which writes all of the form as one change-set."""

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Sequence[Any], change: bool
    ) -> None:
        def edit() -> None:
            if change:
                refuse_stale(request, self.rows_of(form.instance))
            setattr(request, _SAVED_ROWS, self.store(form.instance, form, formsets))

        change_set = self.apply(request, form.instance.tenant_id, edit, ChangeSet.Origin.FORM)
        tell_outcome(request, change_set)
        if change_set is not None and change_set.state == ChangeSet.State.PREPARING:
            setattr(request, "_is_preparing", True)  # noqa: B010 - the request is Django's

    def apply(
        self,
        request: HttpRequest,
        tenant_id: int,
        edit: editing.Edit,
        origin: ChangeSet.Origin,
        summary: str = "",
    ) -> ChangeSet | None:
        """Make an edit in the name of the request's user."""
        author = editing.author_of(request.user)
        return editing.apply(tenant_id, edit, author=author, origin=origin, summary=summary)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._response(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._response(request, obj) or super().response_change(request, obj)

    def _response(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Go where the pressed button says; what happened has been told. None: in a popup."""
        if "_popup" in request.POST:
            return None
        if "_addanother" in request.POST:
            return HttpResponseRedirect(self.page_url("add"))
        if "_continue" in request.POST and not getattr(request, "_is_preparing", False):
            return HttpResponseRedirect(self.page_url("change", obj.pk))
        return HttpResponseRedirect(self.page_url("changelist"))

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Make no message for a log entry, for there is none."""
        return ""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write no log entry: the change-set says who changed what."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write no log entry: the change-set says who changed what."""

    # The panel beside a form.

    def preview_view(self, request: HttpRequest, object_id: str | None = None) -> HttpResponse:
        """Say what saving the posted form would do, and change nothing."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        obj = self.object_or_404(request, object_id) if object_id else None
        may = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if not may:
            raise PermissionDenied
        access = access_of(request)
        assert access is not None
        assert access.current is not None
        with tenant_scope(access.current.pk):
            return self._previewed(request, obj, access.current.pk).render()

    def _previewed(self, request: HttpRequest, obj: Any, tenant_id: int) -> TemplateResponse:
        fields = flatten_fieldsets(self.get_fieldsets(request, obj))
        form_class: Any = self.get_form(request, obj, change=obj is not None, fields=fields)
        form = form_class(request.POST, request.FILES, instance=obj)
        create: Any = getattr(self, "_create_formsets")  # noqa: B009 - django-stubs lack it
        formsets, _ = create(request, form.instance, change=obj is not None)
        if not all([form.is_valid(), all_valid(formsets)]):
            return answer_problems(request, form, formsets)
        new = self.save_form(request, form, change=obj is not None)
        return answer_preview(request, tenant_id, lambda: self.store(new, form, formsets))
