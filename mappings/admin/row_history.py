"""The history of one rule."""

from typing import Any, Final

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.template.response import TemplateResponse

from mappings.admin.history_rows import shown_changes
from mappings.book import RowChange
from mappings.models import Change

SHOWN: Final = 100


def answer_row_history(
    request: HttpRequest, table: str, row_id: int, title: str, back: str = ""
) -> TemplateResponse:
    """Show who changed a rule, when, from what to what; in its tenant's scope."""
    rows = Change.objects.filter(table=table, row_id=row_id).select_related("change_set")
    page = Paginator(rows.order_by("-id"), SHOWN).get_page(request.GET.get("p"))
    shown = shown_changes(row_changes(page.object_list))
    context = {
        **admin.site.each_context(request),
        "title": "History",
        "subtitle": title,
        "entries": list(zip(page.object_list, shown, strict=True)),
        "page": page,
        "back": back,
    }
    return TemplateResponse(request, "mappings/row_history.html", context)


def row_changes(rows: Any) -> list[RowChange]:
    """Return stored changes as what they did to rows."""
    return [RowChange(row.table, row.row_id, row.before, row.after) for row in rows]
