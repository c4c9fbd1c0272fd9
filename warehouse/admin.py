"""What was loaded: lists of work items, pull requests and the rest, and a page for each of both."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html

from tenants.admin import LoadedModelAdmin, shortened, tag
from warehouse.item_page import pull_request_page, work_item_page
from warehouse.models import Account, Project, PullRequest, Repository, Sprint, WorkItem
from warehouse.models.base import Tombstone
from warehouse.shown import TONES, duration


class PageAdmin(LoadedModelAdmin):
    """A loaded model whose rows have a page of their own instead of a form."""

    page_template: str

    def page_context(self, row: Any) -> dict[str, Any]:
        """Return what the page of the row shows."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.object_or_404(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            **self.page_context(row),
            "opts": self.opts,
            "original": row,
            "title": str(row),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.page_template, context)


@admin.register(WorkItem)
class WorkItemAdmin(PageAdmin):
    """Work items: the source's values beside ours."""

    page_template = "warehouse/work_item.html"
    list_display = (
        "key",
        "shown_title",
        "shown_type",
        "shown_status",
        "points",
        "cycle_time",
        "updated_at",
    )
    list_filter = ("integration", "wit_resolution__mapping__hierarchy")
    linked_filters = ("project_key", "source_type", "source_status")
    list_select_related = (
        "integration",
        "wit_resolution__mapping__hierarchy",
        "status_resolution__mapping",
    )
    key_search = ("key",)
    text_search = ("title",)
    search_help_text = "A key (all work items), or words of a title (the newest 20,000)."
    ordering = ("-changed_seq",)
    sortable_by = ("key",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("description", "custom_fields")

    @admin.display(description="Title")
    def shown_title(self, row: WorkItem) -> str:
        return or_deleted(shortened(row.title), row)

    @admin.display(description="Type")
    def shown_type(self, row: WorkItem) -> str:
        mapping = row.wit_resolution.mapping if row.wit_resolution else None
        return mapped(row.source_type, mapping.target if mapping else None)

    @admin.display(description="Status")
    def shown_status(self, row: WorkItem) -> str:
        mapping = row.status_resolution.mapping if row.status_resolution else None
        if mapping is None:
            return mapped(row.source_status, None)
        ours = tag(mapping.target, TONES.get(mapping.category, "plain"))
        if row.source_status == mapping.target:
            return ours
        return format_html('{} <span class="etl-source">{}</span>', ours, row.source_status)

    @admin.display(description="Points")
    def points(self, row: WorkItem) -> str:
        return "–" if row.story_points is None else f"{row.story_points:g}"

    @admin.display(description="Cycle time")
    def cycle_time(self, row: WorkItem) -> str:
        return duration(row.cycle_time_seconds)

    def page_context(self, row: Any) -> dict[str, Any]:
        return work_item_page(row)


@admin.register(PullRequest)
class PullRequestAdmin(PageAdmin):
    """Pull requests."""

    page_template = "warehouse/pull_request.html"
    list_display = (
        "reference",
        "shown_title",
        "shown_state",
        "author_login",
        "created_at",
        "merged_at",
    )
    list_filter = ("integration",)
    linked_filters = ("repository", "state")
    list_select_related = ("integration",)
    key_search = ("repository",)
    text_search = ("title",)
    search_help_text = "A repository (all), or words of a title (the newest 20,000)."
    ordering = ("-changed_seq",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")

    @admin.display(description="Pull request")
    def reference(self, row: PullRequest) -> str:
        return f"{row.repository}#{row.number}"

    @admin.display(description="Title")
    def shown_title(self, row: PullRequest) -> str:
        return or_deleted(shortened(row.title), row)

    @admin.display(description="State")
    def shown_state(self, row: PullRequest) -> str:
        state = tag(row.state.capitalize(), TONES.get(row.state, "plain"))
        return format_html("{} {}", state, tag("Draft")) if row.is_draft else state

    def page_context(self, row: Any) -> dict[str, Any]:
        return pull_request_page(row)


@admin.register(Sprint)
class SprintAdmin(LoadedModelAdmin):
    """Sprints."""

    list_display = (
        "shown_name",
        "shown_state",
        "started_at",
        "ends_at",
        "completed_at",
        "integration",
    )
    list_filter = ("integration",)
    linked_filters = ("state",)
    list_select_related = ("integration",)
    text_search = ("name",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("name", "state"),
        "goal",
        ("started_at", "ends_at"),
        ("completed_at", "board_source_id"),
        ("source_id", "integration"),
        "fetched_at",
    )

    @admin.display(description="Name")
    def shown_name(self, row: Sprint) -> str:
        return or_deleted(row.name, row)

    @admin.display(description="State")
    def shown_state(self, row: Sprint) -> str:
        state = row.state or "unknown"
        return tag(state.capitalize(), TONES.get(state, "plain"))


@admin.register(Project)
class ProjectAdmin(LoadedModelAdmin):
    """Projects."""

    list_display = ("shown_key", "name", "kind", "integration")
    list_filter = ("integration",)
    list_select_related = ("integration",)
    key_search = ("key", "name")
    ordering = ("key", "id")
    sortable_by = ()
    fields = (("key", "name"), ("kind", "source_id"), ("integration", "fetched_at"))

    @admin.display(description="Key", ordering="key")
    def shown_key(self, row: Project) -> str:
        return or_deleted(row.key, row)


@admin.register(Repository)
class RepositoryAdmin(LoadedModelAdmin):
    """Repositories."""

    list_display = ("shown_name", "default_branch", "is_private", "is_archived", "pushed_at")
    list_filter = ("integration",)
    list_select_related = ("integration",)
    key_search = ("full_name",)
    ordering = ("full_name", "id")
    sortable_by = ()
    fields = (
        ("full_name", "default_branch"),
        ("is_private", "is_archived", "is_fork"),
        ("created_at", "updated_at"),
        ("pushed_at", "source_id"),
        ("integration", "fetched_at"),
    )

    @admin.display(description="Full name", ordering="full_name")
    def shown_name(self, row: Repository) -> str:
        return or_deleted(row.full_name, row)


@admin.register(Account)
class AccountAdmin(LoadedModelAdmin):
    """Accounts of people and machines at the sources."""

    list_display = ("shown_name", "login", "email", "kind", "is_active", "integration")
    list_filter = ("integration",)
    list_select_related = ("integration",)
    key_search = ("name", "login", "source_id")
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("name", "login"),
        ("email", "kind"),
        ("is_active", "source_id"),
        ("integration", "fetched_at"),
    )

    @admin.display(description="Name")
    def shown_name(self, row: Account) -> str:
        return str(row)


def or_deleted(text: str, row: Tombstone) -> str:
    """Return the text, with why the row's entity is gone if it is."""
    if row.deleted_at is None:
        return format_html("{}", text)
    reason = (row.deleted_reason or "deleted").replace("_", " ").capitalize()
    return format_html("{} {}", text, tag(reason, "warning"))


def mapped(source: str, ours: str | None) -> str:
    """Return our value with the source's beside it where they differ."""
    if ours is None:
        return format_html("{} {}", source, tag("Unmapped", "warning"))
    if ours == source:
        return format_html("{}", ours)
    return format_html('{} <span class="etl-source">{}</span>', ours, source)
