"""Edits of one or many rules that are asked about first: bulk edits, activation, deletion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path
from django.utils.text import capfirst

from mappings import editing
from mappings.admin.base import MappingAdmin
from mappings.admin.confirm import (
    Confirmation,
    Group,
    Move,
    MoveForm,
    answer_confirmation,
    posted,
)
from mappings.admin.posted import posted_id
from mappings.models import ChangeSet
from tenants.permissions import access_of

MOST_ROWS: Final = 5_000
EDIT, ACTIVATE, DEACTIVATE, DELETE = "edit", "activate", "deactivate", "delete"
_VERBS: Final = {EDIT: "Edit", ACTIVATE: "Activate", DEACTIVATE: "Deactivate", DELETE: "Delete"}


class BulkMappingAdmin(MappingAdmin):
    """Pages of rules that can be changed many at a time.

    bulk_form: the form of what can be set for many rows; None: nothing can. thing: what one row
    is called, by default as its model.
    """

    bulk_form: ClassVar[Callable[[Any], forms.Form] | None] = None
    actions = ("edit_selected", "activate_selected", "deactivate_selected", "delete_selected")

    thing: ClassVar[str] = ""
    intros: ClassVar[Mapping[str, str]] = {
        DEACTIVATE: "Rules that have it keep it; it is offered to no other rule.",
        DELETE: "It can be taken back from the message that follows, and from History.",
    }
    """What the page that asks says first, by verb."""

    # What each kind of rule says.

    def groups_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Group]:
        """Return what depends on rows, with counts and links."""
        return []

    def moves_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Move]:
        """Return what has to go elsewhere when rows are deleted."""
        return []

    def remove(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> None:
        """Delete rows, after what depends on them went where `targets` says."""
        raise NotImplementedError

    def set_active(
        self, tenant_id: int, rows: Sequence[Any], is_active: bool, targets: dict[int, str]
    ) -> None:
        """Activate or deactivate rows."""
        raise NotImplementedError

    def set_values(self, tenant_id: int, rows: Sequence[Any], form: Any) -> None:
        """Set for rows what the form of a bulk edit says."""
        raise NotImplementedError

    # Addresses.

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("bulk/<str:verb>/", wrap(self.bulk_view), name=f"{name}_bulk"),
            path("<path:object_id>/activate/", wrap(self.activate_view), name=f"{name}_activate"),
            path(
                "<path:object_id>/deactivate/",
                wrap(self.deactivate_view),
                name=f"{name}_deactivate",
            ),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> Any:
        """Offer what the user may do: nobody edits rules of every tenant at once."""
        if not self.has_change_permission(request):
            return {}
        actions = super().get_actions(request)
        if self.bulk_form is None:
            actions.pop("edit_selected", None)
        return actions

    @admin.action(description="Edit the selected…", permissions=("change",))
    def edit_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, EDIT, queryset)

    @admin.action(description="Activate the selected…", permissions=("change",))
    def activate_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, ACTIVATE, queryset)

    @admin.action(description="Deactivate the selected…", permissions=("change",))
    def deactivate_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, DEACTIVATE, queryset)

    @admin.action(description="Delete the selected…", permissions=("delete",))
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, DELETE, queryset)

    def bulk_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        """Ask about, preview or do something to the rows whose ids are posted."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if verb not in _VERBS or (verb == EDIT and self.bulk_form is None):
            raise Http404
        found = map(posted_id, request.POST.get("ids", "").split(","))
        ids = [each for each in found if each is not None]
        rows = self.get_queryset(request).filter(pk__in=ids[: MOST_ROWS + 1])
        if isinstance(self.list_select_related, (list, tuple)):
            rows = rows.select_related(*self.list_select_related)
        return self._ask(request, verb, rows)

    def activate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about activating one row."""
        return self._ask_of_one(request, ACTIVATE, object_id)

    def deactivate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about deactivating one row."""
        return self._ask_of_one(request, DEACTIVATE, object_id)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Ask about deleting one row."""
        return self._ask_of_one(request, DELETE, object_id)

    def _ask_of_one(self, request: HttpRequest, verb: str, object_id: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = self.object_or_404(request, object_id)
        asked = self._confirmation(request, verb, [row])
        back = asked.back if verb == DELETE else self.page_url("change", row.pk)
        trail = [*asked.trail, (str(row), self.page_url("change", row.pk))]
        return answer_confirmation(request, replace(asked, keep=(), back=back, trail=trail))

    def _ask(self, request: HttpRequest, verb: str, queryset: QuerySet[Any]) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        rows = list(queryset[: MOST_ROWS + 1])
        if not rows or len(rows) > MOST_ROWS:
            problem = f"at most {MOST_ROWS:,} at a time" if rows else "at least one that is there"
            self.message_user(request, f"Choose {problem}.", "ERROR")
            return HttpResponseRedirect(self.page_url("changelist"))
        asked = self._confirmation(request, verb, rows)
        asked = replace(asked, keep=[("ids", ",".join(str(row.pk) for row in rows))])
        response = answer_confirmation(request, asked)
        if hasattr(response, "context_data") and response.context_data is not None:
            response.context_data["here"] = self.page_url("bulk", verb)
        return response

    def _confirmation(self, request: HttpRequest, verb: str, rows: list[Any]) -> Confirmation:
        access = access_of(request)
        assert access is not None
        assert access.current is not None
        tenant_id = access.current.pk
        form = self._form(request, verb, tenant_id, rows)

        def edit() -> None:
            self._do(verb, tenant_id, rows, form)

        name = self.thing or self.opts.verbose_name
        what = f"{name} “{rows[0]}”"
        if len(rows) > 1:
            what = f"{len(rows):,} {self.opts.verbose_name_plural}"
        origin = ChangeSet.Origin.BULK if len(rows) > 1 else ChangeSet.Origin.FORM
        return Confirmation(
            title=f"{_VERBS[verb]} {what}",
            button=f"{_VERBS[verb]} {what}" if len(rows) > 1 else _VERBS[verb],
            back=self.page_url("changelist"),
            preview=lambda: editing.preview(tenant_id, edit),
            apply=lambda: self.apply(request, tenant_id, edit, origin),
            intro=self.intros.get(verb, ""),
            form=form,
            groups=self.groups_of(tenant_id, rows),
            is_danger=verb == DELETE,
            trail=[(capfirst(str(self.opts.verbose_name_plural)), self.page_url("changelist"))],
        )

    def _form(
        self, request: HttpRequest, verb: str, tenant_id: int, rows: list[Any]
    ) -> forms.Form | None:
        if verb == EDIT:
            assert self.bulk_form is not None
            return type(self).bulk_form(posted(request))  # type: ignore[misc]
        moves = self.moves_of(tenant_id, rows) if verb != ACTIVATE else []
        return MoveForm(posted(request), moves, is_required=verb == DELETE) if moves else None

    def _do(self, verb: str, tenant_id: int, rows: list[Any], form: Any) -> None:
        targets = form.targets if isinstance(form, MoveForm) else {}
        if verb == EDIT:
            self.set_values(tenant_id, rows, form)
        elif verb == DELETE:
            self.remove(tenant_id, rows, targets)
        else:
            self.set_active(tenant_id, rows, verb == ACTIVATE, targets)
