"""Pages that say what is going to happen, ask what has to be known, and then do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminSelectWidget

from common.errors import UsageError
from mappings.admin.outcome import tell_outcome
from mappings.admin.panel import panel_context
from mappings.admin.refusal import links_of, refusal_of
from mappings.admin.replies import answer_problems, answer_refusal
from mappings.editing import Preview
from mappings.models import ChangeSet
from tenants.admin import shortened

PREVIEW: Final = "_preview"
APPLY: Final = "_apply"
SHOWN_TITLE: Final = 60
"""Characters of a title at the top, which is one line; the heading has all of it."""


@dataclass(frozen=True)
class Group:
    """Things that are affected. link: the list of them; labels: the first of them."""

    title: str
    count: int
    items: int | None = None
    link: str = ""
    labels: Sequence[str] = field(default_factory=tuple)

    @property
    def more(self) -> int:
        """How many are not among the labels."""
        return max(self.count - len(self.labels), 0)


@dataclass(frozen=True)
class Confirmation:
    """What is asked, and what is then done. back: where to go from the page.

    keep: hidden values that say what it is about. problem: why it cannot be done.
    """

    title: str
    button: str
    back: str
    preview: Callable[[], Preview]
    apply: Callable[[], ChangeSet | None]
    intro: str = ""
    form: forms.Form | None = None
    groups: Sequence[Group] = ()
    keep: Sequence[tuple[str, str]] = ()
    is_danger: bool = False
    trail: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Move:
    """What has to go elsewhere. key: of the row that goes; choices: where to.

    when_empty: what it means to choose nothing, where that is allowed.
    """

    key: int
    label: str
    choices: Sequence[tuple[str, str]]
    initial: str = ""
    help_text: str = ""
    when_empty: str = "Leave as it is"


class MoveForm(forms.Form):
    """Asks where everything that depends on something goes, a select for each."""

    def __init__(self, data: Any, moves: Sequence[Move], *, is_required: bool) -> None:
        super().__init__(data)
        for move in moves:
            empty = "Choose…" if is_required else move.when_empty
            choices = [each for each in move.choices if each[1] != empty]
            self.fields[f"move_{move.key}"] = forms.ChoiceField(
                label=move.label,
                choices=[("", empty), *choices],
                required=is_required,
                initial=move.initial if is_required else "",
                help_text=move.help_text,
                widget=UnfoldAdminSelectWidget(),
                error_messages={"required": "Choose where this goes."},
            )

    @property
    def targets(self) -> dict[int, str]:
        """What was chosen by the key of the move; only what was."""
        return {
            int(name.removeprefix("move_")): value
            for name, value in self.cleaned_data.items()
            if value
        }


def posted(request: HttpRequest) -> Any:
    """Return what to bind a form of the page to; None when it is shown for the first time."""
    return request.POST if PREVIEW in request.POST or APPLY in request.POST else None


def answer_confirmation(request: HttpRequest, asked: Confirmation) -> HttpResponse:
    """Serve the page, the panel of it, or what is done in the end."""
    form = asked.form
    if request.method == "POST" and PREVIEW in request.POST:
        if form is not None and not form.is_valid():
            return answer_problems(request, form)
        try:
            context = panel_context(asked.preview())
        except UsageError as error:
            return answer_refusal(request, error)
        return TemplateResponse(request, "mappings/impact.html", context)
    problem = ""
    links: list[tuple[str, str]] = []
    if request.method == "POST" and APPLY in request.POST and (form is None or form.is_valid()):
        try:
            tell_outcome(request, asked.apply())
        except UsageError as error:
            problem, links = refusal_of(error).message, links_of(error)
        else:
            return HttpResponseRedirect(asked.back)
    context = {
        **admin.site.each_context(request),
        "title": shortened(asked.title, SHOWN_TITLE),
        "asked": asked,
        "problem": problem,
        "links": links,
        "here": request.path,
    }
    return TemplateResponse(request, "mappings/confirm.html", context)
