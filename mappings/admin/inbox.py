"""The inbox: what occurs without a rule, with suggestions to accept, correct or leave."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from common.errors import UsageError
from integrations.models import Integration
from mappings.admin.inbox_rows import CONFIDENCES, Choices, Row, Shown, shown
from mappings.admin.outcome import tell_outcome
from mappings.admin.panel import panel_context
from mappings.admin.posted import posted_id
from mappings.admin.words import sentence
from mappings.editing import apply, author_of, current_version, preview
from mappings.inbox import Kind, read_inbox
from mappings.inbox_clues import where
from mappings.inbox_decisions import Decision, edit_of, summary_of, sure_enough
from mappings.inbox_unused import unused
from mappings.models import ChangeSet, StatusMapping, WitMapping, WitResolution
from tenants.models import Tenant
from tenants.permissions import Capability, access_of

MOST_DECISIONS: Final = 1_000
"""So many suggestions are made and accepted at once, those with the most work items first."""
_SHOWN_DECISIONS = 100


def inbox_urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the addresses of the inbox, below those of the admin site."""

    def page(view: Callable[..., HttpResponse], capability: Capability) -> Any:
        return site.admin_view(_for_one_tenant(view, capability))

    edit = Capability.EDIT_MAPPINGS
    return [
        path("mappings/inbox/", page(require_GET(inbox), Capability.READ), name="mappings_inbox"),
        path(
            "mappings/inbox/accept/",
            page(require_POST(accept), edit),
            name="mappings_inbox_accept",
        ),
        path(
            "mappings/inbox/confirm/",
            page(require_POST(confirm), edit),
            name="mappings_inbox_confirm",
        ),
        path(
            "mappings/inbox/apply/",
            page(require_POST(apply_decisions), edit),
            name="mappings_inbox_apply",
        ),
    ]


def _for_one_tenant(
    view: Callable[..., HttpResponse], capability: Capability
) -> Callable[[HttpRequest], HttpResponse]:
    def answer(request: HttpRequest) -> HttpResponse:
        access = access_of(request)
        if access is None or not access.may(capability):
            raise PermissionDenied
        if access.current is None:
            messages.info(request, "Choose a tenant first: each has an inbox of its own.")
            return HttpResponseRedirect(reverse("admin:index"))
        return view(request, access.current)

    return answer


def inbox(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Show what occurs without a rule; or what the sources have that nothing uses yet."""
    access = access_of(request)
    integrations = list(Integration.objects.filter(tenant=tenant))
    context = {
        **_page(request, "Inbox"),
        "integrations": integrations,
        "may_edit": access is not None and access.may(Capability.EDIT_MAPPINGS),
        "has_loaded": WitResolution.objects.exists(),
        "back": request.GET.urlencode(),
    }
    chosen, kinds = _filters(request, integrations)
    context |= {"chosen_integration": request.GET.get("integration", "")}
    context |= {"chosen_kind": request.GET.get("kind", "")}
    context |= {"is_filtered": len(chosen) < len(integrations) or len(kinds) < len(Kind)}
    if request.GET.get("show") == "unused":
        rows = [each for each in unused(tenant.pk, chosen) if each.kind in kinds]
        return TemplateResponse(
            request, "mappings/inbox_unused.html", {**context, "unused": rows, "tab": "unused"}
        )
    found = read_inbox(tenant.pk, chosen, kinds)
    page: Shown = shown(tenant.pk, found, request.GET.get("page", ""), MOST_DECISIONS)
    context |= {"page": page, "choices": Choices(tenant.pk), "tab": "inbox"}
    return TemplateResponse(request, "mappings/inbox.html", context)


def accept(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Make a rule of one row as it was posted, and go back."""
    try:
        decision = _posted(request, tenant)
    except UsageError as error:
        messages.error(request, sentence(error))
        return _back(request)
    return _decide(request, tenant, [decision])


def confirm(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Show what one row, or all suggestions that are sure enough, would do; write nothing."""
    try:
        if request.POST.get("key"):
            decisions = [_posted(request, tenant)]
        else:
            decisions = _sure_enough(request, tenant)
        if not decisions:
            raise UsageError("no suggestion is as sure as that any more")
        found = preview(tenant.pk, edit_of(tenant.pk, decisions))
    except UsageError as error:
        messages.error(request, sentence(error))
        return _back(request)
    return TemplateResponse(
        request,
        "mappings/inbox_confirm.html",
        {
            **_page(request, _question(decisions)),
            **panel_context(found),
            "decisions": _told(tenant, decisions[:_SHOWN_DECISIONS]),
            "decision_count": len(decisions),
            "more": max(len(decisions) - _SHOWN_DECISIONS, 0),
            "posted": msgspec.json.encode(decisions).decode(),
            "version": current_version(tenant.pk),
            "back": request.POST.get("back", ""),
        },
    )


def apply_decisions(request: HttpRequest, tenant: Tenant) -> HttpResponse:
    """Make rules of the decisions that were confirmed, unless rules changed since."""
    if request.POST.get("version") != str(current_version(tenant.pk)):
        messages.warning(
            request, "The rules were changed meanwhile. Look at the suggestions again."
        )
        return _back(request)
    try:
        posted = request.POST.get("decisions", "")
        decisions = msgspec.json.decode(posted, type=list[Decision])[:MOST_DECISIONS]
    except msgspec.MsgspecError:
        messages.error(request, "What was confirmed could not be read. Look at it again.")
        return _back(request)
    return _decide(request, tenant, decisions)


def _decide(request: HttpRequest, tenant: Tenant, decisions: list[Decision]) -> HttpResponse:
    try:
        change_set = apply(
            tenant.pk,
            edit_of(tenant.pk, decisions),
            author=author_of(request.user),
            origin=ChangeSet.Origin.INBOX,
            summary=summary_of(decisions),
        )
    except UsageError as error:
        messages.error(request, sentence(error))
    else:
        tell_outcome(request, change_set)
    return _back(request)


def _filters(
    request: HttpRequest, integrations: Iterable[Integration]
) -> tuple[list[Integration], list[Kind]]:
    """Return what is asked for; an integration that is not there gives nothing."""
    wanted = request.GET.get("integration", "") or request.POST.get("integration", "")
    kind = request.GET.get("kind", "") or request.POST.get("kind", "")
    chosen = [each for each in integrations if not wanted or str(each.pk) == wanted]
    return chosen, [each for each in Kind if not kind or each.value == kind]


def _sure_enough(request: HttpRequest, tenant: Tenant) -> list[Decision]:
    """Return the decisions that take all suggestions of at least the posted confidence."""
    at_least = request.POST.get("at_least", "")
    if at_least not in {str(each) for each in CONFIDENCES}:
        raise UsageError("choose how sure a suggestion must be")
    chosen, kinds = _filters(request, Integration.objects.filter(tenant=tenant))
    return sure_enough(tenant.pk, chosen, kinds, int(at_least), MOST_DECISIONS)


def _posted(request: HttpRequest, tenant: Tenant) -> Decision:
    """Return the decision of a row's form; raise UsageError for one that cannot be."""
    kind_value, _, rest = request.POST.get("key", "").partition(":")
    integration_id, _, name = rest.partition(":")
    owner = posted_id(integration_id)
    if kind_value not in set(Kind) or owner is None:
        raise UsageError("this row could not be read; open the inbox again")
    kind = Kind(kind_value)
    scope, _, project = request.POST.get("scope", "").partition(":")
    target, place = request.POST.get("target", ""), request.POST.get("place", "")
    if like := request.POST.get("like", ""):
        target, place = _like(kind, like)
    what, _, value = place.partition(":")
    return Decision(
        kind=kind,
        name=name,
        integration_id=None if scope == "everywhere" else owner,
        project_key=project if scope == "project" else "",
        target=target.strip(),
        place_id=posted_id(value) if what in ("level", "step") else None,
        category=value if what == "category" else "",
    )


def _like(kind: Kind, rule_id: str) -> tuple[str, str]:
    """Return target and place of a rule that there is."""
    model = WitMapping if kind == Kind.TYPE else StatusMapping
    key = posted_id(rule_id)
    rule: Any = model.objects.filter(pk=key).first() if key is not None else None
    if rule is None:
        raise UsageError("there is no such rule")
    return rule.target, Row.place_of(rule)


def _question(decisions: list[Decision]) -> str:
    if len(decisions) == 1:
        return f"Accept {decisions[0].label}?"
    return f"Accept {len(decisions)} suggestions?"


def _told(tenant: Tenant, decisions: list[Decision]) -> list[tuple[Decision, str]]:
    """Return decisions, each with where it holds."""
    integrations = {row.pk: row for row in Integration.objects.filter(tenant=tenant)}
    return [
        (each, where(integrations.get(each.integration_id or 0), each.project_key))
        for each in decisions
    ]


def _page(request: HttpRequest, title: str) -> dict[str, Any]:
    request.current_app = admin.site.name
    return {**admin.site.each_context(request), "title": title}


def _back(request: HttpRequest) -> HttpResponse:
    query = request.POST.get("back", "")
    page = reverse("admin:mappings_inbox")
    return HttpResponseRedirect(f"{page}?{query}" if query else page)
