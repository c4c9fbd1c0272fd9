"""What the pages of the rules share: numbers, and what to know before editing."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from mappings.models import ChangeSet
from tenants.permissions import Capability, access_of

register = template.Library()


@register.filter
def grouped(number: int | None) -> str:
    """Return a number with its thousands set apart."""
    return f"{number or 0:,}"


@register.inclusion_tag("mappings/banner.html", takes_context=True)
def rules_banner(context: dict[str, Any]) -> dict[str, Any]:
    """Show why rules cannot be edited now: an edit is being prepared, or no tenant is chosen."""
    request: HttpRequest = context["request"]
    access = access_of(request)
    may_edit = access is not None and access.may(Capability.EDIT_MAPPINGS)
    must_choose = may_edit and access is not None and access.current is None
    preparing = None
    if not must_choose:
        preparing = ChangeSet.objects.filter(state=ChangeSet.State.PREPARING).first()
    run_id = preparing.run_id if preparing is not None else None
    poll = reverse("live_state", args=("run", run_id)) if run_id is not None else ""
    return {
        "preparing": preparing,
        "must_choose": must_choose,
        "may_edit": may_edit,
        "poll": poll,
        "csrf_token": context.get("csrf_token"),
    }
