"""Import and export of the tables of rules as CSV."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from common.errors import UsageError
from mappings.admin import exchange_uploads as uploads
from mappings.admin.exchange_rows import Shown, shown_rows
from mappings.admin.outcome import tell_outcome
from mappings.admin.panel import panel_context
from mappings.admin.words import sentence
from mappings.editing import Preview, apply, author_of, current_version, preview
from mappings.exchange.plan import Plan, plan_import
from mappings.exchange.reading import MOST_BYTES, MOST_ROWS, Problem
from mappings.exchange.table import Table
from mappings.exchange.tables import TABLES
from mappings.exchange.writing import csv_of
from mappings.models import ChangeSet
from tenants.models import Tenant
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

_MODES: Final = ("add", "replace")
View = Callable[..., HttpResponseBase]


def exchange_urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the addresses of import and export, below those of the admin site."""

    def page(view: View, capability: Capability) -> Any:
        return site.admin_view(_for_one_tenant(view, capability))

    read, edit = Capability.READ, Capability.EDIT_MAPPINGS
    start = "mappings/exchange/"
    return [
        path(start, page(require_GET(exchange), read), name="mappings_exchange"),
        path(
            f"{start}<slug:slug>/export/",
            page(require_GET(export), read),
            name="mappings_export",
        ),
        path(
            f"{start}<slug:slug>/import/",
            page(require_POST(choose_file), edit),
            name="mappings_import",
        ),
        path(
            f"{start}import/<slug:key>/",
            page(require_http_methods(["GET", "POST"])(import_file), edit),
            name="mappings_import_file",
        ),
    ]


def _for_one_tenant(view: View, capability: Capability) -> Callable[..., HttpResponseBase]:
    def answer(request: HttpRequest, **where: str) -> HttpResponseBase:
        access = access_of(request)
        if access is None or not access.may(capability):
            raise PermissionDenied
        if access.current is None:
            messages.info(request, "Choose a tenant first: each has mappings of its own.")
            return HttpResponseRedirect(reverse("admin:index"))
        return view(request, access.current, **where)

    return answer


def exchange(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Offer each table for export, and for import to whoever may edit."""
    access = access_of(request)
    counts = [(table, _count(table, tenant)) for table in TABLES.values()]
    return TemplateResponse(
        request,
        "mappings/exchange.html",
        {
            **_page(request, "Import and export"),
            "tables": counts,
            "may_edit": access is not None and access.may(Capability.EDIT_MAPPINGS),
            "chosen": request.GET.get("table", ""),
            "most_rows": MOST_ROWS,
            "most_megabytes": MOST_BYTES // 1_000_000,
        },
    )


def export(request: HttpRequest, tenant: Tenant, slug: str) -> HttpResponseBase:
    """Answer with a table as CSV; for=excel: with a byte order mark."""
    table = _table(slug)
    pieces = csv_of(table, tenant.pk, has_mark=request.GET.get("for") == "excel")
    response = StreamingHttpResponse(
        _streamed(request, pieces, tenant.pk), content_type="text/csv; charset=utf-8"
    )
    day = timezone.localdate().isoformat()
    name = f"{tenant.slug}-{table.slug}-{day}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _streamed(
    request: HttpRequest, pieces: Iterator[str], tenant_id: int
) -> Iterator[str] | AsyncIterator[str]:
    """Give pieces each inside the tenant's scope, for the request's own is closed by then."""

    def piece() -> str | None:
        with tenant_scope(tenant_id):
            return next(pieces, None)

    async def asynchronously() -> AsyncIterator[str]:
        while (text := await sync_to_async(piece)()) is not None:
            yield text

    return asynchronously() if isinstance(request, ASGIRequest) else iter(piece, None)


def choose_file(request: HttpRequest, tenant: Tenant, slug: str) -> HttpResponse:
    """Keep a posted file, and go to what it would do."""
    table = _table(slug)
    file: Any = request.FILES.get("file")
    mode = request.POST.get("mode", "add")
    if not isinstance(file, UploadedFile) or mode not in _MODES:
        messages.error(request, f"Choose a CSV file of {table.title} first.")
        return _back(table)
    if (file.size or 0) > MOST_BYTES:
        messages.error(
            request,
            f"The file has {file.size or 0:,} bytes; {MOST_BYTES:,} are possible. Split it.",
        )
        return _back(table)
    key = uploads.keep(
        uploads.Upload(
            user_id=request.user.pk or 0,
            tenant_id=tenant.pk,
            table=table.slug,
            file_name=(file.name or "")[:100],
            is_replacing=mode == "replace",
            version=current_version(tenant.pk),
            data=file.read(),
        )
    )
    return HttpResponseRedirect(reverse("admin:mappings_import_file", args=(key,)))


def import_file(request: HttpRequest, tenant: Tenant, key: str) -> HttpResponse:
    """Show what a kept file would do; a POST does it, unless rules changed since it was shown."""
    upload = uploads.find(key, request.user.pk or 0, tenant.pk)
    if upload is None:
        raise Http404
    table = _table(upload.table)
    if request.method == "POST" and request.POST.get("cancel"):
        uploads.forget(key)
        messages.info(request, f"“{upload.file_name}” was not imported.")
        return _back(table)
    problem = ""
    plan = None
    try:
        plan = plan_import(table, tenant.pk, upload.data, is_replacing=upload.is_replacing)
        if request.method == "POST" and not plan.problem_count:
            if request.POST.get("version") == str(current_version(tenant.pk)):
                return _do(request, tenant, plan, key)
            messages.warning(request, "The rules were changed meanwhile. Look at it again.")
        found = preview(tenant.pk, plan.edit) if not plan.problem_count else None
    except UsageError as error:
        problem, found = sentence(error), None
    return _show(request, tenant, upload, plan, found, problem)


def _do(request: HttpRequest, tenant: Tenant, plan: Plan, key: str) -> HttpResponse:
    change_set = apply(
        tenant.pk,
        plan.edit,
        author=author_of(request.user),
        origin=ChangeSet.Origin.IMPORT,
        summary=plan.summary,
    )
    uploads.forget(key)
    tell_outcome(request, change_set)
    return HttpResponseRedirect(reverse(f"admin:{plan.table.page}_changelist"))


def _show(
    request: HttpRequest,
    tenant: Tenant,
    upload: uploads.Upload,
    plan: Plan | None,
    found: Preview | None,
    problem: str,
) -> HttpResponse:
    table = _table(upload.table)
    problems: list[Problem] = plan.problems if plan is not None else []
    shown: list[Shown] = shown_rows(plan) if plan is not None and found is not None else []
    context = {
        **_page(request, f"Import {table.title}"),
        "table": table,
        "upload": upload,
        "plan": plan,
        "problem": problem,
        "problems": problems,
        "more_problems": plan.problem_count - len(problems) if plan is not None else 0,
        "groups": shown,
        "can_apply": found is not None and plan is not None and not plan.is_empty,
        "version": current_version(tenant.pk),
        **(panel_context(found) if found is not None else {}),
    }
    return TemplateResponse(request, "mappings/exchange_import.html", context)


def _table(slug: str) -> Table:
    if slug not in TABLES:
        raise Http404
    return TABLES[slug]


def _count(table: Table, tenant: Tenant) -> int:
    return table.model.objects.filter(tenant_id=tenant.pk).count()


def _back(table: Table) -> HttpResponse:
    page = reverse("admin:mappings_exchange")
    return HttpResponseRedirect(f"{page}?table={table.slug}#{table.slug}")


def _page(request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = admin.site.name
    return {**admin.site.each_context(request), "title": title}
