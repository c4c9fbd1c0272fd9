"""The queue and its workers, and the dead steps with what can be done about them."""

from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from common.errors import UsageError
from jobs.control import steps as control
from jobs.models import QueueEntry, Stage
from jobs.pages.posts import onwards
from jobs.queue_status import broker_state, lanes, workers
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

A_PAGE: Final = 50
MOST_AT_ONCE: Final = 1000


def queue_page(request: HttpRequest) -> HttpResponse:
    """Show the queue of the scope; asked for the fragment, only its figures. Operators see the
    processes, too."""
    access = access_of(request)
    if access is None or not access.may(Capability.READ):
        raise PermissionDenied
    is_fragment = "fragment" in request.GET
    context: dict[str, Any] = {
        "lanes": lanes(),
        "broker": broker_state(),
        "every_tenant": access.current is None,
        "workers": workers() if access.is_operator else None,
        "is_embedded": not settings.BROKER_URL,
    }
    request.current_app = admin.site.name
    if is_fragment:
        response = TemplateResponse(request, "jobs/queue_figures.html", context)
        response["Cache-Control"] = "no-store"
        return response
    stage = request.GET.get("stage", "")
    dead = _dead(stage)
    page = Paginator(dead.select_related("run", "integration", "tenant").order_by("-id"), A_PAGE)
    context |= {
        **admin.site.each_context(request),
        "title": "Queue and workers",
        "page": page.get_page(request.GET.get("p")),
        "stages": Stage.choices,
        "stage": stage if stage in Stage.values else "",
        "may_run": access.may(Capability.RUN),
        "reason_length": control.LONGEST_REASON,
    }
    return TemplateResponse(request, "jobs/queue_page.html", context)


def _dead(stage: str = "") -> QuerySet[QueueEntry]:
    steps: QuerySet[QueueEntry] = QueueEntry.objects.filter(state=QueueEntry.State.DEAD)
    return steps.filter(stage=stage) if stage in Stage.values else steps


def dead_steps(request: HttpRequest) -> HttpResponse:
    """Replay or discard the posted dead `steps`, or with `all` every one of the posted `stage`.

    All or none of a run: what cannot be done to the steps of one run is told.
    """
    if request.method != "POST":
        raise Http404
    access = access_of(request)
    if access is None or not access.may(Capability.RUN):
        raise PermissionDenied
    by = request.user.get_username()
    reason = request.POST.get("reason", "")
    asks: dict[str, tuple[str, Callable[[QuerySet[QueueEntry]], int]]] = {
        "replay": ("tried again", lambda steps: control.replay_all(steps, by)),
        "discard": ("discarded", lambda steps: control.discard_all(steps, reason, by)),
    }
    home = reverse("admin:jobs_queue")
    if request.POST.get("action") not in asks:
        messages.error(request, "Choose what is to be done with the dead steps.")
        return onwards(request, home)
    done, do = asks[request.POST["action"]]
    chosen = _chosen(request)
    if not chosen:
        messages.warning(request, "No dead step is chosen: tick some, or take all of them.")
    count = 0
    for run_id in sorted({step.run_id for step in chosen}):
        of_run = [step for step in chosen if step.run_id == run_id]
        with tenant_scope(of_run[0].tenant_id):
            try:
                count += do(_dead().filter(pk__in=[step.pk for step in of_run]))
            except UsageError as error:
                text = str(error)
                messages.warning(request, f"{text[:1].upper()}{text[1:]}.")
    if count:
        messages.success(request, f"{count:,} step{'' if count == 1 else 's'} {done}.")
    return onwards(request, home)


def _chosen(request: HttpRequest) -> list[QueueEntry]:
    if request.POST.get("all"):
        return list(_dead(request.POST.get("stage", "")).order_by("id")[:MOST_AT_ONCE])
    ids = [key for key in request.POST.getlist("steps") if key.isascii() and key.isdecimal()]
    keys = [int(key) for key in ids if len(key) < 19][:MOST_AT_ONCE]
    return list(_dead().filter(pk__in=keys).order_by("id"))


def queue_urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses below those of the admin site."""
    return [
        path("queue/", site.admin_view(queue_page), name="jobs_queue"),
        path("queue/dead/", site.admin_view(dead_steps), name="jobs_queue_dead"),
    ]
