"""What the panel beside a form is answered."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse

from common.errors import UsageError
from mappings import editing
from mappings.admin.panel import panel_context
from mappings.admin.refusal import links_of, refusal_of


def answer_preview(request: HttpRequest, tenant_id: int, edit: editing.Edit) -> TemplateResponse:
    """Return what an edit would do, as the panel shows it."""
    try:
        preview = editing.preview(tenant_id, edit)
    except UsageError as error:
        return answer_refusal(request, error)
    return TemplateResponse(request, "mappings/impact.html", panel_context(preview))


def answer_refusal(request: HttpRequest, error: UsageError) -> TemplateResponse:
    """Return why an edit cannot be, as the panel shows it."""
    context = {"problems": [refusal_of(error).message], "links": links_of(error)}
    return TemplateResponse(request, "mappings/problems.html", context)


def answer_problems(
    request: HttpRequest, form: Any, formsets: Sequence[Any] = ()
) -> TemplateResponse:
    """Return what is wrong with a form that cannot be saved as it stands."""
    found: list[str] = []
    is_wrong = False
    for each in [form, *(inline for formset in formsets for inline in formset.forms)]:
        for name, errors in each.errors.items():
            label = each.fields[name].label if name in each.fields else ""
            found += [_told(str(label or ""), str(error)) for error in errors]
            is_wrong |= any(error.code != "required" for error in errors.as_data())
    for formset in formsets:
        found += [str(error) for error in formset.non_form_errors()]
        is_wrong |= bool(formset.non_form_errors())
    context = {"problems": found, "is_incomplete": not is_wrong}
    return TemplateResponse(request, "mappings/problems.html", context)


def _told(label: str, error: str) -> str:
    if not label:
        return error
    return f"{label} {error}" if label.endswith("?") else f"{label}: {error}"
