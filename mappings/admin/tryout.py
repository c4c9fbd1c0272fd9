"""Try a name: which rules match it in a place, in the order in which they win, and why."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from integrations.models import Integration
from mappings.admin.reach import Winner, link_to
from mappings.admin.suggest import (
    SuggestedInput,
    Suggestions,
    project_keys,
    status_categories,
    status_names,
    type_names,
)
from mappings.models import Status, StatusMapping, Wit, WitMapping
from mappings.resolve import status_facts, type_facts
from mappings.rules import (
    LONGEST_NAME,
    Ranked,
    StatusFacts,
    StatusRules,
    TypeFacts,
    TypeRules,
    fold,
)


@dataclass(frozen=True)
class Candidate:
    """A rule that matches. gives: what it makes of the name; where: what it is for."""

    rule: Winner
    gives: str
    where: str
    reason: str


def _line(suggestions: Suggestions, *, is_required: bool, help_text: str = "") -> forms.CharField:
    widget = SuggestedInput()
    widget.suggestions = suggestions
    return forms.CharField(
        required=is_required, max_length=LONGEST_NAME, widget=widget, help_text=help_text
    )


class TypeTryForm(forms.Form):
    """A type of a source, and where it occurs."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        rows = Integration.objects.order_by("name", "pk")
        self.fields["integration"] = forms.ModelChoiceField(
            rows, widget=UnfoldAdminSelectWidget(), empty_label="Choose…"
        )
        self.fields["project"] = _line(
            project_keys, is_required=False, help_text="Its key; empty: a project without rules."
        )
        self.fields["type"] = _line(type_names, is_required=True)
        self.fields["level"] = forms.IntegerField(
            required=False,
            widget=UnfoldAdminIntegerFieldWidget(),
            help_text="The source's own; empty: as the loaded type of this name has it.",
        )

    def candidates(self) -> list[Candidate]:
        """Return the rules that match, the winner first."""
        given = self.cleaned_data
        integration = given["integration"]
        source = _by_name(Wit, integration, given["type"])
        facts = type_facts(integration.pk, given["project"] or None, source)
        if source is None or given["level"] is not None:
            facts = TypeFacts(
                integration.pk,
                given["project"] or None,
                given["type"],
                facts.untranslated_name,
                given["level"],
            )
        rows = WitMapping.objects.filter(tenant_id=integration.tenant_id, is_active=True)
        rules = TypeRules(rows.select_related("hierarchy", "integration"))
        return [
            _candidate(each, f"{each.rule.target} on {each.rule.hierarchy}")
            for each in rules.ranked(facts)
        ]


class StatusTryForm(forms.Form):
    """A status of a source, and where it occurs."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        rows = Integration.objects.order_by("name", "pk")
        self.fields["integration"] = forms.ModelChoiceField(
            rows, widget=UnfoldAdminSelectWidget(), empty_label="Choose…"
        )
        self.fields["project"] = _line(
            project_keys, is_required=False, help_text="Its key; empty: a project without rules."
        )
        self.fields["type"] = _line(
            type_names, is_required=False, help_text="Of the work item that has the status."
        )
        self.fields["status"] = _line(status_names, is_required=True)
        self.fields["category"] = _line(
            status_categories,
            is_required=False,
            help_text="The source's own; empty: as the loaded status of this name has it.",
        )

    def candidates(self) -> list[Candidate]:
        """Return the rules that match, the winner first."""
        given = self.cleaned_data
        integration = given["integration"]
        source = _by_name(Status, integration, given["status"])
        wit = _by_name(Wit, integration, given["type"]) if given["type"] else None
        known = status_facts(integration.pk, given["project"] or None, wit, source)
        facts = StatusFacts(
            integration.pk,
            known.project_key,
            known.type_names or ((given["type"],) if given["type"] else ()),
            given["status"],
            known.untranslated_name,
            given["category"] or known.category,
        )
        rows = StatusMapping.objects.filter(tenant_id=integration.tenant_id, is_active=True)
        rules = StatusRules(rows.select_related("step__workflow", "integration"))
        return [_candidate(each, _status_value(each.rule)) for each in rules.ranked(facts)]


def _status_value(rule: StatusMapping) -> str:
    if rule.step is None:
        return f"{rule.target}, {rule.get_category_display()}"
    return f"{rule.target}, {rule.step.get_category_display()}, step {rule.step.name}"


def _candidate(ranked: Ranked[Any], gives: str) -> Candidate:
    rule = ranked.rule
    where = [str(rule.integration) if rule.integration else "every integration"]
    where += [f"project {rule.project_key}"] if rule.project_key else []
    where += [f"type {rule.type_name}"] if getattr(rule, "type_name", "") else []
    return Candidate(link_to(rule), gives, ", ".join(where), ranked.reason)


def _by_name(model: type[Any], integration: Integration, name: str) -> Any:
    """Return what the integration calls so; of several alike the first."""
    wanted = fold(name)
    rows = model.objects.filter(integration=integration).order_by("pk")
    return next((row for row in rows if fold(row.name) == wanted), None)


def answer_tryout(
    request: HttpRequest, form_class: type[Any], what: str, rules_url: str, add_url: str | None
) -> TemplateResponse:
    """Serve the page. what: type or status; add_url: of a form for a rule, None if not allowed."""
    form = form_class(request.GET if request.GET else None)
    candidates = form.candidates() if form.is_bound and form.is_valid() else None
    context = {
        **admin.site.each_context(request),
        "title": f"Try a {what} name",
        "form": form,
        "candidates": candidates,
        "what": what,
        "rules_url": rules_url,
        "add_url": add_url,
        "add_query": _query(form, what) if candidates == [] else "",
    }
    return TemplateResponse(request, "mappings/tryout.html", context)


def _query(form: Any, what: str) -> str:
    given = form.cleaned_data
    return urlencode({"from_name": given[what], "integration": given["integration"].pk})
