"""History of the rules: change-sets, what each changed, taking back, comparing, restoring."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from mappings import editing, undo
from mappings.admin.base import is_tenant_chosen
from mappings.admin.confirm import APPLY, Confirmation, Group, answer_confirmation
from mappings.admin.history_rows import shown_changes, table_choices
from mappings.admin.row_history import answer_row_history, row_changes
from mappings.dependants import SHOWN_RULES
from mappings.effects import effects
from mappings.models import Change, ChangeSet
from tenants.admin import LoadedModelAdmin, tag
from tenants.permissions import Capability, access_of
from tenants.scope import current_tenant_id, tenant_scope

SHOWN_CHANGES: Final = 100
SHOWN_VERSIONS: Final = 200
_TONES: Final = {"applied": "good", "preparing": "busy", "abandoned": "plain"}


def may_edit(request: HttpRequest) -> bool:
    """Whether the user may edit rules, and of one tenant."""
    access = access_of(request)
    may = access is not None and access.may(Capability.EDIT_MAPPINGS)
    return may and is_tenant_chosen(request)


class TableFilter(admin.SimpleListFilter):
    """By the table of which a row was changed."""

    title = "what was changed"
    parameter_name = "rules"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return table_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        changes = Change.objects.filter(change_set_id=OuterRef("pk"), table=self.value())
        return queryset.filter(Exists(changes))


class AuthorFilter(admin.SimpleListFilter):
    """By who did it."""

    title = "author"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = ChangeSet.objects.order_by("author_name").values_list("author_name", flat=True)
        return [(name, name) for name in names.distinct()[:100] if name]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(author_name=value)


class WhenFilter(admin.SimpleListFilter):
    """By how long ago it was."""

    title = "when"
    parameter_name = "since"
    _DAYS = {"1": "The last 24 hours", "7": "The last 7 days", "30": "The last 30 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self._DAYS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in self._DAYS:
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - timedelta(days=int(value)))


@admin.register(ChangeSet)
class ChangeSetAdmin(LoadedModelAdmin):
    """Edits of the rules, the newest first."""

    change_list_template = "mappings/change_list.html"
    list_intro = "Every edit of the rules, by whomever and in whichever way: look, undo, compare."
    list_display = (
        "summary_text",
        "shown_version",
        "who",
        "when",
        "how",
        "touched",
        "shown_state",
    )
    list_display_links = ("summary_text",)
    list_filter = (AuthorFilter, "origin", TableFilter, WhenFilter, "state")
    linked_filters = ("by", "rules", "since")
    text_search = ("summary", "author_name")
    ordering = ("-id",)

    @admin.display(description="By", ordering="author_name")
    def who(self, row: ChangeSet) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.author_name or "the system")

    @admin.display(description="When", ordering="created_at")
    def when(self, row: ChangeSet) -> Any:
        return row.created_at

    @admin.display(description="How", ordering="origin")
    def how(self, row: ChangeSet) -> str:
        return str(row.get_origin_display())

    @admin.display(description="Version", ordering="version")
    def shown_version(self, row: ChangeSet) -> str:
        return "–" if row.version is None else str(row.version)

    @admin.display(description="What", ordering="summary")
    def summary_text(self, row: ChangeSet) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.summary)

    @admin.display(description="Items changed", ordering="touched_count")
    def touched(self, row: ChangeSet) -> str:
        return f"{row.touched_count:,}"

    @admin.display(description="State", ordering="state")
    def shown_state(self, row: ChangeSet) -> SafeString:
        return tag(row.get_state_display(), _TONES[row.state])

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "mappings_changeset"
        return [
            path("compare/", wrap(self.compare_view), name=f"{name}_compare"),
            path("restore/<int:version>/", wrap(self.restore_view), name=f"{name}_restore"),
            path("<path:object_id>/undo/", wrap(self.undo_view), name=f"{name}_undo"),
            path(
                "<path:object_id>/abandon/",
                wrap(require_POST(self.abandon_view)),
                name=f"{name}_abandon",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        links = []
        if is_tenant_chosen(request):
            links = [("Compare versions", reverse("admin:mappings_changeset_compare"))]
        return super().changelist_view(request, {**(extra_context or {}), "list_links": links})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show one change-set."""
        if object_id is None:
            raise PermissionDenied
        row = self.object_or_404(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        with tenant_scope(row.tenant_id):
            return self._shown(request, row).render()

    def _shown(self, request: HttpRequest, row: ChangeSet) -> TemplateResponse:
        page = Paginator(row.changes.order_by("id"), SHOWN_CHANGES).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Edit of the rules",
            "subtitle": row.summary,
            "opts": self.opts,
            "row": row,
            "tone": _TONES[row.state],
            "changes": shown_changes(row_changes(page.object_list)),
            "page": page,
            "undone_by": row.undone_by.filter(state=ChangeSet.State.APPLIED).first(),
            "may_undo": may_edit(request) and row.state == ChangeSet.State.APPLIED,
            "may_edit": may_edit(request),
            "previous_version": row.version - 1 if row.version else None,
        }
        return TemplateResponse(request, "mappings/change_set.html", context)

    def undo_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask about taking a change-set back, or do it."""
        row = self.object_or_404(request, object_id)
        if not may_edit(request):
            raise PermissionDenied
        here = reverse("admin:mappings_changeset_change", args=(row.pk,))
        if request.method == "POST" and APPLY in request.POST:
            # Pressed in a message: where it came from is where the person wants to be.
            back = _local_referrer(request) or here
        else:
            back = here
        author = editing.author_of(request.user)
        asked = Confirmation(
            title=f"Take back: {row.summary}",
            intro="Each of these rules becomes what it was before. Taking that back brings it "
            "into effect again.",
            button="Take it back",
            back=back,
            preview=lambda: undo.preview_undo(row),
            apply=lambda: undo.undo(row, author),
            groups=[_group(row.changes.count(), row.changes.order_by("id"), here)],
            trail=[("History", reverse("admin:mappings_changeset_changelist")), (str(row), here)],
        )
        return answer_confirmation(request, asked)

    def restore_view(self, request: HttpRequest, version: int) -> HttpResponse:
        """Ask about making the rules what they were at a version, or do it."""
        if not may_edit(request):
            raise PermissionDenied
        tenant_id = current_tenant_id()
        assert tenant_id is not None
        newest = editing.current_version(tenant_id)
        if version > newest:
            raise Http404
        changes = undo.between(tenant_id, version, None)
        count = len(changes)
        author = editing.author_of(request.user)
        history = reverse("admin:mappings_changeset_changelist")
        compare = reverse("admin:mappings_changeset_compare")
        asked = Confirmation(
            title=f"Restore version {version}",
            intro=f"{count:,} rule{'' if count == 1 else 's'} of version {newest} "
            f"differ{'s' if count == 1 else ''}. History goes on: this is one more edit, and can "
            "be taken back like every other.",
            button=f"Restore version {version}",
            back=history,
            preview=lambda: undo.preview_restore(tenant_id, version),
            apply=lambda: undo.restore(tenant_id, version, author),
            groups=[_group(count, changes, f"{compare}?from={version}&to={newest}")],
            trail=[("History", history)],
        )
        return answer_confirmation(request, asked)

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Show how the rules of two versions differ."""
        if not self.has_view_permission(request) or not is_tenant_chosen(request):
            raise PermissionDenied
        tenant_id = current_tenant_id()
        assert tenant_id is not None
        newest = editing.current_version(tenant_id)
        older = _version(request.GET.get("from"), max(newest - 1, 0), newest)
        newer = _version(request.GET.get("to"), newest, newest)
        older, newer = min(older, newer), max(older, newer)
        changes = undo.between(tenant_id, older, newer)
        rows = ChangeSet.objects.exclude(version=None).order_by("-version")
        context = {
            **self.admin_site.each_context(request),
            "title": "Compare versions",
            "older": older,
            "newer": newer,
            "newest": newest,
            "versions": list(rows[:SHOWN_VERSIONS]),
            "change_count": len(changes),
            "changes": shown_changes(changes[:SHOWN_CHANGES]),
            "may_edit": may_edit(request),
        }
        return TemplateResponse(request, "mappings/compare.html", context)

    def abandon_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Give up an edit that is being prepared."""
        row = self.object_or_404(request, object_id)
        if not may_edit(request):
            raise PermissionDenied
        if row.state == ChangeSet.State.PREPARING:
            effects().cancel(row)
            self.message_user(
                request, f"“{row.summary}” is being cancelled: the rules stay as they are."
            )
        else:
            self.message_user(request, f"“{row.summary}” is not being prepared any more.")
        return HttpResponseRedirect(reverse("admin:mappings_changeset_change", args=(row.pk,)))


@admin.register(Change)
class ChangeAdmin(LoadedModelAdmin):
    """What edits did to single rows."""

    list_display = ("label_text", "table", "change_set", "who", "when")
    list_display_links = ("label_text",)
    list_filter = ("table",)
    list_select_related = ("change_set",)
    linked_filters = ("row_id",)
    text_search = ("label",)
    ordering = ("-id",)

    @admin.display(description="Row", ordering="label")
    def label_text(self, row: Change) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.label)

    @admin.display(description="By", ordering="change_set__author_name")
    def who(self, row: Change) -> str:
        return row.change_set.author_name

    @admin.display(description="When", ordering="change_set__created_at")
    def when(self, row: Change) -> Any:
        return row.change_set.created_at

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Show all that ever happened to the row of a change."""
        if object_id is None:
            raise PermissionDenied
        row = self.object_or_404(request, object_id)
        if request.method == "POST":
            raise PermissionDenied
        with tenant_scope(row.tenant_id):
            return answer_row_history(request, row.table, row.row_id, row.label).render()


def _group(count: int, changes: Any, link: str) -> Group:
    title = "rule changes" if count == 1 else "rules change"
    return Group(title, count, None, link, [change.label for change in changes[:SHOWN_RULES]])


def _version(text: str | None, otherwise: int, newest: int) -> int:
    return min(int(text), newest) if text and text.isdecimal() and len(text) < 10 else otherwise


def _local_referrer(request: HttpRequest) -> str:
    """Return the list from which, or from a form of which, a message's button was pressed."""
    parts = urlsplit(request.headers.get("Referer", ""))
    if parts.netloc != request.get_host() or parts.path.endswith("/undo/"):
        return ""
    path_ = "/" + parts.path.lstrip("/")
    return (
        path_.rpartition("/change/")[0].rpartition("/")[0] + "/" if "/change/" in path_ else path_
    )
