"""What a person is told after an edit of the rules."""

from django.contrib import messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings.models import ChangeSet


def tell_outcome(request: HttpRequest, change_set: ChangeSet | None) -> None:
    """Say what an edit did, with a button that takes it back."""
    if change_set is None:
        messages.info(request, "Nothing was changed: the rules are as they were.")
    elif change_set.state == ChangeSet.State.PREPARING:
        messages.warning(request, _being_prepared(change_set))
    else:
        messages.success(request, _in_effect(request, change_set))


def _being_prepared(change_set: ChangeSet) -> SafeString:
    link: SafeString | str = "the run that prepares it"
    if change_set.run_id is not None:
        page = reverse("admin:jobs_jobrun_change", args=(change_set.run_id,))
        link = format_html('<a class="etl-link" href="{}">run {}</a>', page, change_set.run_id)
    return format_html(
        "<bdi>{}</bdi>: it touches so many work items that it is prepared first. It takes effect "
        "when {} ends.",
        change_set.summary,
        link,
    )


def _in_effect(request: HttpRequest, change_set: ChangeSet) -> SafeString:
    count = change_set.touched_count
    is_undo = change_set.origin == ChangeSet.Origin.UNDO
    return format_html(
        "<bdi>{}</bdi>. {} {} changed. "
        '<form method="post" action="{}" class="mp-toast-form">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<button class="etl-link" name="_apply" value="1">{}</button></form>',
        change_set.summary,
        f"{count:,}" if count else "No",
        "work item" if count == 1 else "work items",
        reverse("admin:mappings_changeset_undo", args=(change_set.pk,)),
        get_token(request),
        "Bring it back" if is_undo else "Undo",
    )
