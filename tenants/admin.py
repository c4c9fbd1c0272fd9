"""The base of every admin page over tenant-owned rows: the wall and the roles hold by construction.

What a request sees comes from the tenant scope (`tenants.middleware`), so lists, filters, selects
and autocompletes draw from scoped managers. What it may do comes from `tenants.permissions`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.permissions import Capability, access_of
from tenants.preferences import page_size_of
from tenants.scope import TenantManager, current_tenant_id, tenant_scope

if TYPE_CHECKING:
    UnfoldModelAdmin = admin.ModelAdmin[Any]
    UnfoldTabularInline = admin.TabularInline[Any, Any]
    BasePaginator = Paginator[Any]
    BaseModelForm = forms.ModelForm[Any]
    UnfoldChangeList = ChangeList
else:
    from unfold.admin import ModelAdmin as UnfoldModelAdmin
    from unfold.admin import TabularInline as UnfoldTabularInline
    from unfold.views import ChangeList as UnfoldChangeList

    BasePaginator = Paginator
    BaseModelForm = forms.ModelForm

COUNTED_ROWS: Final = 10_000
SEARCHED_ROWS: Final = 20_000
_LOOKUPS: Final = ("", "__exact", "__id__exact", "__isnull")


def tag(text: object, tone: str = "plain") -> SafeString:
    """Return a coloured label. tone: plain, good, busy, warning or bad."""
    return format_html('<span class="etl-tag etl-tag-{}">{}</span>', tone, text)


def shortened(text: str | None, length: int = 90) -> str:
    """Return text that fits a column."""
    text = " ".join((text or "").split())
    return text if len(text) <= length else text[: length - 1] + "…"


class BoundedPaginator(BasePaginator):
    """Pages of at most the first COUNTED_ROWS rows, so that no page counts a million of them."""

    template_name = "admin/bounded_pagination.html"

    @cached_property
    def _reach(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[: COUNTED_ROWS + 1].count()
        return len(rows)

    @cached_property
    def count(self) -> int:
        return min(self._reach, COUNTED_ROWS)

    @property
    def has_more(self) -> bool:
        """Whether there are rows behind the last page."""
        return self._reach > COUNTED_ROWS


class TenantForm(BaseModelForm):
    """A form whose row gets the tenant of the scope, before anything about it is validated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.tenant_id is None:
            self.instance.tenant_id = current_tenant_id()

    def _get_validation_exclusions(self) -> set[str]:
        # The tenant is no field of the form, yet the unique keys that begin with it must hold.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"tenant"}


class PreferredChangeList(UnfoldChangeList):
    """A list with as many rows on a page as its reader likes."""

    def get_results(self, request: HttpRequest) -> None:
        """Cut the rows into pages of the preferred size."""
        self.list_per_page = page_size_of(request)
        super().get_results(request)


class RoleChecks:
    """Permissions by role in the current tenant, for admins and inlines alike."""

    capability: ClassVar[Capability | None] = None
    """What adding, changing and deleting need; None: nobody may."""
    can_add: ClassVar[bool] = True
    empty_text: ClassVar[str] = ""
    """What an empty list says to whoever may not add to it: where rows come from."""
    can_delete_rows: ClassVar[bool] = True

    def _may(self, request: HttpRequest, capability: Capability | None) -> bool:
        access = access_of(request)
        return capability is not None and access is not None and access.may(capability)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, Capability.READ)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, Capability.READ)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.capability)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A new row needs a tenant: nobody adds in the scope of every tenant."""
        if not self.can_add or not self._may(request, self.capability):
            return False
        return obj is not None or current_tenant_id() is not None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.can_delete_rows and self._may(request, self.capability)


class TenantModelAdmin(RoleChecks, UnfoldModelAdmin):
    """Admin of a tenant-owned model.

    key_search: columns that a search matches by prefix, through an index.
    text_search: columns searched inside the newest SEARCHED_ROWS rows only.
    linked_filters: columns that pages of ours filter by in the address, beside `list_filter`.
    """

    form = TenantForm
    exclude: Any = ("tenant",)  # type: ignore[misc]
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_filter_submit = True
    list_filter_sheet = True
    compressed_fields = True
    key_search: ClassVar[Sequence[str]] = ()
    text_search: ClassVar[Sequence[str]] = ()
    linked_filters: ClassVar[Sequence[str]] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PreferredChangeList

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = tuple(super().get_list_display(request))
        return columns if current_tenant_id() is not None else (*columns, "tenant")

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        return ("tenant", *related) if isinstance(related, (list, tuple)) else ("tenant",)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return (*self.key_search, *self.text_search)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Match keys by prefix among all rows, and text among the newest rows."""
        term = search_term.replace("\0", "").strip()[:200]
        if not term:
            return queryset, False
        matches = Q()
        for column in self.key_search:
            matches |= Q(**{f"{column}__startswith": term})
            matches |= Q(**{f"{column}__startswith": term.upper()})
        if self.text_search:
            newest = self.model._default_manager.order_by("-pk").values("pk")[SEARCHED_ROWS:][:1]
            oldest = newest.first()
            text = Q()
            for column in self.text_search:
                text |= Q(**{f"{column}__icontains": term})
            matches |= text & Q(pk__gt=oldest["pk"]) if oldest else text
        return queryset.filter(matches), False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow in the address what a filter offers, and nothing else."""
        names: list[str] = ["id", *self.linked_filters]
        for entry in self.get_list_filter(request):
            name = entry[0] if isinstance(entry, (list, tuple)) else entry
            if isinstance(name, str):
                names.append(name)
        return any(lookup == f"{name}{suffix}" for name in names for suffix in _LOOKUPS)

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> "forms.ModelChoiceField[Any] | None":
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            _refuse_unscoped(db_field)
        return field

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Serve the form of a row inside the scope of the row's own tenant."""
        row = self.get_object(request, object_id) if object_id else None
        if row is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with tenant_scope(row.tenant_id):
            response = super().changeform_view(request, object_id, form_url, extra_context)
            return response.render() if hasattr(response, "render") else response

    def object_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """Return a row that the request may see; a foreign one is answered like none."""
        row = self.get_object(request, object_id) if self.has_view_permission(request) else None
        if row is None:
            raise Http404
        return row

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        raise Http404


def _refuse_unscoped(db_field: Any) -> None:
    """A select over a model without a tenant would show everybody's rows to everybody."""
    related = db_field.remote_field.model
    if not isinstance(related._default_manager, TenantManager):
        raise TypeError(f"{db_field} offers rows of {related.__name__}, which has no tenant")


class LoadedModelAdmin(TenantModelAdmin):
    """Read-only admin of what the pipeline writes."""

    capability = None
    can_add = False
    can_delete_rows = False
    actions = None
    empty_text = "They come with the first run of an integration."


class TenantInline(RoleChecks, UnfoldTabularInline):
    """Rows of a parent, in the parent's tenant."""

    form = TenantForm
    exclude: Any = ("tenant",)  # type: ignore[misc]
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return RoleChecks.has_add_permission(self, request, obj)


class OperatorModelAdmin(RoleChecks, UnfoldModelAdmin):
    """Admin of what belongs to the platform and not to a tenant: operators only."""

    capability = Capability.OPERATE

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PreferredChangeList

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, Capability.OPERATE)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, Capability.OPERATE)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, Capability.OPERATE)

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        raise Http404
