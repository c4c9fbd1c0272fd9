"""The command palette (Ctrl+K): pages of the site, and rows found by the beginning of their key."""

import time
from collections.abc import Iterator
from typing import Any, Final

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult

from etl_project.navigation import pages
from tenants.admin import TenantModelAdmin
from tenants.permissions import access_of

ROWS_A_MODEL: Final = 5
SHORTEST_KEY: Final = 2
_ALWAYS: Final = (
    ("Home", "space_dashboard", "admin:index"),
    ("Preferences", "settings", "admin:preferences"),
    ("API tokens", "token", "admin:tenants_apitoken_changelist"),
    ("Roles", "shield_person", "admin:roles"),
    ("Change password", "key", "admin:password_change"),
)


def search(request: HttpRequest) -> HttpResponse:
    """Answer with what matches `s`. Nothing is kept: results are those of this user, now."""
    term = request.GET.get("s", "").replace("\0", "").strip()[:100]
    if not term:
        return HttpResponse()
    began = time.monotonic()
    found = [*_pages(request, term), *_rows(request, term)]
    paginator = Paginator(found, max(1, len(found)))
    return TemplateResponse(
        request,
        "unfold/helpers/command_results.html",
        {
            "page_obj": paginator,
            "results": paginator.page(1),
            "page_counter": 0,
            "execution_time": time.monotonic() - began,
        },
        headers={"HX-Trigger": "search", "Cache-Control": "no-store"},
    )


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """Give the pages whose title or group has the term in it."""
    wanted = term.casefold()
    for title, icon, name in _ALWAYS:
        if wanted in title.casefold():
            yield SearchResult(title, "Page", reverse(name), icon)
    for group, title, icon, address in pages(request):
        if wanted in title.casefold() or wanted in group.casefold():
            yield SearchResult(title, group, address, icon)


def _rows(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """Give the first rows of each list whose key begins with the term, in the tenant in scope."""
    access = access_of(request)
    if access is None or access.current is None or len(term) < SHORTEST_KEY:
        return
    for model, model_admin in admin.site._registry.items():
        if not isinstance(model_admin, TenantModelAdmin) or not model_admin.key_search:
            continue
        if not model_admin.has_view_permission(request):
            continue
        yield from _rows_of(request, model, model_admin, term)


def _rows_of(
    request: HttpRequest, model: Any, model_admin: TenantModelAdmin, term: str
) -> Iterator[SearchResult]:
    begins = Q()
    for column in model_admin.key_search:
        begins |= Q(**{f"{column}__startswith": term}) | Q(
            **{f"{column}__startswith": term.upper()}
        )
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
    for row in model_admin.get_queryset(request).filter(begins).order_by()[:ROWS_A_MODEL]:
        title = str(row)[:120] or str(row.pk)
        yield SearchResult(
            title, model._meta.verbose_name, reverse(name, args=(row.pk,)), "data_object"
        )
