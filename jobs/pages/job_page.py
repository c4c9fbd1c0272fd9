"""The page of one job: how it is doing, its runs compared, and where it is started and set."""

from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from common.errors import UsageError
from integrations.models import RequestBudget
from jobs.agenda import agenda_of, policy_in_words
from jobs.clock import database_now
from jobs.control.limits import MOST_PARALLEL, MOST_REQUESTS, set_limits
from jobs.glances import RUN_TONES
from jobs.models import Job, JobRun
from jobs.pages.job_rows import SMALL_MODES, RunCounts, counts_of, in_words, job_rows
from jobs.pages.posts import found
from jobs.pages.schedule_form import PRESETS, ScheduleForm, foreseen, kept_of
from jobs.schedule_edits import change, held_job
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

SHOWN: Final = 25
_ODD: Final = 1.5
"""A run that took so many times the median stands out."""


@dataclass(frozen=True)
class PastRun:
    """A run in the history. share, rows_share: of the longest and of the largest, in percent."""

    run: JobRun
    tone: str
    counts: RunCounts
    lasted: str
    share: int
    rows_share: int
    is_odd: bool


def job_page(request: HttpRequest, job: Job, form: ScheduleForm | None = None) -> HttpResponse:
    """Show the page of a job; in the scope of its tenant. form: as it was filled in wrongly."""
    access = access_of(request)
    assert access is not None
    (row,) = job_rows([job], access)
    may_edit = access.may(Capability.EDIT_INTEGRATIONS)
    agenda = agenda_of(job, database_now())
    context = {
        **admin.site.each_context(request),
        "opts": Job._meta,
        "original": job,
        "title": f"Job of {job.integration}",
        "row": row,
        "history": past_runs(job),
        "agenda": agenda,
        "policy": policy_in_words(agenda) if agenda["words"] else [],
        "form": form or ScheduleForm.of(job),
        "presets": PRESETS,
        "may_edit": may_edit,
        "may_run": access.may(Capability.RUN),
        "budget": _budget(job),
        "most_parallel": MOST_PARALLEL,
        "most_requests": MOST_REQUESTS,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "jobs/job.html", context).render()


def past_runs(job: Job) -> list[PastRun]:
    """Return the last runs of a job beside each other, the newest first."""
    runs = list(
        JobRun.objects.filter(job=job).exclude(mode__in=SMALL_MODES).order_by("-id")[:SHOWN]
    )
    counts = counts_of([run.pk for run in runs])
    ended = {
        run.pk: (run.finished_at - run.started_at).total_seconds()
        for run in runs
        if run.finished_at is not None
    }
    longest = max(ended.values(), default=0.0) or 1.0
    most = max((each.rows for each in counts.values()), default=0) or 1
    usual = median(ended.values()) if ended else 0.0
    return [
        PastRun(
            run=run,
            tone=RUN_TONES.get(run.state, "plain"),
            counts=counts.get(run.pk, RunCounts()),
            lasted=in_words(ended[run.pk]) if run.pk in ended else "so far",
            share=round(100 * ended.get(run.pk, 0.0) / longest),
            rows_share=round(100 * counts.get(run.pk, RunCounts()).rows / most),
            is_odd=len(ended) > 2 and ended.get(run.pk, 0.0) > max(_ODD * usual, usual + 2),
        )
        for run in runs
    ]


def _budget(job: Job) -> RequestBudget | None:
    """Return what the source last said is left of its own budget."""
    key = job.integration.budget_key
    rows = RequestBudget.objects.filter(key=key, remaining__isnull=False) if key else None
    return rows.order_by("-updated_at").first() if rows is not None else None


# ---- posts


def preview_schedule(request: HttpRequest, job_id: int) -> HttpResponse:
    """Answer what the posted schedule would come to, as JSON; see `foreseen`."""
    job = found(request, Job, job_id, Capability.EDIT_INTEGRATIONS)
    if isinstance(job, HttpResponse):
        return job
    with tenant_scope(job.tenant_id):
        return JsonResponse(foreseen(job, ScheduleForm(request.POST)))


def save_schedule(request: HttpRequest, job_id: int) -> HttpResponse:
    """Save the posted schedule, or show what is wrong with it."""
    job = found(request, Job, job_id, Capability.EDIT_INTEGRATIONS)
    if isinstance(job, HttpResponse):
        return job
    with tenant_scope(job.tenant_id):
        form = ScheduleForm(request.POST)
        before = kept_of(job)
        if not form.is_valid() or not _changed(job, form):
            return job_page(request, job, form)
        undo = _undo_form(request, job, before)
        messages.success(request, format_html("The schedule is saved. {}", undo))
    return _to(job)


def _changed(job: Job, form: ScheduleForm) -> bool:
    try:
        with transaction.atomic():
            change(held_job(job.integration_id), form.changes())
    except UsageError as error:
        form.add_error("blackouts" if "blackout" in str(error) else None, str(error))
        return False
    return True


def _undo_form(request: HttpRequest, job: Job, before: dict[str, Any]) -> SafeString:
    """Return a button that posts the schedule as it was."""
    kept = [(name, "on" if value is True else value) for name, value in before.items()]
    hidden = format_html_join(
        "",
        '<input type="hidden" name="{}" value="{}">',
        [(name, value) for name, value in kept if value not in (None, False)],
    )
    return format_html(
        '<form method="post" action="{}"><input type="hidden" name="csrfmiddlewaretoken" '
        'value="{}">{}<button type="submit" class="etl-link">Undo</button></form>',
        reverse("admin:jobs_job_schedule", args=(job.pk,)),
        get_token(request),
        hidden,
    )


def save_limits(request: HttpRequest, job_id: int) -> HttpResponse:
    """Save the posted limits; an empty one is none."""
    job = found(request, Job, job_id, Capability.EDIT_INTEGRATIONS)
    if isinstance(job, HttpResponse):
        return job
    with tenant_scope(job.tenant_id):
        try:
            set_limits(
                job.integration,
                _number(request, "max_parallel"),
                _number(request, "requests_per_hour"),
            )
        except UsageError as error:
            text = str(error)
            messages.error(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(request, "The limits are saved; they hold for what begins from now.")
    return _to(job)


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise UsageError(f"{name.replace('_', ' ')} {text[:40]!r} is no whole number")
    return int(text)


def _to(job: Job) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:jobs_job_change", args=(job.pk,)))


def shown_job(request: HttpRequest, object_id: str) -> Job:
    """Return the job that a page is asked for; raise Http404 for one that cannot be seen."""
    access = access_of(request)
    if access is None or not access.may(Capability.READ):
        raise PermissionDenied
    rows = Job.objects.select_related("integration", "tenant")
    job: Job | None = rows.filter(pk=object_id).first() if object_id.isdecimal() else None
    if job is None:
        raise Http404
    return job
